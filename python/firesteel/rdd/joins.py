"""Joins and cogroups: pairs of several RDDs brought together by their keys.

Both sides are placed by the same rule first, which costs no shuffle for a side that has this placement already;
:mod:`firesteel.join` then joins partition by partition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from firesteel import callsite
from firesteel.chain import OfRecords
from firesteel.join import Cogroup, Join, Tag, full_outer, inner, left_outer, right_outer, subtract
from firesteel.rdd.base import Base, Partitioner, portable_hash
from firesteel.rdd.pairs import Pairs

if TYPE_CHECKING:
    from firesteel.rdd.pipelined import RDD
    from firesteel.resultiterable import ResultIterable

__all__ = ["Joins"]

T_co = TypeVar("T_co", covariant=True)
K = TypeVar("K")
V = TypeVar("V")
U = TypeVar("U")


class Joins(Pairs[T_co]):
    """Adds joins to the RDD."""

    def join(
        self: Joins[tuple[K, V]], other: Pairs[tuple[K, U]], numPartitions: int | None = None
    ) -> RDD[tuple[K, tuple[V, U]]]:
        """Gives ``(key, (value, other))`` for all pairs of values that a key has on both sides.

        >>> left, right = sc.parallelize([("a", 1), ("b", 4)]), sc.parallelize([("a", 2), ("a", 3)])
        >>> sorted(left.join(right).collect())
        [('a', (1, 2)), ('a', (1, 3))]
        """
        return self._join(other, numPartitions, Join(inner), callsite.here("join"))

    def leftOuterJoin(
        self: Joins[tuple[K, V]], other: Pairs[tuple[K, U]], numPartitions: int | None = None
    ) -> RDD[tuple[K, tuple[V, U | None]]]:
        """Joins, and keeps pairs of this side without a partner, with None for the other value.

        >>> left, right = sc.parallelize([("a", 1), ("b", 4)]), sc.parallelize([("a", 2)])
        >>> sorted(left.leftOuterJoin(right).collect())
        [('a', (1, 2)), ('b', (4, None))]
        """
        return self._join(other, numPartitions, Join(left_outer), callsite.here("leftOuterJoin"))

    def rightOuterJoin(
        self: Joins[tuple[K, V]], other: Pairs[tuple[K, U]], numPartitions: int | None = None
    ) -> RDD[tuple[K, tuple[V | None, U]]]:
        """Joins, and keeps pairs of the other side without a partner, with None for this side's value.

        >>> left, right = sc.parallelize([("a", 2)]), sc.parallelize([("a", 1), ("b", 4)])
        >>> sorted(left.rightOuterJoin(right).collect())
        [('a', (2, 1)), ('b', (None, 4))]
        """
        join = Join(right_outer, hold_left=True)
        return self._join(other, numPartitions, join, callsite.here("rightOuterJoin"))

    def fullOuterJoin(
        self: Joins[tuple[K, V]], other: Pairs[tuple[K, U]], numPartitions: int | None = None
    ) -> RDD[tuple[K, tuple[V | None, U | None]]]:
        """Joins, and keeps pairs of both sides without a partner, with None for the missing value.

        >>> left, right = sc.parallelize([("a", 1), ("b", 4)]), sc.parallelize([("a", 2), ("c", 8)])
        >>> sorted(left.fullOuterJoin(right).collect())
        [('a', (1, 2)), ('b', (4, None)), ('c', (None, 8))]
        """
        return self._join(other, numPartitions, Join(full_outer), callsite.here("fullOuterJoin"))

    def subtractByKey(
        self: Joins[tuple[K, V]], other: Pairs[tuple[K, Any]], numPartitions: int | None = None
    ) -> RDD[tuple[K, V]]:
        """Gives the pairs whose key is not on the other side.

        >>> left, right = sc.parallelize([("a", 1), ("b", 4), ("b", 5)]), sc.parallelize([("a", 3)])
        >>> sorted(left.subtractByKey(right).collect())
        [('b', 4), ('b', 5)]
        """
        site = callsite.here("subtractByKey")
        # Of the other side only the keys matter, each once; if it need not move, removing duplicates saves nothing.
        count = self._joint_partitions(other, numPartitions)
        if other.partitioner != Partitioner(count, portable_hash):
            other = other._then(OfRecords(_keys_once), site)
        return self._join(other, count, Join(subtract), site)

    def _join(self, other: Pairs[Any], partitions: int | None, join: Join, site: str) -> RDD[Any]:
        left, right = self._placed([self, other], partitions, site)
        return left._combine_two(right, join, site, partitioner=left.partitioner)

    def _placed(self, sides: Sequence[Pairs[Any]], partitions: int | None, site: str) -> list[RDD[Any]]:
        for side in sides:
            if not isinstance(side, Base):
                raise TypeError(f"{site}: needs another RDD of pairs, not {side!r}")
        if partitions is None:
            partitions = self._common_partitions(sides)
        return [side._partition_by(self._count(partitions), portable_hash, site) for side in sides]

    def _common_partitions(self, sides: Sequence[Pairs[Any]]) -> int:
        """Returns the partitions of all sides together, unless they have the same placement already."""
        if self.ctx._has_default_parallelism():
            return self.ctx.defaultParallelism
        if self.partitioner is not None and all(side.partitioner == self.partitioner for side in sides):
            return self.partitioner.numPartitions
        widest = max(sides, key=lambda side: side.getNumPartitions())
        return widest._bounded(sum(side.getNumPartitions() for side in sides))

    def cogroup(
        self: Joins[tuple[K, V]], other: Pairs[tuple[K, U]], numPartitions: int | None = None
    ) -> RDD[tuple[K, tuple[ResultIterable[V], ResultIterable[U]]]]:
        """Gives each key with its values on either side.

        >>> left, right = sc.parallelize([("a", 1), ("b", 4)]), sc.parallelize([("a", 2)])
        >>> [(key, [list(values) for values in sides]) for key, sides in sorted(left.cogroup(right).collect())]
        [('a', [[1], [2]]), ('b', [[4], []])]
        """
        return self._cogroup([self, other], numPartitions, callsite.here("cogroup"))

    def groupWith(
        self: Joins[tuple[Any, Any]], other: Pairs[tuple[Any, Any]], *others: Pairs[tuple[Any, Any]]
    ) -> RDD[tuple[Any, tuple[ResultIterable[Any], ...]]]:
        """Does :meth:`cogroup` with two or more RDDs.

        >>> one, two, three = (sc.parallelize([("a", value)]) for value in (1, 2, 3))
        >>> [(key, [list(values) for values in sides]) for key, sides in one.groupWith(two, three).collect()]
        [('a', [[1], [2], [3]])]
        """
        return self._cogroup([self, other, *others], None, callsite.here("groupWith"))

    def _cogroup(self, sides: Sequence[Pairs[Any]], partitions: int | None, site: str) -> RDD[Any]:
        placed = self._placed(sides, partitions, site)
        tagged = [side._then(Tag(number), site, True) for number, side in enumerate(placed)]
        return tagged[0]._union(tagged[1:], site)._then(Cogroup(len(sides)), site, True)


def _keys_once(pairs: Any) -> Any:
    from operator import itemgetter

    from firesteel.shuffle import distinct_locally

    return distinct_locally(map(itemgetter(0), pairs))
