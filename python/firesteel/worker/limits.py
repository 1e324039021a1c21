"""The memory limit of a Python worker: ``spark.executor.pyspark.memory``, as a limit of its address space.

The driver converts the setting to bytes (:func:`memory_limit`), which reach workers as an environment variable; a
worker sets its own limit when it begins (:func:`apply_memory_limit`). An allocation beyond it raises MemoryError in the
function that asks for it, and fails its task with its line.
"""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

from firesteel.errors import FiresteelError

if TYPE_CHECKING:
    from firesteel.conf import SparkConf

__all__ = ["VARIABLE", "apply_memory_limit", "memory_limit"]

VARIABLE = "FIRESTEEL_WORKER_MEMORY"
"""The variable that tells workers how many bytes their address space may have."""

_UNITS = {"": 1 << 20, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
"""Spark's unit is the mebibyte if none is written."""


def memory_limit(conf: SparkConf) -> int | None:
    """Returns the bytes that each worker may have: the setting, shared by an executor's cores, as in Spark.

    >>> from firesteel import SparkConf
    >>> memory_limit(SparkConf(False).set("spark.executor.pyspark.memory", "512m").set("spark.executor.cores", "2"))
    268435456
    """
    text = (conf.get("spark.executor.pyspark.memory") or "").strip().lower()
    if not text:
        return None
    number = text.rstrip("bkmgtp")
    unit = text[len(number) :].removesuffix("b") or ("b" if text.endswith("b") else "")
    if not number.isdigit() or unit not in _UNITS or int(number) == 0:
        raise FiresteelError(
            f"spark.executor.pyspark.memory cannot be {text!r}: it is a size such as 512m or 2g, in MiB where no unit"
            " is written."
        )
    cores = conf.get("spark.executor.cores") or "1"
    return int(number) * _UNITS[unit] // max(1, int(cores) if cores.isdigit() else 1)


def apply_memory_limit() -> None:
    """Limits this process, if the driver has set a limit; never beyond its present one."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = int(wanted) if hard == resource.RLIM_INFINITY else min(int(wanted), hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
