"""The pickler for functions: cloudpickle, which also records the modules that executors need.

Code keeps the name of its source file. Cloudpickle from version 3.1.3 on would write ``<dynamic-code>`` instead, and no
traceback would show the user's own line.

A module is recorded when one of its names is pickled by name. Modules of the standard library and of Firesteel are
everywhere. ``firesteel.worker.modules`` looks for the others before a stage begins.
"""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from firesteel.bytecode import global_names
from firesteel.worker import modules
from firesteel.worker.functions import HEADER

_EVERYWHERE = sys.stdlib_module_names | {"__main__", "__mp_main__", "firesteel", "cloudpickle"}

#: Classes of objects that exist in the driver only: neither they nor copies make sense elsewhere.
DRIVER_ONLY = frozenset(
    (
        "SparkContext",
        "SparkSession",
        "RDD",
        "PipelinedRDD",
        "RDDBarrier",
        "StatusTracker",
        "Context",
        "Rdd",
        "DataFrameReader",
    )
)


class DriverOnlyError(RuntimeError):
    """A function reaches an object that exists in the driver only."""


def dump(function: Callable[..., Any]) -> bytes:
    """Pickles the function behind a header with the version of Python and the modules that it needs."""
    file = io.BytesIO()
    pickler = Pickler(file, protocol=5)
    pickler.dump(function)
    return b"".join((HEADER, modules.encode(pickler.needs()), b"\n", file.getbuffer()))


def dumps(value: object) -> bytes:
    """Pickles a value by cloudpickle, without a header."""
    file = io.BytesIO()
    _CodePickler(file, protocol=5).dump(value)
    return file.getvalue()


_FILENAME = 10
"""The position of the file's name among the arguments of ``CodeType``, in all Pythons that Firesteel runs on."""


class _CodePickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles as cloudpickle does, except for code, which keeps the name of its file."""

    def reducer_override(self, obj: Any) -> Any:
        """Answers ``pickle``, which asks about everything but plain data."""
        if type(obj) is not CodeType:
            return super().reducer_override(obj)
        make, arguments, *rest = self.dispatch_table[CodeType](obj)
        if make is CodeType:
            arguments = (*arguments[:_FILENAME], obj.co_filename, *arguments[_FILENAME + 1 :])
        return make, arguments, *rest


class Pickler(_CodePickler):
    """Pickles as cloudpickle does, and records modules on the way."""

    def __init__(self, file: io.BytesIO, protocol: int) -> None:
        super().__init__(file, protocol=protocol)
        self._modules: dict[str, str] = {}
        self._functions: list[FunctionType] = []

    def reducer_override(self, obj: Any) -> Any:
        """Answers ``pickle``, which asks about everything but plain data."""
        kind = type(obj)
        if kind is FunctionType:
            reduced = super().reducer_override(obj)
            if reduced is NotImplemented:
                self._note(obj.__module__)
            else:
                self._functions.append(obj)
            return reduced
        if kind is ModuleType:
            self._note(obj.__name__)
        elif isinstance(obj, type):
            reduced = super().reducer_override(obj)
            if reduced is NotImplemented:
                self._note(obj.__module__)
            return reduced
        elif kind is BuiltinFunctionType:
            self._note(getattr(obj, "__module__", None))
        elif is_driver_only(obj):
            raise DriverOnlyError(f"a {kind.__name__} lives in the driver only")
        return super().reducer_override(obj)

    def _note(self, module: str | None) -> None:
        if module:
            top = module.partition(".")[0]
            if top not in _EVERYWHERE and top not in self._modules:
                self._modules[top] = describe(self._functions[-1]) if self._functions else "the function"

    def needs(self) -> dict[str, str]:
        """Returns for each module the function that names it; of several, the first."""
        for top in self._modules:
            for function in self._functions:
                if any(_module_of(value) == top for value in named_values(function)):
                    self._modules[top] = describe(function)
                    break
        return self._modules


def is_driver_only(value: object) -> bool:
    """Returns whether a value is of a class that exists in the driver only, or of one made from such."""
    kind: Any = type(value)  # mypy does not see that classes can be keys
    return _is_driver_only(kind)


@functools.lru_cache(maxsize=1024)
def _is_driver_only(kind: type) -> bool:
    return any(
        base.__name__ in DRIVER_ONLY and (base.__module__ or "").partition(".")[0] in ("firesteel", "pyspark")
        for base in kind.__mro__
    )


def _module_of(value: object) -> str | None:
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return name.partition(".")[0] if isinstance(name, str) else None


def named_values(function: FunctionType) -> Iterator[Any]:
    """Yields the values of the globals and captured names that a function's code names."""
    for _, value in named_globals(function):
        yield value
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            pass  # a name that has no value yet


def named_globals(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yields the globals that a function's code, or code within it, names."""
    seen: set[str] = set()
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        codes.extend(constant for constant in code.co_consts if isinstance(constant, CodeType))
        for name in sorted(global_names(code)):
            if name not in seen and name in function.__globals__:
                seen.add(name)
                yield name, function.__globals__[name]


def describe(function: FunctionType) -> str:
    """Returns a description such as ``parse (app.py:7)``."""
    from os.path import basename

    code = function.__code__
    return f"{short_name(function)} ({basename(code.co_filename)}:{code.co_firstlineno})"


def short_name(function: Any) -> str:
    """Returns ``parse``, ``Parser.parse``, or ``lambda``."""
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None) or type(function).__name__
    return str(name).rpartition("<locals>.")[2].replace("<lambda>", "lambda")
