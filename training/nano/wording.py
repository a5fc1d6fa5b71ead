"""Goals in words: many phrases for a family times many sentences around them.

What is held out of training (a share of the phrases and of the openings) is chosen by a checksum,
so that it never moves when the lists are reordered.
"""

from __future__ import annotations

import random
import re
import zlib

from domain import CHECK, GET, SLOTS, Family
from names import convention, random_name

IRREGULAR_ING = {"get": "getting", "sum": "summing", "cut": "cutting", "drop": "dropping", "strip": "stripping", "total": "totalling",
                 "flip": "flipping", "put": "putting", "be": "being", "see": "seeing", "dedupe": "deduping", "limit": "limiting", "begin": "beginning"}
NUMBER_WORDS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten"}


def third(verb: str) -> str:
    head, _, tail = verb.partition(" ")
    if head == "do" or head == "go":
        head += "es"
    elif head.endswith(("s", "sh", "ch", "x", "z")):
        head += "es"
    elif head.endswith("y") and head[-2] not in "aeiou":
        head = head[:-1] + "ies"
    else:
        head += "s"
    return f"{head} {tail}".strip()


def gerund(verb: str) -> str:
    head, _, tail = verb.partition(" ")
    if head in IRREGULAR_ING:
        head = IRREGULAR_ING[head]
    elif head.endswith("e") and not head.endswith("ee"):
        head = head[:-1] + "ing"
    else:
        head += "ing"
    return f"{head} {tail}".strip()


def conjugate(phrase: str, form: str) -> str:
    def one(match: re.Match[str]) -> str:
        verb = match.group(1)
        return third(verb) if form == "third" else gerund(verb) if form == "ing" else verb
    return re.sub(r"\{([a-z][a-z -]+)\}", one, phrase)


def fill_slots(phrase: str, r: random.Random) -> str:
    return re.sub(r"\[(\w+)\]", lambda m: r.choice(SLOTS[m.group(1)]), phrase)


def held_out(key: str, phrase: str) -> bool:
    return zlib.crc32(f"{key}|{phrase}".encode()) % 6 == 0


def phrases(f: Family, held: bool) -> list[tuple[str, str]]:
    everything = [("noun", p) for p in f.nouns] + [("verb", p) for p in f.verbs] + [("condition", p) for p in f.conditions]
    chosen = [(kind, p) for kind, p in everything if held_out(f.key, p) == held]
    return chosen or everything[:1]


TRUTH = ["", "", "", "", " and False otherwise", ", otherwise False", ", and false if not", " or not"]
WHETHER = ["{check} whether %s", "{check} if %s", "{return} True if %s", "{return} true when %s", "{return} whether %s", "{get} whether %s"]


def describe(f: Family, r: random.Random, held: bool) -> str:
    """A verb phrase with its verbs still in braces."""
    kind, phrase = r.choice(phrases(f, held))
    phrase = fill_slots(phrase, r)
    if kind == "noun":
        return f"{{{r.choice(GET)}}} {phrase}"
    if kind == "condition":
        frame = r.choice(WHETHER)
        frame = frame.replace("{check}", "{" + r.choice(CHECK) + "}").replace("{get}", "{" + r.choice(["return", "determine", "tell"]) + "}")
        text = frame % phrase
        if "rue" in frame and "or not" not in phrase:
            text += r.choice([t for t in TRUTH if "or not" not in t])
        return text
    return phrase


OPENERS = ["Write", "Write", "Create", "Make", "Build", "Develop", "Code", "Implement", "Define", "Give me", "I need", "I want", "I would like",
           "We need", "Please write", "please build me", "Can you write", "Could you create", "Help me write", "Produce", "Generate", "Provide",
           "Can you make", "Please create", "Please implement", "Design", "Let's write", "I'd like", "Could you please write", "build me", "hey, write", "program",
           "Please make", "I am looking for", "write me", "Show me", "Construct", "Set up", "Prepare"]
THINGS = ["a {L} function", "a {L} function", "a function in {L}", "a function", "a small {L} function", "a simple {L} function", "a {L} helper",
          "a {L} helper function", "a small function in {L}", "a tiny {L} function", "one {L} function", "a {L} utility function", "a pure {L} function",
          "a {L} module with a function", "a small {L} module with a function", "a {L} file with a function", "a {L} library with one function",
          "a short {L} function", "a {L} utility", "a new {L} function", "the {L} function", "a tested {L} function", "a {L} package with a function",
          "a basic {L} function", "a little {L} function", "a {L} module", "a {L} program with a function", "a {L} project with a function"]
NAMED = [" called {N}", " named {N}", " {N}", " `{N}`", " called `{N}`", " named `{N}`", " {N}({A})", " called {N}({A})", " with the name {N}", ' called "{N}"']
LINKS = [" that {third}", " that {third}", " which {third}", " to {base}", " for {ing}", " that can {base}", ": {base}", " that will {base}", ", it should {base}",
         " that should {base}", " - it {third}", ": it {third}", " {ing}", ". It {third}", ". It should {base}", " and have it {base}", " whose job is to {base}"]
SHORT = ["{L} function to {base}", "{L} function that {third}", "{L}: {base}", "{base} in {L}", "{base} with a {L} function", "a {L} function for {ing}",
         "{L} function for {ing}", "function that {third}", "function to {base}", "{L} code to {base}", "{L} code that {third}", "{base}",
         "{ing} in {L}", "a function that {third}", "In {L}, {base}", "using {L}, {base}", "{L} helper to {base}", "a {L} function which {third}", "{base} using {L}"]
SHORT_NAMED = ["{N} in {L} that {third}", "{N}({A}) in {L}: {third}", "{L} function {N} that {third}", "Implement {N}({A}) in {L}: {third}",
               "Implement {N} in {L}: {base}", "Implement {N} in {L}. It should {base}", "In {L}, write a function named {N} to {base}",
               "In {L}, write {N}({A}) that {third}", "Define {N}({A}) in {L} which {third}", "function {N} in {L} to {base}", "{L} function called {N} for {ing}",
               "Implement {N}({A}) in {L} to {base}", "{L}: function {N} that {third}", "Write {N}({A}) in {L} which {third}", "Create {N}({A}) in {L} to {base}",
               "{N}: a {L} function that {third}", "Implement a {L} function {N}({A}): {third}", "Implement {N}({A}): {third}", "Write a function {N}({A}) in {L} to {base}",
               "{base} in a {L} function called {N}", "{base} in {L}, call the function {N}", "{base}. Name the function {N}. Use {L}.",
               "In {L}, create a function `{N}` which {third}", "using {L}, define {N} to {base}"]
BARE = ["{N} in {L}", "{L} {B}", "{B} in {L}", "a {L} function for {B}", "implement {N} in {L}", "{L} function {N}", "write {B} in {L}", "Implement {N}({A}) in {L}",
        "{B} function in {L}", "implement {B} in {L}", "{N}({A}) in {L}", "Write {N} in {L}", "{L} {N} function", "{N}", "a function {N} in {L}", "{L} implementation of {B}",
        "Write a {L} function {N}", "a {L} function called {N}", "Write a {B} function in {L}", "{L} {B} function", "I need {B} in {L}", "make a {B} function in {L}"]
TAILS = ["", "", "", "", "", ", with tests", " with tests", " and test it", " with unit tests", ", including tests", " plus tests", ". Add tests.", " and write tests for it",
         ", fully tested", " and unit tests for it", " with a few tests", " along with tests", ", and add unit tests", ", plus unit tests", ". Include tests.",
         ". Please include unit tests", ", and tests", " (with tests)", ". Test it.", ", thoroughly tested", " together with tests", ". With tests please", ", please", " and some tests",
         ". Also write tests", " and its tests", ", tested"]
LANGUAGE_WORDS = {"python": ["Python", "Python", "Python", "python", "py", "Python3", "PYTHON"],
                  "typescript": ["TypeScript", "TypeScript", "TypeScript", "typescript", "TS", "ts", "Typescript"]}


def part(options: list[str], r: random.Random, held: bool) -> str:
    while True:
        option = r.choice(options)
        if len(options) < 8 or (zlib.crc32(option.encode()) % 8 == 0) == held or r.random() < 0.02:
            return option


class Goal:
    def __init__(self, text: str, f: Family, language: str, name: str, n: int | None) -> None:
        self.text, self.family, self.language, self.name, self.n = text, f, language, name, n


def arguments(f: Family, language: str, r: random.Random) -> str:
    params = list(f.params)
    if len(params) == 2 and f.types == ("number", "number") and r.random() < 0.4:
        params = list(r.choice([("x", "y"), ("n", "m"), ("first", "second"), ("left", "right")]))
    elif len(params) == 1 and r.random() < 0.5:
        params = [{"number": r.choice(["n", "x", "num", "value"]), "string": r.choice(["s", "text", "word"])}.get(f.types[0], r.choice(["items", "xs", "numbers", "arr", "lst"]))]
    if language == "typescript" and r.random() < 0.4:
        return ", ".join(f"{p}: {t}" for p, t in zip(params, f.types))
    return ", ".join(params)


def spell(n: int, r: random.Random) -> str:
    return NUMBER_WORDS[n] if n in NUMBER_WORDS and r.random() < 0.3 else str(n)


def number_for(f: Family, r: random.Random, held: bool) -> int | None:
    """Every seventh number is held out of training."""
    if f.number is None:
        return None
    low, high = f.number
    for _ in range(200):
        n = r.randint(low, min(high, r.choice([12, 60, high])))
        if high < 20 or (n % 7 == 3) == held:
            return n
    return low


def make_goal(f: Family, r: random.Random, language: str | None = None, held_phrase: bool = False, held_name: bool = False, held_frame: bool = False) -> Goal:
    language = language or r.choice(["python", "typescript"])
    n = number_for(f, r, held_name)
    says_language = language == "typescript" or r.random() < 0.85
    word = r.choice(LANGUAGE_WORDS[language]) if says_language else ""
    own = [convention(x.replace("{n}", str(n)), language) for x in f.names if "{n}" not in x or n is not None]
    roll = r.random()
    if roll < 0.13 and f.number is None and not held_phrase:
        name = convention(r.choice(f.names), r.choice([language, language, language, "python", "typescript"]))
        template = part(BARE, r, held_frame)
        has_name = "{N}" in template
        description = ""
    else:
        has_name = r.random() < 0.6
        name = random_name(r, language, held_name, [x.replace("{n}", str(n)) for x in f.names])
        description = describe(f, r, held_phrase)
        if roll < 0.3:
            template = part(SHORT_NAMED if has_name else SHORT, r, held_frame)
        else:
            template = part(OPENERS, r, held_frame) + " " + part(THINGS, r, held_frame) + (part(NAMED, r, held_frame) if has_name else "") + part(LINKS, r, held_frame)
            if has_name and says_language and "{L}" not in template:
                template = template.replace(" that", " in {L} that", 1) if " that" in template else "In {L}, " + template[0].lower() + template[1:]
            elif says_language and "{L}" not in template:
                template += r.choice([" in {L}", ", in {L}", ". Use {L}", " (in {L})", " using {L}"])
    template += part(TAILS, r, held_frame)
    if not says_language:
        for pattern in ("In {L}, ", "in {L}, ", "using {L}, ", "In {L} ", " in {L}", " In {L}", " using {L}", " Use {L}.", "{L}: ", "{L} "):
            template = template.replace(pattern, " " if pattern.startswith(" U") else "")
        template = template.replace("{L}", "")
        if "{L}" in template or template.strip() == "":
            template = "function that {third}"
    text = template.replace("{third}", conjugate(description, "third")).replace("{base}", conjugate(description, "base"))
    text = text.replace("{ing}", conjugate(description, "ing")).replace("{L}", word).replace("{A}", arguments(f, language, r))
    text = text.replace("{B}", r.choice(f.bare)).replace("a even", "an even").replace("a odd", "an odd")
    if f.number is not None:
        text = text.replace("{n}", spell(n or 0, r))
    style = r.random()
    if style < 0.18:
        text = text.lower()
    elif style < 0.6:
        text = text[:1].upper() + text[1:]
    elif style < 0.62:
        text = text.upper()
    # The name goes in last: whatever happened to the case of the sentence, a name stands as it is.
    for marker in ("{N}", "{n}"):
        text = text.replace(marker, name)
    text = re.sub(r"\.[.,]", ".", re.sub(r"\s+", " ", text)).strip()
    if r.random() < 0.25 and text[-1] not in ".?!":
        text += r.choice([".", ".", ".", "!", "?" if text.lower().startswith(("can", "could")) else "."])
    return Goal(text, f, language, name if has_name else own[0], n)
