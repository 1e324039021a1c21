"""Firesteel: resilient distributed datasets from Python, with the names and behaviour of PySpark, on an engine in Rust.

>>> sc.parallelize(["to be", "or not", "to be"]).flatMap(str.split).countByValue()["be"]
2

The driver is the program's own process; functions run in worker processes of the same Python. A program starts with a
:class:`SparkContext` and works with :class:`RDD` objects. Each name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firesteel._native import __version__ as __version__
    from firesteel.accumulators import Accumulator, AccumulatorParam
    from firesteel.broadcast import Broadcast
    from firesteel.conf import SparkConf
    from firesteel.context import SparkContext
    from firesteel.files import SparkFiles
    from firesteel.listener import SparkListener
    from firesteel.profiler import BasicProfiler, Profiler
    from firesteel.rdd import RDD, RDDBarrier
    from firesteel.serializers import CPickleSerializer, MarshalSerializer
    from firesteel.status import SparkExecutorInfo, SparkJobInfo, SparkStageInfo, StatusTracker
    from firesteel.storagelevel import StorageLevel
    from firesteel.taskcontext import BarrierTaskContext, BarrierTaskInfo, TaskContext
    from firesteel.util import InheritableThread, inheritable_thread_target, keyword_only, since

__all__ = [
    "RDD",
    "Accumulator",
    "AccumulatorParam",
    "BarrierTaskContext",
    "BarrierTaskInfo",
    "BasicProfiler",
    "Broadcast",
    "CPickleSerializer",
    "InheritableThread",
    "MarshalSerializer",
    "Profiler",
    "RDDBarrier",
    "SparkConf",
    "SparkContext",
    "SparkExecutorInfo",
    "SparkFiles",
    "SparkJobInfo",
    "SparkListener",
    "SparkStageInfo",
    "StatusTracker",
    "StorageLevel",
    "TaskContext",
    "__version__",
    "inheritable_thread_target",
    "keyword_only",
    "since",
]

_MODULES = {
    "RDD": "rdd",
    "Accumulator": "accumulators",
    "AccumulatorParam": "accumulators",
    "BarrierTaskContext": "taskcontext",
    "BarrierTaskInfo": "taskcontext",
    "BasicProfiler": "profiler",
    "Broadcast": "broadcast",
    "CPickleSerializer": "serializers",
    "InheritableThread": "util",
    "MarshalSerializer": "serializers",
    "Profiler": "profiler",
    "RDDBarrier": "rdd",
    "SparkConf": "conf",
    "SparkContext": "context",
    "SparkExecutorInfo": "status",
    "SparkFiles": "files",
    "SparkJobInfo": "status",
    "SparkListener": "listener",
    "SparkStageInfo": "status",
    "StatusTracker": "status",
    "StorageLevel": "storagelevel",
    "TaskContext": "taskcontext",
    "__version__": "_native",
    "inheritable_thread_target": "util",
    "keyword_only": "util",
    "since": "util",
}
"""The module that each name comes from."""


def __getattr__(name: str) -> Any:
    """Loads one of the names above, or a module of the package."""
    import importlib

    if name in _MODULES:
        value = getattr(importlib.import_module(f"firesteel.{_MODULES[name]}"), name)
        globals()[name] = value
        return value
    if not name.startswith("__"):
        try:
            return importlib.import_module(f"firesteel.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"firesteel.{name}":
                raise
    raise AttributeError(f"module 'firesteel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
