import re


def parse_money(text):
    match = re.fullmatch(r"([0-9]+)(?:\.([0-9]{1,2}))?", text)
    if match is None:
        raise ValueError("%r is no amount" % (text,))
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def format_money(cents):
    return "%d.%02d" % divmod(cents, 100)
