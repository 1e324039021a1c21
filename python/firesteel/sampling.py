"""Random samples: they choose records of a partition, for one seed always the same.

Each partition has a generator of its own, seeded with ``seed ^ partition``, whose first ten draws are thrown away, so
that neighbouring partitions differ. The draws per record are PySpark's, one by one, because programs rely on its
samples in their tests: a uniform one without replacement, a Poisson count with it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import random

__all__ = ["PlainSample", "RangeSample", "StratifiedSample", "fraction_for", "new_seed"]

T = TypeVar("T")


def new_seed() -> int:
    """Returns a random seed, for calls without one.

    >>> 0 <= new_seed() <= sys.maxsize
    True
    """
    import random

    return random.randint(0, sys.maxsize)


def _generator(seed: int, partition: int) -> random.Random:
    import random

    generator = random.Random(seed ^ partition)
    for _ in range(10):
        generator.randint(0, 1)
    return generator


def _poisson(generator: random.Random, mean: float) -> int:
    """Draws a Poisson count by Knuth's multiplication; for larger means by adding exponential times until one is
    over."""
    count = 0
    if mean < 20.0:
        floor = math.exp(-mean)
        product = generator.random()
        while product > floor:
            count += 1
            product *= generator.random()
    else:
        time = generator.expovariate(mean)
        while time < 1.0:
            count += 1
            time += generator.expovariate(mean)
    return count


class PlainSample:
    """Draws each record with the same chance, or, with replacement, as often as a Poisson draw says."""

    def __init__(self, with_replacement: bool, fraction: float, seed: int | None) -> None:
        self.with_replacement = with_replacement
        self.fraction = fraction
        self.seed = new_seed() if seed is None else seed

    def __call__(self, partition: int, records: Iterable[T]) -> Iterator[T]:
        generator = _generator(self.seed, partition)
        fraction = self.fraction
        if self.with_replacement:
            return (copy for record in records for copy in repeat(record, _poisson(generator, fraction)))
        draw = generator.random
        return (record for record in records if draw() < fraction)

    def generator(self, partition: int) -> random.Random:
        """Returns the generator whose draws choose the records of a partition."""
        return _generator(self.seed, partition)


class RangeSample:
    """Keeps records whose draw falls between two bounds: with one seed, disjoint ranges share no record."""

    def __init__(self, lower: float, upper: float, seed: int) -> None:
        self.lower = lower
        self.upper = upper
        self.seed = seed

    def __call__(self, partition: int, records: Iterable[T]) -> Iterator[T]:
        draw = _generator(self.seed, partition).random
        lower, upper = self.lower, self.upper
        return (record for record in records if lower <= draw() < upper)


class StratifiedSample:
    """Draws pairs with the chance of their key."""

    def __init__(self, with_replacement: bool, fractions: Mapping[Any, float], seed: int | None) -> None:
        self.with_replacement = with_replacement
        self.fractions = dict(fractions)
        self.seed = new_seed() if seed is None else seed

    def __call__(self, partition: int, records: Iterable[tuple[Any, T]]) -> Iterator[tuple[Any, T]]:
        generator = _generator(self.seed, partition)
        fractions = self.fractions
        if self.with_replacement:
            return (copy for pair in records for copy in repeat(pair, _poisson(generator, fractions[pair[0]])))
        draw: Callable[[], float] = generator.random
        return (pair for pair in records if draw() < fractions[pair[0]])


def fraction_for(wanted: int, total: int, with_replacement: bool) -> float:
    """Returns the fraction of ``total`` records that almost surely (99.99 %) draws at least ``wanted``.

    With replacement the count is close to a Poisson one, of which five deviations (nine for few) are added; without,
    the bound is Chernoff's for a binomial count.

    >>> round(fraction_for(5, 100, False), 3)
    0.289
    """
    fraction = float(wanted) / total
    if with_replacement:
        deviations = 9 if wanted < 12 else 5
        return fraction + deviations * math.sqrt(fraction / total)
    gamma = -math.log(5e-05) / total
    return min(1, fraction + gamma + math.sqrt(gamma * gamma + 2 * gamma * fraction))
