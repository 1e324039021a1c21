"""Inner join in plain Python: both sides in buckets by key, each bucket's left side in a dictionary."""

from peer import PARTITIONS, measure, number
from plain import pool, ranges, shuffled

keys = number("BENCH_KEYS", 300_000)
Buckets = list[tuple[list[tuple[int, int]], list[tuple[int, int]]]]


def split(numbers: range) -> Buckets:
    """Both sides of one range, by partition."""
    buckets: Buckets = [([], []) for _ in range(PARTITIONS)]
    for key, value in map(lambda x: (x * 2654435761 % keys, x), numbers):
        buckets[key % PARTITIONS][0].append((key, value))
    for key, value in map(lambda x: (x * 40503 % keys, x), numbers):
        buckets[key % PARTITIONS][1].append((key, value))
    return buckets


def merge(buckets: Buckets) -> tuple[int, int]:
    """How many pairs meet in one partition, and their checksum."""
    lefts: dict[int, list[int]] = {}
    for left, _ in buckets:
        for key, value in left:
            lefts.setdefault(key, []).append(value)
    count = mixed = 0
    for _, right in buckets:
        for key, value in right:
            for other in lefts.get(key, ()):
                count, mixed = count + 1, mixed + (key + 3 * other + 5 * value) % 1009
    return count, mixed


def job() -> str:
    parts = shuffled(processes, split, merge, ranges(number("BENCH_N", 300_000)))
    return f"count={sum(part[0] for part in parts)} mixed={sum(part[1] for part in parts)}"


processes = pool()
measure(job)
