"""Two published packages that stand on PySpark's RDD API, each with a program that uses it as its documentation does.

``cargo xtask conformance --packages`` runs more of them, which are too large to be installed for all tests.
"""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).resolve().parents[1] / "conformance/packages"


def run(folder: Path, program: str | Path) -> str:
    app = folder / "app.py"
    app.write_text(program.read_text() if isinstance(program, Path) else program)
    command = [sys.executable, "-m", "firesteel.as_pyspark", str(app)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_joblibs_spark_backend(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
from joblib import Parallel, delayed, parallel_backend
from joblibspark import register_spark

def square(number):
    from pyspark import TaskContext
    assert TaskContext.get() is not None, "the backend runs it elsewhere"
    return number * number

register_spark()
for jobs in (2, -1):
    with parallel_backend("spark", n_jobs=jobs):
        print(Parallel()(delayed(square)(number) for number in range(10)))
""",
    )
    assert printed == f"{[number * number for number in range(10)]}\n" * 2


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="luigi has no release for it")
def test_luigis_task_is_submitted(tmp_path: Path) -> None:
    run(tmp_path, PROGRAMS / "run_luigi.py")
    words = [line for part in (tmp_path / "counts").glob("part-*") for line in part.read_text().splitlines()]
    assert sorted(words) == ["('be', 2)", "('not', 1)", "('or', 1)", "('to', 2)"]


def test_each_package_has_a_program_and_a_list_without_pyspark() -> None:
    published = runpy.run_path(str(PROGRAMS.parent / "published.py"))
    names = [package.name for package in published["PACKAGES"]]
    assert {path.stem for path in PROGRAMS.glob("*.txt")} == set(names) and len(names) == len(set(names))
    assert {path.stem.removeprefix("run_") for path in PROGRAMS.glob("*.py")} == set(names)
    for package in published["PACKAGES"]:
        lines = (PROGRAMS / f"{package.name}.txt").read_text().splitlines()
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), package.name
        assert not any(line.startswith(("pyspark==", "py4j==")) for line in lines)
        assert lines[0].partition("==")[0].lower().replace("-", "_") == package.name


def test_the_table_of_packages_stands_in_its_document() -> None:
    published = runpy.run_path(str(PROGRAMS.parent / "published.py"))
    document = "# Title\n\n## What differs\n\nrows\n"
    package = published["PACKAGES"][0]
    once = published["with_section"](document, published["section"]({package: None}))
    assert once.endswith(" | passes |\n\n## What differs\n\nrows\n") and published["section_of"](once) in once
    again = published["with_section"](once, published["section"]({package: "ends | with 1"}))
    assert again.count("## Published packages") == 1 and "| ends \\| with 1 |\n\n## What differs" in again
