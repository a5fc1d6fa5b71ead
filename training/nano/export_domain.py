"""Writes the guard's data, `models/nano/domain.yaml`, from the same tables the training text comes from."""

from __future__ import annotations

import re
import sys

from domain import CHECK, FAMILIES, GET, SLOTS, Family
from wording import (BARE, LANGUAGE_WORDS, LINKS, NAMED, NUMBER_WORDS, OPENERS, SHORT, SHORT_NAMED, TAILS, THINGS, TRUTH)

# Words that say nothing about the job: they may stand in any goal.
FILLER = """
a an the this that these which who whose what it its i id im we you me my us our your can could would should will shall may must might
be is are was been do does done have has had having let lets please kindly just simply some any of in on at by with for from to and or as into
onto using use used via so then also here there if when where while new small simple basic tiny little short quick good nice clean proper plain
pure tested working correct code coding program programming script module file library package project function func fn helper utility util
routine snippet implementation implement implementing version solution write writing written create creating make making build building develop
define defining design code generate provide produce prepare construct set up show give need want like look looking help hey hi hello there thanks
thank task job purpose called named name call calling naming export exporting exported exports language should able allow allows lets
test tests testing unit unittest unittests tested pytest suite coverage cover covered cases case example examples include including included plus along together
few several some proper thoroughly fully well add adding added too result results answer output outputs argument arguments parameter parameters input inputs
passed pass passing given gives giving takes take taking taken accept accepts accepting receive receives receiving return returns returning returned back
compute computes computing computed calculate calculates calculating calculation find finds finding get gets getting determine determines determining
work works out working produce one do doing does program programme - it thats know wants try correctly
""".split()
# "add" is filler in "add tests" only, and "plus" in "plus tests": as a job they belong to families.
PHRASES = ["add tests", "add unit tests", "add a test", "adding tests", "and add tests", "plus tests", "plus unit tests", "together with tests", "along with tests",
           "add some tests", "tests added", "add a few tests", "plus some tests", "plus a test", "with tests added", "python file", "typescript file", "file with a function", "py file", "ts file", "python3 file", "file with a function", "file with a", "file named", "file called", "few tests", "few unit tests", "few cases"]
NOT_FILLER = {"file", "add", "adding", "added", "plus", "together", "few", "several", "hello"}
CONDITION_WORDS = "see sees seeing telling say says saying verifies decides check checks whether if true false not no or otherwise else boolean bool yes tell tells test say says verify decide detect see determine returns".split()


def words_in(text: str) -> set[str]:
    text = re.sub(r"\{[A-Za-z]\}|\{(third|base|ing)\}", " ", text).lower().replace("'", "").replace("-", " ")
    return set(re.findall(r"[a-z]!|[a-z]+\d?|\d+|(?<=\s)[-+*/](?=\s)", text))


def family_words(f: Family) -> list[str]:
    templates = f.nouns + f.verbs + f.conditions + f.bare + [f.extra, f.summary, *f.params] + [n.replace("_", " ") for n in f.names]
    words: set[str] = set()
    for template in templates:
        for slot in re.findall(r"\[(\w+)\]", template):
            for value in SLOTS[slot]:
                words |= words_in(value)
        words |= words_in(re.sub(r"\[\w+\]", " ", template).replace("{n}", " "))
    if f.conditions:
        words |= set(CONDITION_WORDS)
        for text in TRUTH + CHECK:
            words |= words_in(text)
    if f.number is not None:
        words -= set(NUMBER_WORDS.values())
    return sorted(words - set(frame_words()))


def frame_words() -> list[str]:
    words = set(FILLER)
    for template in OPENERS + THINGS + NAMED + LINKS + SHORT + SHORT_NAMED + BARE + TAILS + GET:
        words |= words_in(template)
    languages = {w.lower() for options in LANGUAGE_WORDS.values() for w in options}
    return sorted(words - NOT_FILLER - languages)


def flow(values: list[str]) -> str:
    return "[" + ", ".join('"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values) + "]"


def wrapped(values: list[str], by: str) -> str:
    lines, line = [], by
    for value in values:
        item = f'"{value}", '
        if len(line) + len(item) > 150:
            lines.append(line.rstrip())
            line = by
        line += item
    return "\n".join([*lines, line.rstrip()])


def main(path: str) -> None:
    out = ["# Written by training/nano/export_domain.py from training/nano/domain.py: change it there.", "version: 1", "languages:",
           '  python: ["python", "py", "python3"]', '  typescript: ["typescript", "ts"]', "# Words and phrases that may stand in any goal.",
           "frame: [", wrapped(frame_words(), "    "), "  ]", f"framePhrases: {flow(PHRASES)}", "numberWords:"]
    out += [f"  {word}: {value}" for value, word in NUMBER_WORDS.items()]
    out.append("families:")
    for f in FAMILIES.values():
        number = "" if f.number is None else f"\n    number: {{ min: {f.number[0]}, max: {f.number[1]} }}"
        out.append(f"  - key: {f.key}\n    summary: \"{f.summary}\"\n    parameters: {len(f.params)}{number}")
        out.append("    words: [\n" + wrapped(family_words(f), "        ") + "\n      ]")
        out.append("    groups:")
        out += [f"      - {flow(group)}" for group in f.groups]
        out.append(f"    exclude: {flow(f.exclude)}")
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
