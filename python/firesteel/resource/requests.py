"""Requests of a stage to executors and tasks: single ones, and builders that collect them."""

from __future__ import annotations

import re

__all__ = ["ExecutorResourceRequest", "ExecutorResourceRequests", "TaskResourceRequest", "TaskResourceRequests"]

_MIB_PER_UNIT = {"": 1, "b": 1 / (1 << 20), "k": 1 / 1024, "m": 1, "g": 1024, "t": 1 << 20, "p": 1 << 30}


class ExecutorResourceRequest:
    """An amount of one resource for each executor.

    >>> ExecutorResourceRequest("gpu", 2, "/opt/find-gpus").discoveryScript
    '/opt/find-gpus'
    """

    def __init__(self, resourceName: str, amount: int, discoveryScript: str = "", vendor: str = "") -> None:
        self._name = resourceName
        self._amount = amount
        self._discovery_script = discoveryScript
        self._vendor = vendor

    @property
    def resourceName(self) -> str:
        """The resource's name."""
        return self._name

    @property
    def amount(self) -> int:
        """The amount; memory in MiB."""
        return self._amount

    @property
    def discoveryScript(self) -> str:
        """The program that finds the resource's addresses on an executor, or empty."""
        return self._discovery_script

    @property
    def vendor(self) -> str:
        """The maker of the resource, or empty."""
        return self._vendor


class ExecutorResourceRequests:
    """Requests for each executor. All setters return the object, so that calls can follow each other.

    >>> wanted = ExecutorResourceRequests().cores(2).memory("6g")
    >>> {name: request.amount for name, request in wanted.requests.items()}
    {'cores': 2, 'memory': 6144}
    """

    _CORES = "cores"
    _MEMORY = "memory"
    _OVERHEAD_MEM = "memoryOverhead"
    _PYSPARK_MEM = "pyspark.memory"
    _OFFHEAP_MEM = "offHeap"

    def __init__(self, _jvm: object | None = None, _requests: dict[str, ExecutorResourceRequest] | None = None) -> None:
        self._requests: dict[str, ExecutorResourceRequest] = dict(_requests or {})

    def memory(self, amount: str) -> ExecutorResourceRequests:
        """Asks for memory, as ``512m`` or ``2g``; in MiB if no unit is given.

        >>> ExecutorResourceRequests().memory("2g").requests["memory"].amount
        2048
        """
        return self._ask(self._MEMORY, mebibytes(amount))

    def memoryOverhead(self, amount: str) -> ExecutorResourceRequests:
        """Asks for memory that is not for data.

        >>> ExecutorResourceRequests().memoryOverhead("1g").requests["memoryOverhead"].amount
        1024
        """
        return self._ask(self._OVERHEAD_MEM, mebibytes(amount))

    def pysparkMemory(self, amount: str) -> ExecutorResourceRequests:
        """Asks for memory for Python processes.

        >>> ExecutorResourceRequests().pysparkMemory("700m").requests["pyspark.memory"].amount
        700
        """
        return self._ask(self._PYSPARK_MEM, mebibytes(amount))

    def offheapMemory(self, amount: str) -> ExecutorResourceRequests:
        """Asks for memory outside of the heap.

        >>> ExecutorResourceRequests().offheapMemory("3g").requests["offHeap"].amount
        3072
        """
        return self._ask(self._OFFHEAP_MEM, mebibytes(amount))

    def cores(self, amount: int) -> ExecutorResourceRequests:
        """Asks for cores.

        >>> ExecutorResourceRequests().cores(2).requests["cores"].amount
        2
        """
        return self._ask(self._CORES, amount)

    def resource(
        self, resourceName: str, amount: int, discoveryScript: str = "", vendor: str = ""
    ) -> ExecutorResourceRequests:
        """Asks for any other resource, by its name.

        >>> ExecutorResourceRequests().resource("gpu", 2).requests["gpu"].amount
        2
        """
        self._requests[resourceName] = ExecutorResourceRequest(resourceName, amount, discoveryScript, vendor)
        return self

    @property
    def requests(self) -> dict[str, ExecutorResourceRequest]:
        """All requests by name."""
        return self._requests

    def _ask(self, name: str, amount: int) -> ExecutorResourceRequests:
        self._requests[name] = ExecutorResourceRequest(name, amount)
        return self


class TaskResourceRequest:
    """An amount of one resource for each task; fractions let several tasks share one.

    >>> TaskResourceRequest("gpu", 0.5).amount
    0.5
    """

    def __init__(self, resourceName: str, amount: float) -> None:
        self._name = resourceName
        self._amount = float(amount)

    @property
    def resourceName(self) -> str:
        """The resource's name."""
        return self._name

    @property
    def amount(self) -> float:
        """The amount."""
        return self._amount


class TaskResourceRequests:
    """Requests for each task.

    >>> wanted = TaskResourceRequests().cpus(2).resource("gpu", 0.5)
    >>> {name: request.amount for name, request in wanted.requests.items()}
    {'cpus': 2.0, 'gpu': 0.5}
    """

    _CPUS = "cpus"

    def __init__(self, _jvm: object | None = None, _requests: dict[str, TaskResourceRequest] | None = None) -> None:
        self._requests: dict[str, TaskResourceRequest] = dict(_requests or {})

    def cpus(self, amount: float) -> TaskResourceRequests:
        """Asks for cores.

        >>> TaskResourceRequests().cpus(2).requests["cpus"].amount
        2.0
        """
        return self.resource(self._CPUS, amount)

    def resource(self, resourceName: str, amount: float) -> TaskResourceRequests:
        """Asks for any other resource, by its name.

        >>> TaskResourceRequests().resource("gpu", 1).requests["gpu"].amount
        1.0
        """
        self._requests[resourceName] = TaskResourceRequest(resourceName, amount)
        return self

    @property
    def requests(self) -> dict[str, TaskResourceRequest]:
        """All requests by name."""
        return self._requests


def mebibytes(text: str) -> int:
    """Returns the MiB of a text such as ``512m`` or ``2g``.

    >>> mebibytes("2g"), mebibytes("700")
    (2048, 700)
    """
    parts = re.fullmatch(r"(\d+)(b|[kmgtp]?)(?:(?<=[kmgtp])i?b)?", text.strip().lower())
    if parts is None:
        raise ValueError(f"{text!r} is not an amount of memory; write a whole number with a unit, as 512m or 2g")
    return int(int(parts[1]) * _MIB_PER_UNIT[parts[2]])
