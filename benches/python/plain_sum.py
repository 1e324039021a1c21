"""Whole numbers in plain Python: the same lambdas through `map`, `filter` and `reduce`."""

from functools import reduce

from peer import measure, number
from plain import pool, ranges


def part(numbers: range) -> int:
    """The sum of one range."""
    kept = map(lambda x: x % 1000, filter(lambda x: x % 2 == 0, map(lambda x: x * 3 + 1, numbers)))
    return reduce(lambda a, b: a + b, kept)


processes = pool()
measure(lambda: f"sum={sum(processes.map(part, ranges(number('BENCH_N', 10_000_000)), chunksize=1))}")
