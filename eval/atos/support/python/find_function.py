"""Finds a function that a goal names, in whatever file the solution put it."""

import importlib
import os


def find_function(name):
    failures = []
    for folder, folders, files in sorted(os.walk(".")):
        folders[:] = [one for one in folders if not one.startswith((".", "__")) and one != "tests"]
        for file in sorted(files):
            if not file.endswith(".py") or file.startswith("test_") or file in ("find_function.py", "setup.py"):
                continue
            path = os.path.relpath(os.path.join(folder, file), ".")
            try:
                found = getattr(importlib.import_module(path[:-3].replace(os.sep, ".")), name, None)
            except Exception as error:
                failures.append("%s: %r" % (path, error))
                continue
            if callable(found):
                return found
    raise AssertionError("no file has a function %s; %s" % (name, "; ".join(failures) or "every file was loaded"))
