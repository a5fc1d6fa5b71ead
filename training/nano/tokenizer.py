"""A byte-level BPE tokenizer that llama.cpp reads as pre-tokenizer type `smollm`.

Two departures from the usual recipe, both for the sake of copying: a leading space is never merged
with letters (so that `name` is the same tokens wherever it stands), and each digit is a token.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict

import regex

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
PIECES = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
DIGIT_RUNS = regex.compile(r"(\p{N})")


def byte_alphabet() -> list[str]:
    """One printable character for each byte, as GPT-2 assigns them."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters, spare = [""] * 256, 256
    for byte in range(256):
        if byte in printable:
            letters[byte] = chr(byte)
        else:
            letters[byte] = chr(spare)
            spare += 1
    return letters


ALPHABET = byte_alphabet()
BYTES = {letter: byte for byte, letter in enumerate(ALPHABET)}
SPACE = ALPHABET[32]


def split_words(text: str) -> list[str]:
    words: list[str] = []
    for index, part in enumerate(DIGIT_RUNS.split(text)):
        if index % 2 == 1:
            words.append(part)
        elif part:
            words += PIECES.findall(part)
    return words


def may_merge(left: str, right: str) -> bool:
    glued = left + right
    return not (glued.startswith(SPACE) and any(c.isalpha() and c != SPACE for c in glued))


def merge(symbols: list[str], left: str, right: str) -> list[str]:
    merged: list[str] = []
    index = 0
    while index < len(symbols):
        if index + 1 < len(symbols) and symbols[index] == left and symbols[index + 1] == right:
            merged.append(left + right)
            index += 2
        else:
            merged.append(symbols[index])
            index += 1
    return merged


def learn(texts: list[str], size: int) -> dict[str, list[str]]:
    """The most frequent pair first, ties by the pair itself: the same texts give the same tokenizer."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split_words(text))
    words = [([ALPHABET[b] for b in word.encode()], count) for word, count in sorted(counts.items())]
    pairs: Counter[tuple[str, str]] = Counter()
    homes: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for index, (symbols, count) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += count
            homes[pair].add(index)
    merges: list[tuple[str, str]] = []
    while len(merges) < size - 256 - len(SPECIAL):
        best = max((p for p in pairs if may_merge(*p)), key=lambda p: (pairs[p], p), default=None)
        if best is None or pairs[best] < 2:
            break
        merges.append(best)
        for index in homes.pop(best):
            symbols, count = words[index]
            after = merge(symbols, *best)
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] -= count
            for pair in zip(after, after[1:]):
                pairs[pair] += count
                homes[pair].add(index)
            words[index] = (after, count)
        del pairs[best]
    tokens = sorted(ALPHABET) + [a + b for a, b in merges] + list(SPECIAL)
    return {"tokens": tokens, "merges": [f"{a} {b}" for a, b in merges]}


class Tokenizer:
    def __init__(self, data: dict[str, list[str]]) -> None:
        self.tokens = data["tokens"]
        self.merges = data["merges"]
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        self.ranks = {tuple(pair.split(" ")): rank for rank, pair in enumerate(self.merges)}
        self.known: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """Plain text only: a special token's spelling inside `text` is ordinary text."""
        ids: list[int] = []
        for word in split_words(text):
            found = self.known.get(word)
            if found is None:
                found = self.encode_word(word)
                if len(self.known) < 200_000:
                    self.known[word] = found
            ids += found
        return ids

    def encode_word(self, word: str) -> list[int]:
        symbols = [ALPHABET[b] for b in word.encode()]
        while len(symbols) > 1:
            best = min(zip(symbols, symbols[1:]), key=lambda pair: self.ranks.get(pair, sys.maxsize))
            if best not in self.ranks:
                break
            symbols = merge(symbols, *best)
        return [self.ids[s] for s in symbols]

    def decode(self, ids: list[int]) -> str:
        return bytes(BYTES[c] for i in ids for c in self.tokens[i]).decode("utf-8", "replace")

    def encode_turns(self, turns: list[tuple[str, str, bool]]) -> tuple[list[int], list[bool]]:
        """ChatML. A header, a content and a closing newline are tokenised apart, as llama.cpp callers do."""
        start, end, newline = self.ids["<|im_start|>"], self.ids["<|im_end|>"], self.encode("\n")
        ids: list[int] = []
        trained: list[bool] = []
        for role, text, learnt in turns:
            header = [start, *self.encode(f"{role}\n")]
            body = [*self.encode(text), end]
            ids += header + body + newline
            trained += [False] * len(header) + [learnt] * len(body) + [False] * len(newline)
        return ids, trained


def main(size: int, path: str) -> None:
    import random

    from samples import LESSONS, sample

    r = random.Random(7)
    texts = [text for _ in range(6000) for _, text, _ in sample(r, LESSONS[-1 if r.random() < 0.8 else -2])]
    data = learn(texts, size)
    tokenizer = Tokenizer(data)
    for text in texts[:500]:
        if tokenizer.decode(tokenizer.encode(text)) != text:
            raise ValueError(f"does not survive a round trip: {text!r}")
    with open(path, "w") as file:
        json.dump(data, file)
    lengths = sorted(len(tokenizer.encode_turns(sample(r))[0]) for _ in range(2000))
    print(f"{len(tokenizer.tokens)} tokens; a sample has {lengths[1000]} tokens in the middle, {lengths[-1]} at most")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
