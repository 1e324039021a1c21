"""Count, mean, variance and extremes of numbers, gathered in one pass and mergeable.

Means and sums of squared deviations are updated by Welford's method and merged by Chan, Golub and LeVeque's, which stay
exact where sums of squares would cancel. Whole numbers come out as floats, in all figures but the count. Values may be
numpy arrays: all figures are then arrays, element by element.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import Any

__all__ = ["StatCounter"]


class StatCounter:
    """Statistics of the values that were merged so far.

    >>> counter = StatCounter([1.0, 2.0, 3.0, 4.0])
    >>> counter.count(), counter.mean(), counter.sum(), counter.variance()
    (4, 2.5, 10.0, 1.25)
    """

    def __init__(self, values: Iterable[float] | None = None) -> None:
        self.n = 0
        self.mu: Any = 0.0
        self.m2: Any = 0.0
        self.maxValue: Any = float("-inf")
        self.minValue: Any = float("inf")
        for value in values or ():
            self.merge(value)

    def merge(self, value: float) -> StatCounter:
        """Adds one value, and returns the counter itself.

        >>> StatCounter().merge(3).merge(5).mean()
        4.0
        """
        delta = value - self.mu
        self.n += 1
        # Not in place: that would change the first array that was merged, which belongs to the caller.
        self.mu = self.mu + delta / self.n
        self.m2 = self.m2 + delta * (value - self.mu)
        self.maxValue = _larger(self.maxValue, value)
        self.minValue = _smaller(self.minValue, value)
        return self

    def mergeStats(self, other: StatCounter) -> StatCounter:
        """Adds all values of another counter, and returns the counter itself.

        >>> StatCounter([1, 2]).mergeStats(StatCounter([3, 4])).variance()
        1.25
        """
        if not isinstance(other, StatCounter):
            raise TypeError(f"Can only merge StatCounter but got {type(other)}")
        if other.n == 0:
            return self
        total = self.n + other.n
        delta = other.mu - self.mu
        if self.n == 0:
            mean = other.mu
        elif other.n * 10 < self.n:
            mean = self.mu + delta * other.n / total
        elif self.n * 10 < other.n:
            mean = other.mu - delta * self.n / total
        else:
            mean = (self.mu * self.n + other.mu * other.n) / total
        self.m2 = self.m2 + other.m2 + (delta * delta * self.n * other.n / total if self.n else 0.0)
        self.mu = mean
        self.n = total
        self.maxValue = _larger(self.maxValue, other.maxValue)
        self.minValue = _smaller(self.minValue, other.minValue)
        return self

    def copy(self) -> StatCounter:
        """Returns an independent counter of the same values.

        >>> first = StatCounter([1.0])
        >>> first.copy().merge(2.0).count(), first.count()
        (2, 1)
        """
        return copy.deepcopy(self)

    def count(self) -> int:
        """Returns the number of values.

        >>> StatCounter([5, 6]).count()
        2
        """
        return int(self.n)

    def mean(self) -> float:
        """Returns their mean; 0.0 of none.

        >>> StatCounter([5, 6]).mean()
        5.5
        """
        return self.mu  # type: ignore[no-any-return]

    def sum(self) -> float:
        """Returns their sum.

        >>> StatCounter([5, 6]).sum()
        11.0
        """
        return self.n * self.mu  # type: ignore[no-any-return]

    def min(self) -> float:
        """Returns the least value; positive infinity of none.

        >>> StatCounter([5, 6]).min()
        5.0
        """
        return self.minValue  # type: ignore[no-any-return]

    def max(self) -> float:
        """Returns the greatest value; negative infinity of none.

        >>> StatCounter([5, 6]).max()
        6.0
        """
        return self.maxValue  # type: ignore[no-any-return]

    def variance(self) -> float:
        """Returns the variance of the values as a whole population; not a number of none.

        >>> StatCounter([1, 3]).variance()
        1.0
        """
        return float("nan") if self.n == 0 else self.m2 / self.n

    def sampleVariance(self) -> float:
        """Returns the variance estimated from the values as a sample (divided by n - 1); not a number of fewer than
        two.

        >>> StatCounter([1, 3]).sampleVariance()
        2.0
        """
        return float("nan") if self.n <= 1 else self.m2 / (self.n - 1)

    def stdev(self) -> float:
        """Returns the standard deviation of the values as a whole population.

        >>> StatCounter([1, 3]).stdev()
        1.0
        """
        return _root(self.variance())  # type: ignore[no-any-return]

    def sampleStdev(self) -> float:
        """Returns the standard deviation estimated from the values as a sample.

        >>> StatCounter([1, 2, 3]).sampleStdev()
        1.0
        """
        return _root(self.sampleVariance())  # type: ignore[no-any-return]

    def asDict(self, sample: bool = False) -> dict[str, float]:
        """Returns all figures by name.

        As in PySpark, ``stdev`` and ``variance`` are the sample's where ``sample`` is *false*, and the population's
        where it is true: programs depend on the figures, so they stay.

        >>> StatCounter([1.0, 3.0]).asDict(sample=True)["variance"]
        1.0
        """
        return {
            "count": self.count(),
            "mean": self.mean(),
            "sum": self.sum(),
            "min": self.min(),
            "max": self.max(),
            "stdev": self.stdev() if sample else self.sampleStdev(),
            "variance": self.variance() if sample else self.sampleVariance(),
        }

    def __repr__(self) -> str:
        return (
            f"(count: {self.count()}, mean: {self.mean()}, stdev: {self.stdev()}, max: {self.max()}, min: {self.min()})"
        )


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and getattr(value, "ndim", 0) > 0


def _larger(left: Any, right: Any) -> Any:
    if _is_array(left) or _is_array(right):
        import numpy

        return numpy.maximum(left, right)
    return max(left, float(right) if type(right) is int else right)


def _smaller(left: Any, right: Any) -> Any:
    if _is_array(left) or _is_array(right):
        import numpy

        return numpy.minimum(left, right)
    return min(left, float(right) if type(right) is int else right)


def _root(value: Any) -> Any:
    if _is_array(value):
        import numpy

        return numpy.sqrt(value)
    return math.sqrt(value)
