"""Spark's settings in a Python program: obeyed, let in, warned of, or refused when the context starts."""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from firesteel import BarrierTaskContext, SparkConf, SparkContext, TaskContext, _native
from firesteel import conf as settings
from firesteel.errors import FiresteelError, JobError
from firesteel.resource import ExecutorResourceRequests, ResourceProfile, ResourceProfileBuilder, TaskResourceRequests

PACKAGE = Path(settings.__file__).parent

TWO_PLACES = pytest.mark.parametrize("master", ["local[4]", "local-cluster[2,2,1024]"])


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("spark.acls.enable", "true", "no users"),
        ("spark.ssl.ui.enabled", "true", "TLS 1.3"),
        ("spark.authenticate.secret", "hush", "write it to a file"),
        ("spark.kerberos.principal", "me@HERE", "not support Kerberos"),
        ("spark.python.worker.reuse", "False", "fresh state"),
        ("spark.files.overwrite", "true", "another name"),
        ("spark.executor.resource.gpu.amount", "1", "choose devices"),
        ("spark.task.resource.gpu.amount", "0.5", "choose devices"),
        ("spark.remote", "sc://here", "no Spark Connect"),
        ("spark.redaction.regex", "(", "no regular expression"),
        ("spark.task.cpus", "3", "cpus per task = 3"),
        ("spark.task.cpus", "none", "write a whole number"),
        ("spark.executor.pyspark.memory", "lots", "512m"),
    ],
)
def test_what_must_not_be_ignored_is_refused_before_anything_starts(
    fresh_context: Any, key: str, value: str, words: str
) -> None:
    with pytest.raises((FiresteelError, ValueError), match=re.escape(words)) as refused:
        fresh_context("local[2]", {key: value})
    assert "hush" not in str(refused.value)
    assert SparkContext._active_spark_context is None


def test_what_programs_of_all_kinds_set_is_let_in_and_read_back(fresh_context: Any, capfd: Any) -> None:
    given = {
        "spark.sql.shuffle.partitions": "8",
        "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
        "spark.driver.memory": "8g",
        "spark.kryoserializer.buffer.max": "512m",
        "spark.ui.enabled": "false",
        "spark.eventLog.enabled": "false",
        "spark.task.cpus": "1",
        "spark.python.worker.reuse": "true",
        "spark.authenticate": "true",
        "spark.mine.greeting": "hello",
    }
    sc = fresh_context("local[2]", given)
    assert {key: sc.getConf().get(key) for key in given} == given
    assert "warning" not in capfd.readouterr().err


def test_what_people_rely_on_and_is_not_there_is_warned_of_once(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_warned", set())
    conf = SparkConf(False).set("spark.driver.log.persistToDfs.enabled", "true").set("spark.task.cpu", "2")
    for _ in range(2):
        settings.check_settings(conf)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1 and "driver's log is not copied" in told[0]
    settings.check_settings(SparkConf(False).set("spark.python.worker.resue", "false"))
    assert "did you mean `spark.python.worker.reuse`" in capsys.readouterr().err
    settings.check_settings(SparkConf(False).set("spark.jars", "a.jar").set("spark.log.level", "ERROR"))
    assert capsys.readouterr().err == ""


def test_what_the_table_leaves_to_python_is_read_there() -> None:
    texts = [path.read_text() for path in PACKAGE.rglob("*.py")]
    # Those of stores and formats are looked up by their names without the prefix.
    exact = [key for key in _native.settings_of_python() if not key.startswith(("spark.hadoop", "spark.files.ignore"))]
    for key in exact:
        assert any(f'"{key.rstrip("*")}' in text for text in texts), key


def test_values_are_hidden_as_the_program_says() -> None:
    conf = SparkConf(False).setAll([("spark.redaction.regex", "(?i)house"), ("spark.a.house", "1")])
    conf.set("spark.b", "My House").set("spark.c.password", "2").set("spark.d", "3")
    shown = conf.toDebugString()
    assert "spark.d=3" in shown and shown.count("(redacted)") == 4


def barrier(sc: SparkContext, tasks: int) -> list[int]:
    """Tasks that all run at the same time, or not at all."""

    def meet(records: Iterator[int]) -> Iterator[int]:
        context = BarrierTaskContext.get()
        assert context is not None
        context.barrier()
        yield context.cpus()

    return sc.parallelize(range(tasks), tasks).barrier().mapPartitions(meet).collect()


@TWO_PLACES
def test_tasks_that_take_two_cores_run_two_at_a_time(fresh_context: Any, master: str) -> None:
    sc = fresh_context(master, {"spark.task.cpus": "2"})
    assert sc.defaultParallelism == 4, "that is the number of cores, as in Spark"
    assert barrier(sc, 2) == [2, 2]
    with pytest.raises(JobError, match="3"):
        barrier(sc, 3)
    assert sc.parallelize(range(10), 5).map(lambda x: (x % 2, x)).reduceByKey(lambda a, b: a + b).collectAsMap() == {
        0: 20,
        1: 25,
    }
    assert sc.parallelize([0], 1).map(lambda _: TaskContext.get().cpuAmount()).first() == 2


@pytest.mark.parametrize("master", ["local", "local[1]", "local-cluster[4,1,1024]"])
def test_a_task_that_no_executor_can_run_is_refused_at_the_start(fresh_context: Any, master: str) -> None:
    with pytest.raises(FiresteelError, match=r"\(=1\) has to be >= the number of cpus per task = 2"):
        fresh_context(master, {"spark.task.cpus": "2"})


def profile(*requests: Any) -> ResourceProfile:
    builder = ResourceProfileBuilder()
    for request in requests:
        builder.require(request)
    return builder.build


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (TaskResourceRequests().cpus(2), "each task of this profile asks for 2 cpus.*set spark.task.cpus"),
        (TaskResourceRequests().resource("gpu", 0.5), "0.5 gpu.*choose devices"),
        (ExecutorResourceRequests().resource("gpu", 2), "each executor.*2 gpu"),
        (ExecutorResourceRequests().cores(8), "8 cores.*set spark.executor.cores"),
        (ExecutorResourceRequests().memory("6g"), r"6144 memory \(MiB\).*set spark.executor.memory"),
        (ExecutorResourceRequests().pysparkMemory("1g"), "set spark.executor.pyspark.memory"),
    ],
)
def test_a_profile_that_asks_for_what_is_not_there_is_refused(sc: Any, wanted: Any, words: str) -> None:
    rdd = sc.range(3)
    with pytest.raises(FiresteelError, match=words):
        rdd.withResources(profile(wanted))
    assert rdd.getResourceProfile() is None


def test_a_profile_that_asks_for_what_is_there_anyway_is_let_in(fresh_context: Any) -> None:
    sc = fresh_context("local[4]", {"spark.task.cpus": "2", "spark.executor.memory": "2g", "spark.executor.cores": "4"})
    wanted = profile(
        TaskResourceRequests().cpus(2).resource("gpu", 0),
        ExecutorResourceRequests().cores(4).memory("2048m").memoryOverhead("1g"),
    )
    assert sc.range(3).withResources(wanted).sum() == 3


@TWO_PLACES
def test_a_python_worker_has_no_more_memory_than_it_may(fresh_context: Any, master: str) -> None:
    sc = fresh_context(master, {"spark.executor.pyspark.memory": "1g", "spark.task.maxFailures": "1"})

    def limit(_: int) -> tuple[int, int]:
        return resource.getrlimit(resource.RLIMIT_AS)[0], os.getpid()

    assert {of for of, _ in sc.parallelize(range(4), 4).map(limit).collect()} == {1 << 30}

    def too_much(_: int) -> int:
        return len(bytearray(2 << 30))

    with pytest.raises(JobError) as failed:
        sc.parallelize([0], 1).map(too_much).collect()
    assert isinstance(failed.value.__cause__, MemoryError)
    assert "return len(bytearray(2 << 30))" in str(failed.value) and "test_settings.py" in str(failed.value)
    assert sc.parallelize(range(8), 4).map(lambda x: len(bytearray(1 << 20))).sum() == 8 << 20


def test_cores_that_were_asked_for_share_the_memory(fresh_context: Any) -> None:
    sc = fresh_context("local[2]", {"spark.executor.pyspark.memory": "2048", "spark.executor.cores": "2"})
    assert sc.parallelize([0], 1).map(lambda _: resource.getrlimit(resource.RLIMIT_AS)[0]).first() == 1 << 30


def test_a_worker_that_could_not_even_begin_says_so(fresh_context: Any, capfd: Any) -> None:
    sc = fresh_context("local[1]", {"spark.executor.pyspark.memory": "1m"})
    why = "ended before they were ready.*the last one with ValueError: a worker may have 1 MiB"
    with pytest.raises(JobError, match=why):
        sc.parallelize([0], 1).collect()
    assert "a worker may have 1 MiB (spark.executor.pyspark.memory" in capfd.readouterr().err


def nested(allowed: str | None) -> int:
    conf = SparkConf(False).setMaster("local[1]").setAppName("nested").set("spark.ui.showConsoleProgress", "false")
    if allowed is not None:
        conf.set("spark.executor.allowSparkContext", allowed)
    with SparkContext(conf=conf) as inner:
        return int(inner.parallelize([1, 2, 3], 2).map(lambda x: x * 2).sum())


@pytest.mark.parametrize("allowed", [None, "false"])
def test_a_context_in_a_task_is_refused(sc: Any, allowed: str | None) -> None:
    with pytest.raises(JobError, match="only be created and accessed on the driver.*allowSparkContext"):
        sc.parallelize([allowed], 1).map(nested).collect()


def test_a_context_in_a_task_may_be_allowed(sc: Any) -> None:
    assert sc.parallelize(["true", "true"], 2).map(nested).collect() == [12, 12]


def test_checkpoints_are_where_the_setting_says(fresh_context: Any, tmp_path: Path) -> None:
    sc = fresh_context("local[1]", {"spark.checkpoint.dir": str(tmp_path)})
    assert sc.getCheckpointDir().startswith(f"file:{tmp_path}/")
    rdd = sc.range(3).map(str)
    rdd.checkpoint()
    assert rdd.count() == 3 and rdd.getCheckpointFile().startswith(f"{sc.getCheckpointDir()}/rdd-")


def test_workers_run_the_python_that_the_setting_names(fresh_context: Any, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nCAME_BY="$0" exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    sc = fresh_context("local[1]", {"spark.pyspark.python": str(python)})
    assert sc.parallelize([0], 1).map(lambda _: os.environ.get("CAME_BY")).first() == str(python)
    sc.stop()
    with pytest.raises(FiresteelError, match="spark.pyspark.python is '/no/python', and this Python does not start"):
        fresh_context("local[1]", {"spark.pyspark.python": "/no/python"})
