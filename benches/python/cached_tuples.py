"""Two passes over cached tuples. They are made and kept before the clock starts."""

from peer import PARTITIONS, context, measure, number

sc = context()
tuples = sc.range(0, number("BENCH_N", 3_000_000), numSlices=PARTITIONS).map(lambda x: (x, x % 7, str(x))).cache()
tuples.count()


def job() -> str:
    total = tuples.map(lambda t: t[0] % 1009).reduce(lambda a, b: a + b)
    longest = tuples.map(lambda t: len(t[2]) + t[1]).reduce(lambda a, b: max(a, b))
    return f"total={total} longest={longest}"


measure(job)
sc.stop()
