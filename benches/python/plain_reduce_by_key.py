"""Sums by key in plain Python: a dictionary for each range, merged at the end."""

from peer import measure, number
from plain import pool, ranges

keys = number("BENCH_KEYS", 100_000)
pair = lambda x: (x * 2654435761 % keys, x % 10)  # noqa: E731, the lambdas of the other peers
add = lambda a, b: a + b  # noqa: E731


def part(numbers: range) -> dict[int, int]:
    """The sums of one range."""
    sums: dict[int, int] = {}
    for key, value in map(pair, numbers):
        sums[key] = add(sums[key], value) if key in sums else value
    return sums


def job() -> str:
    whole: dict[int, int] = {}
    for sums in processes.map(part, ranges(number("BENCH_N", 2_000_000)), chunksize=1):
        for key, value in sums.items():
            whole[key] = add(whole[key], value) if key in whole else value
    return f"keys={len(whole)} mixed={sum(key * value % 1000003 for key, value in whole.items())}"


processes = pool()
measure(job)
