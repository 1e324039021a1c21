"""groupByKey; of each group its size and sum."""

from peer import PARTITIONS, context, measure, number

sc = context()
keys = number("BENCH_KEYS", 20_000)


def job() -> str:
    numbers = sc.range(0, number("BENCH_N", 1_000_000), numSlices=PARTITIONS)
    groups = numbers.map(lambda x: (x * 2654435761 % keys, x)).groupByKey()
    sums = groups.map(lambda p: (len(p[1]), (p[0] + sum(p[1])) % 1009))
    count, mixed = sums.reduce(lambda a, b: (a[0] + b[0], a[1] + b[1]))
    return f"count={count} mixed={mixed}"


measure(job)
sc.stop()
