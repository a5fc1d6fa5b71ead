"""The five exchanges, as text: what ATOS sends and what atos-nano answers."""

from __future__ import annotations

import random
import unittest
from dataclasses import dataclass, replace
from typing import Any

from domain import FAMILIES, Bug, Family, number_cases
from names import class_name

REFUSAL = "REFUSE: outside my domain"
EXTENSION = {"python": "py", "typescript": "ts"}


@dataclass(frozen=True)
class Job:
    """A goal understood: which family, in which language, under which name, with which cases."""

    family: Family
    language: str
    name: str
    n: int | None
    cases: list[tuple]

    def fill(self, text: str) -> str:
        return text if self.n is None else text.replace("{n}", str(self.n))

    @property
    def summary(self) -> str:
        return self.fill(self.family.summary)

    def expected(self, args: tuple) -> Any:
        return self.family.oracle(*args) if self.n is None else self.family.oracle(self.n, *args)

    @property
    def file(self) -> str:
        return f"{self.name}.{EXTENSION[self.language]}"

    @property
    def test_file(self) -> str:
        return f"test_{self.name}.py" if self.language == "python" else f"{self.name}.test.ts"


def canonical_cases(family: Family, n: int | None) -> list[tuple]:
    return family.cases if n is None else number_cases(family.key, n)


def random_cases(family: Family, n: int | None, r: random.Random) -> list[tuple]:
    """Three or four cases, now and then the canonical ones among them."""
    pool = list(canonical_cases(family, n))
    wanted = r.choice([2, 3, 3, 3, 4, 4])
    chosen: list[tuple] = []
    for _ in range(40):
        if len(chosen) == wanted:
            break
        case = r.choice(pool) if r.random() < 0.35 else family.make(r)
        if case not in chosen:
            chosen.append(case)
    return chosen


def literal(value: Any, language: str) -> str:
    """A value as both languages write it: strings in single quotes, whole floats without a fraction."""
    if value is None:
        return "None" if language == "python" else "null"
    if isinstance(value, bool):
        return str(value) if language == "python" else str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return "[" + ", ".join(literal(v, language) for v in value) + "]"
    return repr(value)


def call(job: Job, args: tuple) -> str:
    return f"{job.name}({', '.join(literal(a, job.language) for a in args)})"


def spec(job: Job) -> str:
    lines = [f"- {call(job, args)} returns {literal(job.expected(args), job.language)}" for args in job.cases]
    return f"NAME: {job.name}\nLANGUAGE: {job.language}\nSUMMARY: {job.summary}\nCRITERIA:\n" + "\n".join(lines)


def plan(job: Job) -> str:
    signature = f"{job.name}({', '.join(job.family.params)})"
    return f"TASK: code\nTIER: {job.family.tier}\nFILES: {job.file}\nAFTER: none\nDO: write {signature}"


def block(path: str, language: str, content: str) -> str:
    return f"FILE: {path}\n```{language}\n{content}\n```"


def tests(job: Job) -> str:
    if job.language == "python":
        lines = ["import unittest", f"from {job.name} import {job.name}", "", "", f"class {class_name(job.name)}(unittest.TestCase):"]
        for i, args in enumerate(job.cases, 1):
            lines += [f"    def test_{i}(self):", f"        self.assertEqual({call(job, args)}, {literal(job.expected(args), 'python')})", ""]
        lines.pop()
    else:
        lines = ['import { test } from "node:test";', 'import assert from "node:assert/strict";', f'import {{ {job.name} }} from "./{job.name}.ts";', ""]
        for args in job.cases:
            value = job.expected(args)
            check = "deepEqual" if isinstance(value, list) else "equal"
            shown = literal(value, "typescript")
            lines += [f'test("{call(job, args)} returns {shown}", () => {{', f"  assert.{check}({call(job, args)}, {shown});", "});", ""]
        lines.pop()
    return block(job.test_file, job.language, "\n".join(lines))


def indent(text: str, by: str) -> str:
    return "\n".join(by + line if line else line for line in text.split("\n"))


def sentence(summary: str) -> str:
    return summary[:1].upper() + summary[1:] + "."


def source(job: Job, body: str | None = None, name: str | None = None) -> str:
    """The implementation; `body` and `name` let a wrong variant take its place."""
    name = name or job.name
    if job.language == "python":
        body = job.fill(body if body is not None else job.family.python)
        return f'def {name}({", ".join(job.family.params)}):\n    """{sentence(job.summary)}"""\n{indent(body, "    ")}'
    body = job.fill(body if body is not None else job.family.typescript)
    params = ", ".join(f"{p}: {t}" for p, t in zip(job.family.params, job.family.types))
    return f"/** {sentence(job.summary)} */\nexport function {name}({params}): {job.family.returns} {{\n{indent(body, '  ')}\n}}"


def code(job: Job) -> str:
    return block(job.file, job.language, source(job))


@dataclass(frozen=True)
class Wrong:
    """A wrong implementation with what is known of it."""

    kind: str
    source: str
    line: int
    python_twin: str
    """The same mistake in Python, which can be run here whatever the language of the job."""


SYNTAX = {
    "python": [(":\n", "\n"), ("):", ":"), ("return ", "retrun "), ('"""\n', '"\n')],
    "typescript": [(" {\n", "\n"), ("):", ":"), ("return ", "retrun "), ("\n}", "\n")],
}


def first_difference(good: str, bad: str) -> int:
    a, b = good.split("\n"), bad.split("\n")
    for i, line in enumerate(b):
        if i >= len(a) or a[i] != line:
            return i + 1
    return len(b)


def wrong_variant(job: Job, r: random.Random) -> Wrong:
    good = source(job)
    twin = replace(job, language="python")
    roll = r.random()
    if roll < 0.14:
        old, new = r.choice(SYNTAX[job.language])
        at = r.choice([i for i in range(len(good)) if good.startswith(old, i)] or [len(good) - 1])
        bad = good[:at] + new + good[at + len(old):]
        return Wrong("syntax error", bad, first_difference(good, bad), "def broken(:")
    if roll < 0.23:
        other = r.choice([n for n in ("solve", "run", "func", "result_of", "main", "my_function", job.name + "_fn", job.name + "s", job.name[:-1]) if n and n != job.name])
        bad = source(job, name=other)
        return Wrong("wrong name", bad, first_difference(good, bad), source(twin, name=other))
    if roll < 0.31:
        bad = source(job, body="pass" if job.language == "python" else r.choice(["return undefined as never;", 'throw new Error("not implemented");']))
        return Wrong("empty function", bad, first_difference(good, bad), source(twin, body="pass"))
    bug = r.choice(job.family.bugs)
    bad = source(job, body=edit(job, bug, job.language))
    return Wrong(bug.kind, bad, first_difference(good, bad), source(twin, body=edit(job, bug, "python")))


def edit(job: Job, bug: Bug, language: str) -> str:
    body = job.family.python if language == "python" else job.family.typescript
    old, new = bug.python if language == "python" else bug.typescript
    if old not in body:
        raise ValueError(f"{job.family.key}: {old!r} is not in the {language} body")
    return body.replace(old, new, 1)


MAX_MESSAGE = 160
CHECKER = unittest.TestCase()


def one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= MAX_MESSAGE else flat[: MAX_MESSAGE - 1] + "…"


@dataclass(frozen=True)
class Outcome:
    passed: int
    failed: int
    failure: str


def run_wrong(job: Job, wrong: Wrong, r: random.Random) -> Outcome:
    """Really runs the wrong variant (its Python twin) on the job's cases and words the failures as the job's runner does."""
    total = len(job.cases)
    if wrong.kind == "syntax error":
        return Outcome(0, total, syntax_message(job, wrong, r))
    if wrong.kind == "wrong name":
        return Outcome(0, total, name_message(job, r))
    scope: dict[str, Any] = {}
    exec(wrong.python_twin, scope)  # noqa: S102 - text from this folder's own table
    lines = []
    for i, args in enumerate(job.cases, 1):
        message = failure_of(job, scope[job.name], args)
        if message is not None:
            label = f"test_{i}" if job.language == "python" else f"{call(job, args)} returns {literal(job.expected(args), 'typescript')}"
            lines.append(f"{label}: {one_line(message)}")
    return Outcome(total - len(lines), len(lines), "\n".join(lines[:3]))


def failure_of(job: Job, function: Any, args: tuple) -> str | None:
    want = job.expected(args)
    try:
        got = function(*args)
    except Exception as error:  # whatever the wrong code does is the observation
        if job.language == "python":
            return f"{type(error).__name__}: {error}"
        return "Expected values to be strictly equal: NaN !== " + literal(want, "typescript")
    try:
        CHECKER.assertEqual(got, want)
        return None
    except AssertionError as error:
        if job.language == "python":
            return f"AssertionError: {error}"
    shown, expected = literal(got, "typescript"), literal(want, "typescript")
    if got is None:
        shown = "undefined"
    if isinstance(want, list):
        return f"Expected values to be strictly deep-equal: + actual - expected + {shown} - {expected}"
    if isinstance(want, str):
        return f"Expected values to be strictly equal: + actual - expected + {shown} - {expected}"
    return f"Expected values to be strictly equal: {shown} !== {expected}"


def syntax_message(job: Job, wrong: Wrong, r: random.Random) -> str:
    if job.language == "python":
        try:
            compile(wrong.source, job.file, "exec")
            text = f"SyntaxError: invalid syntax ({job.file}, line {wrong.line})"
        except SyntaxError as error:
            text = f"{type(error).__name__}: {error.msg} ({job.file}, line {error.lineno})"
        return r.choice([text, text, f"test_{job.name}: {text}", f"{job.file}: {text}"])
    token = r.choice(["'{', got 'return'", "',', got ':'", "';', '}' or <eof>", "'}', got '<eof>'"])
    return r.choice([f"SyntaxError: Expected {token}", f"{job.test_file}: SyntaxError [ERR_INVALID_TYPESCRIPT_SYNTAX]: Expected {token}",
                     f"{job.file}:{wrong.line} SyntaxError: Unexpected token", "SyntaxError: Unexpected identifier", f"SyntaxError: x Expected {token}"])


def name_message(job: Job, r: random.Random) -> str:
    if job.language == "python":
        text = f"ImportError: cannot import name '{job.name}' from '{job.name}'"
        return r.choice([text, f"test_{job.name}: {text}", f"NameError: name '{job.name}' is not defined", f"test_{job.name}: ImportError: Failed to import test module: test_{job.name}"])
    text = f"SyntaxError: The requested module './{job.file}' does not provide an export named '{job.name}'"
    return r.choice([text, f"{job.test_file}: {text}", f"{job.test_file}: {one_line(text)}"])


SCORES = {"syntax error": 1, "empty function": 1, "wrong name": 2}


def review(job: Job, wrong: Wrong | None) -> str:
    if wrong is None:
        return "SCORE: 9\nVERDICT: accept"
    return f"SCORE: {SCORES.get(wrong.kind, 3)}\nVERDICT: revise\n- {job.file}:{wrong.line} must-fix {wrong.kind}"


def check_table() -> None:
    """Every correct body agrees with its oracle, and every bug edits both languages."""
    r = random.Random(5)
    for family in FAMILIES.values():
        n = None if family.number is None else 7
        for name in ("python", "typescript"):
            job = Job(family, name, "subject", n, canonical_cases(family, n) + [family.make(r) for _ in range(20)])
            for bug in family.bugs:
                edit(job, bug, name)
        job = replace(job, language="python")
        outcome = run_wrong(job, Wrong("", source(job), 0, source(job)), r)
        if outcome.failed > 0:
            raise ValueError(f"{family.key}: {outcome.failure}")


if __name__ == "__main__":
    check_table()
    print(f"{len(FAMILIES)} families agree with their oracles")
