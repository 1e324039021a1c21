"""Published packages that stand on PySpark's RDD API, each with a program that uses it as its documentation does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(folder: Path, program: str) -> str:
    app = folder / "app.py"
    app.write_text(program)
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
