"""Function names: an open vocabulary, so that copying a name must be learnt and can't be memorised."""

from __future__ import annotations

import builtins
import keyword
import random
import zlib

ONSETS = "b c d f g h j k l m n p qu r s t v w x y z br cl cr dr fl gr pl pr st tr sh ch th sk sp".split()
VOWELS = "a e i o u ai ee oo ea ou".split()
CODAS = "n r l s t x m d k p ng rt st".split()
COMMON = ("main data user order price report value item number list text total result check find get make do my simple "
          "helper quick fast new best calc compute two of to is by from numbers string strings values items run util "
          "convert count sum word words letter math tool small big the good magic func test task demo step").split()
TAKEN = set(dir(builtins)) | set(keyword.kwlist) | {
    "a", "b", "n", "x", "y", "i", "text", "values", "value", "base", "exponent", "low", "high", "first", "second", "lists",
    "celsius", "best", "total", "result", "count", "word", "item", "letter", "inner", "unittest", "math", "test", "assert",
    "delete", "export", "function", "new", "this", "typeof", "void", "const", "let", "var", "switch", "case", "null", "enum",
    "string", "number", "types", "random", "copy", "time", "do", "default", "catch", "throw", "super", "package", "static",
    "interface", "in", "is", "if", "of", "to", "the", "my", "that", "which", "code", "queue", "numbers", "operator", "statistics",
}


def is_held_out(word: str) -> bool:
    """One pseudo-word in seven never occurs in training."""
    return zlib.crc32(word.encode()) % 7 == 3


def pseudo_word(r: random.Random, held: bool) -> str:
    while True:
        word = "".join(r.choice(ONSETS) + r.choice(VOWELS) for _ in range(r.choice([1, 1, 2, 2, 3])))
        if r.random() < 0.6:
            word += r.choice(CODAS)
        if len(word) > 2 and word not in TAKEN and is_held_out(word) == held:
            return word


def snake(words: list[str]) -> str:
    return "_".join(words)


def camel(words: list[str]) -> str:
    return words[0] + "".join(w[:1].upper() + w[1:] for w in words[1:])


def words_of(name: str) -> list[str]:
    parts: list[str] = []
    for piece in name.split("_"):
        start = 0
        for i in range(1, len(piece)):
            if piece[i].isupper():
                parts.append(piece[start:i].lower())
                start = i
        parts.append(piece[start:].lower())
    return [p for p in parts if p]


def class_name(name: str) -> str:
    return "".join(piece[:1].upper() + piece[1:] for piece in name.split("_")) + "Test"


def convention(snake_name: str, language: str) -> str:
    return snake_name if language == "python" else camel(snake_name.split("_"))


def random_name(r: random.Random, language: str, held: bool, familiar: list[str]) -> str:
    """A name a person might give: a family's own, a family's with something added, or any word at all."""
    while True:
        roll = r.random()
        if roll < 0.22 and not held:
            words = r.choice(familiar).split("_")
            if r.random() < 0.3:
                words = [r.choice(["my", "do", "compute", "calc", "get", "make", "simple", "run", "the", "quick"])] + words
        else:
            words = []
            for _ in range(r.choice([1, 1, 2, 2, 3])):
                words.append(r.choice(COMMON) if r.random() < 0.3 and words else pseudo_word(r, held))
        if r.random() < 0.04:
            words[-1] += str(r.randint(1, 9))
        snaky = r.random() < (0.85 if language == "python" else 0.15)
        name = snake(words) if snaky else camel(words)
        if r.random() < 0.02:
            name = name[0].upper() + name[1:]
        if name not in TAKEN and len(name) <= 30:
            return name
