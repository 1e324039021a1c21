"""A pytest plugin for programs that use RDDs: the fixture ``sc`` is a context of the test's own, without Java.

pytest finds it by itself where Firesteel is installed, and it does nothing until a test asks for ``sc``. A test fails
that leaves running jobs or files behind. A project sets in its pytest configuration

- ``firesteel_master``: the master of the contexts, ``local[2]`` if it is not set;
- ``firesteel_as_pyspark = true``: ``import pyspark`` gives Firesteel, in the program, its tests and its tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from firesteel import SparkContext

__all__ = ["firesteel_conf", "sc"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Registers the settings of a project."""
    parser.addini("firesteel_master", "the master of the contexts of the fixture `sc`", default="local[2]")
    parser.addini("firesteel_as_pyspark", "`import pyspark` gives Firesteel", type="bool", default=False)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Puts Firesteel in PySpark's place before a ``conftest.py`` can import it."""
    if early_config.getini("firesteel_as_pyspark"):
        from firesteel import as_pyspark

        as_pyspark.install()


@pytest.fixture
def firesteel_conf() -> Mapping[str, str]:
    """The settings of the test's context: a module or a class that wants some has a fixture of this name."""
    return {}


@pytest.fixture
def sc(
    request: pytest.FixtureRequest, firesteel_conf: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SparkContext]:
    """A context of the test's own. Afterwards the test fails if a job still runs, or files are left."""
    from firesteel import SparkConf, SparkContext

    active = SparkContext._active_spark_context
    if active is not None:
        # Two contexts at a time cannot be in one process, and the other one's owner may still need it.
        pytest.fail(f"{active} is still active: the test or fixture that made it must stop it", pytrace=False)
    directory = tmp_path_factory.mktemp("firesteel")
    conf = SparkConf().setMaster(request.config.getini("firesteel_master")).setAppName(request.node.name)
    conf.set("spark.local.dir", str(directory)).set("spark.ui.showConsoleProgress", "false")
    for key, value in firesteel_conf.items():
        conf.set(key, value)
    context = SparkContext(conf=conf)
    try:
        yield context
        # A test may stop its context, as the program does that it calls.
        running = context.statusTracker().getActiveJobsIds() if SparkContext._active_spark_context else []
    finally:
        context.stop()
    complaints = [f"job {job} still runs" for job in running]
    complaints += [f"{path} is left" for path in _files_below(directory)]
    if complaints:
        pytest.fail("the test is over, but " + ", and ".join(complaints), pytrace=False)


def _files_below(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if not path.is_dir())
