"""Sums and means estimated from the partitions that were ready in time.

The ready partitions count as a random sample of all: the sum over all is the mean of their sums, times the number of
partitions, with the deviation of a sum of unknown ones. Bounds are quantiles of the normal distribution, or of
Student's t where fewer than a hundred values are known.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from firesteel.rdd.base import BoundedFloat
from firesteel.statcounter import StatCounter

__all__ = ["mean", "total"]

FEW = 100
"""The number of values from which on Student's t is taken for the normal distribution."""


def total(sums: list[float], partitions: int, confidence: float) -> BoundedFloat:
    """Estimates the sum over all partitions, from the sums of some.

    >>> total([10.0, 20.0], 2, 0.95)
    30.0
    >>> estimate = total([10.0, 20.0, 30.0], 6, 0.95)
    >>> estimate, estimate.low < 120.0 < estimate.high
    (120.0, True)
    """
    _check(confidence)
    known = StatCounter(sums)
    if known.n == partitions:
        exact = math.fsum(sums)
        return BoundedFloat(exact, 1.0, exact, exact)
    if known.n == 0:
        return BoundedFloat(0.0, 0.0, float("-inf"), float("inf"))
    estimate = known.mu * partitions
    missing = partitions - known.n
    # The mean of the known ones varies, and so do the missing ones about it.
    deviation = math.sqrt(_sample_variance(known) * missing * (1 + missing / known.n))
    return _bounded(estimate, deviation, known.n, confidence)


def mean(parts: list[StatCounter], partitions: int, confidence: float) -> BoundedFloat:
    """Estimates the mean of all records, from the statistics of some partitions.

    >>> mean([StatCounter([1.0, 3.0])], 1, 0.95)
    2.0
    """
    _check(confidence)
    known = StatCounter()
    for part in parts:
        known.mergeStats(part)
    if len(parts) == partitions:
        return BoundedFloat(known.mu, 1.0, known.mu, known.mu)
    if known.n == 0:
        return BoundedFloat(0.0, 0.0, float("-inf"), float("inf"))
    return _bounded(known.mu, math.sqrt(_sample_variance(known) / known.n), known.n, confidence)


def _check(confidence: float) -> None:
    if not 0.0 <= confidence <= 1.0:
        raise ValueError(f"confidence ({confidence}) must be in [0,1]")


def _sample_variance(known: StatCounter) -> float:
    return float("inf") if known.n < 2 else known.sampleVariance()


def _bounded(estimate: float, deviation: float, values: int, confidence: float) -> BoundedFloat:
    if not math.isfinite(deviation) or confidence >= 1.0:
        return BoundedFloat(estimate, confidence, float("-inf"), float("inf"))
    away = _quantile((1 + confidence) / 2, values - 1) * deviation
    return BoundedFloat(estimate, confidence, estimate - away, estimate + away)


def _quantile(probability: float, freedom: int) -> float:
    """Returns a quantile of Student's t by Cornish and Fisher's expansion (Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(probability)
    if freedom >= FEW:
        return z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return float(z + sum(term / freedom ** (power + 1) for power, term in enumerate(terms)))
