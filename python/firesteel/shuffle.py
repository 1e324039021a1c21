"""Merging by key on both sides of a shuffle, in bounded memory.

Values of a key are merged in a dict, so keys need a hash and equality and nothing else: they are never compared by
order. Before a shuffle, a dict that has grown over the limit is passed on as it is, since the other side merges again
(:func:`combine_locally`, :func:`group_locally`). After it, such a dict is dealt into files by a second hash of its
keys, by bits that the shuffle has not used; the records that follow go to the same files, and each file is then merged
by itself, in the same way and by the next bits (:func:`merge_combined`, :func:`group_merged`, :func:`distinct_merged`).
So nothing is ever sorted, and keys may have mixed types. A single key whose values outgrow the memory cannot be dealt;
its values move into a :class:`SpilledList`. Results come in the order in which keys first appeared, as long as nothing
was spilled.

Files lie in the running task's spill directory and are unlinked as soon as they are open, so that they disappear with
their last reader. ``sorting.py`` has the external sort and ``join.py`` the joins, which use the same files.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import IO, Any, Generic, TypeVar

from firesteel import _native
from firesteel.pickling import dump_records, load_records

__all__ = [
    "Budget",
    "Parts",
    "Run",
    "SpilledList",
    "add_rest",
    "chunks",
    "combine_locally",
    "deal_out",
    "distinct_locally",
    "distinct_merged",
    "group_held",
    "group_locally",
    "group_merged",
    "merge_combined",
]

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

CHUNK = 4096
"""The number of records after which memory use is checked: often enough for records of some kilobytes, seldom enough to
cost nothing.
"""
MANY = 8
"""The number of a key's values from which on they go through a shuffle as one list: for fewer, the list costs more than
it saves.
"""
BATCH = 256
"""Records that are pickled together into a spill file."""
PARTS = 32
"""Files that a table is dealt into, and so the factor by which each level of dealing divides the data.
"""
MAX_LEVEL = 8
"""The most levels of dealing: they use 40 bits of the keys' hash, and keys that are still together share one hash.
"""
LEAST_ROOM = 16 << 20
"""Bytes that may be filled after each relief, so that spills are not tiny where a process itself needs its share."""
DEFAULT_LIMIT = 512 << 20
"""Bytes a process may hold if no task says otherwise: PySpark's ``spark.python.worker.memory``."""


class Budget:
    """The memory that merging may use, and a check whether it is used up.

    The measure is the process's resident size, since Python cannot say how large a table is. A process does not always
    give memory back when objects go, so the limit moves up to a little over the present size after each relief.
    """

    def __init__(self, limit: int | None = None) -> None:
        if limit is None:
            task = _native.current_task()
            limit = DEFAULT_LIMIT if task is None else task.memory_limit
        self.limit = limit

    def exceeded(self) -> bool:
        """Returns whether the process holds more than the limit now."""
        return memory_used() > self.limit

    def relieved(self) -> None:
        """Raises the limit to the present size; called after data was moved out of memory."""
        used = memory_used()
        self.limit = max(self.limit, used * 21 // 20, used + LEAST_ROOM)

    def unlimited(self) -> None:
        """Lifts the limit; called when nothing more can be moved out."""
        self.limit = sys.maxsize


def memory_used() -> int:
    """Returns the bytes of memory that this process holds; its peak where the system only tells that.

    >>> memory_used() > 1 << 20
    True
    """
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak << 10


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def chunks(records: Iterator[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yields lists of ``size`` records, and one of the rest.

    >>> [len(chunk) for chunk in chunks(iter(range(10)), 4)]
    [4, 4, 2]
    """
    while chunk := list(islice(records, size)):
        yield chunk


# -- files


class Run(Generic[T]):
    """Records in a file of the running task, written once and read any number of times, also by several readers at
    once.
    """

    def __init__(self) -> None:
        from tempfile import TemporaryFile

        task = _native.current_task()
        self._file: IO[bytes] = TemporaryFile(dir=task.spill_directory if task is not None else None, buffering=0)
        self._lengths: list[int] = []

    def write(self, records: list[T]) -> None:
        """Adds a batch."""
        data = dump_records(records)
        self._lengths.append(len(data))
        _write_all(self._file, data)

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[list[T]]:
        """Yields the records in the batches that they were written in."""
        start = 0
        for length in self._lengths:
            yield load_records(os.pread(self._file.fileno(), length, start))
            start += length


def _write_all(file: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


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
        self._shift = 59 - 5 * level
        self._waiting: list[list[tuple[K, V]]] = [[] for _ in range(PARTS)]
        self._runs: list[Run[tuple[K, V]] | None] = [None] * PARTS

    def write(self, pairs: Iterable[tuple[K, V]]) -> None:
        """Deals pairs out; when this returns, all but less than a batch for each file are in the files."""
        shift, waiting = self._shift, self._waiting
        portable_hash = _native.portable_hash
        for pair in pairs:
            # Each partition of a shuffle sees hashes of one remainder only, so the bits are mixed first.
            mixed = portable_hash(pair[0]) & 0xFFFFFFFFFFFFFFFF
            mixed = ((mixed ^ (mixed >> 32)) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
            mixed = ((mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
            index = (mixed >> shift) & (PARTS - 1)
            part = waiting[index]
            part.append(pair)
            if len(part) >= BATCH:
                self._flush(index)

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


# -- before a shuffle: partial results are enough


def combine_locally(
    pairs: Iterable[tuple[K, V]],
    create: Callable[[V], Any] | None,
    merge: Callable[[Any, V], Any],
    budget: Budget | None = None,
) -> Iterator[tuple[K, Any]]:
    """Combines the values of equal keys; a key may be given several times if memory was short."""
    budget = budget or Budget()
    table: dict[K, Any] = {}
    iterator = iter(pairs)
    while _native.combine(table, iterator, create, merge, budget.limit):
        yield from table.items()
        table.clear()
        budget.relieved()
    yield from table.items()


class Several(list[V]):
    """Values of one key that go through a shuffle together."""

    __slots__ = ()


def group_locally(pairs: Iterable[tuple[K, V]], budget: Budget | None = None) -> Iterator[tuple[K, V | Several[V]]]:
    """Puts values of equal keys together, for keys with many values.

    :func:`group_merged` takes the result.
    """
    budget = budget or Budget()
    table: defaultdict[K, list[V]] = defaultdict(list)
    iterator = iter(pairs)
    while _append_all(table, iterator, budget):
        yield from _put_together(table)
        table.clear()
        budget.relieved()
    yield from _put_together(table)


def _put_together(table: dict[K, list[V]]) -> Iterator[tuple[K, V | Several[V]]]:
    for key, values in table.items():
        # A few values travel one by one: a list for each key would cost more than it saves.
        if len(values) < MANY:
            for value in values:
                yield key, value
        else:
            for start in range(0, len(values), CHUNK):
                yield key, Several(values[start : start + CHUNK])


def distinct_locally(records: Iterable[K], budget: Budget | None = None) -> Iterator[tuple[K, None]]:
    """Yields each record once, as the key of a pair; several times if memory was short."""
    budget = budget or Budget()
    table: dict[K, None] = {}
    for chunk in chunks(iter(records)):
        table.update(dict.fromkeys(chunk))
        if budget.exceeded():
            yield from table.items()
            table.clear()
            budget.relieved()
    yield from table.items()


# -- after a shuffle: each key is given once


def merge_combined(
    pairs: Iterable[tuple[K, V]], merge: Callable[[V, V], V], budget: Budget | None = None
) -> Iterator[tuple[K, V]]:
    """Merges combined values until each key has one."""

    def fill(table: dict[K, V], iterator: Iterator[tuple[K, V]], budget: Budget) -> bool:
        return _native.combine(table, iterator, None, merge, budget.limit)

    return _merged(pairs, fill, budget or Budget(), 0)


def distinct_merged(pairs: Iterable[tuple[K, None]], budget: Budget | None = None) -> Iterator[tuple[K, None]]:
    """Yields each key once."""

    def fill(table: dict[K, None], iterator: Iterator[tuple[K, None]], budget: Budget) -> bool:
        for chunk in chunks(iterator):
            table.update(chunk)
            if budget.exceeded():
                return True
        return False

    return _merged(pairs, fill, budget or Budget(), 0)


def _merged(
    pairs: Iterable[tuple[K, V]],
    fill: Callable[[dict[K, V], Iterator[tuple[K, V]], Budget], bool],
    budget: Budget,
    level: int,
) -> Iterator[tuple[K, V]]:
    table: dict[K, V] = {}
    iterator = iter(pairs)
    # All bits of the hashes are used: dealing again would put these keys into one file for ever.
    if level > MAX_LEVEL:
        budget.unlimited()
    if fill(table, iterator, budget):
        parts: Parts[K, V] = Parts(level)
        full = True
        while full:
            parts.write(table.items())
            table.clear()
            budget.relieved()
            full = fill(table, iterator, budget)
        parts.write(table.items())
        table.clear()
        for part in parts.read():
            yield from _merged(part, fill, budget, level + 1)
    else:
        yield from table.items()


def group_merged(
    pairs: Iterable[tuple[K, V | Several[V]]], budget: Budget | None = None
) -> Iterator[tuple[K, list[V] | SpilledList[V]]]:
    """Yields all values of each key; some of them arrive as :class:`Several`."""
    return _grouped(pairs, budget or Budget(), 0)


def _grouped(pairs: Iterable[tuple[K, V]], budget: Budget, level: int) -> Iterator[tuple[K, Any]]:
    table: defaultdict[K, Any] = defaultdict(list)
    iterator = iter(pairs)
    if group_held(table, iterator, budget, level):
        return _group_parts(table, iterator, budget, level)
    return iter(table.items())


def _group_parts(
    table: dict[K, Any], rest: Iterator[tuple[K, V]], budget: Budget, level: int
) -> Iterator[tuple[K, Any]]:
    """Continues with a full table: deals it into files, and groups each by itself."""
    parts: Parts[K, V] = Parts(level)
    hot = deal_out(table, parts)
    budget.relieved()
    add_rest(rest, hot, parts)
    yield from hot.items()
    hot.clear()
    for part in parts.read():
        yield from _grouped(part, budget, level + 1)


def move_hot_key_out(table: dict[K, Any], budget: Budget, level: int) -> bool:
    """Makes room by moving the values of one key into a file, if that key has at least half of all values.

    Returns whether there is room now: if not, the table must be dealt out. It returns True if keys cannot be dealt
    further.
    """
    sizes = {key: len(values) for key, values in table.items() if type(values) is list}
    key = max(sizes, key=sizes.__getitem__, default=None)
    # Only a dominant key is worth a file of its own; otherwise dealing the table makes more room.
    if key is not None and (sizes[key] > BATCH or level > MAX_LEVEL) and sizes[key] * 2 >= sum(sizes.values()):
        table[key] = SpilledList(table[key])
        budget.relieved()
        return True
    if level > MAX_LEVEL:
        budget.unlimited()
        return True
    return False


def group_held(table: dict[K, Any], pairs: Iterator[tuple[K, V]], budget: Budget, level: int) -> bool:
    """Groups the values of one side of a join; returns whether memory ran out before all were read."""
    while _append_all(table, pairs, budget):
        if not move_hot_key_out(table, budget, level):
            return True
    return False


def deal_out(table: dict[K, Any], parts: Parts[K, Any]) -> dict[K, SpilledList[Any]]:
    """Empties a table into files; returns the rest: keys whose values are in a file already."""
    hot: dict[K, SpilledList[Any]] = {}

    def flat() -> Iterator[tuple[K, Any]]:
        while table:
            key, values = table.popitem()
            # A hot key stays: its values are in a file already, and dealing them would only copy it.
            if type(values) is list:
                for value in values:
                    yield key, value
            else:
                hot[key] = values

    parts.write(flat())
    parts.flush()
    return hot


def add_rest(rest: Iterable[tuple[K, Any]], hot: dict[K, SpilledList[Any]], parts: Parts[K, Any]) -> None:
    """Adds the records that follow to their keys."""

    def others() -> Iterator[tuple[K, Any]]:
        for pair in rest:
            key, value = pair
            if key not in hot:
                yield pair
            elif type(value) is Several:
                hot[key].extend(value)
            else:
                hot[key].append(value)

    parts.write(others())


def _append_all(table: dict[K, Any], pairs: Iterator[tuple[K, Any]], budget: Budget) -> bool:
    """Appends values to their keys' lists; returns False when the values end, True when memory does."""
    while True:
        key: Any = _END
        together = 0
        for key, value in islice(pairs, CHUNK):
            if type(value) is Several:
                table[key].extend(value)
                together += len(value)
                if together >= CHUNK:
                    break
            else:
                table[key].append(value)
        if key is _END:
            return False
        if budget.exceeded():
            return True


_END = object()
