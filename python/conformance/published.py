"""Published packages that use the RDD API: runs each one's example on Firesteel, and writes a table of the results.

``cargo xtask conformance --packages`` calls it: first with ``--list``, then, with an environment for each package, with
their interpreters. The folder ``packages`` has, for each, what is installed (``NAME.txt``: pinned, all of it, without
PySpark) and the program that is run (``run_NAME.py``).
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "packages"

#: The title of the section in the table's document, which the other examples' run leaves as it is.
TITLE = "## Published packages"

#: How long one program may take; the longest, hyperopt's own tests, takes two minutes.
SECONDS = 600


@dataclass(frozen=True)
class Package:
    """A package, what it uses, and what is run of it."""

    name: str
    uses: str
    example: str
    python: str = "3.11"

    @property
    def program(self) -> Path:
        """The program that uses it."""
        return FOLDER / f"run_{self.name}.py"

    @property
    def requirement(self) -> str:
        """The package itself with its version: the first line of what is installed."""
        return (FOLDER / f"{self.name}.txt").read_text(encoding="utf-8").splitlines()[0]


PACKAGES = [
    Package("joblibspark", "a job for each call, from threads, in job groups", "its README's cross validation"),
    Package(
        "hyperopt",
        "`mapPartitions`, local properties, `cancelJobGroup`, from threads",
        "its own tests of `SparkTrials`: 15, and one that skips itself",
    ),
    Package(
        "mrjob",
        "`textFile`, `mapPartitions`, `combineByKey`, `groupBy`, `accumulator`, `saveAsTextFile`",
        "two of its example jobs by its Spark harness, its two word counts for Spark",
    ),
    Package(
        "pipeline_dp",
        "`flatMap`, `groupByKey`, `reduceByKey`, `mapValues`, `filter`",
        "counts and sums by `SparkRDDBackend`, a few lines of ours",
    ),
    Package(
        "autofaiss",
        "`broadcast`, `foreach`, `map`, the number of executors",
        'an index of 3,000 vectors by `build_index(distributed="pyspark")`, a few lines of ours',
    ),
    Package(
        "cubed",
        "`parallelize`, `map`, `collect`, pipelines in closures",
        "a sum and a matrix product by `SparkExecutor`, a few lines of ours",
    ),
    Package(
        "luigi",
        "`spark-submit` of a pickled task, the context of its runner",
        "a word count as a `PySparkTask`, by `firesteel submit`, a few lines of ours",
    ),
    Package("pytest_spark", "a context for a session of tests, Log4j's levels by `_jvm`", "the test of its README"),
    Package("findspark", "the folder of `pyspark`", "the lines of its README, and a sum"),
    Package(
        "flaml",
        "`broadcast`, the number of executors, joblib's backend",
        "a search by `tune.run(use_spark=True)`, a few lines of ours",
    ),
    Package("intake_spark", "`textFile`, `runJob` of single partitions, methods by name", "its tests of RDDs, by hand"),
    Package(
        "snorkel",
        "`zipWithIndex`, `map`, rows",
        "labels and a mapper by `SparkLFApplier`, a few lines of ours; without PyTorch, which these do not import",
    ),
    Package("spark_testing_base", "a context for each test, `cogroup`, `zipWithIndex`, `take`", "its own 10 tests"),
    Package(
        "spark_tensorflow_distributor",
        "barrier stages, `allGather`, `getTaskInfos`",
        "a run of two slots whose function brings its own strategy, without TensorFlow",
    ),
]


def main() -> int:
    """Lists the packages, or runs them; 1 where one does not pass."""
    parser = argparse.ArgumentParser(prog="published", description=__doc__)
    parser.add_argument("--list", action="store_true", help="print each package's name and the Python that it wants")
    parser.add_argument("--table", type=Path, help="the document whose section is written anew")
    parser.add_argument("python", nargs="*", metavar="NAME=PYTHON", help="a package, and the interpreter that has it")
    chosen = parser.parse_args()
    if chosen.list:
        print("\n".join(f"{package.name} {package.python}" for package in PACKAGES))
        return 0
    pythons = dict(pair.split("=", 1) for pair in chosen.python)
    results: dict[Package, str | None] = {}
    for package in PACKAGES:
        if package.name in pythons:
            start = time.monotonic()
            results[package] = run(package, pythons[package.name])
            said = results[package] or "passes"
            print(f"{package.requirement}: {said} ({time.monotonic() - start:.0f} s)", flush=True)
    if chosen.table:
        document = chosen.table.read_text(encoding="utf-8")
        chosen.table.write_text(with_section(document, section(results)), encoding="utf-8")
        print(f"table: {chosen.table}")
    failed = sum(trouble is not None for trouble in results.values())
    print(f"{len(results) - failed} of {len(results)} packages pass")
    return 1 if failed else 0


def run(package: Package, python: str) -> str | None:
    """Runs a package's program in a folder of its own; the last line of what it said where it failed."""
    environment = dict(os.environ, PYSPARK_SUBMIT_ARGS="--master local[2] pyspark-shell", PYTHONWARNINGS="ignore")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        with log.open("wb") as output:
            child = subprocess.Popen(
                [python, "-m", "firesteel.as_pyspark", str(package.program)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = child.wait(SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                return f"was stopped after {SECONDS} s"
        said = log.read_text(encoding="utf-8", errors="replace").strip()
    if code == 0:
        return None
    print(said[-4000:])
    return f"ends with {code}: {said.splitlines()[-1] if said else 'says nothing'}"


def section(results: dict[Package, str | None]) -> str:
    """Returns the section of the document."""
    passed = sum(trouble is None for trouble in results.values())
    lines = [
        TITLE,
        "",
        "Written by `cargo xtask conformance --packages`. Each package, as it was published, is installed without",
        "PySpark, and its own example or tests run with Firesteel in PySpark's place, on Python 3.11.",
        "",
        f"- Passed: {passed} of {len(results)} packages.",
        "",
        "| package | uses | example | |",
        "| --- | --- | --- | --- |",
    ]
    for package, trouble in results.items():
        said = (trouble or "passes").replace("|", "\\|")[:160]
        lines.append(f"| {package.requirement.replace('==', ' ')} | {package.uses} | {package.example} | {said} |")
    return "\n".join(lines) + "\n"


def section_of(document: str) -> str:
    """Returns the section as a document has it; nothing where it has none."""
    found = re.search(rf"^{re.escape(TITLE)}\n.*?(?=^## |\Z)", document, re.MULTILINE | re.DOTALL)
    return found[0].rstrip("\n") + "\n" if found else ""


def with_section(document: str, written: str) -> str:
    """Returns the document with the section in the place of the earlier one, or before `What differs`."""
    before = section_of(document)
    if before:
        return document.replace(before, written)
    return document.replace("## What differs\n", f"{written}\n## What differs\n", 1)


if __name__ == "__main__":
    sys.exit(main())
