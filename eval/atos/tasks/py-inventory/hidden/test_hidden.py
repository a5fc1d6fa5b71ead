import unittest

from inventory import Inventory
from money import format_money, parse_money
from report import report


class Hidden(unittest.TestCase):
    def test_money(self):
        self.assertEqual([parse_money(text) for text in ("12", "12.5", "12.50", "0.05", "0")], [1200, 1250, 1250, 5, 0])
        for text in ("", "x", "-1", "1.234", "1.", ".5", "1,50", "1e3"):
            with self.assertRaises(ValueError, msg=text):
                parse_money(text)
        self.assertEqual([format_money(cents) for cents in (0, 5, 1250, 100000)], ["0.00", "0.05", "12.50", "1000.00"])

    def test_add_and_remove(self):
        stock = Inventory()
        stock.add("nut", 5, 10)
        stock.add("bolt", 2, 25)
        stock.add("nut", 1, 12)
        self.assertEqual([tuple(one) for one in stock.items()], [("bolt", 2, 25), ("nut", 6, 12)])
        stock.remove("bolt", 2)
        stock.remove("nut", 4)
        self.assertEqual([tuple(one) for one in stock.items()], [("nut", 2, 12)])

    def test_refusals(self):
        stock = Inventory()
        stock.add("nut", 5, 10)
        with self.assertRaises(KeyError):
            stock.remove("cog", 1)
        with self.assertRaises(ValueError):
            stock.remove("nut", 6)
        for quantity in (0, -1):
            with self.assertRaises(ValueError):
                stock.add("nut", quantity, 10)
            with self.assertRaises(ValueError):
                stock.remove("nut", quantity)
        self.assertEqual([tuple(one) for one in stock.items()], [("nut", 5, 10)])

    def test_report(self):
        stock = Inventory()
        self.assertEqual(report(stock), "total: 0.00")
        stock.add("nut", 6, 12)
        stock.add("bolt", 2, 250)
        self.assertEqual(report(stock), "bolt: 2 x 2.50 = 5.00\nnut: 6 x 0.12 = 0.72\ntotal: 5.72")
