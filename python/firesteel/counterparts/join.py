"""``pyspark.join``: the functions by which PySpark's RDDs join. Here they are the RDDs' own methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from firesteel.callsite import here
from firesteel.rdd import RDD

__all__ = [
    "python_cogroup",
    "python_full_outer_join",
    "python_join",
    "python_left_outer_join",
    "python_right_outer_join",
]


def python_join(rdd: RDD[Any], other: RDD[Any], numPartitions: int | None) -> RDD[Any]:
    """Returns the pairs of both sides.

    >>> python_join(sc.parallelize([("a", 1)]), sc.parallelize([("a", 2)]), 2).collect()
    [('a', (1, 2))]
    """
    return rdd.join(other, numPartitions)


def python_left_outer_join(rdd: RDD[Any], other: RDD[Any], numPartitions: int | None) -> RDD[Any]:
    """Returns all of the left."""
    return rdd.leftOuterJoin(other, numPartitions)


def python_right_outer_join(rdd: RDD[Any], other: RDD[Any], numPartitions: int | None) -> RDD[Any]:
    """Returns all of the right."""
    return rdd.rightOuterJoin(other, numPartitions)


def python_full_outer_join(rdd: RDD[Any], other: RDD[Any], numPartitions: int | None) -> RDD[Any]:
    """Returns all of both sides."""
    return rdd.fullOuterJoin(other, numPartitions)


def python_cogroup(rdds: Sequence[RDD[Any]], numPartitions: int | None) -> RDD[Any]:
    """Returns each key with its values on every side.

    >>> sides = sc.parallelize([("a", 1)]), sc.parallelize([("a", 2)]), sc.parallelize([("b", 3)])
    >>> [(key, [list(side) for side in values]) for key, values in sorted(python_cogroup(sides, 2).collect())]
    [('a', [[1], [2], []]), ('b', [[], [], [3]])]
    """
    return rdds[0]._cogroup(list(rdds), numPartitions, here("python_cogroup"))
