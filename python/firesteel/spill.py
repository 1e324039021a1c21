"""The memory of tables, and the files that they move into when it is used up.

How much memory a table may have, and what a file looks like, is the engine's (``firesteel._native``): tables of Python
share the task's memory with the engine's own, and files have checksums, are encrypted where those of the application
are, and disappear with their last reader or with the process. Here is what needs Python: batches of pickled records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, Generic, TypeVar

from firesteel import _native
from firesteel._native import Budget
from firesteel.pickling import dump_records, load_records

__all__ = ["Budget", "Parts", "Run", "SpilledList", "chunks", "with_budget"]

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

CHUNK = 4096
"""The number of records after which memory use is checked: often enough for records of some kilobytes, seldom enough to
cost nothing.
"""
ENTRY = 80
"""Bytes of a dict's entry."""
BATCH = 256
"""Records that are pickled together into a spill file."""
PARTS = 32
"""Files that a table is dealt into, and so the factor by which each level of dealing divides the data.
"""


def chunks(records: Iterator[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yields lists of ``size`` records, and one of the rest.

    >>> [len(chunk) for chunk in chunks(iter(range(10)), 4)]
    [4, 4, 2]
    """
    while chunk := list(islice(records, size)):
        yield chunk


def with_budget(records: Iterable[T], budget: Budget) -> Iterator[T]:
    """Yields records of a table whose memory the budget has; it gives the memory back when they are asked for no
    longer.

    >>> list(with_budget([1, 2], Budget()))
    [1, 2]
    """
    nothing: Iterator[T] = filter(lambda _: budget.exceeded(), ())  # has the budget, and takes no frame for each record
    return chain(records, nothing)


class Run(Generic[T]):
    """Records in a file of the running task, written once and read any number of times, also by several readers at
    once.
    """

    def __init__(self) -> None:
        self._file = _native.SpillFile()

    def write(self, records: list[T]) -> None:
        """Adds a batch."""
        self._file.write(records, dump_records(records))

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[list[T]]:
        """Yields the records in the batches that they were written in."""
        number = 0
        while (batch := self._file.read(number)) is not None:
            yield load_records(batch)
            number += 1


class SpilledList(Generic[T]):
    """A list whose end is in memory and whose beginning is in a file.

    >>> values = SpilledList([1, 2])
    >>> values.append(3)
    >>> len(values), list(values), list(values)
    (3, [1, 2, 3], [1, 2, 3])
    """

    def __init__(self, values: list[T]) -> None:
        self._run: Run[T] = Run()
        self._length = 0
        self._tail: list[T] = []
        self.extend(values)

    def append(self, value: T) -> None:
        """Adds one value."""
        self._tail.append(value)
        self._length += 1
        if len(self._tail) >= BATCH:
            self._run.write(self._tail)
            self._tail = []

    def extend(self, values: Iterable[T]) -> None:
        """Adds several values."""
        for chunk in chunks(iter(values), BATCH):
            self._run.write(chunk)
            self._length += len(chunk)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return chain(self._run, tuple(self._tail))

    def __reduce__(self) -> tuple[type[list[T]], tuple[list[T]]]:
        # Another process has no access to the file: it gets a plain list.
        return list, (list(self),)


class Parts(Generic[K, V]):
    """Pairs dealt into files by a hash of their keys, to be read one file after the other."""

    def __init__(self, level: int) -> None:
        # Each partition of a shuffle sees hashes of one remainder only, so the engine mixes the bits first.
        self._shift = 59 - 5 * level
        self._waiting: list[list[tuple[K, V]]] = [[] for _ in range(PARTS)]
        self._runs: list[Run[tuple[K, V]] | None] = [None] * PARTS

    def write(self, pairs: Iterable[tuple[K, V]]) -> None:
        """Deals pairs out; when this returns, all but less than a batch for each file are in the files."""
        _native.deal(pairs, self._shift, self._waiting, BATCH, self._flush)

    def flush(self) -> None:
        """Writes incomplete batches to their files, too."""
        for index, part in enumerate(self._waiting):
            if part:
                self._flush(index)

    def _flush(self, index: int) -> None:
        run = self._runs[index]
        if run is None:
            run = self._runs[index] = Run()
        run.write(self._waiting[index])
        self._waiting[index] = []

    def read(self) -> Iterator[Run[tuple[K, V]]]:
        """Yields the files with records; each disappears when the next is asked for."""
        self.flush()
        for index, run in enumerate(self._runs):
            if run is not None:
                self._runs[index] = None
                yield run

    def read_with(self, other: Parts[K, Any]) -> Iterator[tuple[Iterable[tuple[K, V]], Iterable[tuple[K, Any]]]]:
        """Yields pairs of files, of two sides, that hold the same keys."""
        self.flush()
        other.flush()
        for index in range(PARTS):
            mine, theirs = self._runs[index], other._runs[index]
            self._runs[index] = other._runs[index] = None
            if mine is not None or theirs is not None:
                yield mine if mine is not None else (), theirs if theirs is not None else ()
