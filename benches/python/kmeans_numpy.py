"""K-means with numpy, as PySpark's own example has it: points kept in memory, a step for each move of the centres."""

import numpy as np
from peer import PARTITIONS, context, measure, number

sc = context()
rows, dimensions, clusters = number("BENCH_N", 500_000), 8, number("BENCH_KEYS", 10)


def points_of(part, _):
    """The points of a partition: the same ones in each run."""
    generator = np.random.default_rng(part)
    return iter(generator.random((rows // PARTITIONS, dimensions)))


def closest(point, centres):
    best, least = 0, float("+inf")
    for at in range(len(centres)):
        distance = np.sum((point - centres[at]) ** 2)
        if distance < least:
            least = distance
            best = at
    return best


def job() -> str:
    points = sc.parallelize(range(PARTITIONS), PARTITIONS).mapPartitionsWithIndex(points_of).cache()
    centres = points.take(clusters)
    for _ in range(number("BENCH_ITERATIONS", 3)):
        placed = points.map(lambda point: (closest(point, centres), (point, 1)))
        sums = placed.reduceByKey(lambda a, b: (a[0] + b[0], a[1] + b[1])).collect()
        for at, (total, count) in sums:
            centres[at] = total / count
    points.unpersist()
    return f"middle={sum(float(np.sum(centre)) for centre in centres):.6f}"


measure(job)
sc.stop()
