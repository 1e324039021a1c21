"""What PySpark has and Firesteel has not: names of modules, and names in modules, each with what to use instead.

Touching one raises what a missing name raises (AttributeError, ImportError, ModuleNotFoundError), with a sentence, so
that ``hasattr`` works, and so does ``except ImportError`` around an import.
"""

from __future__ import annotations

import dis
import sys
from types import FrameType
from typing import NoReturn

__all__ = ["EMPTY", "MODULES", "NAMES", "refuse", "sentence_for"]

_CONNECT = "there is no Spark Connect between a program and the engine; errors are those of pyspark.errors"

#: Modules that cannot be imported.
MODULES = {
    "ml": "for models use scikit-learn, xgboost and their like: in mapPartitions, or through joblib's Spark backend"
    " (joblibspark), which tries parameters in parallel",
    "mllib": "NumPy works in map and mapPartitions, scikit-learn too; RDD.stats and RDD.histogram count",
    "pandas": "pandas itself works in mapPartitions, and on what collect brings",
    "streaming": "there are no streams; a program that is run for each new batch of files reads them by textFile",
    "pipelines": "a program calls its steps itself",
    "shell": "the command `firesteel shell` starts one",
    "errors.exceptions.connect": _CONNECT,
    "sql.connect": _CONNECT,
    "py4j": "there is no Java here, only py4j.protocol, py4j.java_gateway and py4j.clientserver with names to catch",
}

_PROTOCOL = "it belongs to the talk between PySpark's Python and its JVM; here the engine calls Python directly"
_WORKERS = (
    "workers are started by Firesteel's own server; what is to be set up in each of them is imported by the functions,"
    " or lies in a file of spark.submit.pyFiles"
)
_FRAMES = "compare what is collected: sorted(rdd.collect()), rdd.collectAsMap(), df.collect()"
_MEMORY = "memory is not profiled; spark.python.profile with a profiler_cls profiles time"
_FAULTS = "call Python's faulthandler in the function itself"
_SQL = "it numbers the kinds of functions in SQL, which are no concern of RDDs"

#: Names that modules lack, ``*`` for all that they do not have; "" is ``pyspark`` itself.
NAMES = {
    "": {
        "SQLContext": "SparkSession.builder.getOrCreate() has a sparkContext, from which RDD programs start",
        "HiveContext": "there is no Hive; SparkSession.builder.getOrCreate() is what RDD programs start from",
    },
    "accumulators": {
        "*": _PROTOCOL,
    },
    "core.broadcast": {"BroadcastPickleRegistry": "a broadcast in a function is noticed by itself"},
    "core.context": {"DEFAULT_CONFIGS": "sc.getConf().getAll() has the settings"},
    "daemon": {"*": _WORKERS},
    "worker": {"*": _WORKERS},
    "worker_util": {"*": _WORKERS},
    "worker_message": {"*": _PROTOCOL},
    "java_gateway": {"*": "there is no Java to be started; SparkContext() starts the engine in this process"},
    "install": {"*": "there is no Spark to be fetched; the package holds the whole engine"},
    "instrumentation_utils": {"*": "it watches pandas on Spark, which is not here"},
    "threaddump": {"*": "py-spy dump --pid shows what a worker does"},
    "memory_profiler_ext": {"*": _MEMORY},
    "profiler": dict.fromkeys(("MemoryTuple", "LineProfile", "CodeMapDict", "MemUsageParam"), _MEMORY),
    "errors_doc_gen": {"*": "it writes a page of PySpark's documentation"},
    "errors.utils": {"*": "errors here are sentences; getCondition() of an error gives PySpark's name of it"},
    "errors.error_classes": {"*": "errors here are sentences; getCondition() of an error gives PySpark's name of it"},
    "errors.exceptions.base": {"recover_python_exception": _PROTOCOL},
    "errors.exceptions.captured": {"*": "no error comes out of a JVM; the __cause__ of a failed job's is the original"},
    "errors.exceptions.tblib": {"*": "the __cause__ of a failed job's error is the original, with its traceback"},
    "_globals": {"*": "it marks arguments that were not given, for PySpark's own methods"},
    "logger.worker_io": {"*": "what tasks print goes to standard error"},
    "serializers": {"*": _PROTOCOL},
    "shuffle": {
        "MemoryBytesSpilled": "an ExternalMerger counts its spills",
        "DiskBytesSpilled": "an ExternalMerger counts its spills",
        "process": "get_used_memory() measures without a library",
    },
    "taskcontext": {
        "BARRIER_FUNCTION": "BarrierTaskContext.get().barrier() waits for the others",
        "ALL_GATHER_FUNCTION": "BarrierTaskContext.get().allGather(text) gathers",
    },
    "testing": {"*": _FRAMES},
    "testing.utils": {"*": _FRAMES},
    "util": {
        "PythonEvalType": _SQL,
        "local_connect_and_auth": _PROTOCOL,
        "handle_worker_exception": "a failed job raises an error whose __cause__ is the original",
        "with_faulthandler": _FAULTS,
        "start_faulthandler_periodic_traceback": _FAULTS,
        "enable_faulthandler": _FAULTS,
    },
}

#: Modules that can be imported and have nothing.
EMPTY = frozenset(name for name, lacks in NAMES.items() if name and "*" in lacks) - {
    *("accumulators", "serializers", "testing", "testing.utils"),
    *("errors.exceptions.base", "errors.exceptions.captured"),
}


def sentence_for(module: str) -> str | None:
    """Returns what to use in the place of a module, or of the package that it is in.

    >>> sentence_for("ml.feature") == MODULES["ml"], sentence_for("nothing")
    (True, None)
    """
    while module:
        if module in MODULES:
            return MODULES[module]
        module = module.rpartition(".")[0]
    return None


def refuse(module: str, name: str, depth: int = 1) -> NoReturn:
    """Raises the error of a name that a module lacks: an ImportError where it is imported, else an AttributeError.

    ``depth`` is how many Python functions further out the program's own line is.
    """
    lacks = NAMES.get(module, {})
    shown = f"pyspark.{module}".rstrip(".")
    sentence = None if name.startswith("__") else lacks.get(name, lacks.get("*"))
    if not module and name in MODULES:
        sentence = MODULES[name]
    if sentence is not None and _is_imported(sys._getframe(depth)):
        raise ImportError(f"cannot import name {name!r} from {shown!r}: Firesteel has none; {sentence}", name=shown)
    text = f"module {shown!r} has no attribute {name!r}"
    raise AttributeError(text if sentence is None else f"{text}: {sentence}")


def _is_imported(frame: FrameType) -> bool:
    """Returns whether a frame is at a ``from ... import``, which makes a sentence of its own of an AttributeError."""
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] == "IMPORT_FROM"
