import unittest

from find_function import find_function


class Hidden(unittest.TestCase):
    count_vowels = staticmethod(find_function("count_vowels"))

    def test_counts(self):
        for text, count in [("hello", 2), ("", 0), ("rhythm", 0), ("AEIOU", 5), ("Queue up", 5)]:
            self.assertEqual(self.count_vowels(text), count)
