import unittest

from top_words import top_words


class Hidden(unittest.TestCase):
    def test_order(self):
        self.assertEqual([tuple(one) for one in top_words("b a c b a b", 2)], [("b", 3), ("a", 2)])

    def test_ties(self):
        self.assertEqual([tuple(one) for one in top_words("pear fig apple fig pear", 3)], [("fig", 2), ("pear", 2), ("apple", 1)])

    def test_case_and_marks(self):
        self.assertEqual([tuple(one) for one in top_words("The cat, the CAT -- the end!", 2)], [("the", 3), ("cat", 2)])

    def test_apostrophes(self):
        self.assertEqual([tuple(one) for one in top_words("don't 'don't' dont", 5)], [("don't", 2), ("dont", 1)])

    def test_letters_of_others(self):
        self.assertEqual([tuple(one) for one in top_words("Äpfel äpfel 42 x1y", 5)], [("äpfel", 2), ("x", 1), ("y", 1)])

    def test_nothing(self):
        self.assertEqual(top_words("", 3), [])
        self.assertEqual(top_words("a b", 0), [])
