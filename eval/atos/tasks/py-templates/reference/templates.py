FILTERS = {"upper": str.upper, "trim": str.strip}


def render(template, values):
    parts, rest = [], template
    while "{{" in rest:
        before, _, rest = rest.partition("{{")
        parts.append(before)
        if rest.startswith("{{"):
            parts.append("{{")
            rest = rest[2:]
            continue
        inside, closing, rest = rest.partition("}}")
        if not closing:
            raise ValueError("braces are not closed")
        parts.append(_value(inside, values))
    return "".join([*parts, rest])


def _value(inside, values):
    name, *filters = [part.strip() for part in inside.split("|")]
    text = str(values[name])
    for one in filters:
        if one not in FILTERS:
            raise ValueError("there is no filter %r" % (one,))
        text = FILTERS[one](text)
    return text
