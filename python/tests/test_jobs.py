"""What threads say about their jobs, and what can be asked about jobs from outside."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from firesteel import InheritableThread, jobs
from firesteel.errors import JobError
from firesteel.status import SparkExecutorInfo, SparkJobInfo, SparkStageInfo, StatusTracker
from firesteel.taskcontext import TaskContext


@pytest.fixture(autouse=True)
def clean(sc: Any) -> Iterator[None]:
    yield
    jobs.replace(sc, {})


def seen_by_tasks(sc: Any, key: str) -> Any:
    def look(_: int) -> str | None:
        task = TaskContext.get()
        assert task is not None
        return task.getLocalProperty(key)

    return sc.parallelize([0], 1).map(look).first()


def test_group_description_and_pool_are_properties(sc: Any) -> None:
    sc.setJobGroup("nightly", "counts words", True)
    sc.setLocalProperty("spark.scheduler.pool", "small")
    assert sc.getLocalProperty("spark.jobGroup.id") == "nightly"
    assert sc.getLocalProperty("spark.job.description") == "counts words"
    assert sc.getLocalProperty("spark.job.interruptOnCancel") == "true"
    assert [
        seen_by_tasks(sc, key) for key in ("spark.jobGroup.id", "spark.job.description", "spark.scheduler.pool")
    ] == [
        "nightly",
        "counts words",
        "small",
    ]
    sc.setJobDescription("sorts")
    assert seen_by_tasks(sc, "spark.job.description") == "sorts"
    sc.setInterruptOnCancel(False)
    assert sc.getLocalProperty("spark.job.interruptOnCancel") == "false"
    sc.setLocalProperty("spark.scheduler.pool", None)
    assert sc.getLocalProperty("spark.scheduler.pool") is None and seen_by_tasks(sc, "spark.scheduler.pool") is None


def test_tags_are_a_set(sc: Any) -> None:
    assert sc.getJobTags() == set()
    sc.addJobTag("b")
    sc.addJobTag("a")
    sc.addJobTag("b")
    assert sc.getJobTags() == {"a", "b"} and sc.getLocalProperty("spark.job.tags") == "a,b"
    sc.removeJobTag("b")
    sc.removeJobTag("never there")
    assert sc.getJobTags() == {"a"}
    sc.clearJobTags()
    assert sc.getJobTags() == set() and sc.getLocalProperty("spark.job.tags") is None


@pytest.mark.parametrize(("tag", "why"), [("", "empty"), ("a,b", "','")])
def test_tags_that_cannot_be_are_refused(sc: Any, tag: str, why: str) -> None:
    for use in (sc.addJobTag, sc.removeJobTag):
        with pytest.raises(ValueError, match=why):
            use(tag)


def test_properties_are_text(sc: Any) -> None:
    with pytest.raises(TypeError, match="3 under 'step'"):
        sc.setLocalProperty("step", 3)


def test_each_thread_has_its_own(sc: Any) -> None:
    sc.setLocalProperty("step", "mine")
    seen: list[Any] = []

    def other() -> None:
        seen.append(sc.getLocalProperty("step"))
        sc.setLocalProperty("step", "other")
        seen.append(seen_by_tasks(sc, "step"))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [None, "other"]
    assert seen_by_tasks(sc, "step") == "mine"


def test_jobs_are_found_by_their_group(sc: Any) -> None:
    tracker = sc.statusTracker()
    sc.setJobGroup("found", "")
    sc.parallelize(range(4), 2).map(str).collect()
    sc.parallelize(range(4), 3).count()
    newest, oldest = tracker.getJobIdsForGroup("found")
    assert newest > oldest
    assert tracker.getJobIdsForGroup("nobody's") == []
    assert newest not in tracker.getJobIdsForGroup() and newest not in tracker.getJobIdsForGroup(None)
    job = tracker.getJobInfo(oldest)
    assert isinstance(job, SparkJobInfo) and (job.jobId, job.status) == (oldest, "SUCCEEDED")
    stage = tracker.getStageInfo(job.stageIds[0])
    assert isinstance(stage, SparkStageInfo)
    assert (stage.stageId, stage.numTasks, stage.numActiveTasks, stage.numFailedTasks) == (job.stageIds[0], 2, 0, 0)
    assert (stage.numCompletedTasks, stage.currentAttemptId) == (2, 0) and "collect at" in stage.name


def test_a_failed_job_is_told(sc: Any) -> None:
    sc.setJobGroup("fails", "")
    with pytest.raises(RuntimeError):
        sc.parallelize([0], 1).map(lambda x: 1 // x).collect()
    [job] = sc.statusTracker().getJobIdsForGroup("fails")
    assert sc.statusTracker().getJobInfo(job).status == "FAILED"


def test_what_is_unknown_is_none_and_nothing_runs(sc: Any) -> None:
    tracker = sc.statusTracker()
    assert tracker.getJobInfo(10**9) is None and tracker.getStageInfo(10**9) is None
    assert tracker.getActiveJobsIds() == [] and tracker.getActiveStageIds() == []
    sc.parallelize([0], 1).count()
    [executor] = tracker.getExecutorInfos()
    assert isinstance(executor, SparkExecutorInfo) and executor.totalOnHeapStorageMemory > 0
    assert (executor.numRunningTasks, executor.cacheSize) == (0, executor.usedOnHeapStorageMemory)


def test_processes_of_one_executor_are_counted_together() -> None:
    class Engine:
        infos: list[dict[str, Any]] = []

        def executor_infos(self) -> list[dict[str, Any]]:
            return self.infos

    engine: Any = Engine()
    tracker = StatusTracker(engine)
    assert tracker.getExecutorInfos() == [SparkExecutorInfo("localhost", 0, 0, 0, 0, 0, 0, 0)]
    one = {"host": "a", "port": 1, "process": 8, "running": 1, "memory_used": 5, "memory_total": 9}
    engine.infos = [{**one, "host": "b"}, one, {**one, "process": 9, "running": 2}]
    assert tracker.getExecutorInfos() == [
        SparkExecutorInfo("a", 1, 5, 3, 5, 0, 9, 0),
        SparkExecutorInfo("b", 1, 5, 1, 5, 0, 9, 0),
    ]


def test_the_engine_is_told_only_what_has_changed(sc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Recorder:
        directory = "/nowhere"

        def __init__(self) -> None:
            self.calls: list[tuple[str, Any]] = []

        def __getattr__(self, name: str) -> Any:
            return lambda value: self.calls.append((name, value))

    class Context:
        def __init__(self) -> None:
            self._native = Recorder()

        def _packages_told(self) -> str:
            return "0"

    context: Any = Context()
    jobs.set_group(context, "g", "d")
    jobs.add_tag(context, "t")
    jobs.push(context)
    calls = dict(context._native.calls)
    assert (calls["set_job_group"], calls["set_job_tags"], calls["set_pool"]) == ("g", ["t"], None)
    assert calls["set_local_properties"]["spark.job.description"] == "d"
    jobs.push(context)
    assert len(context._native.calls) == 4
    jobs.clear_tags(context)
    jobs.push(context)
    assert len(context._native.calls) == 8 and ("set_job_tags", []) in context._native.calls


def _cancelled(sc: Any, cancel: Any, prepare: Any = lambda: None) -> tuple[int, str]:
    """The error of a job that is cancelled while it runs, and the job's number."""
    raised: list[JobError] = []

    def run() -> None:
        prepare()
        with pytest.raises(JobError) as caught:
            sc.parallelize(range(2), 2).foreach(lambda _: time.sleep(600))
        raised.append(caught.value)

    thread = InheritableThread(target=run)
    thread.start()
    deadline = time.monotonic() + 60
    while not sc.statusTracker().getActiveJobsIds():
        assert time.monotonic() < deadline, "no job began"
        time.sleep(0.01)
    (job,) = sc.statusTracker().getActiveJobsIds()
    cancel()
    thread.join(60)
    assert raised[0].kind == "cancelled" and raised[0].job == job
    return job, str(raised[0])


def test_a_cancelled_job_is_known_by_the_name_of_its_condition(sc: Any) -> None:
    job, text = _cancelled(sc, lambda: sc.cancelJobGroup("nightly"), lambda: sc.setJobGroup("nightly", "counts"))
    assert text.splitlines()[0] == f"[SPARK_JOB_CANCELLED] Job {job} cancelled part of cancelled job group nightly"
    job, text = _cancelled(sc, lambda: sc.cancelJobsWithTag("slow"), lambda: sc.addJobTag("slow"))
    assert text.splitlines()[0] == f"[SPARK_JOB_CANCELLED] Job {job} cancelled part of cancelled job tags slow"
    job, text = _cancelled(sc, sc.cancelAllJobs)
    assert text.splitlines()[0] == f"[SPARK_JOB_CANCELLED] Job {job} cancelled as part of cancellation of all jobs"


def test_a_job_that_is_cut_off_by_stop_was_not_cancelled(fresh_context: Any) -> None:
    sc = fresh_context()
    job, text = _cancelled(sc, sc.stop)
    assert text.splitlines()[0] == f"Job {job} cancelled because the context was stopped"


@pytest.mark.parametrize("partitions", [1, 2, 5])
def test_results_larger_than_the_driver_accepts_fail_their_job(fresh_context: Any, partitions: int) -> None:
    sc = fresh_context(settings={"spark.driver.maxResultSize": "1m"})
    large = sc.parallelize(range(partitions), partitions).map(lambda x: bytes(2 << 20))
    size, limit = r"\(\d.* MiB\)", r"\(1\.0 MiB\)"
    words = rf"Total size of serialized results of \d tasks {size} is bigger than spark\.driver\.maxResultSize {limit}"
    actions = (
        large.collect,
        large.first,
        lambda: large.take(1),
        lambda: large.reduce(max),
        lambda: large.fold(b"", max),
        lambda: list(large.toLocalIterator()),
        lambda: list(large.toLocalIterator(prefetchPartitions=True)),
        lambda: sc.runJob(large, list),
    )
    for action in actions:
        with pytest.raises(JobError, match=words):
            action()
    assert large.map(len).sum() == partitions << 21, "other jobs go on"
    small = sc.parallelize(range(4), 4).map(lambda x: bytes(400 << 10))
    assert sum(map(len, small.toLocalIterator())) == 4 * 400 << 10, "each partition is a job"
    with pytest.raises(JobError, match="results of [34] tasks"):
        small.collect()


def test_any_result_is_accepted_without_a_limit(fresh_context: Any) -> None:
    sc = fresh_context(settings={"spark.driver.maxResultSize": "0"})
    assert len(sc.parallelize([1], 1).map(lambda x: bytes(2 << 20)).first()) == 2 << 20
