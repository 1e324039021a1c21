"""Transformations of records of any kind: each makes a new RDD and computes nothing yet."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from firesteel import callsite
from firesteel.chain import Filter, FlatMap, KeyBy, Keys, Map, OfRecords
from firesteel.join import Join, intersect, subtract
from firesteel.rdd.base import Base, Partitioner, portable_hash
from firesteel.sampling import PlainSample, RangeSample
from firesteel.shuffle import distinct_locally, distinct_merged
from firesteel.spill import Budget, SpilledList, chunks, with_budget

if TYPE_CHECKING:
    from firesteel._native import Rdd as NativeRdd
    from firesteel.rdd.pipelined import RDD, RDDBarrier

__all__ = ["Transformations"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")
K = TypeVar("K")


class Transformations(Base[T_co]):
    """Adds transformations to the RDD."""

    def map(self: Transformations[T], f: Callable[[T], U], preservesPartitioning: bool = False) -> RDD[U]:
        """Applies ``f`` to each record.

        ``preservesPartitioning`` promises that keys stay the same, so that a later shuffle can be saved.

        >>> sc.parallelize(["b", "a", "c"]).map(lambda x: (x, 1)).collect()
        [('b', 1), ('a', 1), ('c', 1)]
        """
        site = self._function(f, "map")
        return self._then(Map(f, site), site, preservesPartitioning)

    def flatMap(self: Transformations[T], f: Callable[[T], Iterable[U]], preservesPartitioning: bool = False) -> RDD[U]:
        """Applies ``f`` to each record, and gives the items of all results.

        >>> sc.parallelize(["to be", "or not"]).flatMap(str.split).collect()
        ['to', 'be', 'or', 'not']
        """
        site = self._function(f, "flatMap")
        return self._then(FlatMap(f, site), site, preservesPartitioning)

    def filter(self: Transformations[T], f: Callable[[T], Any]) -> RDD[T]:
        """Gives the records for which ``f`` is true.

        >>> sc.range(5).filter(lambda x: x % 2 == 0).collect()
        [0, 2, 4]
        """
        site = self._function(f, "filter")
        return self._then(Filter(f, site), site, True)

    def mapPartitions(
        self: Transformations[T], f: Callable[[Iterator[T]], Iterable[U]], preservesPartitioning: bool = False
    ) -> RDD[U]:
        """Applies ``f`` to the iterator over each partition: for work that is worth doing once for many records.

        >>> sc.parallelize([1, 2, 3, 4], 2).mapPartitions(lambda records: [sum(records)]).collect()
        [3, 7]
        """
        site = self._function(f, "mapPartitions")
        return self._then(_Partitions(f, site), site, preservesPartitioning)

    def mapPartitionsWithIndex(
        self: Transformations[T], f: Callable[[int, Iterator[T]], Iterable[U]], preservesPartitioning: bool = False
    ) -> RDD[U]:
        """Applies ``f`` to the number of each partition and the iterator over it.

        >>> sc.parallelize([1, 2, 3, 4], 2).mapPartitionsWithIndex(lambda i, records: [(i, sum(records))]).collect()
        [(0, 3), (1, 7)]
        """
        site = self._function(f, "mapPartitionsWithIndex")
        return self._then(_IndexedPartitions(f, site), site, preservesPartitioning)

    def mapPartitionsWithSplit(
        self: Transformations[T], f: Callable[[int, Iterator[T]], Iterable[U]], preservesPartitioning: bool = False
    ) -> RDD[U]:
        """Does the same as :meth:`mapPartitionsWithIndex`, under its former name.

        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     sc.parallelize([1, 2], 2).mapPartitionsWithSplit(lambda i, records: [i]).sum()
        1
        """
        warnings.warn(
            "mapPartitionsWithSplit is deprecated; use mapPartitionsWithIndex instead", FutureWarning, stacklevel=2
        )
        return self.mapPartitionsWithIndex(f, preservesPartitioning)

    def glom(self: Transformations[T]) -> RDD[list[T]]:
        """Gives each partition as one list.

        >>> sc.parallelize([1, 2, 3, 4], 2).glom().collect()
        [[1, 2], [3, 4]]
        """
        return self._then(OfRecords(_as_one_list), callsite.here("glom"))

    def keyBy(self: Transformations[T], f: Callable[[T], K]) -> RDD[tuple[K, T]]:
        """Gives pairs of ``f(record)`` and the record.

        >>> sc.range(3).keyBy(lambda x: x * x).collect()
        [(0, 0), (1, 1), (4, 2)]
        """
        site = self._function(f, "keyBy")
        return self._then(KeyBy(f, site), site)

    # -- sets

    def distinct(self: Transformations[T], numPartitions: int | None = None) -> RDD[T]:
        """Gives each different record once. Records need a hash.

        >>> sorted(sc.parallelize([1, 1, 2, 3, 2]).distinct().collect())
        [1, 2, 3]
        """
        site = callsite.here("distinct")
        count = self._default_partitions() if numPartitions is None else numPartitions
        dealt = self._then(OfRecords(distinct_locally), site)._partition_by(count, portable_hash, site)
        return dealt._then(OfRecords(distinct_merged), site)._then(Keys(), site)

    def union(self: Transformations[T], other: Base[U]) -> RDD[T | U]:
        """Gives the records of both, first those of this one; it has as many partitions as both together.

        >>> sc.parallelize([1, 2]).union(sc.parallelize([2, 3])).collect()
        [1, 2, 2, 3]
        """
        if not isinstance(other, Base):
            raise TypeError(f"union needs another RDD, not {other!r}")
        return self._union([other], callsite.here("union"))

    def _union(self, others: Sequence[Base[Any]], site: str) -> RDD[Any]:
        """Makes the union, and keeps the partitioner if all sides have the same."""
        sides = [self, *others]
        aligned = self.partitioner is not None and all(side.partitioner == self.partitioner for side in others)
        engine = self.ctx._native

        def make() -> NativeRdd:
            return engine.union([side._native for side in sides], aligned, site)

        return self._of(make, site, "UnionRDD", self.partitioner if aligned else None, others)

    def __add__(self: Transformations[T], other: Base[U]) -> RDD[T | U]:
        """Does the same as :meth:`union`.

        >>> (sc.parallelize([1]) + sc.parallelize([2])).collect()
        [1, 2]
        """
        if not isinstance(other, Base):
            raise TypeError(f"an RDD can only be added to another RDD, not to {other!r}")
        return self._union([other], callsite.here("union"))

    def intersection(self: Transformations[T], other: Transformations[T]) -> RDD[T]:
        """Gives each record once that is in both.

        >>> sorted(sc.parallelize([1, 2, 2, 3]).intersection(sc.parallelize([2, 3, 4])).collect())
        [2, 3]
        """
        site = callsite.here("intersection")
        return self._against(other, None, intersect, site)

    def subtract(self: Transformations[T], other: Transformations[T], numPartitions: int | None = None) -> RDD[T]:
        """Gives the records that are not in the other.

        >>> sorted(sc.parallelize([1, 1, 2, 3]).subtract(sc.parallelize([3, 4])).collect())
        [1, 1, 2]
        """
        site = callsite.here("subtract")
        return self._against(other, numPartitions, subtract, site)._then(Keys(), site)

    def _against(self, other: Transformations[Any], partitions: int | None, match: Any, site: str) -> RDD[Any]:
        """Compares records with those of another RDD, as keys of pairs: each record of the other once, each of this one
        as often as it occurs.
        """
        count = self._joint_partitions(other, partitions)
        mine = OfRecords(distinct_locally) if match is intersect else OfRecords(_as_keys)
        left = self._then(mine, site)._partition_by(count, portable_hash, site)
        right = other._then(OfRecords(distinct_locally), site)._partition_by(count, portable_hash, site)
        return left._combine_two(right, Join(match), site)

    def _joint_partitions(self, other: Base[Any], partitions: int | None) -> int:
        """Returns the number of partitions for both sides: all of both, or those they share already."""
        if partitions is not None:
            return partitions
        if self.ctx._has_default_parallelism():
            return self.ctx.defaultParallelism
        if self.partitioner is not None and self.partitioner == other.partitioner:
            return self.partitioner.numPartitions
        widest = max(self, other, key=lambda side: side.getNumPartitions())
        return widest._bounded(self.getNumPartitions() + other.getNumPartitions())

    def _partition_by(self, partitions: int, function: Callable[[Any], int], site: str) -> RDD[Any]:
        """Places pairs by their keys, unless they have this placement already."""
        partitioner = Partitioner(partitions, function)
        # Equal keys lie together already, so a shuffle would move nothing.
        if self.partitioner == partitioner:
            return self._as_rdd()
        data, broadcasts = (None, []) if function is portable_hash else self._ship(function, site)
        return self._of(
            lambda: self._native.partition_by(partitions, data, broadcasts, site), site, "ShuffledRDD", partitioner
        )

    def _combine_two(
        self,
        other: Base[Any],
        function: Callable[[int, Any, Any], Iterable[Any]],
        site: str,
        cartesian: bool = False,
        partitioner: Partitioner | None = None,
    ) -> RDD[Any]:
        if self.ctx._native_mode != "off":
            from firesteel.native.joining import natively

            function = natively(function)
        data, broadcasts = self._ship(function, site)

        def make() -> NativeRdd:
            return self._native.combine_two(other._native, data, broadcasts, cartesian, site)

        return self._of(make, site, "CartesianRDD" if cartesian else "ZippedPartitionsRDD", partitioner, [other])

    # -- two sides by position

    def cartesian(self: Transformations[T], other: Base[U]) -> RDD[tuple[T, U]]:
        """Gives all pairs of a record of this one and a record of the other.

        >>> sorted(sc.parallelize([1, 2]).cartesian(sc.parallelize(["a", "b"])).collect())
        [(1, 'a'), (1, 'b'), (2, 'a'), (2, 'b')]
        """
        return self._combine_two(other, _all_pairs, callsite.here("cartesian"), cartesian=True)

    def zip(self: Transformations[T], other: Base[U]) -> RDD[tuple[T, U]]:
        """Gives pairs of the first records, the second ones, and so on; partitions must have equal numbers of records.

        >>> sc.range(3).zip(sc.range(10, 13)).collect()
        [(0, 10), (1, 11), (2, 12)]
        """
        if self.getNumPartitions() != other.getNumPartitions():
            raise ValueError(
                "Can only zip with RDD which has the same number of partitions: "
                f"one has {self.getNumPartitions()}, the other {other.getNumPartitions()}"
            )
        return self._combine_two(other, _zipped, callsite.here("zip"))

    def zipWithIndex(self: Transformations[T]) -> RDD[tuple[T, int]]:
        """Gives pairs of each record and its position in the whole, from 0. With several partitions a job counts them
        now.

        >>> sc.parallelize(["a", "b", "c"], 3).zipWithIndex().collect()
        [('a', 0), ('b', 1), ('c', 2)]
        """
        site = callsite.here("zipWithIndex")
        starts = [0]
        if self.getNumPartitions() > 1:
            for count in self._run_function(count_records, site)[:-1]:
                starts.append(starts[-1] + count)
        return self._then(_Numbered(starts), site)

    def zipWithUniqueId(self: Transformations[T]) -> RDD[tuple[T, int]]:
        """Gives pairs of each record and a unique number: k, k + n, k + 2n, ... in partition k of n. Runs no job.

        >>> sc.parallelize(["a", "b", "c", "d", "e"], 3).zipWithUniqueId().collect()
        [('a', 0), ('b', 1), ('c', 4), ('d', 2), ('e', 5)]
        """
        return self._then(_UniquelyNumbered(self.getNumPartitions()), callsite.here("zipWithUniqueId"))

    # -- samples

    def sample(self: Transformations[T], withReplacement: bool, fraction: float, seed: int | None = None) -> RDD[T]:
        """Draws a random sample. Without replacement each record is drawn with the chance ``fraction``; with it,
        ``fraction`` is how often each is drawn on average. The same seed draws the same records.

        >>> sc.parallelize(range(100), 4).sample(False, 0.1, 81).count()
        11
        """
        if not fraction >= 0:
            raise ValueError(f"Fraction must be nonnegative, and is {fraction!r}.")
        return self._then(PlainSample(withReplacement, fraction, seed), callsite.here("sample"), True)

    def randomSplit(self: Transformations[T], weights: Sequence[float], seed: int | None = None) -> list[RDD[T]]:
        """Splits the records at random, into parts whose sizes are proportional to ``weights``.

        >>> first, second = sc.parallelize(range(500), 1).randomSplit([2, 3], 17)
        >>> len(first.collect() + second.collect())
        500
        """
        if not all(weight >= 0 for weight in weights):
            raise ValueError(f"Weights must be nonnegative, and are {list(weights)}")
        total = float(sum(weights))
        if not total > 0:
            raise ValueError("Sum of weights must be positive")
        if seed is None:
            import random

            seed = random.randint(0, 2**32 - 1)
        site = callsite.here("randomSplit")
        bounds = [0.0]
        for weight in weights:
            bounds.append(bounds[-1] + weight / total)
        return [self._then(RangeSample(lower, upper, seed), site, True) for lower, upper in zip(bounds, bounds[1:])]

    # -- how many partitions

    def repartition(self: Transformations[T], numPartitions: int) -> RDD[T]:
        """Deals the records out to ``numPartitions``, ten by ten. For fewer, :meth:`coalesce` needs no shuffle.

        >>> [len(part) for part in sc.parallelize(range(40), 1).repartition(2).glom().collect()]
        [20, 20]
        """
        return self._coalesce(numPartitions, True, callsite.here("repartition"))

    def coalesce(self: Transformations[T], numPartitions: int, shuffle: bool = False) -> RDD[T]:
        """Merges neighbouring partitions into ``numPartitions``; with ``shuffle`` the same as :meth:`repartition`.

        >>> sc.parallelize([1, 2, 3, 4], 4).coalesce(2).glom().collect()
        [[1, 2], [3, 4]]
        """
        return self._coalesce(numPartitions, shuffle, callsite.here("coalesce"))

    def _coalesce(self, partitions: int, shuffle: bool, site: str) -> RDD[Any]:
        if not partitions > 0:
            raise ValueError(f"Number of partitions must be positive, and is {partitions}.")
        if shuffle:
            return self._of(lambda: self._native.repartition(partitions, site), site, "MapPartitionsRDD")
        return self._of(lambda: self._native.coalesce(partitions, site), site, "CoalescedRDD")

    # -- others

    def pipe(self, command: str, env: dict[str, str] | None = None, checkCode: bool = False) -> RDD[str]:
        """Runs a program for each partition, with the records as lines of input, and gives the lines that it prints.

        The program's environment is ``env`` and nothing else; it is found by the worker's ``PATH``. With ``checkCode``
        an exit status other than 0 fails the task.

        >>> sc.parallelize(["1", "2", "", "3"]).pipe("cat").collect()
        ['1', '2', '', '3']
        """
        from firesteel.rdd.piping import Pipe

        return self._then(Pipe(command, dict(env or {}), checkCode), callsite.here("pipe"))

    def barrier(self: Transformations[T]) -> RDDBarrier[T]:
        """Makes all tasks of the next stage run at the same time; they can wait for each other.

        >>> sc.parallelize([1, 2], 2).barrier().mapPartitions(lambda records: records).collect()
        [1, 2]
        """
        from firesteel.rdd.pipelined import RDDBarrier

        return RDDBarrier(self._as_rdd())


class _Partitions:
    def __init__(self, function: Callable[[Iterator[Any]], Iterable[Any]], site: str) -> None:
        self.function = function
        self.site = site

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterable[Any]:
        return self.function(records)  # type: ignore[arg-type]


class _IndexedPartitions:
    def __init__(self, function: Callable[[int, Iterator[Any]], Iterable[Any]], site: str) -> None:
        self.function = function
        self.site = site

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterable[Any]:
        return self.function(partition, records)  # type: ignore[arg-type]


class _Numbered:
    def __init__(self, starts: list[int]) -> None:
        self.starts = starts

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterator[tuple[Any, int]]:
        from itertools import count

        return zip(records, count(self.starts[partition]))


class _UniquelyNumbered:
    def __init__(self, partitions: int) -> None:
        self.partitions = partitions

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterator[tuple[Any, int]]:
        from itertools import count

        return zip(records, count(partition, self.partitions))


def _as_one_list(records: Iterable[Any]) -> Iterable[Any]:
    return (list(records),)


def _as_keys(records: Iterable[Any]) -> Iterable[Any]:
    from itertools import repeat

    return zip(records, repeat(None))


def count_records(records: Iterable[Any]) -> list[int]:
    """Counts records, without a frame for each.

    >>> count_records(iter("abc"))
    [3]
    """
    from collections import deque
    from itertools import count

    counter = count()
    deque(zip(records, counter), maxlen=0)
    return [next(counter)]


def _all_pairs(partition: int, left: Iterable[Any], right: Iterable[Any]) -> Iterator[Any]:
    budget = Budget()
    held: list[Any] | SpilledList[Any] = []
    for chunk in chunks(iter(right)):
        held.extend(chunk)
        if type(held) is list:
            budget.add(chunk, len(chunk))
            if budget.exceeded():
                held = SpilledList(held)
                budget.relieved()
    return with_budget(((one, other) for one in left for other in held), budget)


_END = object()


def _zipped(partition: int, left: Iterable[Any], right: Iterable[Any]) -> Iterator[Any]:
    ends = iter(right)
    count = 0
    for one in left:
        other = next(ends, _END)
        if other is _END:
            raise ValueError(_uneven(partition, f"the other has {count}, this one more"))
        yield one, other
        count += 1
    if next(ends, _END) is not _END:
        raise ValueError(_uneven(partition, f"this one has {count}, the other more"))


def _uneven(partition: int, counts: str) -> str:
    return f"Can only zip RDDs with same number of elements in each partition: in partition {partition} {counts}"
