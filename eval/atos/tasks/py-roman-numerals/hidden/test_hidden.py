import unittest

from roman import from_roman, to_roman


class Hidden(unittest.TestCase):
    def test_known(self):
        for number, text in [(1, "I"), (4, "IV"), (9, "IX"), (14, "XIV"), (40, "XL"), (90, "XC"), (400, "CD"), (1994, "MCMXCIV"), (3999, "MMMCMXCIX")]:
            self.assertEqual(to_roman(number), text)
            self.assertEqual(from_roman(text), number)

    def test_there_and_back(self):
        for number in range(1, 4000):
            self.assertEqual(from_roman(to_roman(number)), number)

    def test_numbers_outside(self):
        for number in (0, -3, 4000):
            with self.assertRaises(ValueError):
                to_roman(number)

    def test_no_numerals(self):
        for text in ("", "IIII", "IC", "iv", "VX", "MMMM", "ABC"):
            with self.assertRaises(ValueError):
                from_roman(text)
