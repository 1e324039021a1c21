"""Whole numbers: map, filter, map, reduce."""

from peer import PARTITIONS, context, measure, number

sc = context()


def job() -> str:
    numbers = sc.range(0, number("BENCH_N", 10_000_000), numSlices=PARTITIONS)
    kept = numbers.map(lambda x: x * 3 + 1).filter(lambda x: x % 2 == 0).map(lambda x: x % 1000)
    return f"sum={kept.reduce(lambda a, b: a + b)}"


measure(job)
sc.stop()
