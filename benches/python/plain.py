"""What the peers in plain Python share: a pool of processes, and a shuffle through it.

They are what a person writes who has `multiprocessing` and the same functions as the other peers.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.pool
from collections.abc import Callable, Sequence
from typing import Any

from peer import PARTITIONS, THREADS


class _Alone:
    """A pool without processes, for the peer that has one."""

    def map(self, function: Callable[[Any], Any], items: Sequence[Any], chunksize: int = 1) -> list[Any]:
        return [function(item) for item in items]


def pool() -> Any:
    """So many processes, forked now: they see everything that is there already."""
    return multiprocessing.get_context("fork").Pool(THREADS) if THREADS > 1 else _Alone()


def ranges(count: int) -> list[range]:
    """The numbers from 0, one range for each partition."""
    return [range(i * count // PARTITIONS, (i + 1) * count // PARTITIONS) for i in range(PARTITIONS)]


def shuffled(
    processes: Any, split: Callable[[Any], list[Any]], merge: Callable[[list[Any]], Any], parts: list[Any]
) -> list[Any]:
    """`split` makes a bucket for each partition of each part; `merge` is given the buckets of one partition."""
    split_up = processes.map(split, parts, chunksize=1)
    return list(processes.map(merge, [list(buckets) for buckets in zip(*split_up, strict=True)], chunksize=1))
