"""Pi by points at random: two random numbers for each."""

from random import random

from peer import PARTITIONS, context, measure, number

sc = context()
points = number("BENCH_N", 4_000_000)


def inside(_):
    x = random() * 2 - 1
    y = random() * 2 - 1
    return 1 if x**2 + y**2 <= 1 else 0


def job() -> str:
    count = sc.range(0, points, numSlices=PARTITIONS).map(inside).reduce(lambda a, b: a + b)
    # Each run has other numbers: rounded to a whole one, they agree.
    return f"pi={4 * count / points:.0f}"


measure(job)
sc.stop()
