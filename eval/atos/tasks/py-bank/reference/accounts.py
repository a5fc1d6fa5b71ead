class InsufficientFunds(Exception):
    pass


class Account:
    def __init__(self, owner):
        self.owner = owner
        self.history = []

    @property
    def balance(self):
        return sum(cents if kind in ("deposit", "in") else -cents for kind, cents in self.history)

    def deposit(self, cents):
        _check(cents)
        self.history.append(("deposit", cents))

    def withdraw(self, cents):
        self._pay(cents, "withdraw")

    def _pay(self, cents, kind):
        _check(cents)
        if cents > self.balance:
            raise InsufficientFunds("%s has %d, not %d" % (self.owner, self.balance, cents))
        self.history.append((kind, cents))


def transfer(source, target, cents):
    source._pay(cents, "out")
    target.history.append(("in", cents))


def _check(cents):
    if not isinstance(cents, int) or cents <= 0:
        raise ValueError("%r is no whole amount above zero" % (cents,))
