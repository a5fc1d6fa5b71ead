import unittest

from find_function import find_function


class Hidden(unittest.TestCase):
    is_prime = staticmethod(find_function("is_prime"))

    def test_primes(self):
        for number in (2, 3, 5, 7, 11, 13, 97, 7919):
            self.assertTrue(self.is_prime(number), number)

    def test_others(self):
        for number in (0, 1, 4, 9, 15, 25, 49, 91, 100, -7):
            self.assertFalse(self.is_prime(number), number)
