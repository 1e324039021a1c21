"""Merging, sorting and grouping in bounded memory: the classes that programs import from ``pyspark.shuffle``.

:mod:`firesteel.shuffle` and :mod:`firesteel.sorting`, which RDDs use directly, do the work; this module only gives it
PySpark's names. A memory limit is in megabytes and applies to the process as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from firesteel import _native
from firesteel.shuffle import merge_combined
from firesteel.sorting import external_sort, identity
from firesteel.spill import Budget, Parts, SpilledList

__all__ = [
    "Aggregator",
    "ExternalGroupBy",
    "ExternalList",
    "ExternalListOfList",
    "ExternalMerger",
    "ExternalSorter",
    "GroupByKey",
    "Merger",
    "SimpleAggregator",
    "get_used_memory",
]

K = TypeVar("K")
V = TypeVar("V")
C = TypeVar("C")
T = TypeVar("T")

#: The limit in megabytes where a program names none.
DEFAULT_LIMIT = 512


def get_used_memory() -> int:
    """Returns the megabytes of memory that this process holds.

    >>> get_used_memory() > 1
    True
    """
    return _native.memory_used() >> 20


class Aggregator(Generic[V, C]):
    """Says how values of one key are combined: the first, each further one, and two combinations."""

    def __init__(
        self,
        createCombiner: Callable[[V], C],
        mergeValue: Callable[[C, V], C],
        mergeCombiners: Callable[[C, C], C],
    ) -> None:
        self.createCombiner = createCombiner
        self.mergeValue = mergeValue
        self.mergeCombiners = mergeCombiners


class SimpleAggregator(Aggregator[V, V]):
    """An aggregator of one function that combines two values, where a combination is a value itself."""

    def __init__(self, combiner: Callable[[V, V], V]) -> None:
        super().__init__(identity, combiner, combiner)


class Merger(Generic[K, V, C]):
    """Merges pairs by an aggregator."""

    def __init__(self, aggregator: Aggregator[V, C]) -> None:
        self.agg = aggregator

    def mergeValues(self, iterator: Iterable[tuple[K, V]]) -> None:
        """Merges pairs of a key and a value."""
        raise NotImplementedError

    def mergeCombiners(self, iterator: Iterable[tuple[K, C]]) -> None:
        """Merges pairs of a key and a combination."""
        raise NotImplementedError

    def items(self) -> Iterable[tuple[K, C]]:
        """Returns each key with its combination."""
        raise NotImplementedError


class ExternalMerger(Merger[K, V, C]):
    """Merges in a table, and moves it into files when the process holds more than the limit.

    >>> from operator import add
    >>> merger = ExternalMerger(SimpleAggregator(add), memory_limit=1)
    >>> merger.mergeValues((number % 100, 1) for number in range(20_000))
    >>> merger.spills > 0, sorted(merger.items())[:2]
    (True, [(0, 200), (1, 200)])
    """

    def __init__(
        self,
        aggregator: Aggregator[V, C],
        memory_limit: int = DEFAULT_LIMIT,
        serializer: object = None,
        localdirs: object = None,
        scale: int = 1,
        partitions: int = 59,
        batch: int = 1000,
    ) -> None:
        super().__init__(aggregator)
        self.memory_limit = memory_limit
        self.data: dict[K, C] = {}
        self.spills = 0
        self._budget = Budget(memory_limit << 20)
        self._parts: Parts[K, C] | None = None

    def mergeValues(self, iterator: Iterable[tuple[K, V]]) -> None:
        """Merges pairs of a key and a value."""
        self._merge(iter(iterator), self.agg.createCombiner, self.agg.mergeValue)

    def mergeCombiners(self, iterator: Iterable[tuple[K, C]], limit: int | None = None) -> None:
        """Merges pairs of a key and a combination."""
        self._merge(iter(iterator), None, self.agg.mergeCombiners)

    def _merge(
        self, pairs: Iterator[Any], create: Callable[[Any], Any] | None, merge: Callable[[Any, Any], Any]
    ) -> None:
        while _native.combine(self.data, pairs, create, merge, self._budget):
            self._spill()

    def _spill(self) -> None:
        if self._parts is None:
            self._parts = Parts(0)
        self._parts.write(self.data.items())
        self.data.clear()
        self._budget.relieved()
        self.spills += 1

    def items(self) -> Iterator[tuple[K, C]]:
        """Yields each key with its combination; after spilling, only the first call does."""
        if self._parts is None:
            yield from self.data.items()
            return
        self._spill()
        for part in self._parts.read():
            yield from merge_combined(part, self.agg.mergeCombiners, self._budget)
            self._budget.cleared()


class ExternalGroupBy(ExternalMerger[K, V, C]):
    """Merges into lists of values, for an aggregator that makes them.

    >>> lists = Aggregator(lambda one: [one], lambda values, one: values + [one], lambda left, right: left + right)
    >>> merger = ExternalGroupBy(lists)
    >>> merger.mergeValues([("a", 1), ("b", 2), ("a", 3)])
    >>> sorted(merger.items())
    [('a', [1, 3]), ('b', [2])]
    """


class ExternalSorter:
    """Sorts in memory, and by merging sorted files when the process holds more than the limit.

    >>> list(ExternalSorter(memory_limit=1).sorted([3, 1, 2], reverse=True))
    [3, 2, 1]
    """

    def __init__(self, memory_limit: int, serializer: object = None) -> None:
        self.memory_limit = memory_limit

    def sorted(
        self, iterator: Iterable[T], key: Callable[[T], Any] | None = None, reverse: bool = False
    ) -> Iterator[T]:
        """Returns the records in order, as ``sorted`` does."""
        return external_sort(iterator, key or identity, reverse, Budget(self.memory_limit << 20))


class ExternalList(Generic[T]):
    """A list that can be appended to and iterated over, and that moves into a file when it gets long.

    >>> values = ExternalList([1, 2])
    >>> values.append(3)
    >>> len(values), list(values)
    (3, [1, 2, 3])
    """

    #: The most values that are held in memory.
    LIMIT = 10240

    def __init__(self, values: list[T]) -> None:
        self.values: list[T] | SpilledList[T] = values
        self._move()

    def append(self, value: T) -> None:
        """Adds one value."""
        self.values.append(value)
        self._move()

    def _move(self) -> None:
        if isinstance(self.values, list) and len(self.values) > self.LIMIT:
            self.values = SpilledList(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[T]:
        return iter(self.values)

    def __reduce__(self) -> tuple[type[ExternalList[T]], tuple[list[T]]]:
        return type(self), (list(self.values),)


class ExternalListOfList(ExternalList[Any]):
    """A list of lists, iterated over as one long list of their items.

    >>> values = ExternalListOfList([[1, 2], [3]])
    >>> values.append(range(2))
    >>> len(values), list(values)
    (5, [1, 2, 3, 0, 1])
    """

    def __init__(self, values: list[Any]) -> None:
        self._count = sum(len(value) for value in values)
        super().__init__(values)

    def append(self, value: Any) -> None:
        """Adds one list."""
        self._count += len(value)
        super().append(value)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        for values in self.values:
            yield from values


class GroupByKey(Generic[K, V]):
    """Takes pairs in the order of their keys, each with a list of values, and gives one pair for each key.

    >>> [(key, list(values)) for key, values in GroupByKey([(0, [1]), (0, [2, 3]), (1, [4])])]
    [(0, [1, 2, 3]), (1, [4])]
    """

    def __init__(self, iterator: Iterable[tuple[K, list[V]]]) -> None:
        self.iterator = iterator

    def __iter__(self) -> Iterator[tuple[K, ExternalListOfList]]:
        key: Any = None
        values: ExternalListOfList | None = None
        for next_key, next_values in self.iterator:
            if values is not None and next_key == key:
                values.append(next_values)
                continue
            if values is not None:
                yield key, values
            key, values = next_key, ExternalListOfList([next_values])
        if values is not None:
            yield key, values
