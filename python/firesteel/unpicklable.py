"""Explains why a function cannot be sent: by the path from it to the value that cannot be pickled.

After pickling has failed, the values that a function names are tried one by one, then the parts of the first that
fails, and so on, down to a value without failing parts. That is slow, and happens once, before an error. Inside objects
of libraries the search goes on, but the path ends at the object: its inside is not the user's.
"""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from os.path import basename
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

from firesteel.errors import PicklingError, bounded_repr
from firesteel.shipping import DRIVER_ONLY, Pickler, describe, is_driver_only, named_globals, short_name

#: The values that are tried before the search is given up.
TRIALS = 20_000


@dataclass
class Step:
    """A step from a value to one that it holds, labelled ``global client`` (``named``), ``.name`` or ``['key']``."""

    label: str
    value: Any
    named: bool


def explain(function: Any, operation: str, error: Exception) -> PicklingError:
    """Returns the error for people."""
    if not _Search.fails_alone(function):
        return PicklingError(f"the function given to {_site(operation)} cannot be sent to executors: {error}")
    steps = _Search().steps(function)
    # The user's function is within functions of ours, which the path leaves out.
    start = next((place for place, step in enumerate(steps) if callable(step.value) and not _is_ours(step.value)), 0)
    return PicklingError(_sentence([Step("", steps[start].value, False), *steps[start + 1 :]], operation, error))


def cause(error: Exception) -> Exception | None:
    """Returns the error itself, if the user's code raised it: then its traceback tells more."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    filename = trace.tb_frame.f_code.co_filename if trace is not None else ""
    package = __file__.removesuffix(basename(__file__))
    if "cloudpickle" in filename or filename.startswith(package) or filename.endswith("copyreg.py"):
        return None
    return error


class _Search:
    def __init__(self) -> None:
        self._left = TRIALS
        self._seen: set[int] = set()

    def steps(self, function: Any) -> list[Step]:
        """Returns the path from a function to a value that cannot be pickled while all its parts can."""
        way = [Step("", function, False)]
        while True:
            value = way[-1].value
            self._seen.add(id(value))
            if is_driver_only(value):
                return way
            found = next(
                (step for step in parts(value) if id(step.value) not in self._seen and self._fails(step.value)), None
            )
            if found is None:
                return way
            way.append(found)

    def _fails(self, value: Any) -> bool:
        if value is None or isinstance(value, (str, bytes, int, float, ModuleType)):
            return False
        self._left -= 1
        return self._left > 0 and self.fails_alone(value)

    @staticmethod
    def fails_alone(value: Any) -> bool:
        """Returns whether a value cannot be pickled by itself."""
        try:
            Pickler(io.BytesIO(), protocol=5).dump(value)
        except Exception:
            return True
        return False


def parts(value: Any) -> Iterator[Step]:
    """Yields the parts of a value that are pickled with it."""
    if isinstance(value, FunctionType):
        yield from _function_parts(value)
    elif isinstance(value, MethodType):
        yield Step("self", value.__self__, True)
        yield Step("its function", value.__func__, True)
    elif isinstance(value, functools.partial):
        yield Step("function of the partial", value.func, True)
        yield from (Step(f"argument {place + 1} of the partial", part, True) for place, part in enumerate(value.args))
        yield from (Step(f"argument {name} of the partial", part, True) for name, part in value.keywords.items())
    elif isinstance(value, CellType):
        yield Step("", value.cell_contents, False)
    elif isinstance(value, (staticmethod, classmethod)):
        yield Step("", value.__func__, False)
    elif isinstance(value, property):
        yield from (Step("", part, False) for part in (value.fget, value.fset, value.fdel) if part is not None)
    elif isinstance(value, type):
        yield from (
            Step(f".{name}", part, False)
            for name, part in vars(value).items()
            if not name.startswith("__") or callable(part)
        )
        yield from (Step(f", whose base is {base.__name__}", base, False) for base in value.__bases__)
    else:
        yield from _contents(value)


def _function_parts(function: FunctionType) -> Iterator[Step]:
    code = function.__code__
    for name, value in named_globals(function):
        yield Step(f"global {name}", value, True)
    for name, cell in zip(code.co_freevars, function.__closure__ or ()):
        try:
            yield Step(f"captured {name}", cell.cell_contents, True)
        except ValueError:
            continue  # a name that has no value yet
    parameters = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    for name, value in zip(parameters[len(parameters) - len(defaults) :], defaults):
        yield Step(f"default of {name}", value, True)
    for name, value in (function.__kwdefaults__ or {}).items():
        yield Step(f"default of {name}", value, True)
    for name, value in vars(function).items():
        yield Step(f".{name}", value, False)


def _contents(value: Any) -> Iterator[Step]:
    """Yields the items of collections, and the attributes of other objects."""
    if isinstance(value, dict):
        yield from (Step(f"[{bounded_repr(key)}]", part, False) for key, part in value.items())
        yield from (Step(f", key {bounded_repr(key)}", key, False) for key in value)
    elif isinstance(value, (list, tuple)):
        yield from (Step(f"[{place}]", part, False) for place, part in enumerate(value))
    elif isinstance(value, (set, frozenset)):
        yield from (Step(", in it", part, False) for part in value)
    attributes = dict(getattr(value, "__dict__", None) or {})
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, slot):
                attributes.setdefault(slot, getattr(value, slot))
    yield from (Step(f".{name}", part, False) for name, part in attributes.items())


# The sentences.


def _sentence(steps: list[Step], operation: str, error: Exception) -> str:
    """Says where, which function, the path, why, and what to do."""
    given = steps[0].value
    end = next((place for place, step in enumerate(steps) if place and _is_of_library(step.value)), len(steps) - 1)
    culprit = steps[end].value
    path = "".join([_name(given), *(f" -> {step.label}" if step.named else step.label for step in steps[1 : end + 1])])
    if culprit is not given:
        path += f" -> {_kind(culprit)}"
    where = f"{_site(operation)}: its function cannot be sent to executors"
    if is_driver_only(steps[-1].value):
        return f"{where}: {path}. {_driver_only(type(steps[-1].value))}"
    inside = "".join(step.label for step in steps[end + 1 :])
    why = f"whose {inside} is a {_kind(steps[-1].value)}" if inside else _reason(error)
    return f"{where}: {path} ({why}) cannot be pickled. {_advice(culprit)}"


def _site(operation: str) -> str:
    """Returns ``map at app.py:12``."""
    from firesteel.callsite import here

    return here(operation)


def _name(function: Any) -> str:
    if isinstance(function, MethodType):
        function = function.__func__
    if isinstance(function, FunctionType):
        return describe(function)
    if isinstance(function, functools.partial):
        return f"partial of {short_name(function.func)}"
    return _kind(function) if not isinstance(function, type) else short_name(function)


def _kind(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"


def _reason(error: Exception) -> str:
    text = str(error)
    return text if len(text) < 200 else text[:200] + "..."


def _is_ours(value: Any) -> bool:
    """Returns whether a function is one of Firesteel's own, around one of the user's."""
    if isinstance(value, functools.partial):
        return _is_ours(value.func)
    module = getattr(value, "__module__", None) or type(value).__module__
    return module.partition(".")[0] == "firesteel" and not is_driver_only(value)


def _is_of_library(value: Any) -> bool:
    """Returns whether a value is an object of a class that is not the user's. Functions and collections are not."""
    if isinstance(
        value, (dict, list, tuple, set, frozenset, FunctionType, MethodType, functools.partial, type, CellType)
    ):
        return False
    module = type(value).__module__
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or is_driver_only(value):
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and ("site-packages" in file or "dist-packages" in file)


_DRIVER_ONLY = {
    "SparkContext": (
        "[CONTEXT_ONLY_VALID_ON_DRIVER] The SparkContext lives in the driver only (SPARK-5063): functions that"
        " run in executors can neither make RDDs nor run jobs."
        " Call it outside of the function, and pass the result in: a number or a list, `sc.broadcast(value)` for"
        " large values,"
        " `sc.accumulator(0)` for counting. For a method that uses `self.sc`, copy the values it needs into local"
        " names first."
    ),
    "RDD": (
        "[RDD_TRANSFORM_ONLY_VALID_ON_DRIVER] An RDD lives in the driver only (SPARK-5063): a function that runs"
        " in executors cannot use another RDD. To look things up in it, use"
        " `left.join(right)`, or `sc.broadcast(right.collectAsMap())` where it is small; for a single number, compute"
        " it first"
        " (`n = right.count()`) and use `n` in the function."
    ),
}


def _driver_only(kind: type) -> str:
    """Says what to do instead of using a value of such a class in a function."""
    names = [base.__name__ for base in kind.__mro__ if base.__name__ in DRIVER_ONLY]
    if {"RDD", "PipelinedRDD", "RDDBarrier", "Rdd"}.intersection(names):
        return _DRIVER_ONLY["RDD"]
    name = names[0] if names[0] != "Context" else "SparkContext"
    return _DRIVER_ONLY["SparkContext"].replace("SparkContext", name, 1)


def _advice(value: Any) -> str:
    """Says what to do instead, by the kind of value."""
    kind = _kind(value)
    if kind.startswith(("_thread.", "threading.", "multiprocessing.", "asyncio.")):
        return (
            "Tasks are processes of their own and share no locks and threads: leave it out, or make it inside the"
            " function."
        )
    if isinstance(value, io.IOBase):
        return (
            "Open the file inside the function given to mapPartitions, once for each partition; `sc.addFile(path)`"
            " and `SparkFiles.get(name)`"
            " bring it to executors."
        )
    if isinstance(value, Iterator):
        return "An iterator is where its process has read to: make a list of it first, or make it inside the function."
    return (
        f"Create the {short_name(value if isinstance(value, type) else type(value))} inside the function given to"
        f" mapPartitions, once for each"
        " partition; or send the plain data that it is made from (a large one by sc.broadcast)."
    )
