"""Shared variables that tasks add to and the driver reads.

The engine stores one partial value for each partition that has added something, and counts each partition once, however
often it was computed. This module knows how two values are added, which the engine does not. In the driver a value is
the initial one with all partial values added; in a task, terms are handed to the engine, and nothing can be read.
"""

from __future__ import annotations

import copy
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from firesteel import _native
from firesteel.errors import FiresteelError

if TYPE_CHECKING:
    from firesteel.context import SparkContext

__all__ = ["Accumulator", "AccumulatorParam"]

T = TypeVar("T")
U = TypeVar("U")

_here: weakref.WeakValueDictionary[int, Accumulator[Any]] = weakref.WeakValueDictionary()
"""The accumulators of this process by id, so that unpickling one that is here gives the same object."""


class AccumulatorParam(Generic[T]):
    """Says how values of an accumulator are added; subclass it for types that ``+=`` does not add.

    >>> class Largest(AccumulatorParam):
    ...     def zero(self, value):
    ...         return float("-inf")
    ...     def addInPlace(self, value1, value2):
    ...         return max(value1, value2)
    >>> seen = sc.accumulator(0.0, Largest())
    >>> sc.parallelize([3.0, 8.0, 5.0]).foreach(seen.add)
    >>> seen.value
    8.0
    """

    def zero(self, value: T) -> T:
        """Returns the value that each partition begins with: of the shape of ``value``, changing nothing when added.

        >>> INT_ACCUMULATOR_PARAM.zero(7)
        0
        """
        raise NotImplementedError

    def addInPlace(self, value1: T, value2: T) -> T:
        """Returns the sum of two values; it may be made in place of the first.

        >>> INT_ACCUMULATOR_PARAM.addInPlace(3, 4)
        7
        """
        raise NotImplementedError


class AddingAccumulatorParam(AccumulatorParam[U]):
    """Adds by ``+=``, as for numbers and lists.

    >>> words = sc.accumulator([], AddingAccumulatorParam([]))
    >>> sc.parallelize(["b", "a"]).foreach(lambda word: words.add([word]))
    >>> sorted(words.value)
    ['a', 'b']
    """

    def __init__(self, zero_value: U) -> None:
        self.zero_value = zero_value

    def zero(self, value: U) -> U:
        """Returns the zero that this was made with."""
        return self.zero_value

    def addInPlace(self, value1: U, value2: U) -> U:
        """Returns ``value1``, after ``value1 += value2``."""
        value1 += value2  # type: ignore[operator]
        return value1


INT_ACCUMULATOR_PARAM = AddingAccumulatorParam(0)
FLOAT_ACCUMULATOR_PARAM = AddingAccumulatorParam(0.0)
COMPLEX_ACCUMULATOR_PARAM = AddingAccumulatorParam(0.0j)


class Accumulator(Generic[T]):
    """A variable that tasks add to, each partition's terms exactly once, and that only the driver reads.

    ``SparkContext.accumulator`` makes them.

    >>> total = sc.accumulator(10)
    >>> sc.parallelize([1, 2, 3]).foreach(lambda x: total.add(x))
    >>> total.value
    16
    >>> total += 4
    >>> total
    Accumulator<id=..., value=20>
    """

    def __init__(self, aid: int, value: T, accum_param: AccumulatorParam[T]) -> None:
        self.aid = aid
        self.accum_param = accum_param
        self._value = value
        self._deserialized = False
        self._native: _native.Accumulator | None = None
        self._added: list[bytes] = []
        self._before: T | None = None
        self._lock = threading.RLock()
        _here[aid] = self

    def __reduce__(
        self,
    ) -> tuple[Callable[[int, T, AccumulatorParam[T]], Accumulator[T]], tuple[int, T, AccumulatorParam[T]]]:
        """Pickles the form for tasks, which begins with zero and never learns the driver's value."""
        return _unpickle, (self.aid, self.accum_param.zero(self._value), self.accum_param)

    @property
    def value(self) -> T:
        """The value, which the driver may read and set. In a task it raises RuntimeError.

        >>> errors = sc.accumulator(0)
        >>> errors.value = 5
        >>> errors.value
        5
        """
        self._refuse_in_tasks("read")
        with self._lock:
            self._add_chunks()
            return self._value

    @value.setter
    def value(self, value: T) -> None:
        self._refuse_in_tasks("set")
        with self._lock:
            if self._native is not None:
                self._native.reset()
            self._added, self._before, self._value = [], None, value

    def add(self, term: T) -> None:
        """Adds a term, in a task or in the driver.

        >>> count = sc.accumulator(0)
        >>> sc.parallelize(range(6)).foreach(lambda _: count.add(1))
        >>> count.value
        6
        """
        # The engine begins each partition with a copy of zero, which is the value of a task's form.
        if self._deserialized:
            return _native.accumulate(self.aid, self.accum_param.addInPlace, self._value, term)
        if _native.current_task() is not None:
            zero = self.accum_param.zero(self._value)
            return _native.accumulate(self.aid, self.accum_param.addInPlace, zero, term)
        with self._lock:
            if self._added:
                # The terms of tasks may be added again from the beginning; the driver's own must not be lost then.
                self._before = self.accum_param.addInPlace(cast(T, self._before), copy.deepcopy(term))
            self._value = self.accum_param.addInPlace(self._value, term)

    def __iadd__(self, term: T) -> Accumulator[T]:
        """``accumulator += term`` is ``accumulator.add(term)``."""
        self.add(term)
        return self

    def __str__(self) -> str:
        return str(self._shown())

    def __repr__(self) -> str:
        return f"Accumulator<id={self.aid}, value={self._shown()}>"

    def _shown(self) -> T:
        return self._value if self._in_task() else self.value

    def _in_task(self) -> bool:
        """Returns whether terms go to the engine: in workers, and where a task is run in the driver's process."""
        return self._deserialized or _native.current_task() is not None

    def _refuse_in_tasks(self, what: str) -> None:
        if self._in_task():
            raise FiresteelError(
                f"Accumulator.value cannot be accessed inside tasks; this one tried to {what} it. A task does not know"
                " what other tasks add: tasks add terms, and the driver reads the value after an action."
            )

    def _add_chunks(self) -> None:
        """Brings the value up to date: adds new partial values only, unless an earlier one no longer counts."""
        chunks = self._native.chunks() if self._native is not None else []
        if chunks == self._added:
            return
        if chunks[: len(self._added)] != self._added:
            self._value, self._before, self._added = cast(T, self._before), None, []
        if not self._added and chunks:
            self._before = copy.deepcopy(self._value)
        for chunk in chunks[len(self._added) :]:
            self._value = self.accum_param.addInPlace(self._value, pickle.loads(chunk))
        self._added = chunks


def _unpickle(aid: int, zero: T, accum_param: AccumulatorParam[T]) -> Accumulator[T]:
    """Returns the accumulator of this id if this process has it (the driver does), else a task's form of it."""
    known = _here.get(aid)
    if known is not None:
        return known
    accumulator = Accumulator(aid, zero, accum_param)
    accumulator._deserialized = True
    return accumulator


def create(sc: SparkContext, value: T, accum_param: AccumulatorParam[T] | None = None) -> Accumulator[T]:
    """Makes an accumulator of a context; numbers need no ``accum_param``."""
    if accum_param is None:
        accum_param = cast("AccumulatorParam[T]", _default_param(value))
    native = sc._native.accumulator()
    accumulator = Accumulator(native.id, value, accum_param)
    accumulator._native = native
    return accumulator


def _default_param(value: object) -> AccumulatorParam[Any]:
    if isinstance(value, int):
        return INT_ACCUMULATOR_PARAM
    if isinstance(value, float):
        return FLOAT_ACCUMULATOR_PARAM
    if isinstance(value, complex):
        return COMPLEX_ACCUMULATOR_PARAM
    raise TypeError(
        f"No default accumulator param for type {type(value)}: pass accum_param, an AccumulatorParam that says how"
        " such values are added"
    )
