"""Runs the examples of one module in this process and reports each docstring as a line of JSON.

Started by ``runner.py``, once for each module, or again after an example that never ended or ended the process. Its
first words are what to run, its report goes to a file, so that examples may print what they like.
"""

from __future__ import annotations

import doctest
import importlib
import io
import json
import re
import sys
import tempfile
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, TextIO

from cases import MODULES, Case, Module, cases_of, top_level

#: An example that makes a context by itself is given none: there is room for one in a process.
MAKES_A_CONTEXT = re.compile(r">>> \w+ = SparkContext\(")


class Runner(doctest.DocTestRunner):
    """Remembers each example's outcome instead of printing it."""

    def __init__(self, options: int) -> None:
        super().__init__(optionflags=options, verbose=False)
        self.passed = 0
        self.differences: list[str] = []

    def report_start(self, out: Any, test: doctest.DocTest, example: doctest.Example) -> None:
        pass

    def report_success(self, out: Any, test: doctest.DocTest, example: doctest.Example, got: str) -> None:
        self.passed += 1

    def report_failure(self, out: Any, test: doctest.DocTest, example: doctest.Example, got: str) -> None:
        self._differs(example, f"gave {got.strip()[-600:]!r}, wanted {example.want.strip()[:300]!r}")

    def report_unexpected_exception(
        self, out: Any, test: doctest.DocTest, example: doctest.Example, exc_info: Any
    ) -> None:
        kind, error = exc_info[0], exc_info[1]
        self._differs(example, f"raised {kind.__name__}: {str(error).strip()[-900:]}")

    def _differs(self, example: doctest.Example, what: str) -> None:
        self.differences.append(f"{example.source.strip()[:200]} {what}")


def run_case(case: Case, module: Module, names: dict[str, Any], home: Path) -> dict[str, Any]:
    """One docstring's examples, with names of their own; how many passed, and how the others differ."""
    file = str(home / (case.module.replace(".", "/") + ".py"))
    test = doctest.DocTestParser().get_doctest(case.text, dict(names), case.name or "(module)", file, case.line)
    runner = Runner(module.options)
    runner.run(test, out=lambda text: None)
    skipped = sum(1 for example in test.examples if example.options.get(doctest.SKIP))
    return {
        "name": case.name,
        "examples": len(test.examples),
        "passed": runner.passed,
        "skipped": skipped,
        "differences": runner.differences,
    }


def names_for(module: Module, home: Path) -> dict[str, Any]:
    """What an example of the module may call by bare name, as it is in the package under test."""
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    top = top_level(module.name, home)
    with redirect_stderr(io.StringIO()):
        for statement in top.imports:
            try:
                exec(statement, names)  # noqa: S102, an import statement of an installed package
            except Exception:
                # What a module imports for itself only is not there in another package, and an example that needs it
                # will say so.
                continue
    try:
        own = importlib.import_module(f"pyspark.{module.name}")
    except ImportError:
        return names
    names.update((name, getattr(own, name)) for name in top.definitions if hasattr(own, name))
    return names


def main(module_name: str, first: int, home: Path, report: TextIO, reference: bool, master: str) -> None:
    """Runs the cases of a module from the ``first`` on, where the module's own run has them or on another master."""
    if not reference:
        importlib.import_module("firesteel.as_pyspark").install()
    module = next(module for module in MODULES if module.name == module_name)
    names = names_for(module, home)
    plain_numbers()
    with tempfile.TemporaryDirectory() as folder:
        context = start(module, names, folder, master)
        for index, case in enumerate(cases_of(module.name, home)):
            if index < first:
                continue
            alone = context is not None and MAKES_A_CONTEXT.search(case.text)
            if alone:
                context.stop()
            tell(report, {"index": index, **run_case(case, module, names, home)})
            if alone:
                stop_active()
                context = start(module, names, folder, master)
        tell(report, {"done": True})
        if context is not None:
            context.stop()


def plain_numbers() -> None:
    """NumPy 2 shows its numbers with their type; the examples were written for the form before."""
    try:
        import numpy
    except ImportError:
        return
    if int(numpy.__version__.split(".")[0]) >= 2:
        numpy.set_printoptions(legacy="1.25")


def stop_active() -> None:
    """Stops the context that an example made and left."""
    from pyspark import SparkContext

    active = SparkContext._active_spark_context
    if active is not None:
        active.stop()


def start(module: Module, names: dict[str, Any], folder: str, master: str) -> Any:
    """What PySpark's own run of these examples gives to them: `sc`, `spark`, a folder for checkpoints."""
    if module.master is None:
        return None
    from pyspark import SparkConf, SparkContext

    conf = SparkConf().set("spark.ui.enabled", "true")
    if master:
        # What examples show of partitions was made with so many slots.
        slots = re.search(r"\d+", module.master)
        conf.set("spark.default.parallelism", slots[0] if slots else "1")
    context = SparkContext(master or module.master, "conformance", conf=conf)
    names["sc"] = context
    if module.spark:
        from pyspark.sql import SparkSession

        names["spark"] = SparkSession.builder.getOrCreate()
    if module.checkpoints:
        context.setCheckpointDir(folder)
    return context


def tell(report: TextIO, line: dict[str, Any]) -> None:
    """One line of the report, at once, since the next example may end this process."""
    report.write(json.dumps(line) + "\n")
    report.flush()


if __name__ == "__main__":
    _module, _first, _home, _report, _reference, _master = sys.argv[1:]
    # Programs that an example starts, and tasks, see no words of ours.
    sys.argv[1:] = []
    with open(_report, "a", encoding="utf-8") as _file:
        main(_module, int(_first), Path(_home), _file, _reference == "reference", _master)
