import unittest

from durations import format_duration, parse_duration


class Hidden(unittest.TestCase):
    def test_parse(self):
        for text, seconds in [("45s", 45), ("1h30m", 5400), ("2d 4h", 187200), ("90m", 5400), (" 1d2h3m4s ", 93784), ("0s", 0)]:
            self.assertEqual(parse_duration(text), seconds, text)

    def test_no_durations(self):
        for text in ("", "  ", "5", "h", "1x", "30m1h", "1h1h", "-5s", "1.5h", "1h30"):
            with self.assertRaises(ValueError, msg=text):
                parse_duration(text)

    def test_format(self):
        for seconds, text in [(0, "0s"), (59, "59s"), (60, "1m"), (3661, "1h1m1s"), (86400, "1d"), (90000, "1d1h"), (187200, "2d4h")]:
            self.assertEqual(format_duration(seconds), text)

    def test_there_and_back(self):
        for seconds in range(0, 200000, 977):
            self.assertEqual(parse_duration(format_duration(seconds)), seconds)
