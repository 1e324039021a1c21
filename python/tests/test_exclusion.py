"""Executors that fail again and again: with ``spark.excludeOnFailure`` tasks keep away from them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import MakeContext

from firesteel import SparkListener
from firesteel.errors import JobError
from firesteel.listener import Event


class Exclusions(SparkListener):
    """Notes the events of executors that are excluded."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def note(self, event: Event) -> None:
        self.events.append(event)

    onExecutorExcludedForStage = onExecutorExcluded = onNodeExcludedForStage = onNodeExcluded = note


def on_one_worker(mark: str) -> Callable[[Iterator[int]], Iterator[int]]:
    """Returns a function that fails in the first process that calls it, whatever that is given."""

    def processes(numbers: Iterator[int]) -> Iterator[int]:
        list(numbers)
        try:
            with open(mark, "x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            pass
        while not (bad := Path(mark).read_text()):
            pass
        if bad == str(os.getpid()):
            raise OSError("this worker has a fault")
        yield os.getpid()

    return processes


def test_a_job_succeeds_away_from_the_worker_that_fails(fresh_context: MakeContext, tmp_path: Path) -> None:
    limit = "spark.blacklist.stage.maxFailedTasksPerExecutor"
    sc = fresh_context("local[2,4]", {"spark.excludeOnFailure.enabled": "true", limit: 1})
    listener = Exclusions()
    sc.addSparkListener(listener)
    mark = tmp_path / "bad"
    used = sc.parallelize(range(8), 4).mapPartitions(on_one_worker(str(mark))).collect()
    assert len(used) == 4 and len(set(used)) == 1 and int(mark.read_text()) not in used
    sc.stop()
    (event,) = [event for event in listener.events if "stageId" in event]
    assert event["Event"] == "org.apache.spark.scheduler.SparkListenerExecutorExcludedForStage"
    assert (event["taskFailures"], event["stageId"], event["stageAttemptId"]) == (1, 0, 0)


def test_a_worker_that_fails_all_its_tasks_fails_the_job_without(
    fresh_context: MakeContext, tmp_path: Path
) -> None:
    sc = fresh_context("local[1,4]")
    with pytest.raises(JobError, match="this worker has a fault(?s:.*)attempt 4 of 4"):
        sc.parallelize(range(8), 4).mapPartitions(on_one_worker(str(tmp_path / "bad"))).collect()
