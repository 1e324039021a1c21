"""The parts of ``RDD.histogram``: bounds from a number of buckets, and the counts of a partition."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import isinf, isnan
from typing import Any

__all__ = ["check_bounds", "counts", "even_bounds", "extremes"]


def _countable(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and isnan(value))


def extremes(records: Iterable[Any]) -> list[tuple[Any, Any, int]]:
    """Returns the least and greatest record of a partition and their number; nothing if there are none.

    >>> extremes([3, None, 1])
    [(1, 3, 2)]
    """
    iterator = filter(_countable, records)
    for least in iterator:
        greatest, count = least, 1
        for value in iterator:
            count += 1
            if value < least:
                least = value
            elif value > greatest:
                greatest = value
        return [(least, greatest, count)]
    return []


def even_bounds(parts: Sequence[tuple[Any, Any, int]], buckets: int) -> tuple[list[Any], bool]:
    """Returns the bounds of a number of buckets of one width; whole numbers if they divide evenly.

    >>> even_bounds([(0, 50, 51)], 2)
    ([0, 25, 50], True)
    """
    if not parts:
        raise ValueError("can not generate buckets from empty RDD")
    least, greatest = min(part[0] for part in parts), max(part[1] for part in parts)
    if least == greatest or buckets == 1:
        return [least, greatest], False
    try:
        width = (greatest - least) / buckets
    except TypeError:
        raise TypeError(f"Can not generate buckets with non-number in RDD, such as {least!r}") from None
    if isinf(width):
        raise ValueError("Can not generate buckets with infinite value")
    if int(width) * buckets == greatest - least:
        width = int(width)
    return [*(number * width + least for number in range(buckets)), greatest], True


def check_bounds(bounds: Sequence[Any]) -> bool:
    """Refuses bounds that make no buckets; returns whether all buckets have one width.

    >>> check_bounds([0, 5, 10]), check_bounds(["a", "m", "z"])
    (True, False)
    """
    if len(bounds) < 2:
        raise ValueError("buckets should have more than one value")
    if not all(map(_countable, bounds)):
        raise ValueError("can not have None or NaN in buckets")
    if sorted(bounds) != list(bounds):
        raise ValueError("buckets should be sorted")
    if len(set(bounds)) != len(bounds):
        raise ValueError("buckets should not contain duplicated values")
    try:
        widths = [upper - lower for lower, upper in zip(bounds, bounds[1:])]
    except TypeError:
        return False
    return bool(max(widths) - min(widths) < 1e-10)


def counts(records: Iterable[Any], bounds: list[Any], even: bool) -> list[list[int]]:
    """Returns the number of a partition's records in each bucket.

    >>> counts([1, 5, 10, 11, None], [0, 5, 10], True)
    [[1, 2]]
    """
    least, greatest = bounds[0], bounds[-1]
    width = (greatest - least) / (len(bounds) - 1) if even else None
    found = [0] * len(bounds)
    for value in records:
        if _countable(value) and least <= value <= greatest:
            place = int((value - least) / width) if width else bisect_right(bounds, value) - 1
            found[min(place, len(found) - 1)] += 1
    # A record equal to the last bound belongs to the last bucket.
    last = found.pop()
    found[-1] += last
    return [found]
