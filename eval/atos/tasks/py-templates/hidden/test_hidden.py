import unittest

from templates import render


class Hidden(unittest.TestCase):
    def test_values(self):
        self.assertEqual(render("Dear {{name}}, {{ count }} left", {"name": "Ann", "count": 3}), "Dear Ann, 3 left")
        self.assertEqual(render("plain } text {", {}), "plain } text {")

    def test_filters(self):
        self.assertEqual(render("{{a|upper}}-{{a|trim}}-{{ a | trim | upper }}", {"a": " x "}), " X -x-X")

    def test_braces(self):
        self.assertEqual(render("{{{{name}}", {"name": "x"}), "{{name}}")

    def test_filled_in_once(self):
        self.assertEqual(render("{{a}}", {"a": "{{b}}", "b": "no"}), "{{b}}")

    def test_refusals(self):
        with self.assertRaises(KeyError):
            render("{{missing}}", {})
        for template in ("{{a|shout}}", "{{a", "x {{a|upper"):
            with self.assertRaises(ValueError, msg=template):
                render(template, {"a": "x"})
