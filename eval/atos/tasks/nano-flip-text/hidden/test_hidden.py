import unittest

from find_function import find_function


class Hidden(unittest.TestCase):
    flip_text = staticmethod(find_function("flip_text"))

    def test_reverses(self):
        for text in ("abc", "", "a", "a b", "xyzzy!"):
            self.assertEqual(self.flip_text(text), text[::-1])
