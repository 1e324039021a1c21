"""Inner join of two sets of pairs."""

from peer import PARTITIONS, context, measure, number

sc = context()
keys = number("BENCH_KEYS", 300_000)


def job() -> str:
    count = number("BENCH_N", 300_000)
    left = sc.range(0, count, numSlices=PARTITIONS).map(lambda x: (x * 2654435761 % keys, x))
    right = sc.range(0, count, numSlices=PARTITIONS).map(lambda x: (x * 40503 % keys, x))
    joined = left.join(right).map(lambda p: (1, (p[0] + 3 * p[1][0] + 5 * p[1][1]) % 1009))
    found, mixed = joined.reduce(lambda a, b: (a[0] + b[0], a[1] + b[1]))
    return f"count={found} mixed={mixed}"


measure(job)
sc.stop()
