"""Listeners: they are told of events in order, whatever else they do, and never hold a job up."""

import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeContext

from firesteel import SparkListener
from firesteel.listener import Event


class Noting(SparkListener):
    """Notes the events of jobs, stages and tasks."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.events: list[Event] = []
        self.threads: set[str] = set()

    def note(self, event: Event) -> None:
        self.names.append(event["Event"].removeprefix("SparkListener"))
        self.events.append(event)
        self.threads.add(threading.current_thread().name)

    onJobStart = onJobEnd = onStageSubmitted = onStageCompleted = onTaskStart = onTaskEnd = note

    def of(self, name: str) -> list[Event]:
        return [event for event in self.events if event["Event"] == "SparkListener" + name]


EXTRA: list["Extra"] = []


class Extra(Noting):
    """Is made by its name."""

    def __init__(self, conf: Any) -> None:
        super().__init__()
        self.conf = conf
        EXTRA.append(self)

    onApplicationStart = onApplicationEnd = onEnvironmentUpdate = onOtherEvent = onExecutorAdded = Noting.note


class Fragile(SparkListener):
    """Cannot be made."""

    def __init__(self) -> None:
        raise RuntimeError("not today")


def test_a_listener_is_told_of_a_job_in_order(fresh_context: MakeContext) -> None:
    sc = fresh_context()
    listener = Noting()
    sc.addSparkListener(listener)
    sc.setJobGroup("sums", "adds numbers")
    sc.parallelize(range(100), 4).map(lambda x: (x % 3, x)).reduceByKey(lambda a, b: a + b, 2).collect()
    sc.stop()
    kinds = [name for name in listener.names if not name.startswith("Task")]
    assert kinds == ["JobStart", *["StageSubmitted", "StageCompleted"] * 2, "JobEnd"]
    assert listener.names.count("TaskStart") == listener.names.count("TaskEnd") == 6
    assert listener.threads == {"firesteel-python-listeners"}
    [started], [ended] = listener.of("JobStart"), listener.of("JobEnd")
    assert started.jobId == started["Job ID"] == ended.job_id == 0
    assert started["Properties"]["spark.jobGroup.id"] == "sums"
    assert ended.jobResult.result == "JobSucceeded"
    stages = listener.of("StageCompleted")
    assert [stage.stageInfo.numberOfTasks for stage in stages] == [4, 2]
    assert stages[1].stageInfo.parentIDs == [stages[0].stageInfo.stageId]
    reads = [task["Task Metrics"]["Shuffle Read Metrics"] for task in listener.of("TaskEnd")[4:]]
    [read] = {figures["Total Records Read"] > 0 for figures in reads}
    assert read
    with pytest.raises(AttributeError, match="has no taskInfo; it has 'Event', 'Job ID'"):
        _ = ended.taskInfo


def test_failures_are_told(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[1,1]")
    listener = Noting()
    sc.addSparkListener(listener)
    with pytest.raises(Exception, match="ZeroDivisionError"):
        sc.parallelize([0], 1).map(lambda x: 1 // x).collect()
    sc.stop()
    [task] = listener.of("TaskEnd")
    assert task["Task End Reason"]["Reason"] == "ExceptionFailure" and task.taskInfo.failed
    assert "ZeroDivisionError" in task.taskEndReason.fullStackTrace
    assert listener.of("JobEnd")[0].jobResult.result == "JobFailed"


def test_a_listener_that_raises_is_named_once_and_the_others_go_on(
    fresh_context: MakeContext, capfd: pytest.CaptureFixture[str]
) -> None:
    class Broken(SparkListener):
        def onJobEnd(self, jobEnd: Event) -> None:
            raise LookupError("nothing there")

    sc = fresh_context()
    listener = Noting()
    sc.addSparkListener(Broken())
    sc.addSparkListener(listener)
    for _ in range(3):
        sc.parallelize([1], 1).count()
    sc.stop()
    assert listener.names.count("JobEnd") == 3
    told = capfd.readouterr().err
    assert told.count("Broken failed in onJobEnd") == told.count("LookupError: nothing there") == 1


def test_a_listener_that_was_removed_is_told_of_nothing_more(fresh_context: MakeContext) -> None:
    sc = fresh_context()
    first, second = Noting(), Noting()
    for listener in (first, second):
        sc.addSparkListener(listener)
    sc.parallelize([1], 1).count()
    deadline = time.monotonic() + 60
    while "JobEnd" not in first.names and time.monotonic() < deadline:
        time.sleep(0.01)
    sc.removeSparkListener(first)
    sc.removeSparkListener(first)
    sc.parallelize([1], 1).count()
    sc.stop()
    assert (first.names.count("JobEnd"), second.names.count("JobEnd")) == (1, 2)


def test_a_slow_listener_holds_no_job_up_and_stop_drains(fresh_context: MakeContext) -> None:
    go = threading.Event()

    class Slow(SparkListener):
        ended = 0

        def onJobEnd(self, jobEnd: Event) -> None:
            go.wait(60)
            self.ended += 1

    sc = fresh_context()
    slow = Slow()
    sc.addSparkListener(slow)
    for _ in range(5):
        assert sc.parallelize([1], 1).count() == 1
    assert slow.ended == 0
    go.set()
    sc.stop()
    assert slow.ended == 5


def test_any_object_with_a_method_will_do_and_others_are_refused(sc: Any) -> None:
    with pytest.raises(TypeError, match="overrides none of the methods .*onJobEnd"):
        sc.addSparkListener(SparkListener())
    with pytest.raises(TypeError, match="'no listener' is no listener"):
        sc.addSparkListener("no listener")


@pytest.mark.parametrize("key", ["spark.extraListeners", "firesteel.extra_listeners"])
def test_settings_name_listeners_that_see_everything(fresh_context: MakeContext, key: str) -> None:
    EXTRA.clear()
    module = sys.modules[__name__].__name__
    sc = fresh_context(settings={key: f"{module}.Extra, {module}.Extra"})
    sc.parallelize([1], 1).count()
    name = sc.applicationId
    sc.stop()
    assert len(EXTRA) == 2
    for listener in EXTRA:
        assert listener.conf.get("spark.app.name") == "fresh"
        assert listener.of("ApplicationStart")[0].appId == name
        assert listener.names.index("ApplicationStart") < listener.names.index("JobStart")
        assert listener.names[0] == "LogStart" and listener.names[-1] == "ApplicationEnd"
        assert listener.of("EnvironmentUpdate") and listener.of("ExecutorAdded")


@pytest.mark.parametrize(
    ("name", "cause"),
    [("no.such.Thing", "ModuleNotFoundError"), ("json.Thing", "AttributeError"), (f"{__name__}.Fragile", "not today")],
)
def test_a_listener_that_cannot_be_made_is_named(fresh_context: MakeContext, name: str, cause: str) -> None:
    with pytest.raises(ValueError, match=f"spark.extraListeners names {name}, .*{cause}"):
        fresh_context(settings={"spark.extraListeners": name})
    assert fresh_context().parallelize([1], 1).count() == 1


@pytest.mark.once
def test_events_that_find_no_room_are_counted(fresh_context: MakeContext, capfd: pytest.CaptureFixture[str]) -> None:
    class Stuck(SparkListener):
        told = 0

        def onTaskEnd(self, taskEnd: Event) -> None:
            if self.told == 0:
                jobs_are_over.wait(60)
            self.told += 1

    jobs_are_over = threading.Event()
    sc = fresh_context(settings={"spark.scheduler.listenerbus.eventqueue.capacity": "1000"})
    stuck = Stuck()
    sc.addSparkListener(stuck)
    for _ in range(20):
        sc.parallelize(range(400), 400).count()
        sc.explain_last_job()  # until the engine's own queue is empty
    jobs_are_over.set()
    sc.stop()
    assert 0 < stuck.told < 8_000
    assert f"{8_000 - stuck.told} events were dropped" in capfd.readouterr().err


def test_no_thread_is_left(fresh_context: MakeContext, tmp_path: Path) -> None:
    sc = fresh_context()
    sc.addSparkListener(Noting())
    sc.stop()
    assert "firesteel-python-listeners" not in [thread.name for thread in threading.enumerate()]
