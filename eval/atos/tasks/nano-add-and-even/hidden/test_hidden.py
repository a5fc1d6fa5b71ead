import unittest

from find_function import find_function


class Hidden(unittest.TestCase):
    add_numbers = staticmethod(find_function("add_numbers"))
    is_even = staticmethod(find_function("is_even"))

    def test_add(self):
        for a, b in [(2, 3), (-1, 1), (0, 0), (10, -4)]:
            self.assertEqual(self.add_numbers(a, b), a + b)

    def test_even(self):
        for number in range(-5, 6):
            self.assertIs(bool(self.is_even(number)), number % 2 == 0)
