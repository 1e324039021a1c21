"""How much memory a worker may have, where ``spark.executor.pyspark.memory`` says so.

The limit is on the process's address space, as in PySpark: its program and libraries count, and so does what is
reserved and not used yet. An allocation that goes beyond it raises ``MemoryError`` in the function that asks for it, so
a task that wants too much fails alone, and with its line.
"""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firesteel.conf import SparkConf

__all__ = ["VARIABLE", "limit_as_told", "mebibytes_of_a_worker"]

VARIABLE = "PYSPARK_EXECUTOR_MEMORY_MB"
"""The variable that tells a worker its limit, in MiB, as in PySpark."""

ROOM = 32 << 20
"""So many bytes more than it has when it begins a worker needs to run even a small task."""


def mebibytes_of_a_worker(conf: SparkConf) -> int | None:
    """What each worker may have; None where the program does not say. Only cores that were asked for share it.

    >>> from firesteel import SparkConf
    >>> mebibytes_of_a_worker(SparkConf(False).setAll([("spark.executor.pyspark.memory", "2g")]))
    2048
    """
    from firesteel.conf import native_settings
    from firesteel.errors import FiresteelError
    from firesteel.resource.requests import mebibytes

    settings = dict(native_settings(conf))
    memory = settings.get("firesteel.executor.pyspark.memory")
    if not memory:
        return None
    try:
        return mebibytes(memory) // max(1, int(settings.get("firesteel.executor.cores") or 1))
    except ValueError as error:
        raise FiresteelError(f"spark.executor.pyspark.memory: {error}") from None


def limit_as_told() -> None:
    """Limits this process as the variable says."""
    told = os.environ.get(VARIABLE)
    if told:
        limit_memory(int(told) << 20)


def limit_memory(limit: int) -> None:
    """Limits this process to so many bytes; an error where it has about as many already.

    >>> limit_memory(1)
    Traceback (most recent call last):
        ...
    ValueError: a worker may have 0 MiB (spark.executor.pyspark.memory, divided by spark.executor.cores where that ...
    """
    taken = _address_space()
    if limit < taken + ROOM:
        raise ValueError(
            f"a worker may have {limit >> 20} MiB (spark.executor.pyspark.memory, divided by spark.executor.cores where"
            f" that is set), and its program and libraries have {taken >> 20} MiB of address space before the first"
            f" task; write {(taken + ROOM >> 20) + 1}m or more for each of them"
        )
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    # A limit that whoever started the program has set stays, where it is lower.
    if soft == resource.RLIM_INFINITY or limit < soft:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _address_space() -> int:
    """The bytes of this process's address space."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
