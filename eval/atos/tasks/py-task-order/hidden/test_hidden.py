import unittest

from task_order import CycleError, order


class Hidden(unittest.TestCase):
    def test_order(self):
        self.assertEqual(order({"cake": ["dough", "oven"], "dough": ["flour"]}), ["flour", "dough", "oven", "cake"])

    def test_alphabetical(self):
        self.assertEqual(order({"c": [], "a": [], "b": ["c"]}), ["a", "c", "b"])

    def test_empty_and_doubled(self):
        self.assertEqual(order({}), [])
        self.assertEqual(order({"a": ["b", "b"]}), ["b", "a"])

    def test_circles(self):
        with self.assertRaises(CycleError) as caught:
            order({"a": ["b"], "b": ["c"], "c": ["b"], "d": []})
        self.assertEqual(sorted(set(caught.exception.names)), ["b", "c"])
        self.assertIsInstance(caught.exception, ValueError)
        with self.assertRaises(CycleError) as caught:
            order({"a": ["a"]})
        self.assertEqual(set(caught.exception.names), {"a"})

    def test_given_is_kept(self):
        tasks = {"b": ["a"]}
        order(tasks)
        self.assertEqual(tasks, {"b": ["a"]})
