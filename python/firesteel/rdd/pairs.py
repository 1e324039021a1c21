"""Transformations and actions of pairs that look at one key at a time: combining, grouping, values alone.

All combining goes the same way: values of equal keys are merged within each partition before the shuffle, if that makes
them fewer, and across partitions after it. :mod:`firesteel.shuffle` holds both halves.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from firesteel import _native, callsite
from firesteel.chain import FlatMapValues, Keys, KeyBy, MapValues, OfRecords, Values, without_end
from firesteel.errors import UnplaceableKeyError
from firesteel.rdd.base import portable_hash
from firesteel.rdd.transformations import Transformations
from firesteel.resultiterable import ResultIterable
from firesteel.sampling import StratifiedSample
from firesteel.shuffle import combine_locally, group_locally, group_merged, merge_combined

if TYPE_CHECKING:
    from firesteel.rdd.pipelined import RDD

__all__ = ["Pairs"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
K = TypeVar("K")
V = TypeVar("V")
U = TypeVar("U")


class Pairs(Transformations[T_co]):
    """Adds operations on pairs to the RDD."""

    def keys(self: Pairs[tuple[K, V]]) -> RDD[K]:
        """Gives the first item of each pair.

        >>> sc.parallelize([("a", 1), ("b", 2)]).keys().collect()
        ['a', 'b']
        """
        return self._then(Keys(), callsite.here("keys"))

    def values(self: Pairs[tuple[K, V]]) -> RDD[V]:
        """Gives the second item of each pair.

        >>> sc.parallelize([("a", 1), ("b", 2)]).values().collect()
        [1, 2]
        """
        return self._then(Values(), callsite.here("values"))

    def mapValues(self: Pairs[tuple[K, V]], f: Callable[[V], U]) -> RDD[tuple[K, U]]:
        """Applies ``f`` to each value. Keys stay in their partitions, so the partitioner stays.

        >>> sc.parallelize([("a", [1, 2]), ("b", [3])]).mapValues(len).collect()
        [('a', 2), ('b', 1)]
        """
        site = self._function(f, "mapValues")
        return self._then(MapValues(f, site), site, True)

    def flatMapValues(self: Pairs[tuple[K, V]], f: Callable[[V], Iterable[U]]) -> RDD[tuple[K, U]]:
        """Applies ``f`` to each value, and gives the key with each item of the result. The partitioner stays.

        >>> sc.parallelize([("a", "xy"), ("b", "z")]).flatMapValues(list).collect()
        [('a', 'x'), ('a', 'y'), ('b', 'z')]
        """
        site = self._function(f, "flatMapValues")
        return self._then(FlatMapValues(f, site), site, True)

    def partitionBy(
        self: Pairs[tuple[K, V]], numPartitions: int | None, partitionFunc: Callable[[K], int] = portable_hash
    ) -> RDD[tuple[K, V]]:
        """Places pairs by their keys: in partition ``partitionFunc(key) % numPartitions``.

        Pairs that have this placement already stay in their partitions.

        >>> pairs = sc.parallelize([1, 2, 3, 4]).map(lambda x: (x, x)).partitionBy(2)
        >>> [sorted(part) for part in pairs.keys().glom().collect()]
        [[2, 4], [1, 3]]
        """
        site = (
            callsite.here("partitionBy")
            if partitionFunc is portable_hash
            else self._function(partitionFunc, "partitionBy")
        )
        return self._partition_by(self._count(numPartitions), partitionFunc, site)

    def _count(self, partitions: int | None) -> int:
        if partitions is None:
            return self._default_partitions()
        if not partitions > 0:
            raise ValueError(f"Number of partitions must be positive, and is {partitions}.")
        return int(partitions)

    # -- combining

    def combineByKey(
        self: Pairs[tuple[K, V]],
        createCombiner: Callable[[V], U],
        mergeValue: Callable[[U, V], U],
        mergeCombiners: Callable[[U, U], U],
        numPartitions: int | None = None,
        partitionFunc: Callable[[K], int] = portable_hash,
    ) -> RDD[tuple[K, U]]:
        """Combines the values of each key: ``createCombiner`` makes a combination of its first value, ``mergeValue``
        adds one more value, ``mergeCombiners`` merges two combinations. The latter two may change their first argument.

        >>> pairs = sc.parallelize([("a", 1), ("b", 1), ("a", 2)])
        >>> merged = pairs.combineByKey(lambda v: [v], lambda c, v: c + [v], lambda c, d: c + d)
        >>> sorted(merged.mapValues(sorted).collect())
        [('a', [1, 2]), ('b', [1])]
        """
        for function in (createCombiner, mergeValue, mergeCombiners):
            site = self._function(function, "combineByKey")
        return self._combine(createCombiner, mergeValue, mergeCombiners, numPartitions, partitionFunc, site)

    def _combine(
        self,
        create: Callable[[Any], Any] | None,
        merge_value: Callable[[Any, Any], Any],
        merge: Callable[[Any, Any], Any],
        partitions: int | None,
        partition_function: Callable[[Any], int],
        site: str,
    ) -> RDD[Any]:
        """Combines by key; ``create`` is None if a key's first value is its combination."""
        local = self._then(OfRecords(combine_locally, create, merge_value), site, True)
        shuffled = local._partition_by(self._count(partitions), partition_function, site)
        return shuffled._then(OfRecords(merge_combined, merge), site, True)

    def reduceByKey(
        self: Pairs[tuple[K, V]],
        func: Callable[[V, V], V],
        numPartitions: int | None = None,
        partitionFunc: Callable[[K], int] = portable_hash,
    ) -> RDD[tuple[K, V]]:
        """Merges the values of each key two by two; ``func`` must be associative and commutative.

        >>> from operator import add
        >>> sorted(sc.parallelize([("a", 1), ("b", 1), ("a", 1)]).reduceByKey(add).collect())
        [('a', 2), ('b', 1)]
        """
        site = self._function(func, "reduceByKey")
        return self._combine(None, func, func, numPartitions, partitionFunc, site)

    def aggregateByKey(
        self: Pairs[tuple[K, V]],
        zeroValue: U,
        seqFunc: Callable[[U, V], U],
        combFunc: Callable[[U, U], U],
        numPartitions: int | None = None,
        partitionFunc: Callable[[K], int] = portable_hash,
    ) -> RDD[tuple[K, U]]:
        """Merges the values of each key into a copy of ``zeroValue`` with ``seqFunc``, and merges results with
        ``combFunc``. Both may change their first argument.

        >>> pairs = sc.parallelize([("a", 1), ("b", 1), ("a", 2)])
        >>> count = lambda total, v: (total[0] + v, total[1] + 1)
        >>> add = lambda total, other: (total[0] + other[0], total[1] + other[1])
        >>> sorted(pairs.aggregateByKey((0, 0), count, add).collect())
        [('a', (3, 2)), ('b', (1, 1))]
        """
        self._function(seqFunc, "aggregateByKey")
        site = self._function(combFunc, "aggregateByKey")
        return self._combine(_FromZero(zeroValue, seqFunc), seqFunc, combFunc, numPartitions, partitionFunc, site)

    def foldByKey(
        self: Pairs[tuple[K, V]],
        zeroValue: V,
        func: Callable[[V, V], V],
        numPartitions: int | None = None,
        partitionFunc: Callable[[K], int] = portable_hash,
    ) -> RDD[tuple[K, V]]:
        """Merges the values of each key into a copy of ``zeroValue``, which may be used several times and must not
        change a result.

        >>> from operator import add
        >>> sorted(sc.parallelize([("a", 1), ("b", 1), ("a", 1)]).foldByKey(0, add).collect())
        [('a', 2), ('b', 1)]
        """
        site = self._function(func, "foldByKey")
        return self._combine(_FromZero(zeroValue, func), func, func, numPartitions, partitionFunc, site)

    def groupByKey(
        self: Pairs[tuple[K, V]], numPartitions: int | None = None, partitionFunc: Callable[[K], int] = portable_hash
    ) -> RDD[tuple[K, Iterable[V]]]:
        """Gives each key with all its values. To combine them, ``reduceByKey`` and ``aggregateByKey`` move far less
        data.

        >>> pairs = sc.parallelize([("a", 1), ("b", 1), ("a", 1)])
        >>> sorted(pairs.groupByKey().mapValues(list).collect())
        [('a', [1, 1]), ('b', [1])]
        """
        return self._group(numPartitions, partitionFunc, callsite.here("groupByKey"))

    def _group(self, partitions: int | None, partition_function: Callable[[Any], int], site: str) -> RDD[Any]:
        local = self._then(OfRecords(group_locally), site, True)
        shuffled = local._partition_by(self._count(partitions), partition_function, site)
        return shuffled._then(OfRecords(_groups), site, True)

    def groupBy(
        self: Pairs[T],
        f: Callable[[T], K],
        numPartitions: int | None = None,
        partitionFunc: Callable[[K], int] = portable_hash,
    ) -> RDD[tuple[K, Iterable[T]]]:
        """Groups records by the result of ``f``.

        >>> groups = sc.parallelize([1, 1, 2, 3, 5, 8]).groupBy(lambda x: x % 2).collect()
        >>> sorted((key, sorted(values)) for key, values in groups)
        [(0, [2, 8]), (1, [1, 1, 3, 5])]
        """
        site = self._function(f, "groupBy")
        return self._then(KeyBy(f, site), site)._group(numPartitions, partitionFunc, site)

    # -- sampling

    def sampleByKey(
        self: Pairs[tuple[K, V]], withReplacement: bool, fractions: Mapping[K, float], seed: int | None = None
    ) -> RDD[tuple[K, V]]:
        """Draws a random sample of each key's pairs, with the chance that ``fractions`` gives the key.

        >>> pairs = sc.parallelize([(key, i) for key in "ab" for i in range(1000)])
        >>> counts = pairs.sampleByKey(False, {"a": 0.2, "b": 0.1}, 2).countByKey()
        >>> 100 < counts["a"] < 300 and 50 < counts["b"] < 150
        True
        """
        for key, fraction in fractions.items():
            assert fraction >= 0.0, f"Negative fraction value: {fraction} of the key {key!r}"
        return self._then(StratifiedSample(withReplacement, fractions, seed), callsite.here("sampleByKey"), True)

    # -- actions

    def collectAsMap(self: Pairs[tuple[K, V]]) -> dict[K, V]:
        """Returns all pairs as a dict; of a key with several values the last stays.

        >>> sc.parallelize([(1, 2), (3, 4)]).collectAsMap()
        {1: 2, 3: 4}
        """
        return dict(chain.from_iterable(self._collect_parts(callsite.here("collectAsMap"))))

    def reduceByKeyLocally(self: Pairs[tuple[K, V]], func: Callable[[V, V], V]) -> dict[K, V]:
        """Does the same as :meth:`reduceByKey`, and returns a dict in the driver, without a shuffle.

        >>> from operator import add
        >>> sorted(sc.parallelize([("a", 1), ("b", 1), ("a", 1)]).reduceByKeyLocally(add).items())
        [('a', 2), ('b', 1)]
        """
        site = self._function(func, "reduceByKeyLocally")
        merged: dict[K, V] = {}
        for key, value in self._run_function(_combined_and_placed, site, func):
            merged[key] = without_end(func, site, merged[key], value) if key in merged else value
        return merged

    def countByKey(self: Pairs[tuple[K, V]]) -> dict[K, int]:
        """Returns the number of pairs of each key, as a dict.

        >>> sorted(sc.parallelize([("a", 1), ("b", 1), ("a", 1)]).countByKey().items())
        [('a', 2), ('b', 1)]
        """
        site = callsite.here("countByKey")
        return _added(self._then(Keys(), site)._run_function(_counts, site))

    def countByValue(self: Pairs[K]) -> dict[K, int]:
        """Returns how often each record occurs, as a dict.

        >>> sorted(sc.parallelize([1, 2, 1, 2, 2], 2).countByValue().items())
        [(1, 2), (2, 3)]
        """
        return _added(self._run_function(_counts, callsite.here("countByValue")))

    def lookup(self: Pairs[tuple[K, V]], key: K) -> list[V]:
        """Returns all values of a key. With a partitioner only the partition of the key is computed.

        >>> pairs = sc.parallelize(zip(range(100), range(100)), 4)
        >>> pairs.lookup(42), pairs.sortByKey().lookup(42), pairs.lookup(1024)
        ([42], [42], [])
        """
        site = callsite.here("lookup")
        found = self._then(OfRecords(_values_of, key), site)
        partitions = None
        if self.partitioner is not None:
            partitions = [self._place(key, site)]
        return list(chain.from_iterable(found._collect_parts(site, partitions)))

    def _place(self, key: Any, site: str) -> int:
        """Returns the partition of a key, as a worker computes it: hashes of this process may differ from theirs."""
        assert self.partitioner is not None
        one = self.ctx._parallelize([key], 1, site)
        place = one._run_function(_places, site, self.partitioner.partitionFunc)
        return int(place[0]) % self.partitioner.numPartitions


class _FromZero:
    """Makes the combination of a key's first value, from a zero that is copied unless it is immutable."""

    def __init__(self, zero: Any, merge: Callable[[Any, Any], Any]) -> None:
        self.zero = zero
        self.merge = merge
        self.unchanging = isinstance(zero, (int, float, complex, str, bytes, type(None)))

    def __call__(self, value: Any) -> Any:
        return self.merge(self.zero if self.unchanging else copy.deepcopy(self.zero), value)


def _groups(
    pieces: Iterable[tuple[Any, list[Any]]], budget: Any = None, begun: Iterable[tuple[Any, list[Any]]] = ()
) -> Iterator[tuple[Any, ResultIterable[Any]]]:
    return ((key, ResultIterable(values)) for key, values in group_merged(pieces, budget, begun))


def _counts(records: Iterable[Any], begun: Mapping[Any, int] | None = None) -> Sequence[dict[Any, int]]:
    """Counts records. ``begun`` has the counts of those before."""
    from collections import Counter

    counter = Counter(begun)
    counter.update(records)
    counts = dict(counter)
    for key in counts:
        # The driver adds these up, so keys must be equal there to the copies that other tasks send.
        _native.portable_hash(key)
    return (counts,)


def _combined_and_placed(
    pairs: Iterable[tuple[Any, Any]], merge: Callable[[Any, Any], Any]
) -> Iterator[tuple[Any, Any]]:
    """Combines values by key, for the driver to go on with."""
    for pair in combine_locally(pairs, None, merge):
        _native.portable_hash(pair[0])
        yield pair


def _added(parts: Sequence[dict[Any, int]]) -> dict[Any, int]:
    if not parts:
        # An RDD without partitions: as in PySpark, which merges counts by ``reduce``.
        raise ValueError("Can not reduce() empty RDD")
    total: dict[Any, int] = defaultdict(int)
    for part in parts:
        for key, count in part.items():
            total[key] += count
    return total


def _values_of(pairs: Iterable[tuple[Any, Any]], wanted: Any) -> Iterator[Any]:
    try:
        _native.portable_hash(wanted)
    except UnplaceableKeyError:
        raise  # this copy of the key is equal to no other
    except TypeError:
        pass  # a key without a hash can be looked up all the same
    return (value for key, value in pairs if key == wanted)


def _places(keys: Iterable[Any], function: Callable[[Any], int]) -> list[int]:
    return [function(key) for key in keys]
