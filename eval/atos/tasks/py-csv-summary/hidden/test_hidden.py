import unittest

from csv_summary import summarize


class Hidden(unittest.TestCase):
    def test_numbers_and_text(self):
        found = summarize("name,age,size\nAnn,30,1.5\nBob,20,2.5\n")
        self.assertEqual(found, {"age": {"count": 2, "min": 20.0, "max": 30.0, "mean": 25.0}, "size": {"count": 2, "min": 1.5, "max": 2.5, "mean": 2.0}})

    def test_quotes(self):
        found = summarize('"last, first",n\n"Doe, ""J""",4\n"Roe, A",-2\n')
        self.assertEqual(found, {"n": {"count": 2, "min": -2.0, "max": 4.0, "mean": 1.0}})

    def test_empty_fields_do_not_count(self):
        found = summarize("a,b\n1,\n,\n3,\n")
        self.assertEqual(found, {"a": {"count": 2, "min": 1.0, "max": 3.0, "mean": 2.0}})

    def test_one_word_spoils_a_column(self):
        self.assertEqual(summarize("a\n1\nx\n"), {})

    def test_header_alone(self):
        self.assertEqual(summarize("a,b\n"), {})

    def test_a_row_too_short(self):
        with self.assertRaises(ValueError) as caught:
            summarize("a,b\n1,2\n3\n")
        self.assertIn("3", str(caught.exception))

    def test_empty_lines(self):
        self.assertEqual(summarize("a\n1\n\n2\n")["a"]["count"], 2)
