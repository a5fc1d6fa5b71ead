"""Runs what the model wrote and prints the figures. Usage: score.py cases.json replies.json path/to/node

The produced tests really run against the produced code; the code is also run on inputs whose
results an independent oracle gives; and every criterion is checked against that oracle, so that
"the tests match the goal" is established rather than assumed. It runs model output: keep it off
machines that matter.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from domain import FAMILIES

TIMEOUT_S = 30
PROBE_PYTHON = """import importlib, json, sys
function = getattr(importlib.import_module(sys.argv[1]), sys.argv[1])
print(json.dumps([function(*p["arguments"]) for p in json.load(open("probes.json"))]))"""
PROBE_NODE = """import { readFileSync } from "node:fs";
const module = await import("./" + process.argv[2] + ".ts");
console.log(JSON.stringify(JSON.parse(readFileSync("probes.json", "utf8")).map((p) => module[process.argv[2]](...p.arguments))));"""


def run(command: list[str], folder: str) -> tuple[bool, str]:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False, "timeout"
    return done.returncode == 0, done.stdout + done.stderr


def problem(files: list[dict[str, str]], language: str, name: str, probes: list[dict[str, Any]], node: str) -> str:
    """Why the files are not right; empty when they are."""
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            (Path(folder) / Path(file["path"]).name).write_text(file["content"])
        (Path(folder) / "package.json").write_text('{"type": "module"}')
        (Path(folder) / "probes.json").write_text(json.dumps(probes))
        (Path(folder) / "probe.mjs").write_text(PROBE_NODE)
        test = [sys.executable, "-m", "unittest"] if language == "python" else [node, "--test"]
        passed, output = run(test, folder)
        if not passed or "Ran 0 tests" in output or "tests 0" in output:
            return "tests fail: " + output[-300:]
        probe = [sys.executable, "-c", PROBE_PYTHON, name] if language == "python" else [node, "probe.mjs", name]
        ran, output = run(probe, folder)
        if not ran:
            return "probe fails: " + output[-300:]
        wrong = [(p, got) for p, got in zip(probes, json.loads(output)) if got != p["expected"]]
        return "" if not wrong else f"wrong result: {wrong[0]}"


def criteria_problem(case: dict[str, Any], spec: dict[str, Any], files: list[dict[str, str]]) -> str:
    """Whether the oracle agrees with each criterion, and the test file asserts each of them."""
    family = FAMILIES[case["family"]]
    number = [int(n) for n in re.findall(r"\d+", spec["summary"])] if family.number else []
    tests = next((f["content"] for f in files if "test" in f["path"]), "")
    for criterion in spec["criteria"]:
        match = re.fullmatch(r"(\w+)\((.*)\) returns (.*)", criterion)
        if match is None or match.group(1) != spec["name"]:
            return f"unreadable criterion {criterion!r}"
        args, value = (ast.literal_eval(python_literal(t)) for t in (f"({match.group(2)},)" if match.group(2) else "()", match.group(3)))
        try:
            true = family.oracle(*number, *args) == value
        except (TypeError, ValueError, ArithmeticError, IndexError):  # a call the function doesn't even take
            true = False
        if not true:
            return f"untrue criterion {criterion!r}"
        if f"({spec['name']}({match.group(2)}), {match.group(3)})" not in tests:
            return f"untested criterion {criterion!r}"
    return "" if len(spec["criteria"]) >= 3 else "fewer than three criteria"


def python_literal(text: str) -> str:
    return re.sub(r"\b(true|false|null)\b", lambda m: {"true": "True", "false": "False", "null": "None"}[m.group()], text)


def judge(case: dict[str, Any], reply: dict[str, Any], node: str) -> str:
    if "stopped" in reply:
        return reply["stopped"]
    spec = reply["spec"]
    for field in ("summary", "language"):
        if spec[field] != case[field]:
            return f"{field} is {spec[field]!r}"
    if case["name"] and spec["name"] != case["name"]:
        return f"name is {spec['name']!r} for {case['name']!r}"
    return criteria_problem(case, spec, reply["files"]) or problem(reply["files"], case["language"], spec["name"], case["probes"], node)


def share(name: str, good: int, total: int) -> None:
    print(f"{name:58} {good:4}/{total:<4} {100 * good / max(1, total):5.1f} %")


def main(cases_path: str, replies_path: str, node: str) -> None:
    cases, replies = (json.loads(Path(p).read_text()) for p in (cases_path, replies_path))
    with ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(lambda pair: judge(*pair, node), zip(cases["goals"], replies["goals"])))
        mended = list(pool.map(lambda pair: mend_problem(*pair, node), zip(cases["mends"], replies["mends"])))
    for group, what in (("made", "new names, phrases and frames"), ("tuned", "hand-written, guard tuned on them"), ("fresh", "hand-written, never looked at")):
        for language in ("python", "typescript"):
            chosen = [v for v, c in zip(verdicts, cases["goals"]) if c["group"] == group and c["language"] == language]
            share(f"goal to green tests, {what}, {language}", chosen.count(""), len(chosen))
    for group in ("tuned", "fresh"):
        rows = [r for r, c in zip(replies["refusals"], cases["refusals"]) if c["group"] == group]
        for who, count in (("guard alone", sum(not r["guard"] for r in rows)), ("model alone", sum(r["model"] for r in rows)), ("guard and model", sum(r["both"] for r in rows))):
            share(f"goals outside refused, {group}, {who}", count, len(rows))
    for language in ("python", "typescript"):
        chosen = [v for v, c in zip(mended, cases["mends"]) if c["language"] == language]
        share(f"injected bugs mended in one round, {language}", chosen.count(""), len(chosen))
    pairs = list(zip(cases["reviews"], replies["reviews"]))
    for verdict in ("accept", "revise"):
        rows = [(c, r) for c, r in pairs if c["verdict"] == verdict]
        share(f"reviews that should say {verdict} and do", sum(r.get("verdict") == verdict for c, r in rows), len(rows))
    revised = [(c, r) for c, r in pairs if c["verdict"] == "revise" and r.get("findings")]
    share("findings that name the right line", sum(f":{c['line']} " in r["findings"][0] for c, r in revised), len(revised))
    print(f"{replies['seconds']:.0f} s of generation on one thread")
    for v, c in zip(verdicts, cases["goals"]):
        if v:
            print(f"- {c['group']} {c['language']} {c['family']}: {c['goal']!r}: {' '.join(v.split())[-200:]}", file=sys.stderr)
    for r, c in zip(replies["refusals"], cases["refusals"]):
        if not r["both"]:
            print(f"- not refused: {c['goal']!r} {r['guard']}", file=sys.stderr)
    for v, c in zip(mended, cases["mends"]):
        if v:
            print(f"- mend {c['language']} {c['family']} {c['bug']}: {' '.join(v.split())[-200:]}", file=sys.stderr)
    print(Counter(v.split(":")[0] for v in verdicts if v), file=sys.stderr)


def mend_problem(case: dict[str, Any], reply: dict[str, Any], node: str) -> str:
    if "stopped" in reply:
        return reply["stopped"]
    head, content = case["tests"].split("\n", 1)
    tests = {"path": head.removeprefix("FILE: "), "content": content.split("\n", 1)[1].rsplit("\n", 1)[0] + "\n"}
    return problem([tests, *reply["files"]], case["language"], case["name"], case["probes"], node)


if __name__ == "__main__":
    main(*sys.argv[1:4])
