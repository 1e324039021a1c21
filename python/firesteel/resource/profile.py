"""Profiles: the requests of a stage together, with an id. An engine on one machine reads none of them.
"""

from __future__ import annotations

import itertools
import threading

from firesteel.resource.requests import (
    ExecutorResourceRequest,
    ExecutorResourceRequests,
    TaskResourceRequest,
    TaskResourceRequests,
)

__all__ = ["ResourceProfile", "ResourceProfileBuilder"]

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
