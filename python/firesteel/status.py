"""Running and finished jobs, for programs that watch their jobs from another thread.

A :class:`StatusTracker` asks the engine each time and stores nothing. An engine remembers a bounded number of jobs and
stages, so that an old id may be unknown: the answer is None then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from firesteel import _native

__all__ = ["SparkExecutorInfo", "SparkJobInfo", "SparkStageInfo", "StatusTracker"]


class SparkJobInfo(NamedTuple):
    """One job: its stages, and ``RUNNING``, ``SUCCEEDED`` or ``FAILED``.

    >>> SparkJobInfo(0, [0, 1], "RUNNING").status
    'RUNNING'
    """

    jobId: int
    stageIds: list[int]
    status: str


class SparkStageInfo(NamedTuple):
    """One stage, and how many of its tasks are in which state.

    >>> SparkStageInfo(0, 0, "map at app.py:3", 8, 2, 5, 0).numCompletedTasks
    5
    """

    stageId: int
    currentAttemptId: int
    name: str
    numTasks: int
    numActiveTasks: int
    numCompletedTasks: int
    numFailedTasks: int


class SparkExecutorInfo(NamedTuple):
    """One executor: its address, its running tasks, and the bytes that persisted RDDs use and may use of its memory.

    >>> SparkExecutorInfo("localhost", 7077, 0, 2, 0, 0, 1 << 30, 0).numRunningTasks
    2
    """

    host: str
    port: int
    cacheSize: int
    numRunningTasks: int
    usedOnHeapStorageMemory: int
    usedOffHeapStorageMemory: int
    totalOnHeapStorageMemory: int
    totalOffHeapStorageMemory: int


class StatusTracker:
    """Answers questions about jobs, stages and executors. ``SparkContext.statusTracker`` makes it.

    >>> sc.setJobGroup("counts", "counts words")
    >>> sc.parallelize(["a", "b"]).count()
    2
    >>> tracker = sc.statusTracker()
    >>> [job] = tracker.getJobIdsForGroup("counts")
    >>> tracker.getJobInfo(job).status
    'SUCCEEDED'
    """

    def __init__(self, jtracker: _native.Context) -> None:
        self._native = jtracker

    def getJobIdsForGroup(self, jobGroup: str | None = None) -> list[int]:
        """Returns the jobs of a group, the newest first, running or not; without a group, those of none.

        >>> sc.statusTracker().getJobIdsForGroup("nobody's")
        []
        """
        return sorted(self._native.jobs(jobGroup), reverse=True)

    def getActiveStageIds(self) -> list[int]:
        """Returns the stages that have tasks to run.

        >>> sc.statusTracker().getActiveStageIds()
        []
        """
        return sorted(self._native.active_stages())

    def getActiveJobsIds(self) -> list[int]:
        """Returns the jobs that have not ended.

        >>> sc.statusTracker().getActiveJobsIds()
        []
        """
        return sorted(self._native.active_jobs())

    def getJobInfo(self, jobId: int) -> SparkJobInfo | None:
        """Returns one job, or None if it is unknown.

        >>> sc.statusTracker().getJobInfo(10 ** 6) is None
        True
        """
        info = self._native.job_info(jobId)
        return None if info is None else SparkJobInfo(jobId, list(info["stages"]), info["status"])

    def getStageInfo(self, stageId: int) -> SparkStageInfo | None:
        """Returns one stage, or None if it is unknown.

        >>> sc.statusTracker().getStageInfo(10 ** 6) is None
        True
        """
        info = self._native.stage_info(stageId)
        return None if info is None else _stage(stageId, info)

    def getExecutorInfos(self) -> list[SparkExecutorInfo]:
        """Returns all executors. In local mode that is one: the driver itself, whose tasks run in several processes.

        >>> len(sc.statusTracker().getExecutorInfos())
        1
        """
        processes: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for info in self._native.executor_infos():
            processes.setdefault((info["host"], info["port"]), []).append(info)
        if not processes:
            return [SparkExecutorInfo("localhost", 0, 0, 0, 0, 0, 0, 0)]
        return [_executor(host, port, infos) for (host, port), infos in sorted(processes.items())]


def _stage(stage: int, info: dict[str, Any]) -> SparkStageInfo:
    counts = (info["tasks"], info["active"], info["completed"], info["failed"])
    return SparkStageInfo(stage, info["attempt"], info["name"], *counts)


def _executor(host: str, port: int, processes: list[dict[str, Any]]) -> SparkExecutorInfo:
    """Returns an executor of several processes that share its memory, reported as Spark's heap."""
    used = max(info["memory_used"] for info in processes)
    total = max(info["memory_total"] for info in processes)
    return SparkExecutorInfo(host, port, used, sum(info["running"] for info in processes), used, 0, total, 0)
