"""Groups in plain Python: buckets by key, then a dictionary of lists for each bucket."""

from peer import PARTITIONS, measure, number
from plain import pool, ranges, shuffled

keys = number("BENCH_KEYS", 20_000)
Buckets = list[list[tuple[int, int]]]


def split(numbers: range) -> Buckets:
    """The pairs of one range, by partition."""
    buckets: Buckets = [[] for _ in range(PARTITIONS)]
    for pair in map(lambda x: (x * 2654435761 % keys, x), numbers):
        buckets[pair[0] % PARTITIONS].append(pair)
    return buckets


def merge(buckets: Buckets) -> tuple[int, int]:
    """How many records one partition's groups hold, and their checksum."""
    groups: dict[int, list[int]] = {}
    for bucket in buckets:
        for key, value in bucket:
            groups.setdefault(key, []).append(value)
    count = mixed = 0
    for key, values in groups.items():
        count, mixed = count + len(values), mixed + (key + sum(values)) % 1009
    return count, mixed


def job() -> str:
    parts = shuffled(processes, split, merge, ranges(number("BENCH_N", 1_000_000)))
    return f"count={sum(part[0] for part in parts)} mixed={sum(part[1] for part in parts)}"


processes = pool()
measure(job)
