"""Actions: they run jobs and return results to the driver, or let tasks do something with each record."""

from __future__ import annotations

import copy
import functools
import heapq
import math
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from firesteel import callsite, jobs
from firesteel.chain import Map, OfRecords, without_end
from firesteel.rdd.base import portable_hash
from firesteel.rdd.sorting import Sorting
from firesteel.rdd.transformations import count_records
from firesteel.sampling import PlainSample, fraction_for
from firesteel.shuffle import merge_combined

__all__ = ["Actions"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")

TAKE_SCALE_UP = 4
"""The factor by which each further job of ``take`` may look at more partitions."""


class Actions(Sorting[T_co]):
    """Adds actions to the RDD."""

    def collect(self: Actions[T]) -> list[T]:
        """Returns all records, as a list in the driver's memory.

        >>> sc.range(5).collect()
        [0, 1, 2, 3, 4]
        """
        return list(chain.from_iterable(self._collect_parts(callsite.here("collect"))))

    def collectWithJobGroup(
        self: Actions[T], groupId: str, description: str, interruptOnCancel: bool = False
    ) -> list[T]:
        """Runs :meth:`collect` as a job of a group. Deprecated: ``SparkContext.setJobGroup`` does that for a thread.

        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     sc.range(3).collectWithJobGroup("numbers", "counts to three")
        [0, 1, 2]
        """
        warnings.warn(
            "collectWithJobGroup is deprecated: use SparkContext.setJobGroup, in an InheritableThread where jobs run "
            "side by side.",
            FutureWarning,
            stacklevel=2,
        )
        site = callsite.here("collect")
        before = jobs.current(self.ctx)
        jobs.set_group(self.ctx, groupId, description, interruptOnCancel)
        try:
            return list(chain.from_iterable(self._collect_parts(site)))
        finally:
            jobs.replace(self.ctx, before)

    def toLocalIterator(self: Actions[T], prefetchPartitions: bool = False) -> Iterator[T]:
        """Iterates over all records, with at most one partition in the driver's memory; two, if the next one is fetched
        while one is read. Each partition is a job; cache the RDD if it is expensive to compute.

        >>> list(sc.range(5).toLocalIterator())
        [0, 1, 2, 3, 4]
        """
        site = callsite.here("toLocalIterator")
        native = self._native  # an unpicklable function is reported now, and not when reading begins
        read = _prefetched if prefetchPartitions else map
        parts = read(lambda number: self._collect_parts(site, [number])[0], range(native.partitions))
        return chain.from_iterable(parts)

    def foreach(self: Actions[T], f: Callable[[T], Any]) -> None:
        """Calls ``f`` with each record, for its side effects: adding to accumulators, writing elsewhere.

        >>> total = sc.accumulator(0)
        >>> sc.range(5).foreach(total.add)
        >>> total.value
        10
        """
        site = self._function(f, "foreach")
        self._then(Map(f, site), site)._run_function(_drain, site)

    def foreachPartition(self: Actions[T], f: Callable[[Iterator[T]], Any]) -> None:
        """Calls ``f`` with an iterator over each partition. If ``f`` returns an iterable, it is consumed.

        >>> total = sc.accumulator(0)
        >>> sc.range(5).foreachPartition(lambda records: total.add(sum(records)))
        >>> total.value
        10
        """
        site = self._function(f, "foreachPartition")
        self._run_function(_call_and_drain, site, f)

    # -- reducing

    def reduce(self: Actions[T], f: Callable[[T, T], T]) -> T:
        """Merges all records two by two; ``f`` must be associative and commutative.

        >>> from operator import add
        >>> sc.parallelize([1, 2, 3, 4, 5]).reduce(add)
        15
        """
        return self._reduce(f, self._function(f, "reduce"))  # type: ignore[no-any-return]

    def _reduce(self, f: Callable[[Any, Any], Any], site: str) -> Any:
        parts = self._run_function(_reduced, site, f)
        if not parts:
            raise ValueError("Can not reduce() empty RDD")
        return without_end(functools.reduce, site, f, parts)

    def treeReduce(self: Actions[T], f: Callable[[T, T], T], depth: int = 2) -> T:
        """:meth:`reduce`, with the results of partitions merged in tasks first, over ``depth`` levels.

        >>> from operator import add
        >>> sc.parallelize([-5, -4, -3, -2, -1, 1, 2, 3, 4], 10).treeReduce(add)
        -5
        """
        site = self._function(f, "treeReduce")
        parts = self._in_tree(OfRecords(_reduced, f), f, depth, site)
        if not parts:
            raise ValueError("Cannot reduce empty RDD.")
        return without_end(functools.reduce, site, f, parts)  # type: ignore[no-any-return]

    def fold(self: Actions[T], zeroValue: T, op: Callable[[T, T], T]) -> T:
        """Merges all records of each partition into a copy of ``zeroValue``, and the results into another.

        ``op`` may change its first argument; ``zeroValue`` is used once more than there are partitions.

        >>> from operator import add
        >>> sc.parallelize([1, 2, 3, 4, 5]).fold(0, add)
        15
        """
        site = self._function(op, "fold")
        parts = self._run_function(_folded, site, op, zeroValue)
        return without_end(functools.reduce, site, op, parts, copy.deepcopy(zeroValue))  # type: ignore[no-any-return]

    def aggregate(self: Actions[T], zeroValue: U, seqOp: Callable[[U, T], U], combOp: Callable[[U, U], U]) -> U:
        """Merges all records of each partition into a copy of ``zeroValue`` with ``seqOp``, and the results of
        partitions into another with ``combOp``. Both may change their first argument.

        >>> sc.parallelize([1, 2, 3, 4]).aggregate((0, 0), lambda t, x: (t[0] + x, t[1] + 1),
        ...     lambda t, u: (t[0] + u[0], t[1] + u[1]))
        (10, 4)
        """
        self._function(seqOp, "aggregate")
        site = self._function(combOp, "aggregate")
        parts = self._run_function(_folded, site, seqOp, zeroValue)
        zero = copy.deepcopy(zeroValue)
        return without_end(functools.reduce, site, combOp, parts, zero)  # type: ignore[no-any-return]

    def treeAggregate(
        self: Actions[T], zeroValue: U, seqOp: Callable[[U, T], U], combOp: Callable[[U, U], U], depth: int = 2
    ) -> U:
        """:meth:`aggregate`, with the results of partitions merged in tasks first, over ``depth`` levels.

        >>> from operator import add
        >>> sc.parallelize([-5, -4, -3, -2, -1, 1, 2, 3, 4], 10).treeAggregate(0, add, add)
        -5
        """
        self._function(seqOp, "treeAggregate")
        site = self._function(combOp, "treeAggregate")
        parts = self._in_tree(OfRecords(_folded, seqOp, zeroValue), combOp, depth, site)
        if not parts:
            return copy.deepcopy(zeroValue)
        return without_end(functools.reduce, site, combOp, parts)  # type: ignore[no-any-return]

    def _in_tree(self, step: Any, merge: Callable[[Any, Any], Any], depth: int, site: str) -> list[Any]:
        """Applies ``step`` to each partition, and merges results in shuffles until the driver can merge the rest."""
        if depth < 1:
            raise ValueError(f"Depth cannot be smaller than 1 but got {depth}.")
        partial = self._then(step, site)
        partitions: float = self.getNumPartitions()
        scale = max(math.ceil(partitions ** (1.0 / depth)), 2)
        while partitions > scale + partitions / scale:
            partitions /= scale
            fewer = int(partitions)
            keyed = partial._then(_KeyedByPartition(fewer), site)._partition_by(fewer, portable_hash, site)
            partial = keyed._then(OfRecords(_merged_values, merge), site)
        return partial._run_function(iter, site)

    def max(self: Actions[T], key: Callable[[T], Any] | None = None) -> T:
        """Returns the greatest record, or the one with the greatest ``key``.

        >>> sc.parallelize([1.0, 5.0, 43.0, 10.0]).max(), sc.parallelize([1.0, 43.0, 5.0]).max(key=str)
        (43.0, 5.0)
        """
        site = callsite.here("max") if key is None else self._function(key, "max")
        return self._reduce(functools.partial(max, key=key) if key else max, site)  # type: ignore[no-any-return]

    def min(self: Actions[T], key: Callable[[T], Any] | None = None) -> T:
        """Returns the least record, or the one with the least ``key``.

        >>> sc.parallelize([2.0, 5.0, 43.0, 10.0]).min(), sc.parallelize([2.0, 5.0, 43.0, 10.0]).min(key=str)
        (2.0, 10.0)
        """
        site = callsite.here("min") if key is None else self._function(key, "min")
        return self._reduce(functools.partial(min, key=key) if key else min, site)  # type: ignore[no-any-return]

    def count(self) -> int:
        """Returns the number of records.

        >>> sc.parallelize([2, 3, 4]).count()
        3
        """
        return sum(self._run_function(count_records, callsite.here("count")))

    # -- some of the records

    def top(self: Actions[T], num: int, key: Callable[[T], Any] | None = None) -> list[T]:
        """Returns the ``num`` greatest records, or those with the greatest ``key``, in descending order.

        >>> sc.parallelize([10, 4, 2, 12, 3]).top(3), sc.parallelize([10, 4, 2, 12, 3]).top(3, key=str)
        ([12, 10, 4], [4, 3, 2])
        """
        site = callsite.here("top") if key is None else self._function(key, "top")
        parts = self._run_function(_largest, site, num, key)
        return heapq.nlargest(num, parts, key=key)

    def takeOrdered(self: Actions[T], num: int, key: Callable[[T], Any] | None = None) -> list[T]:
        """Returns the ``num`` least records, or those with the least ``key``, in ascending order.

        >>> rdd = sc.parallelize([10, 1, 2, 9, 3, 4, 5, 6, 7], 2)
        >>> rdd.takeOrdered(3), rdd.takeOrdered(3, key=lambda x: -x)
        ([1, 2, 3], [10, 9, 7])
        """
        if num < 0:
            raise ValueError(f"top N cannot be negative, and is {num}.")
        if num == 0 or self.getNumPartitions() == 0:
            return []
        site = callsite.here("takeOrdered") if key is None else self._function(key, "takeOrdered")
        parts = self._run_function(_smallest, site, num, key)
        return heapq.nsmallest(num, parts, key=key)

    def take(self: Actions[T], num: int) -> list[T]:
        """Returns the first ``num`` records. Reads one partition first, and more only if that has too few.

        >>> sc.range(100, numSlices=10).filter(lambda x: x > 90).take(3)
        [91, 92, 93]
        """
        return self._take(num, callsite.here("take"))

    def _take(self, num: int, site: str) -> list[Any]:
        taken: list[Any] = []
        partitions = self.getNumPartitions()
        seen = 0
        while len(taken) < num and seen < partitions:
            # One first; then as many as the share found so far suggests, and half as many again.
            more = 1
            if seen > 0:
                more = seen * TAKE_SCALE_UP
                if taken:
                    more = min(max(int(1.5 * num * seen / len(taken)) - seen, 1), more)
            chosen = range(seen, min(seen + more, partitions))
            step = OfRecords(islice, num - len(taken))
            taken += chain.from_iterable(self._then(step, site)._collect_parts(site, chosen))
            seen += more
        return taken[:num]

    def first(self: Actions[T]) -> T:
        """Returns the first record. Raises ValueError if there is none.

        >>> sc.parallelize([2, 3, 4]).first()
        2
        """
        taken = self._take(1, callsite.here("first"))
        if not taken:
            raise ValueError("RDD is empty")
        return taken[0]  # type: ignore[no-any-return]

    def isEmpty(self) -> bool:
        """Returns whether there are no records.

        >>> sc.emptyRDD().isEmpty(), sc.range(1).isEmpty()
        (True, False)
        """
        return self.getNumPartitions() == 0 or not self._take(1, callsite.here("isEmpty"))

    def takeSample(self: Actions[T], withReplacement: bool, num: int, seed: int | None = None) -> list[T]:
        """Returns a random sample of exactly ``num`` records, or all if there are fewer and none may be repeated.

        >>> len(sc.range(10).takeSample(True, 20, 1)), len(sc.range(10).takeSample(False, 15, 3))
        (20, 10)
        """
        import random

        greatest = sys.maxsize - int(10.0 * math.sqrt(sys.maxsize))
        if num < 0:
            raise ValueError(f"Sample size cannot be negative, and is {num}.")
        if num > greatest:
            raise ValueError(f"Sample size cannot be greater than {greatest}.")
        site = callsite.here("takeSample")
        total = sum(self._run_function(count_records, site)) if num and self.getNumPartitions() else 0
        if total == 0:
            return []
        generator = random.Random(seed)
        if not withReplacement and num >= total:
            sample = self._run_function(iter, site)
        else:
            fraction = fraction_for(num, total, withReplacement)
            sample = self._run(PlainSample(withReplacement, fraction, seed), site)
            while len(sample) < num:
                sample = self._run(PlainSample(withReplacement, fraction, generator.randint(0, sys.maxsize)), site)
        generator.shuffle(sample)
        return sample[:num]


class _KeyedByPartition:
    def __init__(self, partitions: int) -> None:
        self.partitions = partitions

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        return ((partition % self.partitions, record) for record in records)


def _merged_values(pairs: Iterable[tuple[int, Any]], merge: Callable[[Any, Any], Any]) -> Iterator[Any]:
    return (value for _, value in merge_combined(pairs, merge))


def _reduced(records: Iterable[Any], function: Callable[[Any, Any], Any]) -> Sequence[Any]:
    iterator = iter(records)
    for first in iterator:
        return (functools.reduce(function, iterator, first),)
    return ()


def _folded(records: Iterable[Any], function: Callable[[Any, Any], Any], zero: Any) -> Sequence[Any]:
    # Each task unpickles a zero of its own, which the function may change.
    return (functools.reduce(function, records, zero),)


def _drain(records: Iterable[Any]) -> Sequence[Any]:
    from collections import deque

    deque(records, maxlen=0)
    return ()


def _call_and_drain(records: Iterable[Any], function: Callable[[Any], Any]) -> Sequence[Any]:
    result = function(records)
    return _drain(result) if hasattr(result, "__iter__") else ()


def _largest(records: Iterable[Any], num: int, key: Callable[[Any], Any] | None) -> Sequence[Any]:
    return heapq.nlargest(num, records, key=key)


def _smallest(records: Iterable[Any], num: int, key: Callable[[Any], Any] | None) -> Sequence[Any]:
    return heapq.nsmallest(num, records, key=key)


def _prefetched(function: Callable[[int], list[Any]], numbers: Iterable[int]) -> Iterator[list[Any]]:
    """Maps like ``map``, and computes the next result while one is read."""
    from concurrent.futures import ThreadPoolExecutor

    from firesteel.util import inheritable_thread_target

    with ThreadPoolExecutor(1, thread_name_prefix="toLocalIterator") as pool:
        ahead: list[Any] = []
        for number in numbers:
            ahead.append(pool.submit(inheritable_thread_target(function), number))
            if len(ahead) > 1:
                yield ahead.pop(0).result()
        for last in ahead:
            yield last.result()
