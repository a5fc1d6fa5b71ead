import unittest

from accounts import Account, InsufficientFunds, transfer
from statement import statement


class Hidden(unittest.TestCase):
    def test_balance(self):
        account = Account("Ann")
        account.deposit(500)
        account.withdraw(200)
        self.assertEqual(account.balance, 300)
        self.assertEqual([tuple(one) for one in account.history], [("deposit", 500), ("withdraw", 200)])

    def test_transfer(self):
        ann, bob = Account("Ann"), Account("Bob")
        ann.deposit(500)
        transfer(ann, bob, 120)
        self.assertEqual((ann.balance, bob.balance), (380, 120))
        self.assertEqual([tuple(one) for one in ann.history], [("deposit", 500), ("out", 120)])
        self.assertEqual([tuple(one) for one in bob.history], [("in", 120)])

    def test_nothing_happens_on_failure(self):
        ann, bob = Account("Ann"), Account("Bob")
        ann.deposit(100)
        with self.assertRaises(InsufficientFunds):
            transfer(ann, bob, 101)
        with self.assertRaises(InsufficientFunds):
            ann.withdraw(101)
        self.assertEqual((ann.balance, bob.balance, len(ann.history), len(bob.history)), (100, 0, 1, 0))
        ann.withdraw(100)
        self.assertEqual(ann.balance, 0)

    def test_amounts(self):
        ann, bob = Account("Ann"), Account("Bob")
        ann.deposit(100)
        for cents in (0, -5, 1.5):
            for call in (ann.deposit, ann.withdraw, lambda amount: transfer(ann, bob, amount)):
                with self.assertRaises(ValueError):
                    call(cents)
        self.assertEqual((ann.balance, bob.balance), (100, 0))

    def test_statement(self):
        ann, bob = Account("Ann"), Account("Bob")
        ann.deposit(500)
        ann.withdraw(50)
        transfer(ann, bob, 100)
        transfer(bob, ann, 30)
        self.assertEqual(statement(ann), "Ann\ndeposit 500 500\nwithdraw 50 450\nout 100 350\nin 30 380")
        self.assertEqual(statement(Account("Cy")), "Cy")
