"""numpy's arrays in kernels: which of its functions they know, and whether they compute what this numpy does.

Arithmetic of 64-bit floats is the same everywhere, but in which order ``numpy.sum`` adds, and that ``** 2`` multiplies,
is a matter of numpy's version. So a process compares some arrays with what numpy itself makes of them, once, before the
kernels compute any. numpy is the program's own: nothing here imports it unless there are arrays to be made, or the
program has.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from firesteel import _native
from firesteel.native.asking import NAMES
from firesteel.native.values import Known, NotLowered

__all__ = [
    *("METHODS", "Held", "Settings", "are_trusted", "arrays_of", "function_of", "have_numpy", "is_imported"),
    *("is_plain", "is_value", "made_of_floats", "numbers_of", "settings", "truths_of"),
]

#: What the kernels call functions of numpy, by the names that these have there.
_FUNCTIONS = {
    **{"abs": "absolute", "absolute": "absolute", "array": "array", "asarray": "array", "sqrt": "sqrt", "sum": "sum"},
    **{"zeros": "zeros", "mean": "mean", "max": "amax", "amax": "amax", "min": "amin", "amin": "amin"},
    **{"maximum": "maximum", "minimum": "minimum"},
    **{name: name for name in NAMES if name != "norm"},
}

#: What the kernels call methods of arrays, with the number of their arguments.
METHODS = {"sum": ("sum", 0), "mean": ("mean", 0), "max": ("amax", 0), "min": ("amin", 0), "dot": ("dot", 1)}

#: How programs name the type of 64-bit floats.
_FLOATS = ("float", "float64", "d", "f8")

#: The lengths of the arrays that are compared: around those from which on sums are put together in another way.
_PROBES = (
    *(*range(26), 63, 64, 65, 127, 128, 129, 136, 137, 200, 255, 256, 257, 264, 511, 520),
    *(1000, 1023, 1024, 2000, 4100),
)


def _numpy() -> Any:
    return sys.modules.get("numpy")


def is_imported() -> bool:
    """Returns whether the program has imported numpy."""
    return _numpy() is not None


def function_of(value: Any) -> str | None:
    """Returns the name of a function of numpy, if the kernels know it.

    >>> function_of(len) is None
    True
    """
    numpy = _numpy()
    if numpy is None:
        return None
    for name, known in _FUNCTIONS.items():
        if value is getattr(numpy, name, None):
            return known
    # Another thread may be importing it, so that it has not all its names yet.
    linalg = getattr(numpy, "linalg", None)
    return "norm" if linalg is not None and value is getattr(linalg, "norm", linalg) else None


def made_of_floats(name: str | None, arguments: list[Any], named: dict[str, Any]) -> str | None:
    """Returns the name of a function that is told to make an array of 64-bit floats, whose type is taken away.

    >>> made_of_floats("array", [], {"dtype": Known(float)})
    'array of floats'
    """
    is_second = name == "array" and len(arguments) == 2 and not named
    dtype = arguments[1] if is_second else named.get("dtype")
    if name not in ("array", "zeros") or not is_second and list(named) != ["dtype"] or not isinstance(dtype, Known):
        return None
    numpy = _numpy()
    is_text = type(dtype.value) is str and dtype.value in _FLOATS
    is_type = dtype.value is float or numpy is not None and dtype.value is numpy.float64
    if not (is_text or is_type):
        return None
    del arguments[1:]
    named.clear()
    return "array of floats" if name == "array" else name


def is_value(value: Any) -> bool:
    """Returns whether a value is an array or a float of numpy's that can be in a column."""
    numpy = _numpy()
    if numpy is None:
        return False
    if type(value) is numpy.float64:
        return bool(value == value)  # each not-a-number is an object of its own
    return type(value) is numpy.ndarray and value.ndim == 1 and is_plain(value.dtype) and bool(value.flags.carray)


def have_numpy(values: Iterable[Any]) -> bool:
    """Returns whether some of a table's values are numpy's, or tuples with such in them.

    >>> have_numpy([(1, 2), "a"])
    False
    """
    numpy = _numpy()
    if numpy is None:
        return False
    kinds = (numpy.ndarray, numpy.generic)
    return any(isinstance(value, kinds) or isinstance(value, tuple) and have_numpy(value) for value in values)


class Held:
    """What arrays of a table had in them when they were copied."""

    def __init__(self, values: Iterable[Any]) -> None:
        self._arrays = [(array, _looks(array)) for array in _arrays_in(values)]

    def holds(self) -> bool:
        """Returns whether they have the same in them."""
        return all(_looks(array) == looks for array, looks in self._arrays)


def _arrays_in(values: Iterable[Any]) -> Iterator[Any]:
    numpy = _numpy()
    for value in values:
        if isinstance(value, numpy.ndarray):
            yield value
        elif isinstance(value, tuple):
            yield from _arrays_in(value)


def _looks(array: Any) -> tuple[Any, ...]:
    return array.dtype, array.shape, array.tobytes()


def is_plain(dtype: Any) -> bool:
    """Returns whether a type of items is that of 64-bit floats, in the order of bytes that this machine has."""
    numpy = _numpy()
    return bool(dtype == numpy.dtype("float64")) and dtype.isnative and dtype.metadata is None


class Settings:
    """What a program may tell numpy about its errors: read before each batch, as a name is."""

    is_constant = False

    def holds(self) -> bool:
        """Returns whether numpy keeps quiet about results that are too small, which the kernels do not look at."""
        return are_trusted()


def settings() -> Settings:
    """Returns what is to be looked at before each batch, or says that this numpy computes in another way."""
    if not are_trusted():
        raise NotLowered("numpy, which computes in another way here")
    return Settings()


_agrees: bool | None = None


def are_trusted() -> bool:
    """Returns whether the kernels compute as numpy does, and say of it what it would say."""
    global _agrees
    numpy = _numpy()
    if numpy is None:
        # Arrays that came from another process: what is made of them imports it, and is looked at by then.
        import numpy
    if _agrees is None:
        _agrees = _compared(numpy)
    return _agrees and numpy.geterr()["under"] == "ignore"


def _compared(numpy: Any) -> bool:
    """Returns whether some sums, means and squares agree, bit by bit."""
    state = 1
    items: list[float] = []
    for _ in range(max(_PROBES)):
        # Signs and sizes that differ, so that each order of adding has a sum of its own.
        state = state * 6364136223846793005 + 1442695040888963407 & 2**64 - 1
        items.append(((state >> 11) / 2**53 - 0.5) * 10.0 ** (state % 7))
    for length in _PROBES:
        for some in (items[:length], [-0.0] * length):
            array = numpy.array(some, dtype="float64")
            total = numpy.sum(array)
            square = array**2
            if type(total) is not numpy.float64 or total.tobytes() != numpy.float64(_sum(array)).tobytes():
                return False
            if square.tobytes() != (array * array).tobytes() or square.dtype != array.dtype:
                return False
            if length and numpy.mean(array).tobytes() != (total / length).tobytes():
                return False
    roots = numpy.sqrt(numpy.abs(numpy.array(items)))
    return bool(roots.tolist() == [math.sqrt(abs(item)) for item in items])


def _sum(array: Any) -> float:
    total: float = _native.pairwise_sum(array.tobytes())
    return total


def arrays_of(items: bytes, lengths: list[int]) -> list[Any]:
    """Returns arrays of these lengths, of items that lie one behind the other."""
    import numpy

    if not lengths:
        return []
    flat = numpy.frombuffer(items) if items else numpy.empty(0)
    first = lengths[0]
    if first and lengths.count(first) == len(lengths):
        return [row.copy() for row in flat.reshape(-1, first)]
    made, begin = [], 0
    for length in lengths:
        made.append(flat[begin : begin + length].copy())
        begin += length
    return made


def numbers_of(items: bytes) -> list[Any]:
    """Returns numpy's floats."""
    import numpy

    return list(numpy.frombuffer(items)) if items else []


def truths_of(items: bytes) -> list[Any]:
    """Returns numpy's truth values."""
    import numpy

    return list(numpy.frombuffer(items, dtype=bool)) if items else []
