"""Actions on numbers, and approximate answers.

Approximate actions take the partitions that are ready at the timeout and estimate the rest from them, on the assumption
that all are alike: bounds are those of the normal distribution (of Student's t for few partitions).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from firesteel import _native, callsite
from firesteel.chain import OfRecords
from firesteel.rdd.actions import Actions
from firesteel.rdd.base import BoundedFloat
from firesteel.statcounter import StatCounter

__all__ = ["Numbers"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

LEAST_RELATIVE_SD = 0.000017
"""The least deviation: a finer sketch would be larger than the data it counts."""


class Numbers(Actions[T_co]):
    """Adds actions on numbers to the RDD."""

    def sum(self: Numbers[Any]) -> Any:
        """Returns the sum of all records; 0 of none.

        >>> sc.parallelize([1.0, 2.0, 3.0]).sum()
        6.0
        """
        return sum(self._run_function(_sum, callsite.here("sum")))

    def stats(self: Numbers[Any]) -> StatCounter:
        """Returns count, mean, variance and extremes, in one pass.

        >>> sc.parallelize([1, 2, 3, 4]).stats().variance()
        1.25
        """
        return self._stats("stats")

    def _stats(self, operation: str) -> StatCounter:
        parts = self._run_function(_stats, callsite.here(operation))
        if not parts:
            raise ValueError("Can not reduce() empty RDD")
        total = parts[0]
        for part in parts[1:]:
            total.mergeStats(part)
        return total  # type: ignore[no-any-return]

    def mean(self: Numbers[Any]) -> float:
        """Returns the mean of all records.

        >>> sc.parallelize([1, 2, 3]).mean()
        2.0
        """
        return self._stats("mean").mean()

    def variance(self: Numbers[Any]) -> float:
        """Returns the variance of all records as a population.

        >>> sc.parallelize([1, 3]).variance()
        1.0
        """
        return self._stats("variance").variance()

    def stdev(self: Numbers[Any]) -> float:
        """Returns the standard deviation of all records as a population.

        >>> sc.parallelize([1, 3]).stdev()
        1.0
        """
        return self._stats("stdev").stdev()

    def sampleVariance(self: Numbers[Any]) -> float:
        """Returns the variance estimated from the records as a sample (divided by n - 1).

        >>> sc.parallelize([1, 2, 3]).sampleVariance()
        1.0
        """
        return self._stats("sampleVariance").sampleVariance()

    def sampleStdev(self: Numbers[Any]) -> float:
        """Returns the standard deviation estimated from the records as a sample.

        >>> sc.parallelize([1, 2, 3]).sampleStdev()
        1.0
        """
        return self._stats("sampleStdev").sampleStdev()

    def histogram(self: Numbers[Any], buckets: int | Sequence[Any]) -> tuple[Sequence[Any], list[int]]:
        """Counts records between neighbouring bounds, and returns ``(bounds, counts)``.

        ``buckets`` is a list of ascending bounds, or the number of buckets between the least and the greatest record. A
        bucket includes its lower bound and not its upper one; the last includes both. None and not-a-number are left
        out.

        >>> rdd = sc.parallelize(range(51))
        >>> rdd.histogram(2), rdd.histogram([0, 5, 25, 50])
        (([0, 25, 50], [25, 26]), ([0, 5, 25, 50], [5, 20, 26]))
        """
        from firesteel.rdd import histogram

        site = callsite.here("histogram")
        if isinstance(buckets, int):
            if buckets < 1:
                raise ValueError(f"number of buckets must be >= 1, and is {buckets}")
            extremes = self._run_function(histogram.extremes, site)
            bounds: Sequence[Any]
            bounds, even = histogram.even_bounds(extremes, buckets)
        elif isinstance(buckets, (list, tuple)):
            bounds, even = buckets, histogram.check_bounds(buckets)
        else:
            raise TypeError(f"buckets should be a list or tuple or number(int or long), not {type(buckets).__name__}")
        counts = [0] * (len(bounds) - 1)
        for part in self._run_function(histogram.counts, site, list(bounds), even):
            counts = [sum(pair) for pair in zip(counts, part)]
        return bounds, counts

    # -- approximations

    def countApprox(self, timeout: int, confidence: float = 0.95) -> int:
        """Estimates the count after at most ``timeout`` milliseconds.

        >>> sc.parallelize(range(1000), 10).countApprox(10000, 1.0)
        1000
        """
        from firesteel.rdd.transformations import count_records

        return int(self._sum_until(OfRecords(count_records), timeout, confidence, callsite.here("countApprox")))

    def sumApprox(self: Numbers[Any], timeout: int, confidence: float = 0.95) -> BoundedFloat:
        """Estimates the sum after at most ``timeout`` milliseconds, with bounds.

        >>> sc.parallelize(range(1000), 10).sumApprox(10000)
        499500.0
        """
        return self._sum_until(OfRecords(_sum), timeout, confidence, callsite.here("sumApprox"))

    def _sum_until(self, step: Any, timeout: int, confidence: float, site: str) -> BoundedFloat:
        from firesteel.rdd import estimates

        parts = self._until(step, timeout, site)
        return estimates.total([float(part[0]) for part in parts if part], len(parts), confidence)

    def meanApprox(self: Numbers[Any], timeout: int, confidence: float = 0.95) -> BoundedFloat:
        """Estimates the mean after at most ``timeout`` milliseconds, with bounds.

        >>> sc.parallelize(range(1000), 10).meanApprox(10000)
        499.5
        """
        from firesteel.rdd import estimates

        parts = self._until(OfRecords(_stats), timeout, callsite.here("meanApprox"))
        return estimates.mean([part[0] for part in parts if part], len(parts), confidence)

    def _until(self, step: Any, timeout: int, site: str) -> list[list[Any] | None]:
        if timeout < 0:
            raise ValueError(f"timeout is a number of milliseconds, and cannot be {timeout}")
        native = self._then(step, site)._native
        self.ctx._before_job()
        return native.collect_until(int(timeout), site)

    def countApproxDistinct(self: Numbers[Any], relativeSD: float = 0.05) -> int:
        """Estimates the number of different records, with a standard deviation of ``relativeSD`` of that number.

        The finer, the more memory: 0.05 takes 512 bytes a partition, 0.01 takes 16 kilobytes, and 0.00025 and less 16
        megabytes.

        >>> 900 < sc.parallelize(range(1000)).countApproxDistinct() < 1100
        True
        """
        if relativeSD < LEAST_RELATIVE_SD:
            raise ValueError(f"relativeSD should be greater than {LEAST_RELATIVE_SD:.6f}, and is {relativeSD}")
        parts = self._run_function(_sketch, callsite.here("countApproxDistinct"), relativeSD)
        return _native.sketch_estimate(parts, relativeSD)


def _sketch(records: Iterable[Any], relative_sd: float) -> Sequence[bytes]:
    return (_native.sketch(records, relative_sd),)


def _sum(records: Iterable[Any]) -> Sequence[Any]:
    return (sum(records),)


def _stats(records: Iterable[Any]) -> Sequence[StatCounter]:
    return (StatCounter(records),)
