import re
from collections import Counter

WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def top_words(text, count):
    counted = Counter(WORD.findall(text.lower()))
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:count]
