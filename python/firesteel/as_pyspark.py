"""Runs programs whose imports say ``pyspark`` on Firesteel, unchanged.

:func:`install` puts a finder in front of all others that answers for ``pyspark`` and ``py4j``: their modules are
Firesteel's, or, where Firesteel has no such module, one of the few that are made here (exceptions, versions). Classes
keep their Firesteel names and are pickled under these, except for the few whose names programs print
(:data:`_SHOWN`); names that were pickled under PySpark's are found, too. Workers do the same when the variable
``FIRESTEEL_AS_PYSPARK`` is set, which :func:`install` does.

    python -m firesteel.as_pyspark app.py --an-argument-of-app
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from firesteel.counterparts import absent

#: Set to ``1`` where ``pyspark`` means Firesteel, also for child processes.
VARIABLE = "FIRESTEEL_AS_PYSPARK"

#: The release of PySpark whose RDD API this is.
VERSION = "4.3.0"

#: Modules of PySpark that are modules of Firesteel under another name.
_OTHER_NAMES = {
    "core.rdd": "rdd",
    "core.context": "context",
    "core.broadcast": "broadcast",
    "core.files": "files",
    "core.status": "status",
    "shuffle": "external",
    "rddsampler": "counterparts.rddsampler",
    "traceback_utils": "counterparts.traceback_utils",
    "join": "counterparts.join",
    "loose_version": "counterparts.loose_version",
    "logger.logger": "counterparts.logger",
    "testing.utils": "counterparts.testing",
    "sql.readwriter": "sql",
    "sql.dataframe": "sql.frame",
    "sql.classic.dataframe": "sql.frame",
    "sql.conf": "sql.session",
    "sql.classic.session": "sql.session",
}

#: Classes that are shown under PySpark's names: by module, the module there, and the names of each. None of them is a
#: record, or in one.
_SHOWN = {
    "conf": ("conf", ("SparkConf",)),
    "rdd": ("core.rdd", ("RDDBarrier",)),
    "resource": ("resource.profile", ("ResourceProfile",)),
    "resource.profile": ("resource.profile", ("ResourceProfile",)),
}

_SAME_NAMES = frozenset(
    "rdd context conf broadcast files status accumulators storagelevel taskcontext statcounter resultiterable"
    " serializers profiler util resource resource.information resource.profile resource.requests"
    " sql sql.session sql.types".split()
)


def install() -> None:
    """Makes ``import pyspark`` give Firesteel from now on, here and in processes that this one starts.

    Raises ImportError if PySpark itself has been imported before.

    It holds for the whole process, so the example runs in another one:

    >>> import subprocess, sys
    >>> code = "from firesteel import as_pyspark; as_pyspark.install(); import pyspark; print(pyspark.__version__)"
    >>> subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    '4.3.0\\n'
    """
    os.environ[VARIABLE] = "1"
    if is_installed():
        return
    real = sys.modules.get("pyspark")
    if real is not None:
        raise ImportError(
            f"PySpark itself ({getattr(real, '__file__', None)}) was imported before Firesteel could take its place;"
            " call firesteel.as_pyspark.install() before anything imports pyspark"
        )
    sys.meta_path.insert(0, _Finder())
    _show_failures()


def is_installed() -> bool:
    """Returns whether ``import pyspark`` gives Firesteel in this process.

    >>> is_installed()
    False
    """
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


class _Finder(importlib.abc.MetaPathFinder):
    """Answers for everything in ``pyspark`` and ``py4j``, so that an installed PySpark is not mixed in."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Returns a spec that :class:`_Loader` loads; raises ModuleNotFoundError for names that Firesteel lacks."""
        top = fullname.partition(".")[0]
        if top not in ("pyspark", "py4j"):
            return None
        if fullname not in _MADE and _counterpart(fullname) is None:
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: under the name of PySpark this is Firesteel, which has the RDD API"
                f"{_instead_of(fullname)}",
                name=fullname,
            )
        return importlib.machinery.ModuleSpec(fullname, _Loader(), is_package=True)


def _instead_of(fullname: str) -> str:
    """Returns the end of the sentence about a module that is not there."""
    sentence = absent.sentence_for(fullname.removeprefix("pyspark.") if fullname.startswith("pyspark.") else "py4j")
    return f"; {sentence}" if sentence else ", and of pyspark.sql what RDD programs begin and end with"


class _Loader(importlib.abc.Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Makes an ordinary, empty module."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fills a made module, or puts Firesteel's own in its place."""
        counterpart = _counterpart(module.__name__)
        if counterpart is not None:
            found = _shown(importlib.import_module(counterpart))
            sys.modules[module.__name__] = found
            _refuse_others(found, module.__name__)
            return
        _MADE[module.__name__](module)
        _refuse_others(module, module.__name__)


def _refuse_others(module: ModuleType, fullname: str) -> None:
    """Has a module say what to use instead of a name of PySpark's that it lacks."""
    there = fullname.partition(".")[2]
    if there in absent.NAMES and "__getattr__" not in vars(module):
        module.__dict__["__getattr__"] = functools.partial(absent.refuse, there)


def _shown(module: ModuleType) -> ModuleType:
    """Returns a module of Firesteel whose classes are shown under PySpark's names where they must be."""
    there, names = _SHOWN.get(module.__name__.partition(".")[2], ("", ()))
    for name in names:
        getattr(module, name).__module__ = f"pyspark.{there}"
    if module.__name__ in ("firesteel.sql", "firesteel.sql.session"):
        from firesteel.jvm import lead_from

        lead_from(module.SparkSession)
    return module


def _show_failures() -> None:
    """Shows errors as the exceptions that they are in PySpark."""
    from firesteel.errors import JobError, ParseError

    _show(JobError, "py4j.protocol", "Py4JJavaError")
    _show(ParseError, "pyspark.errors.exceptions.captured", "ParseException")


def _show(kind: type[BaseException], module: str, name: str) -> None:
    """Shows an exception under a name of PySpark's."""
    kind.__module__ = module
    kind.__name__ = kind.__qualname__ = name


def _counterpart(fullname: str) -> str | None:
    """Returns the module of Firesteel that stands for one of PySpark."""
    top, _, rest = fullname.partition(".")
    if top != "pyspark" or not rest:
        return None
    if rest in _OTHER_NAMES:
        return f"firesteel.{_OTHER_NAMES[rest]}"
    if rest.partition(".")[0] == "cloudpickle":
        return rest
    return f"firesteel.{rest}" if rest in _SAME_NAMES else None


# Modules that are made here.


def _make_top(module: ModuleType) -> None:
    """Fills ``pyspark``: Firesteel's names, and PySpark's version."""
    import firesteel

    module.__doc__ = firesteel.__doc__
    names = [name for name in firesteel.__all__ if name != "__version__"]
    module.__dict__.update(__version__=VERSION, __all__=[*names, "__version__"], __file__=firesteel.__file__)

    def other(name: str) -> Any:
        """Looks names up when they are asked for, so that importing costs no more than it does in Firesteel."""
        submodule = f"pyspark.{name}"
        if name not in names and (submodule in _MADE or _counterpart(submodule) is not None):
            return importlib.import_module(submodule)
        if name in _FROM_SQL and hasattr(sql := importlib.import_module("pyspark.sql"), name):
            return getattr(sql, name)
        if name == "is_remote_only":
            return importlib.import_module("pyspark.util").is_remote_only
        if name.startswith("__") or not hasattr(firesteel, name):
            absent.refuse("", name, 2)
        found = getattr(firesteel, name)
        if name in firesteel._MODULES:
            _shown(importlib.import_module(f"firesteel.{firesteel._MODULES[name]}"))
        return found

    module.__dict__["__getattr__"] = other


_FROM_SQL = ("Row",)
"""Names of ``pyspark.sql`` that ``pyspark`` has, too."""


def _make_version(module: ModuleType) -> None:
    module.__dict__.update(__version__=VERSION)


def _make_core(module: ModuleType) -> None:
    module.__doc__ = "The modules of the RDD API."


def _make_home(module: ModuleType) -> None:
    def find_home() -> str:
        """Returns the folder that Firesteel is installed in."""
        return os.path.dirname(os.path.abspath(__file__))

    module.__dict__["_find_spark_home"] = find_home


def _make_errors(module: ModuleType) -> None:
    """Fills ``pyspark.errors``: exceptions that programs catch, as what Firesteel raises in the same situations."""
    from firesteel import errors

    same: dict[str, type[BaseException]] = {
        "PySparkException": errors.FiresteelError,
        "PySparkTypeError": TypeError,
        "PySparkValueError": ValueError,
        "PySparkImportError": ImportError,
        "PySparkIndexError": IndexError,
        "PySparkAttributeError": AttributeError,
        "PySparkRuntimeError": RuntimeError,
        "PySparkAssertionError": AssertionError,
        "PySparkNotImplementedError": NotImplementedError,
        "PySparkKeyError": KeyError,
        "PySparkPicklingError": errors.PicklingError,
        "PickleException": errors.PicklingError,
        "PythonException": errors.JobError,
        "SparkRuntimeException": errors.JobError,
        "UnknownException": errors.JobError,
        "CapturedException": errors.JobError,
        "SparkJobException": errors.JobError,
        "AnalysisException": errors.FiresteelError,
        "ParseException": errors.ParseError,
        "IllegalArgumentException": ValueError,
        "UnsupportedOperationException": NotImplementedError,
    }
    module.__dict__.update(same)
    for name in _NEVER_RAISED:
        made = type(name, (errors.FiresteelError,), {"__module__": module.__name__, "__doc__": "Never raised here."})
        module.__dict__[name] = made
    module.__dict__["__all__"] = [*same, *_NEVER_RAISED]


_NEVER_RAISED = (
    *("SessionNotSameException", "TempTableAlreadyExistsException", "ArithmeticException"),
    *("ArrayIndexOutOfBoundsException", "DateTimeException", "NumberFormatException", "StreamingQueryException"),
    *("QueryExecutionException", "SparkUpgradeException", "SparkNoSuchElementException", "QueryContext"),
    *("QueryContextType", "StreamingPythonRunnerInitializationException"),
)


def _make_errors_again(module: ModuleType) -> None:
    """Fills other modules that have the same exceptions, with the very same classes."""
    first = importlib.import_module("pyspark.errors")
    module.__dict__.update({name: first.__dict__[name] for name in first.__all__})


def _make_py4j(module: ModuleType) -> None:
    module.__doc__ = "There is no Java here; the exceptions of Py4J are Firesteel's."


def _make_protocol(module: ModuleType) -> None:
    """Fills ``py4j.protocol``: the exception that a failed job raises in PySpark, and its kin."""
    from firesteel import errors

    module.__dict__.update(
        Py4JError=errors.FiresteelError, Py4JJavaError=errors.JobError, Py4JNetworkError=ConnectionError
    )


def _make_java_gateway(module: ModuleType) -> None:
    """Fills ``py4j.java_gateway``: names for type hints and ``isinstance``."""
    from firesteel.jvm import Gateway

    module.__dict__["JavaGateway"] = Gateway
    for name in ("JavaObject", "JavaClass", "JVMView", "GatewayParameters"):
        module.__dict__[name] = type(name, (), {"__module__": module.__name__, "__doc__": "There is no Java here."})


def _make_clientserver(module: ModuleType) -> None:
    """Fills ``py4j.clientserver``: the class of a context's gateway."""
    from firesteel.jvm import Gateway

    module.__dict__["ClientServer"] = Gateway


def _make_empty(module: ModuleType) -> None:
    module.__doc__ = "PySpark has something here that Firesteel does without."


def _make_logger(module: ModuleType) -> None:
    """Fills ``pyspark.logger``, whose names are those of its only module."""
    from firesteel.counterparts import logger

    module.__dict__.update({name: getattr(logger, name) for name in logger.__all__}, __all__=logger.__all__)


_MADE: dict[str, Callable[[ModuleType], None]] = {
    "pyspark": _make_top,
    "pyspark.version": _make_version,
    "pyspark.core": _make_core,
    "pyspark.sql.classic": _make_core,
    "pyspark.find_spark_home": _make_home,
    "pyspark.errors": _make_errors,
    "pyspark.errors.exceptions": _make_errors_again,
    "pyspark.errors.exceptions.base": _make_errors_again,
    "pyspark.errors.exceptions.captured": _make_errors_again,
    "pyspark.sql.utils": _make_errors_again,
    "py4j": _make_py4j,
    "py4j.protocol": _make_protocol,
    "py4j.java_gateway": _make_java_gateway,
    "py4j.clientserver": _make_clientserver,
    "pyspark.logger": _make_logger,
    "pyspark.testing": _make_empty,
    **{f"pyspark.{name}": _make_empty for name in absent.EMPTY},
}


if __name__ == "__main__":
    from firesteel.cli.run import run_as_pyspark

    sys.exit(run_as_pyspark(sys.argv[1:]))
