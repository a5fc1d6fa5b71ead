def statement(account):
    lines, balance = [account.owner], 0
    for kind, cents in account.history:
        balance += cents if kind in ("deposit", "in") else -cents
        lines.append("%s %d %d" % (kind, cents, balance))
    return "\n".join(lines)
