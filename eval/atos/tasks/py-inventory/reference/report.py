from money import format_money


def report(inventory):
    lines, total = [], 0
    for name, quantity, price_cents in inventory.items():
        value = quantity * price_cents
        total += value
        lines.append("%s: %d x %s = %s" % (name, quantity, format_money(price_cents), format_money(value)))
    return "\n".join([*lines, "total: %s" % format_money(total)])
