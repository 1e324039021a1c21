"""Profiles: the requests of a stage put together, with an id.

All tasks and executors of an application are alike, so a profile is let in where it asks for what these have anyway,
and refused in a sentence where it asks for something else: a stage that ran without its GPU, or with half of the cores
that it counts on, would be wrong or late without a word.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from firesteel import _native
from firesteel.errors import FiresteelError
from firesteel.resource.requests import (
    ExecutorResourceRequest,
    ExecutorResourceRequests,
    TaskResourceRequest,
    TaskResourceRequests,
    mebibytes,
)

if TYPE_CHECKING:
    from firesteel.conf import SparkConf

__all__ = ["ResourceProfile", "ResourceProfileBuilder", "refuse_what_is_not_there"]

_STANDARD = ("cores", "offHeap", "memoryOverhead", "pyspark.memory", "memory")
"""Resources of every executor, in the order in which a profile shows them: after those that only some have."""

_ids = itertools.count(1)
"""The id of an RDD's profile that asks for nothing."""


class ResourceProfile:
    """The resources that executors and tasks of an RDD's stages should have; ``RDD.withResources`` takes it.

    >>> wanted = ResourceProfileBuilder().require(TaskResourceRequests().cpus(2)).build
    >>> wanted.taskResources["cpus"].amount
    2.0
    """

    def __init__(
        self,
        _java_resource_profile: object | None = None,
        _exec_req: dict[str, ExecutorResourceRequest] | None = None,
        _task_req: dict[str, TaskResourceRequest] | None = None,
    ) -> None:
        self._id: int | None = None
        requests = _exec_req or {}
        order = [name for name in requests if name not in _STANDARD] + [name for name in _STANDARD if name in requests]
        self._executor_resource_requests = {name: requests[name] for name in order}
        self._task_resource_requests = dict(_task_req or {})

    @property
    def id(self) -> int:
        """A number that no other profile of this process has."""
        with _lock:
            if self._id is None:
                self._id = next(_ids)
            return self._id

    @property
    def taskResources(self) -> dict[str, TaskResourceRequest]:
        """The requests of each task, by name."""
        return self._task_resource_requests

    @property
    def executorResources(self) -> dict[str, ExecutorResourceRequest]:
        """The requests of each executor, by name."""
        return self._executor_resource_requests


_lock = threading.Lock()


class ResourceProfileBuilder:
    """Collects requests for a :class:`ResourceProfile`.

    >>> builder = ResourceProfileBuilder().require(ExecutorResourceRequests().cores(4))
    >>> builder.build.executorResources["cores"].amount
    4
    """

    def __init__(self) -> None:
        self._executor_resource_requests: dict[str, ExecutorResourceRequest] = {}
        self._task_resource_requests: dict[str, TaskResourceRequest] = {}

    def require(self, resourceRequest: ExecutorResourceRequests | TaskResourceRequests) -> ResourceProfileBuilder:
        """Adds requests; they replace earlier ones for the same resource.

        >>> ResourceProfileBuilder().require(TaskResourceRequests().cpus(1)).taskResources["cpus"].amount
        1.0
        """
        if isinstance(resourceRequest, TaskResourceRequests):
            self._task_resource_requests.update(resourceRequest.requests)
        elif isinstance(resourceRequest, ExecutorResourceRequests):
            self._executor_resource_requests.update(resourceRequest.requests)
        else:
            raise TypeError(f"require takes ExecutorResourceRequests or TaskResourceRequests, not {resourceRequest!r}")
        return self

    def clearExecutorResourceRequests(self) -> None:
        """Forgets the requests for executors."""
        self._executor_resource_requests = {}

    def clearTaskResourceRequests(self) -> None:
        """Forgets the requests for tasks."""
        self._task_resource_requests = {}

    @property
    def taskResources(self) -> dict[str, TaskResourceRequest]:
        """The requests for tasks."""
        return self._task_resource_requests

    @property
    def executorResources(self) -> dict[str, ExecutorResourceRequest]:
        """The requests for executors."""
        return self._executor_resource_requests

    @property
    def build(self) -> ResourceProfile:
        """The profile: a property, as in PySpark."""
        return ResourceProfile(_exec_req=self._executor_resource_requests, _task_req=self._task_resource_requests)


_SAME_FOR_ALL = {
    "cores": ("firesteel.executor.cores", "spark.executor.cores"),
    "memory": ("firesteel.executor.memory", "spark.executor.memory"),
    "pyspark.memory": ("firesteel.executor.pyspark.memory", "spark.executor.pyspark.memory"),
}
"""What an executor is asked for that is a setting of the whole application: the engine's name of it, and Spark's."""

_NO_BUDGETS = ("memoryOverhead", "offHeap")
"""Memory of the JVM that is not divided up here; as settings they change nothing either."""


def refuse_what_is_not_there(profile: ResourceProfile, conf: SparkConf) -> None:
    """Raises an error if a profile asks for anything else than what tasks and executors have anyway.

    >>> from firesteel import SparkConf
    >>> one = ResourceProfileBuilder().require(TaskResourceRequests().cpus(1)).build
    >>> refuse_what_is_not_there(one, SparkConf(False))
    """
    # Also what local mode has no use for: a profile that asks for just that asks for nothing else.
    settings = dict(filter(None, (_native.engine_setting(key, value) for key, value in conf.getAll())))
    for name, task in profile.taskResources.items():
        if name == "cpus":
            have = float(settings.get("firesteel.task.cpus") or 1)
            if task.amount != have:
                _refuse("each task", task.amount, "cpus", f"have {have:g}", "set spark.task.cpus")
        elif task.amount:
            _refuse("each task", task.amount, name, "are given none", "choose devices in the function")
    for name, executor in profile.executorResources.items():
        if name in _SAME_FOR_ALL:
            _check_executor(name, executor.amount, settings)
        elif name not in _NO_BUDGETS and executor.amount:
            _refuse("each executor", executor.amount, name, "are given none", "choose devices in the function")


def _check_executor(name: str, amount: int, settings: dict[str, str]) -> None:
    setting, of_spark = _SAME_FOR_ALL[name]
    text = settings.get(setting)
    have = None if not text else int(text) if name == "cores" else mebibytes(text)
    if amount != have:
        now = "are not limited" if have is None else f"have {have}"
        _refuse("each executor", amount, name if name == "cores" else f"{name} (MiB)", now, f"set {of_spark}")


def _refuse(who: str, amount: float, name: str, now: str, remedy: str) -> None:
    raise FiresteelError(
        f"withResources: {who} of this profile asks for {amount:g} {name}, and those of this application {now}: all of"
        f" them are alike, whatever a stage asks for. Take the profile away, and {remedy} for the whole application."
    )
