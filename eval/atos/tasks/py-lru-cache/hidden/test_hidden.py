import unittest

from lru_cache import LruCache


class Hidden(unittest.TestCase):
    def test_get_and_put(self):
        cache = LruCache(2)
        self.assertIsNone(cache.get("a"))
        cache.put("a", 1)
        self.assertEqual(cache.get("a"), 1)
        self.assertEqual(len(cache), 1)

    def test_forgets_the_longest_unused(self):
        cache = LruCache(2)
        cache.put("a", 1)
        cache.put("b", 2)
        cache.get("a")
        cache.put("c", 3)
        self.assertEqual((cache.get("a"), cache.get("b"), cache.get("c")), (1, None, 3))
        self.assertEqual(len(cache), 2)

    def test_replacing_is_use(self):
        cache = LruCache(2)
        cache.put("a", 1)
        cache.put("b", 2)
        cache.put("a", 9)
        cache.put("c", 3)
        self.assertEqual((cache.get("a"), cache.get("b")), (9, None))

    def test_looking_is_no_use(self):
        cache = LruCache(2)
        cache.put("a", 1)
        cache.put("b", 2)
        self.assertTrue("a" in cache)
        self.assertFalse("z" in cache)
        cache.put("c", 3)
        self.assertFalse("a" in cache)

    def test_capacity(self):
        with self.assertRaises(ValueError):
            LruCache(0)
        cache = LruCache(1)
        cache.put(1, "x")
        cache.put(2, "y")
        self.assertEqual((cache.get(1), cache.get(2)), (None, "y"))
