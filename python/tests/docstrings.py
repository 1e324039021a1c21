"""Runs the examples in the package's docstrings: every module's, each with a context of its own named `sc`.

`python python/tests/docstrings.py [MODULE ...]` with the package installed; prints what differs, and counts. An
example sees the names of its module, as a reader of the module does, and a folder of its own to be in.
"""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import sys
import tempfile
from types import ModuleType

import firesteel
from firesteel import SparkContext
from firesteel.sql import SparkSession

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def main(wanted: list[str]) -> int:
    """Runs the examples of the modules; 1 where one differs."""
    names = wanted or [
        "firesteel",
        *sorted(found.name for found in pkgutil.walk_packages(firesteel.__path__, "firesteel.")),
    ]
    failed = tried = 0
    for name in names:
        # A `__main__` begins to work when it is imported; the native module's examples stand in its stub, where
        # doctest sees none.
        if name.endswith("__main__") or name == "firesteel._native":
            continue
        results = run_module(importlib.import_module(name))
        if results.attempted:
            print(f"{name}: {results.attempted - results.failed} of {results.attempted} examples", flush=True)
        failed, tried = failed + results.failed, tried + results.attempted
    print(f"docstrings: {tried - failed} passed, {failed} failed")
    return 1 if failed or not tried else 0


def run_module(module: ModuleType) -> doctest.TestResults:
    """Runs one module's examples, if it has any."""
    tests = [test for test in doctest.DocTestFinder(exclude_empty=True).find(module) if test.examples]
    if not tests:
        return doctest.TestResults(0, 0)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    source = "".join(example.source for test in tests for example in test.examples)
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for test in tests:
                if "sc" in source:
                    test.globs["sc"] = SparkContext.getOrCreate()
                if "SparkSession" in source:
                    test.globs.setdefault("SparkSession", SparkSession)
                runner.run(test)
        finally:
            if SparkContext._active_spark_context is not None:
                SparkContext._active_spark_context.stop()
            os.chdir(before)
    return doctest.TestResults(runner.failures, runner.tries)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
