import unittest

from expressions import evaluate


class Hidden(unittest.TestCase):
    def test_precedence(self):
        for text, value in [("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("8 - 3 - 2", 3), ("8 / 4 / 2", 1), ("2 * -3", -6), ("0.5*4", 2)]:
            self.assertAlmostEqual(evaluate(text), value, msg=text)

    def test_powers(self):
        for text, value in [("2^3", 8), ("2^3^2", 512), ("-2^2", -4), ("(-2)^2", 4), ("2^-1", 0.5), ("3*2^2", 12)]:
            self.assertAlmostEqual(evaluate(text), value, msg=text)

    def test_names(self):
        self.assertAlmostEqual(evaluate("x * (y - 1)", {"x": 3, "y": 5}), 12)
        with self.assertRaises(KeyError):
            evaluate("z", {"x": 1})

    def test_nested(self):
        self.assertAlmostEqual(evaluate("((((1))))"), 1)
        self.assertAlmostEqual(evaluate("--4"), 4)

    def test_no_expressions(self):
        for text in ("", "1 +", "(1", "1)", "1 2", "* 3", "2 $ 3", "1..2", "().__class__", "__import__('os')"):
            with self.assertRaises(ValueError, msg=text):
                evaluate(text)

    def test_zero(self):
        with self.assertRaises(ZeroDivisionError):
            evaluate("1 / (2 - 2)")
