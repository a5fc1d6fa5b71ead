import unittest

from rate_limiter import RateLimiter


class Hidden(unittest.TestCase):
    def setUp(self):
        self.now = 100.0
        self.limiter = RateLimiter(2, 10, lambda: self.now)

    def test_limit(self):
        self.assertEqual([self.limiter.allow("a") for _ in range(3)], [True, True, False])

    def test_keys_are_apart(self):
        self.limiter.allow("a")
        self.limiter.allow("a")
        self.assertTrue(self.limiter.allow("b"))

    def test_slides(self):
        self.limiter.allow("a")
        self.now = 105.0
        self.limiter.allow("a")
        self.now = 109.9
        self.assertFalse(self.limiter.allow("a"))
        self.now = 110.0
        self.assertTrue(self.limiter.allow("a"))
        self.assertFalse(self.limiter.allow("a"))

    def test_refused_calls_do_not_count(self):
        self.limiter.allow("a")
        self.limiter.allow("a")
        self.now = 109.0
        self.limiter.allow("a")
        self.now = 110.0
        self.assertEqual([self.limiter.allow("a"), self.limiter.allow("a"), self.limiter.allow("a")], [True, True, False])

    def test_wait(self):
        self.assertEqual(self.limiter.wait_seconds("a"), 0)
        self.limiter.allow("a")
        self.now = 104.0
        self.limiter.allow("a")
        self.assertEqual(self.limiter.wait_seconds("a"), 6)
        self.assertEqual(self.limiter.wait_seconds("b"), 0)
        self.now = 110.0
        self.assertEqual(self.limiter.wait_seconds("a"), 0)
