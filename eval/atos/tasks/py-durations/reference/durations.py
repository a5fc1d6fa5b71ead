import re

UNITS = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]
PATTERN = re.compile(r"\s*" + "".join(r"(?:(\d+)%s\s*)?" % unit for unit, _ in UNITS))


def parse_duration(text):
    match = PATTERN.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError("%r is no duration" % (text,))
    return sum(int(part or 0) * seconds for part, (_, seconds) in zip(match.groups(), UNITS))


def format_duration(seconds):
    parts = []
    for unit, length in UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append("%d%s" % (count, unit))
    return "".join(parts) or "0s"
