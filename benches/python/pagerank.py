"""PageRank: links grouped and kept in memory, ranks joined to them in each iteration."""

from peer import PARTITIONS, context, measure, number

sc = context()
nodes = number("BENCH_KEYS", 20_000)


def give(links_and_rank):
    """A page's rank in equal parts to those that it links to."""
    targets, rank = links_and_rank
    for target in targets:
        yield target, rank / len(targets)


def job() -> str:
    edges = sc.range(0, number("BENCH_N", 200_000), numSlices=PARTITIONS)
    links = edges.map(lambda x: (x * 2654435761 % nodes, x * 40503 % 65521 % nodes)).groupByKey().cache()
    ranks = links.mapValues(lambda targets: 1.0)
    for _ in range(number("BENCH_ITERATIONS", 5)):
        given = links.join(ranks).flatMap(lambda p: give(p[1]))
        ranks = given.reduceByKey(lambda a, b: a + b).mapValues(lambda total: 0.15 + 0.85 * total)
    rounded = ranks.map(lambda p: (1, (p[0] + round(p[1] * 10000)) % 1009))
    count, mixed = rounded.reduce(lambda a, b: (a[0] + b[0], a[1] + b[1]))
    links.unpersist()
    return f"ranked={count} mixed={mixed}"


measure(job)
sc.stop()
