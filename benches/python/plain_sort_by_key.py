"""Pairs sorted by key in plain Python: each range by itself, then together (which Python's sort does by merging)."""

from peer import measure, number
from plain import pool, ranges


def part(numbers: range) -> list[tuple[int, int]]:
    """One range, sorted."""
    return sorted(map(lambda x: (x * 2654435761 % 4294967291, x), numbers), key=lambda p: p[0])


def job() -> str:
    records = []
    for one in processes.map(part, ranges(number("BENCH_N", 1_000_000)), chunksize=1):
        records += one
    records.sort(key=lambda p: p[0])
    count = mixed = 0
    in_order, last = True, None
    for key, value in records:
        in_order = in_order and (last is None or last <= key)
        last, count, mixed = key, count + 1, mixed + value % 1009
    return f"count={count} sorted={in_order} mixed={mixed}"


processes = pool()
measure(job)
