"""reduceByKey of pairs whose keys come in no order."""

from peer import PARTITIONS, context, measure, number

sc = context()
keys = number("BENCH_KEYS", 100_000)


def job() -> str:
    numbers = sc.range(0, number("BENCH_N", 2_000_000), numSlices=PARTITIONS)
    sums = numbers.map(lambda x: (x * 2654435761 % keys, x % 10)).reduceByKey(lambda a, b: a + b)
    count, mixed = sums.map(lambda p: (1, p[0] * p[1] % 1000003)).reduce(lambda a, b: (a[0] + b[0], a[1] + b[1]))
    return f"keys={count} mixed={mixed}"


measure(job)
sc.stop()
