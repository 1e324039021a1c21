"""A Python program on a real YARN of two nodes, with a module of its own and numpy. What YARN does to executors and
applications, and how it refuses, is tested with Rust programs: ``tests/yarn/run.py``.
"""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Iterator

import programs
import pytest
from programs import Program, wait_until

sys.path.insert(0, str(programs.ROOT / "tests" / "yarn"))

import cluster


@pytest.fixture(scope="module")
def yarn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cluster.Cluster]:
    """A YARN of two nodes."""
    # The interop step has fetched the same jars.
    fetched = programs.ROOT / "target" / "interop" / "yarn"
    folder = tmp_path_factory.mktemp("yarn")
    with cluster.Cluster(folder, jars=fetched if fetched.is_dir() else cluster.JARS) as yarn:
        yield yarn


def environment(yarn: cluster.Cluster) -> dict[str, str]:
    """Returns the variables of programs that know the cluster."""
    return {**os.environ, "HADOOP_CONF_DIR": str(yarn.dir / "rm" / "conf")}


def nothing_is_left(yarn: cluster.Cluster) -> None:
    """Waits until no container is left, and looks for files."""

    def containers() -> int:
        nodes = yarn.rest("cluster/nodes")[1]["nodes"]["node"]
        return sum(node["numContainers"] for node in nodes)

    wait_until("no container is left", lambda: containers() == 0)
    assert not list(yarn.dir.rglob(".firesteelStaging/*"))


SIZE = ["--master", "yarn", "--executor-memory", "300m", "--num-executors", "2"]


def test_words_in_python(yarn: cluster.Cluster, tmp_path: pathlib.Path) -> None:
    Program(programs.python_words(*SIZE), environment(yarn), tmp_path).answers(programs.python_answer())
    nothing_is_left(yarn)


IN_THE_CLUSTER = [*SIZE, "--deploy-mode", "cluster", "--driver-memory", "300m"]


def test_the_whole_program_runs_in_the_cluster(yarn: cluster.Cluster, tmp_path: pathlib.Path) -> None:
    """Its files are sent, and what it prints is in its container's log."""
    program = Program(programs.python_words(*IN_THE_CLUSTER), environment(yarn), tmp_path)
    assert program.ends() == 0, program.said()
    name = program.out.read_text().strip()
    logs = list(yarn.dir.rglob(f"{name}/container_*_000001/stdout"))
    assert [log.read_text(encoding="utf-8").splitlines() for log in logs] == [programs.python_answer()], logs
    nothing_is_left(yarn)
    asked = [sys.executable, "-m", "firesteel.cli", "submit", "--master", "yarn", "--status", name]
    program = Program(asked, environment(yarn), tmp_path)
    assert program.ends() == 0
    assert f"{name}: FINISHED, SUCCEEDED" in program.out.read_text()


def test_an_error_of_the_program_in_the_cluster_is_told(yarn: cluster.Cluster, tmp_path: pathlib.Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("from firesteel import SparkContext\nSparkContext().range(2).map(lambda x: 1 // x).sum()\n")
    command = [sys.executable, "-m", "firesteel.cli", "submit", *IN_THE_CLUSTER, str(bad)]
    program = Program(command, environment(yarn), tmp_path)
    assert program.ends() == 1
    assert "FAILED" in program.said()
    name = program.out.read_text().strip()
    logs = list(yarn.dir.rglob(f"{name}/container_*_000001/stderr"))
    assert len(logs) == 1
    assert "ZeroDivisionError" in logs[0].read_text()
    nothing_is_left(yarn)


def test_what_would_be_submitted(yarn: cluster.Cluster, tmp_path: pathlib.Path) -> None:
    secret = ["--conf", "spark.hadoop.fs.s3a.secret.key=se-cr-et", "--queue", "default"]
    program = Program(programs.python_words(*IN_THE_CLUSTER, *secret, "--dry-run"), environment(yarn), tmp_path)
    assert program.ends() == 0, program.said()
    shown = program.out.read_text()
    for part in ("queue: default", "container of the driver: 684 MiB, 1 cores", "  words.py: ", "firesteel.cli"):
        assert part in shown, shown
    assert "se-cr-et" not in shown
    assert not list(yarn.dir.rglob(".firesteelStaging/*"))
