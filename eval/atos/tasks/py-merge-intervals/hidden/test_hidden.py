import unittest

from intervals import merge


class Hidden(unittest.TestCase):
    def test_joins(self):
        self.assertEqual([tuple(one) for one in merge([(8, 10), (1, 3), (2, 6)])], [(1, 6), (8, 10)])

    def test_touching(self):
        self.assertEqual([tuple(one) for one in merge([(1, 3), (3, 5)])], [(1, 5)])

    def test_one_inside_another(self):
        self.assertEqual([tuple(one) for one in merge([(1, 10), (2, 3), (4, 5)])], [(1, 10)])

    def test_empty_and_points(self):
        self.assertEqual(merge([]), [])
        self.assertEqual([tuple(one) for one in merge([(4, 4), (1, 1)])], [(1, 1), (4, 4)])

    def test_keeps_what_was_given(self):
        given = [(5, 6), (1, 2)]
        merge(given)
        self.assertEqual(given, [(5, 6), (1, 2)])

    def test_backwards(self):
        with self.assertRaises(ValueError):
            merge([(3, 1)])
