class RateLimiter:
    def __init__(self, limit, window_seconds, clock):
        self._limit = limit
        self._window = window_seconds
        self._clock = clock
        self._calls = {}

    def allow(self, key):
        now = self._clock()
        recent = self._recent(key, now)
        if len(recent) >= self._limit:
            return False
        recent.append(now)
        return True

    def wait_seconds(self, key):
        now = self._clock()
        recent = self._recent(key, now)
        if len(recent) < self._limit:
            return 0
        return recent[-self._limit] + self._window - now

    def _recent(self, key, now):
        recent = [at for at in self._calls.get(key, []) if now - at < self._window]
        self._calls[key] = recent
        return recent
