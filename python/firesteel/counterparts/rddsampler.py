"""``pyspark.rddsampler``: samplers whose ``func`` takes a partition's number and its records.

Their draws are those of :mod:`firesteel.sampling`, which RDDs use.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from firesteel import sampling

__all__ = ["RDDRangeSampler", "RDDSampler", "RDDSamplerBase", "RDDStratifiedSampler"]

T = TypeVar("T")
K = TypeVar("K")


class RDDSamplerBase:
    """Draws for one partition, after :meth:`initRandomGenerator`."""

    def __init__(self, withReplacement: bool, seed: int | None = None) -> None:
        self._seed = sampling.new_seed() if seed is None else seed
        self._withReplacement = withReplacement
        self._random: random.Random | None = None

    def initRandomGenerator(self, split: int) -> None:
        """Begins the draws of a partition."""
        self._random = sampling._generator(self._seed, split)

    def getUniformSample(self) -> float:
        """Returns a number between 0 and 1."""
        return self._begun().random()

    def getPoissonSample(self, mean: float) -> int:
        """Returns how often a record is drawn that is drawn ``mean`` times on average."""
        return sampling._poisson(self._begun(), mean)

    def _begun(self) -> random.Random:
        assert self._random is not None, "call initRandomGenerator with the partition's number first"
        return self._random

    def func(self, split: int, iterator: Iterable[Any]) -> Iterator[Any]:
        """Returns the records that are drawn of a partition."""
        raise NotImplementedError


class RDDSampler(RDDSamplerBase):
    """Draws each record with the same chance.

    >>> list(RDDSampler(False, 0.5, 3).func(0, range(8))) == sc.range(8, numSlices=1).sample(False, 0.5, 3).collect()
    True
    """

    def __init__(self, withReplacement: bool, fraction: float, seed: int | None = None) -> None:
        super().__init__(withReplacement, seed)
        self._fraction = fraction

    def func(self, split: int, iterator: Iterable[T]) -> Iterator[T]:
        """Returns the records that are drawn."""
        return sampling.PlainSample(self._withReplacement, self._fraction, self._seed)(split, iterator)


class RDDRangeSampler(RDDSamplerBase):
    """Takes the records whose draw falls between two bounds."""

    def __init__(self, lowerBound: float, upperBound: float, seed: int | None = None) -> None:
        super().__init__(False, seed)
        self._lowerBound = lowerBound
        self._upperBound = upperBound

    def func(self, split: int, iterator: Iterable[T]) -> Iterator[T]:
        """Returns the records that are taken."""
        return sampling.RangeSample(self._lowerBound, self._upperBound, self._seed)(split, iterator)


class RDDStratifiedSampler(RDDSamplerBase, Generic[K]):
    """Draws pairs with the chance of their key."""

    def __init__(self, withReplacement: bool, fractions: dict[K, float], seed: int | None = None) -> None:
        super().__init__(withReplacement, seed)
        self._fractions = fractions

    def func(self, split: int, iterator: Iterable[tuple[K, T]]) -> Iterator[tuple[K, T]]:
        """Returns the pairs that are drawn."""
        return sampling.StratifiedSample(self._withReplacement, self._fractions, self._seed)(split, iterator)
