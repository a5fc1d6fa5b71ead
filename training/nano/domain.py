"""The closed domain: every family of functions atos-nano can build.

One source of truth. The training text, `models/nano/domain.yaml` (the guard) and the held-out
evaluation are all derived from the table below.

A phrase template marks verbs with braces ({add} becomes adds, add or adding) and slots with
brackets ([two] becomes "two numbers", "a and b", ...).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any, Callable

SLOTS: dict[str, list[str]] = {
    "two": ["two numbers", "two numbers", "two integers", "two values", "a and b", "two given numbers", "two ints",
            "its two arguments", "x and y", "the two numbers", "a pair of numbers", "both numbers"],
    "num": ["a number", "a number", "an integer", "a given number", "n", "x", "its argument", "the number", "a value",
            "the given number", "a given integer", "an int", "the input number", "any number"],
    "list": ["a list", "an array", "a list of numbers", "an array of numbers", "a given list", "the list",
             "a list of integers", "the given array", "numbers in a list", "a list of values", "the input list"],
    "items": ["a list", "an array", "a list of numbers", "a given list", "the list", "a list of items", "an array of values",
              "the input array", "a list of values"],
    "str": ["a string", "a string", "a text", "a given string", "the string", "the input string", "some text",
            "a piece of text", "text", "a str", "the given text", "a given text"],
    "none": ["None", "none", "null", "nothing"],
    "onzero": ["when dividing by zero", "if the divisor is zero", "if b is 0", "on division by zero", "when b is zero",
               "for a zero divisor", "if the second number is zero", "when the denominator is 0"],
    "onempty": ["if it is empty", "for an empty list", "when the list is empty", "when there are no numbers"],
    "order": ["keeping the order", "keeping order", "preserving order", "while keeping the original order",
              "and keeps the order", "in the original order", "preserving their order", "but keep the order"],
    "desc": ["in descending order", "descending", "from largest to smallest", "from high to low", "in decreasing order",
             "largest first", "from biggest to smallest", "in reverse order of size", "from the highest to the lowest"],
}

GET = ["return", "return", "return", "compute", "calculate", "find", "get", "give", "determine", "work out", "produce"]
CHECK = ["check", "check", "tell", "test", "determine", "decide", "say", "verify", "find out", "see"]


@dataclass(frozen=True)
class Bug:
    """One wrong variant: the same mistake as a text edit of either language."""

    kind: str
    python: tuple[str, str]
    typescript: tuple[str, str]


@dataclass(frozen=True)
class Family:
    key: str
    summary: str
    params: tuple[str, ...]
    types: tuple[str, ...]
    returns: str
    python: str
    typescript: str
    oracle: Callable[..., Any]
    cases: list[tuple]
    make: Callable[[random.Random], tuple]
    names: list[str]
    nouns: list[str] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    bugs: list[Bug] = field(default_factory=list)
    groups: list[list[str]] = field(default_factory=list)
    extra: str = ""
    exclude: list[str] = field(default_factory=list)
    tier: str = "simple"
    number: tuple[int, int] | None = None


FAMILIES: dict[str, Family] = {}


def family(key: str, **fields: Any) -> None:
    FAMILIES[key] = Family(key=key, **fields)


def same(kind: str, old: str, new: str, old_ts: str | None = None, new_ts: str | None = None) -> Bug:
    return Bug(kind, (old, new), (old_ts or old, new_ts or new))


def small(r: random.Random) -> int:
    return r.choice([r.randint(-9, 20), r.randint(0, 12), r.randint(-99, 200)])


def pair(r: random.Random) -> tuple:
    return small(r), small(r)


def natural(high: int) -> Callable[[random.Random], tuple]:
    return lambda r: (r.randint(0, high),)


def numbers(r: random.Random, least: int = 0) -> list[int]:
    return [r.randint(-9, 20) for _ in range(r.randint(least, 5))]


LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ("hello world level radar code apple banana noon sky tests quick brown fox rhythm kayak data stats queue open "
         "blue red green tree sun moon abc xyz aeiou the a in an river stone paper light dog cat bird").split()


def text(r: random.Random, words: int = 1) -> str:
    def word() -> str:
        w = r.choice(WORDS) if r.random() < 0.6 else "".join(r.choice(LETTERS) for _ in range(r.randint(1, 5)))
        return w.capitalize() if r.random() < 0.15 else w
    return " ".join(word() for _ in range(r.randint(0 if r.random() < 0.15 else 1, words)))


NUMBER2 = ("number", "number")
AB = ("a", "b")


def arithmetic(key, summary, op, oracle, names, nouns, verbs, bugs, groups, **more):
    family(key, summary=summary, params=AB, types=NUMBER2, returns="number", python=f"return a {op} b",
           typescript=f"return a {op} b;", oracle=oracle, make=pair, names=names, nouns=nouns, verbs=verbs,
           bugs=bugs, groups=groups, **more)


arithmetic(
    "add", "adds two numbers", "+", lambda a, b: a + b,
    ["add_numbers", "add", "sum_two", "add_two_numbers", "plus"],
    ["the sum of [two]", "the total of [two]", "a plus b", "the result of adding [two]", "the addition of [two]",
     "[two] added together", "x plus y", "the sum of its arguments", "one number plus another"],
    ["{add} [two]", "{add} [two] together", "{sum} [two]", "{add} a to b", "{add} one number to another", "{add} up [two]",
     "{total} [two]", "{take} [two] and {return} their sum", "{take} a and b and {return} a + b", "{sum} up [two]",
     "{accept} [two] and {add} them", "{combine} [two] by addition", "{add} numbers"],
    [same("wrong operator", "a + b", "a - b"), same("wrong operator", "a + b", "a * b"), same("wrong operand", "a + b", "a + a")],
    [["add", "sum", "plus", "addition", "total", "+", "adding"]],
    cases=[(2, 3), (-1, 1), (10, 5)], bare=["addition", "sum of two numbers", "adding two numbers"],
    extra="operands second first together summation inputs parameters", exclude=["two sum", "sum of the digits", "add an", "adds an"])
arithmetic(
    "subtract", "subtracts the second number from the first", "-", lambda a, b: a - b,
    ["subtract", "subtract_numbers", "difference", "minus", "sub"],
    ["the difference of [two]", "the difference between [two]", "a minus b", "the result of subtracting b from a",
     "the first number minus the second", "the subtraction of [two]", "x minus y", "one number minus another"],
    ["{subtract} b from a", "{subtract} [two]", "{subtract} the second number from the first", "{take} b away from a",
     "{take} one number away from another", "{subtract} one number from another", "{deduct} b from a",
     "{take} [two] and {return} their difference", "{take} [two] and {subtract} the second from the first",
     "{subtract} y from x", "{take} a and b and {return} a - b", "{subtract} numbers"],
    [same("wrong operator", "a - b", "a + b"), same("operands swapped", "a - b", "b - a"), same("wrong operand", "a - b", "a - a")],
    [["subtract", "difference", "minus", "subtraction", "deduct", "away", "-", "sub"]],
    cases=[(5, 3), (0, 4), (7, 7)], bare=["subtraction", "subtracting two numbers", "difference of two numbers"],
    extra="operands inputs parameters", exclude=["a from b", "x from y", "first from the second", "first number from the second", "a set", "sets"])
arithmetic(
    "multiply", "multiplies two numbers", "*", lambda a, b: a * b,
    ["multiply", "multiply_numbers", "product", "times", "mul"],
    ["the product of [two]", "a times b", "the result of multiplying [two]", "the multiplication of [two]",
     "[two] multiplied together", "x times y", "the product of its arguments", "one number times another"],
    ["{multiply} [two]", "{multiply} [two] together", "{multiply} a by b", "{multiply} one number by another",
     "{take} [two] and {return} their product", "{multiply} a and b", "{multiply} a with b", "{accept} [two] and {multiply} them",
     "{take} a and b and {return} a * b", "{multiply} numbers"],
    [same("wrong operator", "a * b", "a + b"), same("wrong operator", "a * b", "a ** b"), same("wrong operand", "a * b", "a * a")],
    [["multiply", "product", "times", "multiplication", "multiplie", "multiplied", "*"]],
    cases=[(2, 3), (-2, 5), (10, 10)], bare=["multiplication", "multiplying two numbers", "product of two numbers"],
    extra="operands second first inputs parameters")
# No zero beside a negative number: JavaScript has -0, which strict equality tells from 0.
FAMILIES["multiply"] = replace(FAMILIES["multiply"], make=lambda r: (r.choice([-1, 1]) * r.randint(1, 12), r.randint(1, 12)))

family(
    "divide", summary="divides two numbers safely", params=AB, types=NUMBER2, returns="number | null",
    python="if b == 0:\n    return None\nreturn a / b",
    typescript="if (b === 0) {\n  return null;\n}\nreturn a / b;",
    oracle=lambda a, b: None if b == 0 else a / b,
    cases=[(6, 3), (1, 2), (5, 0)],
    make=lambda r: (lambda b, k: (b * k, b))(r.choice([1, 2, 4, 5, 0, -2, 8]), r.choice([1, 2, 3, 6, 10, 0.5])) if r.random() < 0.8 else (r.randint(1, 9), 0),
    names=["safe_divide", "divide", "divide_safely", "quotient", "div"],
    nouns=["the quotient of [two] or [none] [onzero]", "a divided by b or [none] [onzero]", "the quotient of [two]",
           "the result of dividing [two] or [none] [onzero]", "[two] divided, or [none] [onzero]", "the division of [two]",
           "a divided by b, and [none] [onzero]", "a divided by b"],
    verbs=["{divide} [two] and {return} [none] [onzero]", "{divide} a by b, returning [none] [onzero]", "{divide} [two] safely",
           "safely {divide} [two]", "{divide} one number by another and {return} [none] [onzero]", "{divide} [two]",
           "{divide} [two], with [none] [onzero]", "{divide} a by b", "{divide} a by b but {return} [none] [onzero]",
           "{take} [two] and {return} their quotient, or [none] [onzero]", "{divide} the first number by the second, giving [none] [onzero]",
           "safely {divide} a by b, giving [none] [onzero]"],
    bare=["safe division", "division", "safe divide"],
    bugs=[same("missing zero check", "if b == 0", "if b == 1", "if (b === 0)", "if (b === 1)"),
          same("wrong operator", "a / b", "a * b"), same("operands swapped", "return a / b", "return b / a")],
    groups=[["divide", "quotient", "division", "div"]],
    extra="safe it is are not zero 0 second first denominator divisor case otherwise instead when there handles handle handling by-zero undefined crash crashing without fail failing")

for key, best, worst, op, wrong in (("larger", "larger", "smaller", ">", "<"), ("smaller", "smaller", "larger", "<", ">")):
    up = key == "larger"
    words = ["larger", "bigger", "greater", "maximum", "max", "largest", "higher"] if up else ["smaller", "lesser", "lower", "minimum", "min", "smallest", "least"]
    family(
        key, summary=f"returns the {best} of two numbers", params=AB, types=NUMBER2, returns="number",
        python=f"return a if a {op} b else b", typescript=f"return a {op} b ? a : b;",
        oracle=(lambda a, b: max(a, b)) if up else (lambda a, b: min(a, b)),
        cases=[(2, 3), (5, 1), (4, 4), (-1, -2)], make=pair,
        names=["larger", "max_of_two", "bigger", "larger_of_two", "greater"] if up else ["smaller", "min_of_two", "lesser", "smaller_of_two", "lower"],
        nouns=[f"the {w} of [two]" for w in words] + [f"the {words[0]} one of [two]", f"whichever of [two] is {words[0]}",
               f"the {words[0]} number of [two]", f"the {words[2]} value of [two]", f"the {words[0]} of a and b"],
        verbs=[f"{{pick}} the {words[0]} of [two]", f"{{choose}} the {words[1]} of [two]", f"{{select}} the {words[2]} of [two]",
               f"{{compare}} [two] and {{return}} the {words[0]} one", f"{{compare}} [two] and {{return}} the {words[1]}",
               f"{{take}} [two] and {{return}} the {words[0]} one", f"{{take}} [two] and {{return}} the {words[3]}"],
        bare=[f"{words[4]} of two numbers", f"{words[0]} of two numbers"],
        bugs=[same("wrong comparison", f"a {op} b", f"a {wrong} b"),
              same("wrong operand", f"return a if a {op} b else b", f"return a if a {op} b else a", f"return a {op} b ? a : b", f"return a {op} b ? a : a")],
        groups=[words + (["highest"] if up else ["lowest"]), ["two", "both", "a and b", "x and y", "pair", "ab", "two numbers"]],
        extra=("highest greatest" if up else "lowest fewest less") + " numbers number inputs arguments out between which is")

for key, words, op, wrong in (
    ("max_list", ["largest", "maximum", "biggest", "highest", "greatest", "max"], ">", "<"),
    ("min_list", ["smallest", "minimum", "lowest", "least", "min", "tiniest"], "<", ">"),
):
    up = key == "max_list"
    family(
        key, summary=f"finds the {words[0]} number in a list", params=("values",), types=("number[]",), returns="number | null",
        python=f"best = None\nfor value in values:\n    if best is None or value {op} best:\n        best = value\nreturn best",
        typescript=f"let best: number | null = null;\nfor (const value of values) {{\n  if (best === null || value {op} best) {{\n    best = value;\n  }}\n}}\nreturn best;",
        oracle=(lambda values: max(values, default=None)) if up else (lambda values: min(values, default=None)),
        cases=[([3, 1, 2],), ([-5, -2, -9],), ([7],), ([],)], make=lambda r: (numbers(r),),
        names=["max_of_list", "find_max", "largest", "list_max", "maximum_value"] if up else ["min_of_list", "find_min", "smallest", "list_min", "minimum_value"],
        nouns=[f"the {words[0]} number in [list]", f"the {words[1]} of [list]", f"the {words[2]} element of [list]",
               f"the {words[3]} value in [list]", f"the {words[4]} item of [list]", f"the {words[0]} element in [list]",
               f"the {words[1]} value of [list]", f"the {words[0]} number in [list], or [none] [onempty]",
               f"the {words[1]} element of [list] or [none] [onempty]", f"the {words[3]} number from [list]", f"the {words[5]} of [list]"],
        verbs=[f"{{pick}} the {words[0]} number from [list]", f"{{take}} [list] and {{return}} the {words[0]} number",
               f"{{take}} [list] and {{return}} its {words[1]}", f"{{look}} for the {words[2]} number in [list]",
               f"{{take}} [list] and {{find}} the {words[0]} one", f"{{go}} through [list] and {{return}} the {words[1]}"],
        bare=[f"{words[1]} of a list", f"{words[0]} number in a list", f"{words[5 if up else 4]} of an array"],
        bugs=[same("wrong comparison", f"value {op} best", f"value {wrong} best"),
              same("wrong start value", "best = None", "best = 0", "best: number | null = null", "best: number | null = 0"),
              same("wrong return value", "return best", "return values", "return best", "return values.length")],
        groups=[words + [], ["list", "array", "numbers", "values", "items", "elements", "sequence", "collection"]],
        extra="empty none null it there are no is numbers values integers items elements item element sequence collection inside among going goes through look looking",
        exclude=["two numbers", "two integers", "index", "second"])

family(
    "sum_list", summary="sums the numbers in a list", params=("values",), types=("number[]",), returns="number",
    python="total = 0\nfor value in values:\n    total += value\nreturn total",
    typescript="let total = 0;\nfor (const value of values) {\n  total += value;\n}\nreturn total;",
    oracle=lambda values: sum(values), cases=[([1, 2, 3],), ([],), ([-1, 1],), ([5],)], make=lambda r: (numbers(r),),
    names=["sum_list", "sum_of_list", "total", "sum_all", "sum_numbers"],
    nouns=["the sum of [list]", "the total of [list]", "the sum of all numbers in [list]", "the sum of the elements of [list]",
           "the total of all values in [list]", "the sum of all the items in [list]", "all numbers in [list] added together",
           "the sum of every number in [list]"],
    verbs=["{sum} [list]", "{add} up all the numbers in [list]", "{total} the numbers in [list]", "{add} all elements of [list]",
           "{sum} up the values of [list]", "{sum} all the numbers in [list]", "{take} [list] and {return} the sum",
           "{take} [list] and {add} up its elements", "{add} together every element of [list]", "{take} [list] and {return} its total"],
    bare=["sum of a list", "list sum", "sum of an array"],
    bugs=[same("wrong operator", "total += value", "total -= value"), same("wrong start value", "total = 0", "total = 1"),
          same("overwrites the total", "total += value", "total = value")],
    groups=[["sum", "total", "add", "added"], ["list", "array", "elements", "items", "sequence", "collection"]],
    extra="sequence collection inside it numbers summation each integers them 0 zero empty if for", exclude=["two", "both", "a and b", "add a", "add an", "adds a", "adds an", "adding a", "adding an", "n"])
family(
    "mean", summary="computes the mean of a list of numbers", params=("values",), types=("number[]",), returns="number | null",
    python="if not values:\n    return None\nreturn sum(values) / len(values)",
    typescript="if (values.length === 0) {\n  return null;\n}\nlet total = 0;\nfor (const value of values) {\n  total += value;\n}\nreturn total / values.length;",
    oracle=lambda values: None if not values else sum(values) / len(values), cases=[([1, 2, 3],), ([2, 3],), ([5],), ([],)],
    make=lambda r: (lambda v: (v if not v or len(v) in (1, 2, 4) else v + [-sum(v)] if len(v) == 3 else v[:4],))(numbers(r)),
    names=["mean", "average", "mean_of_list", "list_mean", "average_of_list"],
    nouns=["the mean of [list]", "the average of [list]", "the arithmetic mean of [list]", "the average value of [list]",
           "the mean value of [list]", "the average of all numbers in [list]", "the mean of [list] or [none] [onempty]",
           "the average of the values in [list], or [none] [onempty]"],
    verbs=["{average} [list]", "{take} [list] and {return} the average", "{take} [list] and {return} its mean",
           "{average} the values in [list]", "{take} [list] and {compute} the mean", "{average} all the numbers in [list]"],
    bare=["mean of a list", "average of a list", "arithmetic mean", "average of numbers"],
    bugs=[same("wrong divisor", "/ len(values)", "/ 2", "/ values.length", "/ 2"),
          same("wrong operator", "sum(values) / len", "sum(values) * len", "total / values", "total * values"),
          same("wrong empty case", "if not values:\n    return None", "if not values:\n    return 0", "return null", "return 0")],
    groups=[["mean", "average", "averaging"]], extra="arithmetic numbers values items elements empty none null it sequence collection is there are no",
    exclude=["two numbers"])

for key, rest, other in (("even", "==", "!="), ("odd", "!=", "==")):
    family(
        f"is_{key}", summary=f"checks whether a number is {key}", params=("n",), types=("number",), returns="boolean",
        python=f"return n % 2 {rest} 0", typescript=f"return n % 2 {rest}= 0;",
        oracle=(lambda n: n % 2 == 0) if key == "even" else (lambda n: n % 2 == 1),
        cases=[(4,), (7,), (0,), (-2 if key == "even" else -3,)], make=lambda r: (small(r),),
        names=[f"is_{key}", f"{key}", f"is_{key}_number", f"check_{key}"],
        conditions=[f"[num] is {key}", f"[num] is an {key} number", f"[num] is an {key} integer", f"the argument is {key}",
                    f"[num] is {key} or not"],
        verbs=[f"{{check}} for {key} numbers", f"{{take}} [num] and {{return}} True if it is {key}", f"{{detect}} {key} numbers",
               f"{{take}} [num] and {{say}} whether it is {key}", f"{{recognise}} {key} numbers"],
        bare=[f"{key} number check", f"is {key}", f"{key} check"],
        bugs=[same("inverted condition", f"{rest} 0", f"{other} 0", f"{rest}= 0", f"{other}= 0"),
              same("wrong divisor", "n % 2", "n % 3"), same("wrong operator", "n % 2", "n // 2", "n % 2", "n / 2")],
        groups=[[key]], extra="it is evenness oddness number numbers detect recognise recognize checker predicate")

family(
    "square", summary="squares a number", params=("n",), types=("number",), returns="number", python="return n * n",
    typescript="return n * n;", oracle=lambda n: n ** 2, cases=[(3,), (-4,), (0,), (10,)],
    make=lambda r: (r.randint(-20, 20),), names=["square", "squared", "square_number", "sqr"],
    nouns=["the square of [num]", "[num] squared", "[num] multiplied by itself", "[num] to the power of two", "n times n",
           "the second power of [num]", "[num] raised to the power of 2"],
    verbs=["{square} [num]", "{multiply} [num] by itself", "{raise} [num] to the power of two", "{take} [num] and {return} its square",
           "{take} [num] and {square} it", "{raise} [num] to the second power", "{raise} [num] to the power of 2"],
    bare=["square of a number", "squaring a number", "square"],
    bugs=[same("wrong operator", "n * n", "n + n"), same("wrong operand", "n * n", "n * 2"), same("wrong power", "n * n", "n * n * n")],
    groups=[["square", "itself", "squaring", "n times n", "power of two", "power of 2", "second power"]],
    extra="it numbers its", exclude=["root", "is a", "perfect"])
family(
    "power", summary="raises a number to a power", params=("base", "exponent"), types=NUMBER2, returns="number",
    python="return base ** exponent", typescript="return base ** exponent;", oracle=lambda a, b: pow(a, b),
    cases=[(2, 3), (5, 0), (10, 2)], make=lambda r: (r.randint(1, 10), r.randint(0, 4)),
    names=["power", "power_of", "raise_to_power", "exponentiate", "to_power"],
    nouns=["a to the power of b", "a raised to the power of b", "the power of a number", "base to the power of exponent",
           "base raised to the exponent", "a number raised to a given power", "the result of raising a to b",
           "a number to the power of another", "x to the power of y", "the exponentiation of two numbers"],
    verbs=["{raise} a to the power b", "{raise} a number to a power", "{raise} a number to a given power", "{raise} base to the power of exponent",
           "{raise} x to the power y", "{take} a base and an exponent and {return} the power", "{raise} one number to the power of another",
           "{take} a base and an exponent and {raise} the base to the exponent", "{raise} a base to an exponent"],
    bare=["power function", "exponentiation", "power of a number"],
    bugs=[same("wrong operator", "base ** exponent", "base * exponent"), same("operands swapped", "base ** exponent", "exponent ** base"),
          same("wrong operator", "base ** exponent", "base + exponent")],
    groups=[["power", "exponent", "exponentiation", "raise", "exponentiate"]], extra="two given another numbers it n",
    exclude=["power of two", "power of 2", "set", "raise an"])
family(
    "absolute", summary="returns the absolute value of a number", params=("n",), types=("number",), returns="number",
    python="if n < 0:\n    return -n\nreturn n", typescript="if (n < 0) {\n  return -n;\n}\nreturn n;", oracle=lambda n: abs(n),
    cases=[(5,), (-5,), (0,)], make=lambda r: (small(r),), names=["absolute_value", "absolute", "abs_value", "magnitude"],
    nouns=["the absolute value of [num]", "the magnitude of [num]", "[num] without its sign", "the absolute of [num]",
           "the abs of [num]", "the absolute value of [num], never negative"],
    verbs=["{take} [num] and {return} its absolute value", "{drop} the sign of [num]", "{remove} the sign of [num]",
           "{take} the absolute value of [num]", "{make} [num] non-negative", "{strip} the sign from [num]"],
    bare=["absolute value", "abs", "absolute value of a number"],
    bugs=[same("wrong comparison", "n < 0", "n > 0"), same("wrong sign", "return -n", "return n"),
          same("wrong return value", "return -n", "return 0")],
    groups=[["absolute", "magnitude", "sign", "abs", "non-negative"]], extra="numbers non negative negative positive", exclude=["difference"])
family(
    "clamp", summary="clamps a value between a low and a high bound", params=("value", "low", "high"),
    types=("number", "number", "number"), returns="number",
    python="if value < low:\n    return low\nif value > high:\n    return high\nreturn value",
    typescript="if (value < low) {\n  return low;\n}\nif (value > high) {\n  return high;\n}\nreturn value;",
    oracle=lambda v, a, b: max(a, min(b, v)), cases=[(5, 0, 10), (-3, 0, 10), (15, 0, 10), (10, 0, 10)],
    make=lambda r: (lambda low, width: (r.randint(-20, 40), low, low + width))(r.randint(-10, 5), r.randint(1, 20)),
    names=["clamp", "clamp_value", "limit", "limit_value", "bound"],
    nouns=["a value clamped between low and high", "a number limited to the range from low to high", "the value clamped to a range",
           "a number clamped to its bounds", "a value bounded by low and high"],
    verbs=["{clamp} a value between low and high", "{clamp} a number to a range", "{limit} a value to the range low to high",
           "{restrict} a number to a given range", "{keep} a number between a lower and an upper bound", "{clamp} a number between two bounds",
           "{constrain} a number between a minimum and a maximum", "{clamp} a value to a low and a high bound", "{limit} a number to a minimum and a maximum",
           "{clamp} a number", "{bound} a value between low and high", "{take} a value, a low and a high bound and {clamp} the value"],
    bare=["clamp", "clamping a value", "clamp function"],
    bugs=[same("wrong comparison", "value < low", "value > low"), same("wrong bound", "return low", "return high"),
          same("missing upper bound", "return high", "return value"), same("wrong bound", "return high", "return low")],
    groups=[["clamp", "limit", "restrict", "bound", "constrain", "keep", "bounded"]],
    extra="min max minimum maximum lower upper range limits numbers given interval within inside it is its into", exclude=["array", "list"])
family(
    "factorial", summary="computes the factorial of a number", params=("n",), types=("number",), returns="number",
    python="result = 1\nfor i in range(2, n + 1):\n    result *= i\nreturn result",
    typescript="let result = 1;\nfor (let i = 2; i <= n; i++) {\n  result *= i;\n}\nreturn result;",
    oracle=lambda n: 1 if n < 2 else n * FAMILIES["factorial"].oracle(n - 1), cases=[(5,), (0,), (1,), (3,)], make=natural(8),
    names=["factorial", "fact", "factorial_of", "compute_factorial"], tier="medium",
    nouns=["the factorial of [num]", "n factorial", "n!", "the factorial of n", "the product of all integers from 1 to n",
           "the factorial value of [num]", "the factorial for [num]"],
    verbs=["{take} [num] and {return} its factorial", "{take} n and {return} n!", "{do} the factorial of [num]",
           "{multiply} all integers from 1 to n", "{take} [num] and {compute} the factorial"],
    bare=["factorial", "factorial of n", "the factorial"],
    bugs=[same("off by one", "n + 1", "n", "i <= n", "i < n"), same("wrong start value", "result = 1", "result = 0"),
          same("wrong operator", "result *= i", "result += i")],
    groups=[["factorial", "n!", "from 1 to n"]], extra="numbers non negative integer whole 1 product", exclude=["up to", "sum", "list"])
family(
    "fibonacci", summary="computes the n-th Fibonacci number", params=("n",), types=("number",), returns="number",
    python="a, b = 0, 1\nfor _ in range(n):\n    a, b = b, a + b\nreturn a",
    typescript="let a = 0;\nlet b = 1;\nfor (let i = 0; i < n; i++) {\n  [a, b] = [b, a + b];\n}\nreturn a;",
    oracle=lambda n: n if n < 2 else FAMILIES["fibonacci"].oracle(n - 1) + FAMILIES["fibonacci"].oracle(n - 2),
    cases=[(0,), (1,), (2,), (10,)], make=natural(12), names=["fibonacci", "fib", "nth_fibonacci", "fibonacci_number"], tier="medium",
    nouns=["the n-th fibonacci number", "the nth fibonacci number", "the nth number of the fibonacci sequence",
           "the fibonacci number at position n", "the fibonacci number n", "fibonacci of n", "the nth term of the fibonacci series",
           "the n-th Fibonacci number", "the nth element of the Fibonacci sequence", "the Fibonacci number for n", "the nth Fibonacci term"],
    verbs=["{take} n and {return} the nth fibonacci number", "{take} n and {compute} fibonacci of n", "{do} the nth fibonacci number",
           "{take} an index and {return} the fibonacci number at that index"],
    bare=["fibonacci", "fibonacci function", "nth fibonacci number", "Fibonacci"],
    bugs=[same("wrong return value", "return a", "return b"), same("off by one", "range(n)", "range(n + 1)", "i < n", "i <= n"),
          same("wrong start value", "a, b = 0, 1", "a, b = 1, 1", "let a = 0", "let a = 1"),
          same("wrong operator", "a + b", "a * b")],
    groups=[["fibonacci", "fib"]], extra="n th nth n-th given position index term 0 zero based starting from where is starts sequence series value element",
    exclude=["list", "first n", "up to", "numbers", "sum", "is a", "is the", "is n"])
family(
    "gcd", summary="computes the greatest common divisor of two numbers", params=AB, types=NUMBER2, returns="number",
    python="while b:\n    a, b = b, a % b\nreturn a", typescript="while (b !== 0) {\n  [a, b] = [b, a % b];\n}\nreturn a;",
    oracle=lambda a, b: max((d for d in range(1, max(a, b) + 1) if a % d == 0 and b % d == 0), default=0),
    cases=[(12, 18), (7, 3), (10, 5), (9, 0)], make=lambda r: (r.randint(0, 9) * (k := r.randint(1, 9)) + 1, r.randint(0, 9) * k) if r.random() < 0.3 else (r.randint(1, 40), r.randint(1, 40)),
    names=["gcd", "greatest_common_divisor", "find_gcd", "common_divisor"], tier="medium",
    nouns=["the greatest common divisor of [two]", "the gcd of [two]", "the highest common factor of [two]", "the GCD of [two]",
           "the greatest common factor of [two]", "the largest common divisor of [two]", "the greatest common divisor", "the hcf of [two]"],
    verbs=["{take} [two] and {return} their greatest common divisor", "{take} [two] and {return} their gcd",
           "{take} [two] and {find} the greatest common factor", "{do} the gcd of [two]"],
    bare=["gcd", "greatest common divisor", "GCD", "highest common factor"],
    bugs=[same("wrong operator", "a % b", "a // b", "a % b", "a - b"), same("wrong return value", "return a", "return b"),
          same("wrong return value", "return a", "return 1")],
    groups=[["gcd", "divisor", "factor", "hcf"]], extra="euclid euclidean algorithm using with biggest common numbers", exclude=["prime", "factors", "divisors"])
family(
    "lcm", summary="computes the least common multiple of two numbers", params=AB, types=NUMBER2, returns="number",
    python="if a == 0 or b == 0:\n    return 0\nx, y = a, b\nwhile y:\n    x, y = y, x % y\nreturn a * b // x",
    typescript="if (a === 0 || b === 0) {\n  return 0;\n}\nlet x = a;\nlet y = b;\nwhile (y !== 0) {\n  [x, y] = [y, x % y];\n}\nreturn (a * b) / x;",
    oracle=lambda a, b: 0 if a * b == 0 else next(m for m in range(max(a, b), a * b + 1) if m % a == 0 and m % b == 0),
    cases=[(4, 6), (3, 5), (7, 7), (0, 5)], make=lambda r: (r.randint(0 if r.random() < 0.2 else 1, 15), r.randint(1, 15)),
    names=["lcm", "least_common_multiple", "find_lcm", "common_multiple"], tier="medium",
    nouns=["the least common multiple of [two]", "the lcm of [two]", "the lowest common multiple of [two]", "the LCM of [two]",
           "the smallest common multiple of [two]", "the least common multiple"],
    verbs=["{take} [two] and {return} their least common multiple", "{take} [two] and {return} their lcm",
           "{take} [two] and {find} the lowest common multiple", "{do} the lcm of [two]"],
    bare=["lcm", "least common multiple", "LCM", "lowest common multiple"],
    bugs=[same("wrong return value", "return a * b // x", "return a * b", "return (a * b) / x", "return a * b"),
          same("wrong return value", "return a * b // x", "return x", "return (a * b) / x", "return x"),
          same("wrong zero case", "return 0", "return 1")],
    groups=[["lcm", "multiple"]], extra="common numbers", exclude=["multiples", "list"])
family(
    "is_prime", summary="checks whether a number is prime", params=("n",), types=("number",), returns="boolean",
    python="if n < 2:\n    return False\nfor i in range(2, int(n ** 0.5) + 1):\n    if n % i == 0:\n        return False\nreturn True",
    typescript="if (n < 2) {\n  return false;\n}\nfor (let i = 2; i * i <= n; i++) {\n  if (n % i === 0) {\n    return false;\n  }\n}\nreturn true;",
    oracle=lambda n: n > 1 and all(n % d for d in range(2, n)), cases=[(7,), (9,), (1,), (2,)], make=natural(60),
    names=["is_prime", "prime", "check_prime", "is_prime_number", "prime_check"], tier="medium",
    conditions=["[num] is prime", "[num] is a prime number", "[num] is a prime", "the argument is prime", "[num] is prime or not"],
    verbs=["{check} for primality", "{test} [num] for primality", "{take} [num] and {return} True if it is prime",
           "{take} [num] and {say} whether it is a prime", "{detect} prime numbers", "{recognise} primes"],
    nouns=["the primality of [num]"],
    bare=["prime check", "primality test", "is prime", "prime number check"],
    bugs=[same("wrong edge case", "n < 2", "n < 1"), same("inverted condition", "% i == 0", "% i != 0", "% i === 0", "% i !== 0"),
          same("off by one", "** 0.5) + 1", "** 0.5)", "i * i <= n", "i * i < n")],
    groups=[["prime", "primality"]], extra="it is number numbers detect recognise recognize checker predicate using trial division",
    exclude=["up to", "list", "factors", "first", "nth", "next", "below", "numbers from"])
family(
    "reverse", summary="reverses a string", params=("text",), types=("string",), returns="string", python="return text[::-1]",
    typescript='return [...text].reverse().join("");', oracle=lambda s: "".join(reversed(s)), cases=[("abc",), ("",), ("hello",)],
    make=lambda r: (text(r, 2),), names=["reverse_string", "reverse", "reverse_text", "backwards"],
    nouns=["[str] reversed", "[str] in reverse", "the characters of [str] in reverse order", "the reverse of [str]",
           "[str] backwards", "the letters of [str] in reverse order", "a reversed string", "a string spelled backwards"],
    verbs=["{reverse} [str]", "{turn} [str] backwards", "{take} [str] and {return} it reversed", "{flip} [str]",
           "{reverse} the characters of [str]", "{reverse} the order of the characters in [str]", "{take} [str] and {reverse} it",
           "{write} [str] backwards", "{take} [str] and {return} it backwards"],
    bare=["string reversal", "reversing a string", "reverse a string"],
    bugs=[same("not reversed", "[::-1]", "[::1]", ".reverse()", ".slice()"), same("drops a character", "[::-1]", "[1:]", ".reverse()", ".slice(1)"),
          same("sorts instead", "text[::-1]", '"".join(sorted(text))', ".reverse()", ".sort()")],
    groups=[["reverse", "backward", "backwards", "flip", "reversal", "reversing"], ["string", "text", "character", "letter", "str", "characters", "letters"]],
    extra="it letters characters order back to front input around", exclude=["words", "each word", "list", "word order"])
family(
    "palindrome", summary="checks whether a string is a palindrome", params=("text",), types=("string",), returns="boolean",
    python="return text == text[::-1]", typescript='return text === [...text].reverse().join("");',
    oracle=lambda s: all(s[i] == s[-1 - i] for i in range(len(s))), cases=[("level",), ("hello",), ("",), ("noon",)],
    make=lambda r: (lambda w: (w + w[::-1] if r.random() < 0.4 else w,))(text(r, 1).lower()),
    names=["is_palindrome", "palindrome", "check_palindrome", "palindrome_check"],
    conditions=["[str] is a palindrome", "a word is a palindrome", "[str] reads the same backwards", "a word reads the same forwards and backwards",
                "[str] is a palindrome or not", "[str] reads the same in both directions", "[str] is equal to its reverse"],
    verbs=["{detect} palindromes", "{check} for palindromes", "{take} [str] and {return} True if it is a palindrome",
           "{recognise} palindromes", "{take} a word and {say} whether it is a palindrome"],
    bare=["palindrome check", "palindrome checker", "is palindrome", "palindrome"],
    bugs=[same("inverted condition", "text == text", "text != text", "text === [", "text !== ["),
          same("not reversed", "[::-1]", "[::1]", ".reverse()", ".slice()"), same("drops a character", "text[::-1]", "text[1:]", ".reverse()", ".slice(1)")],
    groups=[["palindrome", "palindromes", "same", "directions", "its reverse"]],
    extra="it is word words same forward forwards read detect recognise recognize checker input equal", exclude=["words", "longest", "sentence"])
family(
    "count_vowels", summary="counts the vowels in a string", params=("text",), types=("string",), returns="number",
    python='return sum(1 for letter in text.lower() if letter in "aeiou")',
    typescript='return [...text.toLowerCase()].filter((letter) => "aeiou".includes(letter)).length;',
    oracle=lambda s: len([c for c in s if c in set("aeiouAEIOU")]), cases=[("hello",), ("",), ("AEIOU",), ("sky",)],
    make=lambda r: (text(r, 2),), names=["count_vowels", "vowel_count", "vowels", "number_of_vowels"],
    nouns=["the number of vowels in [str]", "how many vowels there are in [str]", "the count of vowels in [str]",
           "how many vowels [str] has", "how many vowels [str] contains", "the vowel count of [str]", "the amount of vowels in [str]"],
    verbs=["{count} the vowels in [str]", "{count} vowels in [str]", "{count} how many vowels are in [str]",
           "{take} [str] and {count} its vowels", "{take} [str] and {return} the number of vowels", "{count} the vowels of [str]"],
    bare=["vowel count", "vowel counter", "counting vowels", "count vowels"],
    bugs=[same("forgets a vowel", "aeiou", "aeio"), same("ignores upper case", "text.lower()", "text", "text.toLowerCase()", "text"),
          same("inverted condition", "letter in \"", "letter not in \"", "=> \"aeiou\"", "=> !\"aeiou\"")],
    groups=[["vowel", "vowels"]], extra="a e i o u letters word sentence it has there are counter total appear in", exclude=["each vowel", "remove", "without"])
family(
    "count_words", summary="counts the words in a string", params=("text",), types=("string",), returns="number",
    python="return len(text.split())", typescript="return text.split(/\\s+/).filter((word) => word !== \"\").length;",
    oracle=lambda s: sum(1 for i, c in enumerate(s) if c != " " and (i == 0 or s[i - 1] == " ")),
    cases=[("hello world",), ("",), ("one two three",)], make=lambda r: (text(r, 4),),
    names=["count_words", "word_count", "words", "number_of_words"],
    nouns=["the number of words in [str]", "how many words there are in [str]", "the word count of [str]", "how many words [str] has",
           "how many words [str] contains", "the count of words in [str]", "the amount of words in a sentence", "the number of words in a sentence"],
    verbs=["{count} the words in [str]", "{count} words in [str]", "{count} how many words are in [str]", "{take} [str] and {count} its words",
           "{take} [str] and {return} the number of words", "{count} the words of a sentence", "{count} the words of [str]"],
    bare=["word count", "word counter", "counting words", "count words"],
    bugs=[same("counts characters", "len(text.split())", "len(text)", "text.split(/\\s+/).filter((word) => word !== \"\").length", "text.length"),
          same("off by one", "len(text.split())", "len(text.split()) + 1", ".length;", ".length + 1;"),
          same("wrong separator", "text.split()", "text.split(\",\")", "split(/\\s+/)", "split(\",\")")],
    groups=[["words", "word"], ["count", "number", "many", "counter", "amount", "counting"]],
    extra="sentence it has there are counter total whitespace separated by space spaces appear", exclude=["each word", "occurrences", "longest", "unique", "a word occurs", "times a word", "of a word", "how often"])
family(
    "capitalize", summary="capitalises every word of a string", params=("text",), types=("string",), returns="string",
    python='return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))',
    typescript='return text.split(" ").map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join(" ");',
    oracle=lambda s: "".join(c.upper() if i == 0 or s[i - 1] == " " else c for i, c in enumerate(s)),
    cases=[("hello world",), ("",), ("one two three",)], make=lambda r: (text(r, 4),),
    names=["capitalize_words", "capitalise_words", "title_case", "capitalize_each_word"],
    nouns=["[str] with every word capitalised", "[str] with each word capitalized", "[str] in title case", "the title case of [str]",
           "[str] with the first letter of each word in upper case", "a string with capitalised words"],
    verbs=["{capitalise} the words of [str]", "{capitalize} each word in [str]", "{capitalize} every word of [str]", "{capitalise} all words in [str]",
           "{capitalize} the first letter of each word", "{capitalise} the first letter of every word in [str]", "{convert} [str] to title case",
           "{make} the first letter of every word upper case", "{take} [str] and {capitalize} each word", "{capitalize} words", "{capitalise} the words in a sentence",
           "{turn} [str] into title case", "{put} [str] in title case"],
    bare=["title case", "capitalise words", "capitalize each word"],
    bugs=[same("wrong case", ".upper()", ".lower()", ".toUpperCase()", ".toLowerCase()"),
          same("drops the rest", "+ word[1:]", "+ word[2:]", "word.slice(1)", "word.slice(2)"),
          same("wrong separator", '" ".join', '"".join', 'join(" ")', 'join("")')],
    groups=[["capitalise", "capitalize", "title", "upper case", "uppercase", "upper-case", "capital", "capitalised", "capitalized"], ["word", "words", "title case", "title-case"]],
    extra="letter letters first initial starts start with a capital uppercase upper case sentence it title-case upper-case beginning", exclude=["only the first word", "except", "a word", "first word"])
family(
    "upper", summary="converts a string to upper case", params=("text",), types=("string",), returns="string",
    python="return text.upper()", typescript="return text.toUpperCase();", oracle=lambda s: "".join(chr(ord(c) - 32) if "a" <= c <= "z" else c for c in s),
    cases=[("hello",), ("Abc",), ("",)], make=lambda r: (text(r, 2),),
    names=["to_upper", "to_upper_case", "upper_case", "to_uppercase", "shout"],
    nouns=["[str] in upper case", "[str] in uppercase", "the upper case version of [str]", "[str] in capital letters", "the uppercase form of [str]",
           "[str] converted to upper case", "an upper-case copy of [str]"],
    verbs=["{convert} [str] to upper case", "{convert} [str] to uppercase", "{turn} [str] into upper case", "{uppercase} [str]",
           "{make} [str] upper case", "{change} [str] to capital letters", "{upper-case} [str]", "{take} [str] and {return} it in upper case",
           "{make} all letters of [str] upper case", "{transform} [str] to uppercase", "{turn} all letters into capitals"],
    bare=["upper case", "uppercase conversion", "to upper case"],
    bugs=[same("wrong case", ".upper()", ".lower()", ".toUpperCase()", ".toLowerCase()"), same("returns the input", "text.upper()", "text", "text.toUpperCase()", "text"),
          same("only the first letter", "text.upper()", "text[:1].upper() + text[1:]", "text.toUpperCase()", "text.slice(0, 1).toUpperCase() + text.slice(1)")],
    groups=[["upper", "uppercase", "upper-case", "capital", "capitals", "caps"]], extra="letters all it every letter character characters input word into case lettering letter version caps all cap",
    exclude=["first", "each word", "words", "every word", "only", "count"])
family(
    "dedupe", summary="removes duplicates from a list, keeping order", params=("values",), types=("number[]",), returns="number[]",
    python="result = []\nfor value in values:\n    if value not in result:\n        result.append(value)\nreturn result",
    typescript="const result: number[] = [];\nfor (const value of values) {\n  if (!result.includes(value)) {\n    result.push(value);\n  }\n}\nreturn result;",
    oracle=lambda v: list(dict.fromkeys(v)), cases=[([1, 2, 1, 3],), ([],), ([5, 5, 5],)],
    make=lambda r: ([r.randint(0, 4) for _ in range(r.randint(0, 5))],),
    names=["remove_duplicates", "unique", "dedupe", "distinct", "deduplicate"],
    nouns=["[items] without duplicates, [order]", "the unique items of [items], [order]", "the distinct values of [items]",
           "[items] without duplicates", "the unique elements of [items] [order]", "only the unique values of [items]", "a list with the duplicates removed"],
    verbs=["{remove} duplicates from [items] [order]", "{remove} duplicate values from [items]", "{dedupe} [items] [order]",
           "{remove} the duplicates from [items], [order]", "{deduplicate} [items]", "{drop} repeated items from [items] [order]",
           "{remove} repeated elements from [items]", "{take} [items] and {return} it without duplicates", "{filter} out duplicates from [items]",
           "{delete} duplicates in [items] [order]", "{remove} duplicates", "{eliminate} duplicate items from [items] [order]"],
    bare=["remove duplicates", "deduplication", "unique list", "unique items of a list"],
    bugs=[same("inverted condition", "value not in result", "value in result", "!result.includes", "result.includes"),
          same("wrong return value", "return result", "return values"), same("wrong order", "return result", "return result[::-1]", "return result", "return result.reverse()")],
    groups=[["duplicate", "duplicates", "unique", "distinct", "dedupe", "deduplicate", "repeated", "deduplication", "dedup"]],
    extra="items elements values entries numbers it once only each keep keeps kept preserve preserves order stays stay is are same still first", exclude=["string", "without keeping", "count", "characters", "find the duplicates", "finds the duplicates", "finding the duplicates", "find duplicates", "finds duplicates", "finding duplicates", "find duplicate"])
family(
    "sort_desc", summary="sorts a list in descending order", params=("values",), types=("number[]",), returns="number[]",
    python="return sorted(values, reverse=True)", typescript="return [...values].sort((a, b) => b - a);",
    oracle=lambda v: [x for _, x in sorted((-x, x) for x in v)], cases=[([3, 1, 2],), ([],), ([5, -1, 5],)], make=lambda r: (numbers(r),),
    names=["sort_descending", "sort_desc", "sorted_descending", "descending", "sort_down"],
    nouns=["[items] sorted [desc]", "the items of [items] sorted [desc]", "the values of [items] [desc]", "a sorted copy of [items] [desc]",
           "the numbers of a list ordered [desc]"],
    verbs=["{sort} [items] [desc]", "{sort} the numbers in [items] [desc]", "{order} [items] [desc]", "{take} [items] and {return} it sorted [desc]",
           "{sort} numbers [desc]", "{arrange} [items] [desc]", "{order} the values of [items] [desc]", "{take} [items] and {sort} it [desc]"],
    bare=["descending sort", "sort descending", "sorting in descending order"],
    bugs=[same("wrong order", "reverse=True", "reverse=False", "b - a", "a - b"), same("not sorted", "sorted(values, reverse=True)", "list(values)", ".sort((a, b) => b - a)", ".slice()"),
          same("not sorted", "sorted(values, reverse=True)", "values[::-1]", ".sort((a, b) => b - a)", ".reverse()")],
    groups=[["sort", "order", "arrange", "items", "values", "list", "array", "numbers"], ["descending", "largest first", "largest to smallest", "high to low", "decreasing", "biggest to smallest", "biggest first",
            "reverse order of size", "highest to the lowest", "highest to lowest", "largest to the smallest", "desc", "greatest to least", "highest first"]],
    extra="items values numbers integers elements it them highest lowest greatest least biggest smallest reverse", exclude=["string", "strings", "words", "by", "ascending"])
family(
    "fizzbuzz", summary="returns the fizzbuzz list from 1 to n", params=("n",), types=("number",), returns="string[]",
    python='result = []\nfor i in range(1, n + 1):\n    word = ""\n    if i % 3 == 0:\n        word += "Fizz"\n    if i % 5 == 0:\n        word += "Buzz"\n    result.append(word or str(i))\nreturn result',
    typescript='const result: string[] = [];\nfor (let i = 1; i <= n; i++) {\n  let word = "";\n  if (i % 3 === 0) {\n    word += "Fizz";\n  }\n  if (i % 5 === 0) {\n    word += "Buzz";\n  }\n  result.push(word || String(i));\n}\nreturn result;',
    oracle=lambda n: ["FizzBuzz" if i % 15 == 0 else "Fizz" if i % 3 == 0 else "Buzz" if i % 5 == 0 else str(i) for i in range(1, n + 1)],
    cases=[(3,), (5,), (0,)], make=natural(6), names=["fizzbuzz", "fizz_buzz", "fizzbuzz_list"], tier="medium",
    nouns=["the fizzbuzz list from 1 to n", "fizzbuzz up to n as a list", "the FizzBuzz list for n", "the fizzbuzz strings from 1 to n",
           "a list of fizzbuzz strings up to n", "the fizzbuzz sequence up to n", "fizzbuzz for the numbers 1 to n"],
    verbs=["{do} fizzbuzz", "{play} fizzbuzz up to n", "{solve} fizzbuzz", "{take} n and {return} the fizzbuzz list", "{do} FizzBuzz up to n",
           "{do} fizzbuzz from 1 to n and {return} a list of strings", "{list} fizzbuzz from 1 to n"],
    bare=["fizzbuzz", "FizzBuzz", "the fizzbuzz problem", "fizz buzz"],
    bugs=[same("wrong divisor", "i % 3", "i % 4"), same("wrong word", '"Fizz"', '"Buzz"'), same("off by one", "n + 1", "n", "i <= n", "i < n")],
    groups=[["fizzbuzz", "fizz", "fizz-buzz"]],
    extra="buzz strings numbers list array 1 100 3 5 15 multiples multiple of three five both problem game kata replaced replace divisible by if for classic words", exclude=["game", "custom"])
family(
    "celsius", summary="converts Celsius to Fahrenheit", params=("celsius",), types=("number",), returns="number",
    python="return celsius * 9 / 5 + 32", typescript="return (celsius * 9) / 5 + 32;", oracle=lambda c: 32 + c * 9 / 5,
    cases=[(0,), (100,), (-40,), (25,)], make=lambda r: (5 * r.randint(-20, 30),),
    names=["celsius_to_fahrenheit", "c_to_f", "to_fahrenheit", "convert_celsius", "fahrenheit"],
    nouns=["the Fahrenheit value of a Celsius temperature", "a celsius temperature in fahrenheit", "degrees celsius in fahrenheit",
           "the temperature in fahrenheit for a temperature in celsius", "the fahrenheit equivalent of a celsius temperature"],
    verbs=["{convert} Celsius to Fahrenheit", "{convert} a temperature from celsius to fahrenheit", "{convert} degrees Celsius to degrees Fahrenheit",
           "{turn} celsius into fahrenheit", "{convert} a celsius temperature to fahrenheit", "{take} a temperature in celsius and {return} it in fahrenheit",
           "{translate} celsius to fahrenheit", "{change} celsius to fahrenheit", "{convert} C to F", "{convert} celsius into fahrenheit"],
    bare=["celsius to fahrenheit", "Celsius to Fahrenheit conversion", "celsius to fahrenheit converter"],
    bugs=[same("wrong offset", "+ 32", "- 32"), same("wrong factor", "* 9 / 5", "* 5 / 9", "(celsius * 9) / 5", "(celsius * 5) / 9"), same("missing offset", " + 32", "")],
    groups=[["fahrenheit", "c to f"], ["celsius", "centigrade", "c to f"]],
    extra="temperature temperatures degree degrees centigrade conversion converter it value given number scale c f",
    exclude=["fahrenheit to celsius", "to celsius", "into celsius", "from fahrenheit", "fahrenheit into", "in fahrenheit to", "fahrenheit degrees to", "fahrenheit temperature", "to degrees celsius", "fahrenheit and return", "in celsius for", "a fahrenheit"])
family(
    "anagram", summary="checks whether two strings are anagrams", params=("first", "second"), types=("string", "string"), returns="boolean",
    python="return sorted(first) == sorted(second)", typescript='return [...first].sort().join("") === [...second].sort().join("");',
    oracle=lambda a, b: all(a.count(c) == b.count(c) for c in a + b), cases=[("listen", "silent"), ("hello", "world"), ("", "")],
    make=lambda r: (lambda w: (w, "".join(r.sample(w, len(w))) if r.random() < 0.5 else text(r, 1).lower()))(text(r, 1).lower()),
    names=["is_anagram", "anagram", "are_anagrams", "check_anagram", "anagram_check"], tier="medium",
    conditions=["two strings are anagrams", "two words are anagrams of each other", "one string is an anagram of another", "two given strings are anagrams",
                "two texts are anagrams", "a and b are anagrams", "two strings use the same letters", "one word is an anagram of another"],
    verbs=["{detect} anagrams", "{check} for anagrams", "{take} two strings and {return} True if they are anagrams", "{take} two words and {say} whether they are anagrams",
           "{compare} two strings and {tell} whether they are anagrams"],
    bare=["anagram check", "anagram checker", "is anagram", "anagrams"],
    bugs=[same("inverted condition", "sorted(first) == ", "sorted(first) != ", 'join("") === ', 'join("") !== '),
          same("compares only lengths", "sorted(first) == sorted(second)", "len(first) == len(second)", '[...first].sort().join("") === [...second].sort().join("")', "first.length === second.length"),
          same("not sorted", "sorted(first) == sorted(second)", "first == second", '[...first].sort().join("") === [...second].sort().join("")', "first === second")],
    groups=[["anagram", "anagrams", "same letters"]], extra="they are letters same words strings texts each other use contain contains it is checker detect rearranged letter another",
    exclude=["group", "all anagrams", "anagrams of a word", "list"])
family(
    "flatten", summary="flattens a list of lists by one level", params=("lists",), types=("number[][]",), returns="number[]",
    python="return [value for inner in lists for value in inner]", typescript="return lists.flat();",
    oracle=lambda v: sum(v, []), cases=[([[1, 2], [3]],), ([],), ([[], [4]],)],
    make=lambda r: ([[r.randint(0, 9) for _ in range(r.randint(0, 3))] for _ in range(r.randint(0, 3))],),
    names=["flatten", "flatten_list", "flatten_once", "flat"],
    nouns=["a list of lists flattened by one level", "a nested list flattened one level", "a flat list from a list of lists", "one flat list made from a list of lists",
           "an array of arrays flattened"],
    verbs=["{flatten} a list of lists", "{flatten} a nested list by one level", "{flatten} an array of arrays", "{flatten} a list one level",
           "{flatten} a nested list one level deep", "{turn} a list of lists into a flat list", "{take} a list of lists and {return} a flat list",
           "{join} a list of lists into one list", "{flatten} one level of nesting", "{flatten} an array by one level", "{flatten} a list by one level",
           "{merge} a list of lists into a single list", "{concatenate} a list of lists", "{flatten} a nested array one level"],
    bare=["flatten a list of lists", "list flattening", "flatten one level"],
    bugs=[same("wrong return value", "return [value for inner in lists for value in inner]", "return lists", "lists.flat()", "lists"),
          same("only the first list", "return [value for inner in lists for value in inner]", "return lists[0]", "return lists.flat()", "return lists[0]"),
          same("keeps the nesting", "[value for inner in lists for value in inner]", "[inner for inner in lists]", "lists.flat()", "lists.slice()")],
    groups=[["flatten", "flat", "flattening", "flattened", "list of lists", "array of arrays"]],
    extra="lists arrays nested level once one single inner deep nesting into 1 numbers", exclude=["nest", "nests", "deeply", "recursively", "any depth", "all levels", "dictionary", "two lists", "completely", "fully flatten", "fully flattens", "fully flattened", "flatten fully", "strings", "arbitrarily"])
family(
    "count_value", summary="counts how often a value occurs in a list", params=("values", "value"), types=("number[]", "number"), returns="number",
    python="count = 0\nfor item in values:\n    if item == value:\n        count += 1\nreturn count",
    typescript="let count = 0;\nfor (const item of values) {\n  if (item === value) {\n    count += 1;\n  }\n}\nreturn count;",
    oracle=lambda v, x: len([y for y in v if y == x]), cases=[([1, 2, 1], 1), ([], 1), ([3, 4], 5)],
    make=lambda r: ([r.randint(0, 4) for _ in range(r.randint(0, 5))], r.randint(0, 4)),
    names=["count_occurrences", "count_value", "occurrences", "count_in_list", "how_often"],
    nouns=["the number of occurrences of a value in [items]", "how often a value occurs in [items]", "how many times a value appears in [items]",
           "how many times an item occurs in [items]", "the count of a value in [items]", "how often a number appears in [items]", "the occurrences of an element in [items]",
           "the number of times a value occurs in [items]", "the number of times an element appears in [items]"],
    verbs=["{count} the occurrences of a value in [items]", "{count} how often a value occurs in [items]", "{count} how many times a value appears in [items]",
           "{count} occurrences of an item in [items]", "{count} a value in [items]", "{take} [items] and a value and {count} how often it occurs",
           "{count} how many times a number is in [items]", "{count} the number of times an element occurs in [items]", "{count} occurrences in [items]"],
    bare=["count occurrences", "counting occurrences in a list", "occurrence count"],
    bugs=[same("inverted condition", "item == value", "item != value", "item === value", "item !== value"), same("wrong step", "count += 1", "count += 2"),
          same("wrong start value", "count = 0", "count = 1")],
    groups=[["count", "often", "times", "occurrences"], ["list", "array", "sequence", "collection", "occurrences"]],
    extra="telling tell tells value item element number occur occurs appear appears it them given specific certain x target contain contains contained present found sequence collection",
    exclude=["each value", "every", "each", "all", "string", "numbers in", "even", "odd", "the items", "the values", "the elements", "the numbers", "count items", "count values", "count elements", "counts the numbers"])


# Families with a number that the model copies from the goal. `{n}` stands for it everywhere.
# Their criteria use inputs whose results are written by copying digits: arithmetic on numbers
# never seen is not something a model of this size does.
def number_cases(key: str, n: int) -> list[tuple]:
    if key == "add_n":
        return [(0,), (1000,), (-n,)]
    if key == "multiply_n":
        return [(0,), (1,), (10,)]
    if key == "divisible_n":
        return [(n,), (0,), (1,)]
    return [(list(range(1, n + 3)),), ([7],) if n > 1 else ([7, 8],), ([],)]


family(
    "add_n", summary="adds {n} to a number", params=("x",), types=("number",), returns="number", python="return x + {n}", typescript="return x + {n};",
    oracle=lambda n, x: x + n, cases=[], make=lambda r: (r.randint(0, 30) * 10,), number=(2, 999),
    names=["add_{n}", "plus_{n}", "increase", "add_number", "increment"],
    nouns=["[num] plus {n}", "the sum of [num] and {n}", "[num] increased by {n}", "[num] with {n} added to it", "{n} more than [num]", "[num] + {n}"],
    verbs=["{add} {n} to [num]", "{increase} [num] by {n}", "{increment} [num] by {n}", "{take} [num] and {add} {n} to it", "{take} [num] and {return} it plus {n}",
           "{add} the number {n} to [num]", "{add} {n} to its argument", "{take} [num] and {return} x + {n}"],
    bare=["adding {n} to a number", "add {n} to a number"],
    bugs=[same("wrong operator", "x + {n}", "x - {n}"), same("wrong operator", "x + {n}", "x * {n}"), same("ignores the input", "x + {n}", "{n}")],
    groups=[["add", "plus", "increase", "increment", "sum", "more", "+"], ["to", "plus", "by", "sum of", "more", "+"]],
    extra="it input", exclude=["a and b", "x and y", "numbers", "integers", "ints", "values", "arguments", "inputs", "two sum"])
family(
    "multiply_n", summary="multiplies a number by {n}", params=("x",), types=("number",), returns="number", python="return x * {n}", typescript="return x * {n};",
    oracle=lambda n, x: x * n, cases=[], make=lambda r: (r.choice([1, 2, 10, 100]),), number=(2, 999),
    names=["multiply_by_{n}", "times_{n}", "scale", "multiply_number", "times"],
    nouns=["[num] times {n}", "the product of [num] and {n}", "[num] multiplied by {n}", "{n} times [num]", "[num] * {n}"],
    verbs=["{multiply} [num] by {n}", "{multiply} [num] with {n}", "{scale} [num] by {n}", "{take} [num] and {multiply} it by {n}", "{take} [num] and {return} it times {n}",
           "{take} [num] and {return} x * {n}", "{multiply} its argument by {n}"],
    bare=["multiplying a number by {n}", "multiply by {n}"],
    bugs=[same("wrong operator", "x * {n}", "x + {n}"), same("wrong operator", "x * {n}", "x - {n}"), same("ignores the input", "x * {n}", "{n}")],
    groups=[["multiply", "times", "scale", "product", "multiplied", "*"], ["by", "with", "times", "product of", "*"]], extra="it input multiplication", exclude=["how many", "often", "a and b", "power", "raise", "numbers", "integers", "ints", "values", "arguments", "inputs"])
family(
    "divisible_n", summary="checks whether a number is divisible by {n}", params=("x",), types=("number",), returns="boolean", python="return x % {n} == 0", typescript="return x % {n} === 0;",
    oracle=lambda n, x: x % n == 0, cases=[], make=lambda r: (r.randint(0, 60),), number=(2, 999),
    names=["is_divisible_by_{n}", "divisible_by_{n}", "is_multiple", "is_divisible", "divisible"],
    conditions=["[num] is divisible by {n}", "[num] is a multiple of {n}", "[num] can be divided by {n}", "[num] is evenly divisible by {n}", "{n} divides [num]",
                "[num] can be divided by {n} without a remainder"],
    verbs=["{check} divisibility by {n}", "{take} [num] and {return} True if it is divisible by {n}", "{detect} multiples of {n}", "{test} [num] for divisibility by {n}"],
    bare=["divisibility by {n}", "divisible by {n} check"],
    bugs=[same("inverted condition", "== 0", "!= 0", "=== 0", "!== 0"), same("wrong remainder", "== 0", "== 1", "=== 0", "=== 1"), same("wrong operator", "x % {n} == 0", "x == {n}", "x % {n} === 0", "x === {n}")],
    groups=[["divisible", "multiple", "divide", "divisibility", "divided", "multiples"], ["divisible", "multiple", "whether", "if", "divisibility", "check", "multiples"]],
    extra="it is remainder evenly exactly numbers without", exclude=["list", "up to", "both"])
family(
    "first_n", summary="returns the first {n} items of a list", params=("values",), types=("number[]",), returns="number[]", python="return values[:{n}]", typescript="return values.slice(0, {n});",
    oracle=lambda n, v: [x for i, x in enumerate(v) if i < n], cases=[], make=lambda r: ([r.randint(0, 9) for _ in range(r.randint(0, 7))],), number=(2, 7),
    names=["first_{n}", "take_{n}", "first_items", "head", "take_first"],
    nouns=["the first {n} items of [items]", "the first {n} elements of [items]", "the first {n} values of [items]", "the first {n} entries in [items]",
           "the leading {n} elements of [items]", "the first {n} numbers in [items]", "at most the first {n} items of [items]"],
    verbs=["{take} the first {n} items of [items]", "{take} [items] and {return} the first {n} items", "{keep} only the first {n} elements of [items]",
           "{pick} the first {n} items from [items]", "{select} the first {n} elements of [items]", "{cut} [items] after the first {n} items"],
    bare=["first {n} items of a list", "first {n} elements"],
    bugs=[same("takes the end", "[:{n}]", "[{n}:]", "slice(0, {n})", "slice({n})"), same("off by one", "[:{n}]", "[1:{n}]", "slice(0, {n})", "slice(1, {n})"),
          same("wrong return value", "values[:{n}]", "values", "values.slice(0, {n})", "values")],
    groups=[["first", "leading"], ["item", "element", "value", "entry", "number", "items", "elements", "entries"]], extra="it only entries items elements numbers values", exclude=["last", "sum", "sorted"])
