class Inventory:
    def __init__(self):
        self._items = {}

    def add(self, name, quantity, price_cents):
        _check(quantity)
        there, _ = self._items.get(name, (0, 0))
        self._items[name] = (there + quantity, price_cents)

    def remove(self, name, quantity):
        _check(quantity)
        there, price_cents = self._items[name]
        if there < quantity:
            raise ValueError("there are only %d of %s" % (there, name))
        self._items[name] = (there - quantity, price_cents)

    def items(self):
        return sorted((name, quantity, price) for name, (quantity, price) in self._items.items() if quantity > 0)


def _check(quantity):
    if quantity < 1:
        raise ValueError("the quantity must be at least 1, not %r" % (quantity,))
