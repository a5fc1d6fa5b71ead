"""Runs Python test files, or checks syntax, and reports as one JSON line behind a mark.

usage: python-runner.py MARK syntax|tests|python|pytest|unittest FILE...

`tests` verifies: nothing in the repository configures it, and no package of the project, which come by ATOS_PACKAGES
and not by PYTHONPATH, stands for pytest or for a module of Python itself. The others are for whoever works on it: pytest then reads
the repository's own settings, and what tests print is shown. `tests` and `python` use pytest where it is installed,
else unittest. The line goes to the process's own standard
output, also when the code under test has put something else in its place.
"""

import ast
import dis
import importlib.util
import json
import os
import re
import sys
import threading
import time
import traceback
import unittest

OUT = os.dup(1)
ROOT = os.path.realpath(os.getcwd()) + os.sep
# Also when the code under test has put something else in its place.
REALPATH = os.path.realpath


def report(mark, value):
    os.write(OUT, ("\n" + mark + json.dumps(value) + "\n").encode())


def words(kind, value):
    return "".join(traceback.format_exception_only(kind, value)).strip()


def own_path(file):
    """The relative path of a file of the project, or None for one of a library."""
    path = REALPATH(file)
    if not path.startswith(ROOT) or "site-packages" in path or os.sep + "." in path[len(ROOT) - 1 :]:
        return None
    return path[len(ROOT) :]


def place_of(error):
    """The deepest place of an error in the project's own code."""
    for _ in range(5):
        if error is None:
            return None
        place = None
        trace = error.__traceback__
        while trace is not None:
            file = own_path(trace.tb_frame.f_code.co_filename)
            if file is not None and trace.tb_lineno is not None:
                place = {"file": file, "line": trace.tb_lineno}
            trace = trace.tb_next
        if place is not None:
            return place
        # pytest wraps what goes wrong while a file is loaded.
        error = error.__cause__
    return None


class Coverage:
    """Which lines of `files` are reached. Watching ends nothing and changes nothing but the speed."""

    def __init__(self, files):
        self.lines = {file: lines_of(file) for file in files}
        self.seen = {os.path.join(ROOT, file): set() for file in files}

    def start(self):
        threading.settrace(self.enter)
        sys.settrace(self.enter)

    def enter(self, frame, event, value):
        seen = self.seen.get(frame.f_code.co_filename)
        if seen is None:
            return None
        seen.add(frame.f_lineno)

        def step(frame, event, value):
            if event == "line":
                seen.add(frame.f_lineno)
            return step

        return step

    def report(self):
        sys.settrace(None)
        threading.settrace(None)
        return [
            {"path": file, "lines": len(lines), "covered": len(lines & self.seen[os.path.join(ROOT, file)])}
            for file, lines in self.lines.items()
        ]


def lines_of(file):
    with open(file, "rb") as source:
        codes = [compile(source.read(), file, "exec")]
    lines = set()
    while codes:
        code = codes.pop()
        lines.update(line for _, line in dis.findlinestarts(code) if line)
        codes += [inner for inner in code.co_consts if hasattr(inner, "co_code")]
    return lines


def check_syntax(files):
    problems = []
    for file in files:
        try:
            with open(file, "rb") as source:
                ast.parse(source.read(), file)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            message = "%s: %s (%s, line %s)" % (type(error).__name__, getattr(error, "msg", error), file, line)
            problems.append({"file": file, "message": message})
    return problems


def error_of(report):
    """The error itself out of pytest's long account: its marked line that reads like one, else the first marked line."""
    text = str(report.longrepr)
    marked = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    named = [line for line in marked if re.match(r"[A-Za-z_][\w.]*(: |$)", line)]
    return (named or marked or [text])[0]


class PytestListener:
    def __init__(self):
        self.tests = []
        self.at = None

    def add(self, report, outcome, message="", error=False):
        file, _, name = report.nodeid.partition("::")
        name = name.split("::")[-1] or file
        test = {"file": file, "name": name, "outcome": outcome, "message": message, "error": error}
        if outcome == "failed" and self.at is not None:
            test["at"] = self.at
        self.tests.append(test)

    def pytest_runtest_makereport(self, item, call):
        self.at = place_of(call.excinfo.value) if call.excinfo else None

    def pytest_exception_interact(self, node, call, report):
        # Of a file that can't be loaded this is told before its report.
        self.at = place_of(call.excinfo.value)

    def pytest_collectreport(self, report):
        if report.failed:
            self.add(report, "failed", error_of(report), error=True)

    def pytest_runtest_logreport(self, report):
        # A test has three phases; a failure in any of them is the test's own.
        if report.failed:
            self.add(report, "failed", error_of(report), error=report.when != "call")
        elif report.skipped:
            self.add(report, "skipped")
        elif report.when == "call":
            self.add(report, "passed")


def run_pytest(pytest, files, verifies):
    listener = PytestListener()
    flags = ["-q", "--no-header", "-p", "no:cacheprovider", "--rootdir=.", "--continue-on-collection-errors"]
    if verifies:
        # Nothing in the repository may configure its own verification: no conftest, no ini file,
        # nor a plugin by an entry point of its own.
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        flags += ["--noconftest", "-c", os.devnull, "-o", "xfail_strict=true"]
    else:
        flags += ["-s", "--tb=short"]
    status = pytest.main([*flags, *files], plugins=[listener])
    # 5: no test was collected, which the caller sees by itself.
    if status not in (0, 5) and all(test["outcome"] != "failed" for test in listener.tests):
        message = "pytest ended early (status %d)" % status
        listener.tests.append({"file": "", "name": "test run", "outcome": "failed", "message": message, "error": True})
    return listener.tests


class UnittestListener(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.tests = []
        self.file = ""

    def add(self, test, outcome, error=None):
        # A class or module that could not be prepared is told as "setUpClass (module.Class)".
        kept_for = re.match(r"(\w+) \((?:.*\.)?(\w+)\)$", test.id())
        name = " ".join(kept_for.groups()) if kept_for else test.id().split(".")[-1]
        message = words(error[0], error[1]) if error else ""
        # What was prepared for several tests, and failed, stands for them all.
        kept = outcome == "failed" and not isinstance(test, unittest.TestCase)
        told = {"file": self.file, "name": name, "outcome": outcome, "message": message, "error": kept}
        at = place_of(error[1]) if error else None
        self.tests.append(told if at is None else {**told, "at": at})

    def addSuccess(self, test):
        self.add(test, "passed")

    def addFailure(self, test, error):
        self.add(test, "failed", error)

    def addError(self, test, error):
        self.add(test, "failed", error)

    def addSkip(self, test, reason):
        self.add(test, "skipped")

    def addExpectedFailure(self, test, error):
        self.add(test, "skipped")

    def addUnexpectedSuccess(self, test):
        self.add(test, "failed", (AssertionError, AssertionError("unexpected success")))

    def addSubTest(self, test, subtest, error):
        if error:
            self.add(test, "failed", error)


def run_unittest(files):
    listener = UnittestListener()
    for number, file in enumerate(files):
        listener.file = file
        try:
            spec = importlib.util.spec_from_file_location("atos_tests_%d" % number, file)
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
        except BaseException as error:  # a test file may also call sys.exit
            message = words(type(error), error)
            test = {"file": file, "name": file, "outcome": "failed", "message": message, "error": True}
            at = place_of(error)
            listener.tests.append(test if at is None else {**test, "at": at})
            continue
        unittest.defaultTestLoader.loadTestsFromModule(module).run(listener)
    return listener.tests


def add_packages(value):
    """Makes the project's packages importable: after Python's own modules, before what the machine has installed."""
    installed = (at for at, path in enumerate(sys.path) if path.endswith("-packages"))
    at = next(installed, len(sys.path))
    sys.path[at:at] = [path for path in value.split(os.pathsep) if path]


def main():
    mark, what, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    sys.argv = sys.argv[:1]
    if what == "syntax":
        return report(mark, {"problems": check_syntax(files)})
    # Before the repository can be imported from: a file of its own called pytest.py must not be taken for pytest.
    pytest = None
    try:
        if what != "unittest":
            import pytest
    except ModuleNotFoundError as error:
        if error.name != "pytest" or what == "pytest":
            raise
    packages = os.environ.pop("ATOS_PACKAGES", "")
    if packages != "":
        add_packages(packages)
        # For processes that the tests start.
        os.environ["PYTHONPATH"] = packages
    sys.path.insert(0, os.getcwd())
    watched = os.environ.pop("ATOS_COVERED_FILES", None)
    coverage = None if watched is None else Coverage(json.loads(watched))
    if coverage is not None:
        coverage.start()
    started = time.monotonic()
    tests = run_unittest(files) if pytest is None else run_pytest(pytest, files, what == "tests")
    runner = "unittest" if pytest is None else "pytest"
    duration = int((time.monotonic() - started) * 1000)
    value = {"runner": runner, "tests": tests, "durationMs": duration}
    report(mark, value if coverage is None else {**value, "coverage": coverage.report()})


main()
