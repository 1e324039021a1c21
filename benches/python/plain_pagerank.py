"""PageRank in plain Python: two dictionaries and one process, since ranks would cross processes in each iteration."""

from peer import measure, number

nodes = number("BENCH_KEYS", 20_000)


def job() -> str:
    links: dict[int, list[int]] = {}
    for x in range(number("BENCH_N", 200_000)):
        links.setdefault(x * 2654435761 % nodes, []).append(x * 40503 % 65521 % nodes)
    ranks = dict.fromkeys(links, 1.0)
    for _ in range(number("BENCH_ITERATIONS", 5)):
        given: dict[int, float] = {}
        for page, targets in links.items():
            if page in ranks:
                each = ranks[page] / len(targets)
                for target in targets:
                    given[target] = given.get(target, 0.0) + each
        ranks = {page: 0.15 + 0.85 * total for page, total in given.items()}
    mixed = sum((page + round(rank * 10000)) % 1009 for page, rank in ranks.items())
    return f"ranked={len(ranks)} mixed={mixed}"


measure(job)
