"""Writes what the evaluation asks the model: held-out goals, wrong code to mend, code to review. Usage: cases.py out.json path/to/node"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import heldout
from domain import FAMILIES, Family
from names import random_name
from protocol import Job, Wrong, block, canonical_cases, one_line, plan, run_wrong, source, spec, tests, wrong_variant
from wording import make_goal, number_for

LANGUAGES = ("python", "typescript")


def probes(f: Family, n: int | None, r: random.Random) -> list[dict[str, Any]]:
    """Inputs with the results an independent oracle gives, most of them in no prompt and no test."""
    job = Job(f, "python", "probe", n, [])
    inputs = [*canonical_cases(f, n), *(f.make(r) for _ in range(12))]
    return [{"arguments": list(args), "expected": job.expected(args)} for args in inputs]


def goal_case(group: str, f: Family, language: str, name: str, n: int | None, goal: str, r: random.Random) -> dict[str, Any]:
    summary = f.summary.replace("{n}", str(n))
    return {"group": group, "family": f.key, "language": language, "name": name, "summary": summary, "goal": goal, "probes": probes(f, n, r)}


def written_cases(group: str, lines: list[str], r: random.Random) -> list[dict[str, Any]]:
    cases = []
    for line in lines:
        key, language, name, number, goal = line.split("|")
        cases.append(goal_case(group, FAMILIES[key], language, "" if name == "-" else name, None if number == "-" else int(number), goal, r))
    return cases


def held_job(f: Family, language: str, r: random.Random) -> Job:
    n = number_for(f, r, True)
    return Job(f, language, random_name(r, language, True, []), n, canonical_cases(f, n))


def real_failure(job: Job, wrong: Wrong, node: str) -> str:
    """What node:test itself says, in ATOS's wording; empty when the file doesn't load, which ATOS words otherwise."""
    test_text = tests(job).split("\n", 2)[2].rsplit("\n", 1)[0] + "\n"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "package.json").write_text('{"type": "module"}')
        (Path(folder) / job.file).write_text(wrong.source + "\n")
        (Path(folder) / job.test_file).write_text(test_text)
        done = subprocess.run([node, "--test", "--test-reporter=junit"], cwd=folder, capture_output=True, text=True, timeout=60)
    lines = []
    for case in ElementTree.fromstring(done.stdout).iter("testcase"):
        failure = case.find("failure")
        if failure is not None and case.get("name", "").startswith(job.name + "("):
            lines.append(f"{case.get('name')}: {one_line(failure.get('message', ''))}")
    return "\n".join(lines[:3])


def mend_case(f: Family, language: str, node: str, r: random.Random) -> dict[str, Any]:
    job = held_job(f, language, r)
    for _ in range(40):
        wrong = wrong_variant(job, r)
        outcome = run_wrong(job, wrong, r)
        if outcome.failed > 0:
            break
    failure = (real_failure(job, wrong, node) if language == "typescript" else "") or outcome.failure
    messages = [f"code\n{plan(job)}\n{spec(job)}\n{tests(job)}", block(job.file, language, wrong.source), f"failed\n{failure}"]
    return {"family": f.key, "language": language, "name": job.name, "bug": wrong.kind, "messages": messages, "tests": tests(job), "probes": probes(f, job.n, r)}


def review_case(f: Family, language: str, good: bool, r: random.Random) -> dict[str, Any]:
    job = held_job(f, language, r)
    wrong = None if good else wrong_variant(job, r)
    outcome = None if wrong is None else run_wrong(job, wrong, r)
    passed, failed = (len(job.cases), 0) if outcome is None else (outcome.passed, outcome.failed)
    text = source(job) if wrong is None else wrong.source
    message = f"review\n{spec(job)}\n{block(job.file, language, text)}\nTESTS: {passed} passed, {failed} failed"
    return {"family": f.key, "language": language, "message": message, "verdict": "accept" if good else "revise", "line": 0 if wrong is None else wrong.line}


def main(path: str, node: str) -> None:
    r = random.Random(2026)
    goals = written_cases("tuned", heldout.POSITIVE, r) + written_cases("fresh", heldout.FRESH, r)
    for f in FAMILIES.values():
        for language in LANGUAGES:
            for _ in range(2):
                made = make_goal(f, r, language, held_phrase=True, held_name=True, held_frame=True)
                said = made.name if made.name in made.text else ""
                goals.append(goal_case("made", f, made.language, said, made.n, made.text, r))
    cases = {
        "goals": goals,
        "refusals": [{"group": "tuned", "goal": g} for g in heldout.NEGATIVE] + [{"group": "fresh", "goal": g} for g in heldout.FRESH_NEGATIVE],
        "mends": [mend_case(f, language, node, r) for f in FAMILIES.values() for language in LANGUAGES for _ in range(2)],
        "reviews": [review_case(f, language, good, r) for f in FAMILIES.values() for language in LANGUAGES for good in (True, False)],
    }
    with open(path, "w") as file:
        json.dump(cases, file)
    print(", ".join(f"{len(rows)} {kind}" for kind, rows in cases.items()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
