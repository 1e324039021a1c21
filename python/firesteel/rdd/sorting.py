"""Sorting: records placed by ranges of their keys, then sorted within each partition.

The ranges come from a sample, so sorting into several partitions runs two jobs when it is called: one counts, one
samples. Sample and bounds are PySpark's, so that partitions hold the same records.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from firesteel import callsite
from firesteel.chain import KeyBy, Keys, OfRecords, Values
from firesteel.rdd.base import portable_hash
from firesteel.rdd.joins import Joins
from firesteel.rdd.transformations import count_records
from firesteel.sampling import PlainSample
from firesteel.sorting import external_sort, identity, key_of_pair

if TYPE_CHECKING:
    from firesteel.rdd.pipelined import RDD

__all__ = ["Sorting"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
K = TypeVar("K")
V = TypeVar("V")

SAMPLES_PER_PARTITION = 20


class Sorting(Joins[T_co]):
    """Adds sorting to the RDD."""

    def sortByKey(
        self: Sorting[tuple[K, V]],
        ascending: bool | None = True,
        numPartitions: int | None = None,
        keyfunc: Callable[[Any], Any] = identity,
    ) -> RDD[tuple[K, V]]:
        """Sorts pairs by ``keyfunc`` of their keys, over all partitions. Runs jobs at once (see the module).

        >>> sc.parallelize([("b", 1), ("a", 2), ("c", 3)]).sortByKey().collect()
        [('a', 2), ('b', 1), ('c', 3)]
        """
        site = callsite.here("sortByKey") if keyfunc is identity else self._function(keyfunc, "sortByKey")
        return self._sort_by_key(bool(ascending), numPartitions, keyfunc, site)

    def sortBy(
        self: Sorting[T], keyfunc: Callable[[T], Any], ascending: bool = True, numPartitions: int | None = None
    ) -> RDD[T]:
        """Sorts records by ``keyfunc`` of each, over all partitions. Runs jobs at once (see the module).

        >>> sc.parallelize([("a", 3), ("b", 1), ("c", 2)]).sortBy(lambda pair: pair[1]).keys().collect()
        ['b', 'c', 'a']
        """
        site = self._function(keyfunc, "sortBy")
        keyed = self._then(KeyBy(keyfunc, site), site)
        return keyed._sort_by_key(bool(ascending), numPartitions, identity, site)._then(Values(), site)

    def _sort_by_key(
        self, ascending: bool, partitions: int | None, keyfunc: Callable[[Any], Any], site: str
    ) -> RDD[Any]:
        count = self._count(partitions)
        sort = _SortPartition(keyfunc, ascending, site)
        # One partition needs no ranges, and so no jobs that count and sample.
        if count == 1:
            whole = self._coalesce(1, False, site) if self.getNumPartitions() > 1 else self._as_rdd()
            return whole._then(sort, site, True)
        total = sum(self._run_function(count_records, site))
        if total == 0:
            return self._as_rdd()
        bounds = self._bounds(count, total, keyfunc, site)
        # Plain bisection runs in C; everything else needs a call of Python for each key.
        if keyfunc is identity and ascending:
            place: Callable[[Any], int] = partial(bisect_left, bounds)
        else:
            place = _Place(bounds, keyfunc, None if ascending else count - 1)
        return self._partition_by(count, place, site)._then(sort, site, True)

    def _bounds(self, partitions: int, total: int, keyfunc: Callable[[Any], Any], site: str) -> list[Any]:
        """Returns the greatest key of each partition but the last, in ascending order."""
        fraction = min(partitions * SAMPLES_PER_PARTITION / total, 1.0)
        sample = self._then(PlainSample(False, fraction, 1), site)._then(Keys(), site)
        keys = sorted(map(keyfunc, sample._run_function(iter, site)))
        if not keys:
            return []
        return [keys[int(len(keys) * (i + 1) / partitions)] for i in range(partitions - 1)]

    def repartitionAndSortWithinPartitions(
        self: Sorting[tuple[Any, Any]],
        numPartitions: int | None = None,
        partitionFunc: Callable[[Any], int] = portable_hash,
        ascending: bool = True,
        keyfunc: Callable[[Any], Any] = identity,
    ) -> RDD[tuple[Any, Any]]:
        """Places pairs by ``partitionFunc`` and sorts each partition by key, cheaper than one after the other.

        >>> pairs = sc.parallelize([(0, 5), (3, 8), (2, 6), (0, 8), (3, 8), (1, 3)])
        >>> pairs.repartitionAndSortWithinPartitions(2, lambda key: key % 2).glom().collect()
        [[(0, 5), (0, 8), (2, 6)], [(1, 3), (3, 8), (3, 8)]]
        """
        site = callsite.here("repartitionAndSortWithinPartitions")
        for function in (partitionFunc, keyfunc):
            if function is not portable_hash and function is not identity:
                self._function(function, "repartitionAndSortWithinPartitions")
        placed = self._partition_by(self._count(numPartitions), partitionFunc, site)
        return placed._then(_SortPartition(keyfunc, ascending, site), site, True)


class _SortPartition:
    def __init__(self, keyfunc: Callable[[Any], Any], ascending: bool, site: str) -> None:
        self.keyfunc = keyfunc
        self.ascending = ascending
        self.site = site

    def __call__(self, partition: int, pairs: Iterable[Any]) -> Iterator[Any]:
        return external_sort(pairs, key=key_of_pair(self.keyfunc), reverse=not self.ascending)


class _Place:
    """Finds the partition of a key where plain bisection does not: by a function of the key, or from the last one."""

    def __init__(self, bounds: list[Any], keyfunc: Callable[[Any], Any], last: int | None) -> None:
        self.bounds = bounds
        self.keyfunc = keyfunc
        self.last = last

    def __call__(self, key: Any) -> int:
        place = bisect_left(self.bounds, self.keyfunc(key))
        return place if self.last is None else self.last - place
