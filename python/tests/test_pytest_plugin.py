"""The pytest plugin, tried as a project's own tests find it: by the entry point of the installed package."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


def run(folder: Path, files: dict[str, str], status: int = 0) -> str:
    """Runs pytest over files in a folder, and returns what it printed."""
    for name, text in files.items():
        (folder / name).write_text(textwrap.dedent(text))
    # A project's tests know nothing of those that run here.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "FIRESTEEL_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    printed = done.stdout + done.stderr
    assert done.returncode == status, printed
    return printed


def test_each_test_has_a_context_of_its_own(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        {
            "test_words.py": """
                import pytest

                def test_a_job(sc):
                    assert sc.master == "local[2]" and sc.appName == "test_a_job"
                    assert sc.parallelize(range(10)).map(lambda x: x * 2).sum() == 90

                def test_the_program_may_stop_it(sc):
                    assert sc.textFile(__file__).count() > 3
                    sc.stop()

                class TestWithSettings:
                    @pytest.fixture
                    def firesteel_conf(self):
                        return {"spark.default.parallelism": "7"}

                    def test_partitions(self, sc):
                        assert sc.parallelize([1]).getNumPartitions() == 7

                def test_settings_are_of_the_class(sc):
                    assert sc.parallelize([1]).getNumPartitions() == 2
            """
        },
    )
    assert "4 passed" in printed


def test_pyspark_is_firesteel_where_the_project_says_so(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        {
            "pytest.ini": "[pytest]\nfiresteel_as_pyspark = true\nfiresteel_master = local[3]\n",
            "conftest.py": "from pyspark import SparkContext",
            "test_it.py": """
                from pyspark import SparkContext, TaskContext

                def test_it(sc):
                    assert isinstance(sc, SparkContext) and sc.defaultParallelism == 3
                    assert sc.range(3).map(lambda x: TaskContext.get().partitionId()).collect() == [0, 1, 2]
            """,
        },
    )
    assert "1 passed" in printed


def test_what_is_left_behind_fails_the_test(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        {
            "test_leaks.py": """
                import os, threading, time

                def test_job(sc):
                    def count():
                        try:
                            sc.range(2).map(lambda x: time.sleep(60)).count()
                        except Exception:
                            pass  # cancelled

                    threading.Thread(target=count, daemon=True).start()
                    while not sc.statusTracker().getActiveJobsIds():
                        time.sleep(0.01)

                def test_file(sc):
                    open(os.path.join(sc.getConf().get("spark.local.dir"), "left.txt"), "w").close()

                def test_goes_on(sc):
                    assert sc.range(3).count() == 3
            """
        },
        status=1,
    )
    assert "the test is over, but job 0 still runs" in printed and "left.txt is left" in printed
    assert "3 passed" in printed and "2 errors" in printed


def test_a_context_of_the_programs_own_is_named(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        {
            "test_two.py": """
                from firesteel import SparkContext

                mine = SparkContext("local[1]", "mine")

                def test_it(sc):
                    pass
            """
        },
        status=1,
    )
    assert "is still active: the test or fixture that made it must stop it" in printed


def test_a_fixture_of_the_projects_own_takes_its_place(tmp_path: Path) -> None:
    conftest = "import pytest\n@pytest.fixture\ndef sc():\n    return 'mine'\n"
    printed = run(tmp_path, {"conftest.py": conftest, "test_it.py": "def test_it(sc):\n    assert sc == 'mine'\n"})
    assert "1 passed" in printed


@pytest.mark.parametrize("name", ["firesteel_master", "firesteel_as_pyspark"])
def test_settings_are_told_by_help(tmp_path: Path, name: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pytest", "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert name in done.stdout
