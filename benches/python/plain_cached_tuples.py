"""Two passes in plain Python over tuples that the forked processes share with the one that made them."""

from functools import reduce

from peer import measure, number
from plain import pool, ranges

COUNT = number("BENCH_N", 3_000_000)
tuples = [(x, x % 7, str(x)) for x in range(COUNT)]


def total(part: range) -> int:
    """The first pass over one part."""
    return reduce(lambda a, b: a + b, map(lambda t: t[0] % 1009, tuples[part.start : part.stop]))


def longest(part: range) -> int:
    """The second pass over one part."""
    return reduce(lambda a, b: max(a, b), map(lambda t: len(t[2]) + t[1], tuples[part.start : part.stop]))


def job() -> str:
    parts = ranges(COUNT)
    totals, longests = processes.map(total, parts, chunksize=1), processes.map(longest, parts, chunksize=1)
    return f"total={sum(totals)} longest={max(longests)}"


processes = pool()
measure(job)
