class CycleError(ValueError):
    def __init__(self, names):
        super().__init__("these wait for each other: %s" % ", ".join(names))
        self.names = names


def order(tasks):
    waits = {name: set(needed) for name, needed in tasks.items()}
    for needed in list(waits.values()):
        for name in needed:
            waits.setdefault(name, set())
    done = []
    while waits:
        ready = sorted(name for name, needed in waits.items() if not needed)
        if not ready:
            raise CycleError(_circle(waits))
        first = ready[0]
        done.append(first)
        del waits[first]
        for needed in waits.values():
            needed.discard(first)
    return done


def _circle(waits):
    path = [min(waits)]
    while True:
        following = min(waits[path[-1]])
        if following in path:
            return path[path.index(following):]
        path.append(following)
