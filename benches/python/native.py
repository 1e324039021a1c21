"""Programs with `firesteel.python.native` off and on, in turns, in one run; answers must be the same.

`BENCH_TEXT` names a text (without it, one of 100 MB is made), `BENCH_N` and `BENCH_KEYS` sizes, `BENCH_RUNS` how often
each is run; the median counts.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from peer import PARTITIONS, THREADS, context, number

MODES = ("off", "auto")


def text(folder: str) -> str:
    """The path of a text: of words as frequent as those of a language."""
    if "BENCH_TEXT" in os.environ:
        return os.environ["BENCH_TEXT"]
    rng = random.Random(1)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(1, 9))) for _ in range(30_000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    path = os.path.join(folder, "text")
    lines = [" ".join(rng.choices(words, weights, k=12)) for _ in range(20_000)]
    with open(path, "w") as file:
        size = 0
        while size < 100 << 20:
            size += sum(map(file.write, (line + "\n" for line in lines)))
    return path


def word_count(sc: Any, path: str) -> Any:
    words = sc.textFile(path).flatMap(lambda line: line.split()).map(lambda word: (word, 1))
    return words.reduceByKey(lambda a, b: a + b).takeOrdered(5, key=lambda pair: (-pair[1], pair[0]))


def map_filter_reduce(sc: Any, path: str) -> Any:
    numbers = sc.range(0, number("BENCH_N", 10_000_000), numSlices=PARTITIONS)
    kept = numbers.map(lambda x: x * 3 + 1).filter(lambda x: x % 2 == 0).map(lambda x: x % 1000)
    return kept.reduce(lambda a, b: a + b)


def reduce_by_key(sc: Any, path: str) -> Any:
    keys = number("BENCH_KEYS", 100_000)
    numbers = sc.range(0, number("BENCH_N", 10_000_000) // 5, numSlices=PARTITIONS)
    sums = numbers.map(lambda x: (x * 2654435761 % keys, x % 10)).reduceByKey(lambda a, b: a + b)
    return sums.map(lambda p: (1, p[0] * p[1] % 1000003)).reduce(lambda a, b: (a[0] + b[0], a[1] + b[1]))


def lines_by_key(sc: Any, path: str) -> Any:
    """Averages by a key of lines."""
    keys = number("BENCH_KEYS", 100_000)
    numbers = sc.range(0, number("BENCH_N", 10_000_000) // 10, numSlices=PARTITIONS)
    lines = numbers.map(lambda x: f"k{x * 2654435761 % keys},{x * 0.5},{x}")
    pairs = lines.map(lambda line: line.split(",")).map(lambda parts: (parts[0], float(parts[1])))
    sums = pairs.aggregateByKey(
        (0.0, 0), lambda a, v: (a[0] + v, a[1] + 1), lambda a, b: (a[0] + b[0], a[1] + b[1]), PARTITIONS
    )
    return sums.map(lambda p: p[1][0] / p[1][1]).reduce(lambda a, b: max(a, b))


def group_by_key(sc: Any, path: str) -> Any:
    keys = number("BENCH_KEYS", 100_000) // 5
    numbers = sc.range(0, number("BENCH_N", 10_000_000) // 10, numSlices=PARTITIONS)
    groups = numbers.map(lambda x: (x * 2654435761 % keys, x)).groupByKey(PARTITIONS)
    return groups.mapValues(len).map(lambda p: p[0] * p[1]).sum()


def join(sc: Any, path: str) -> Any:
    count = number("BENCH_N", 10_000_000) // 33
    left = sc.range(0, count, numSlices=PARTITIONS).map(lambda x: (x * 7 % count, x))
    right = sc.range(0, count, numSlices=PARTITIONS).map(lambda x: (x * 13 % count, x * 2))
    return left.join(right, PARTITIONS).map(lambda p: p[1][0] + p[1][1]).sum()


def sort_by_key(sc: Any, path: str) -> Any:
    numbers = sc.range(0, number("BENCH_N", 10_000_000) // 10, numSlices=PARTITIONS)
    placed = numbers.map(lambda x: (x * 2654435761 % 1000003, x)).sortByKey(numPartitions=PARTITIONS)
    return placed.keys().take(5), placed.map(lambda p: p[1] % 7).sum()


def parse_and_filter(sc: Any, path: str) -> Any:
    """Texts to numbers and back: objects at both ends."""
    numbers = sc.range(0, number("BENCH_N", 10_000_000) // 5, numSlices=PARTITIONS)
    lines = numbers.map(lambda x: f"{x},{x * 0.5},name{x % 100}")
    kept = lines.map(lambda line: line.split(",")).filter(lambda parts: int(parts[0]) % 3 == 0)
    return kept.map(lambda parts: float(parts[1])).map(lambda x: x * 2.0).count()


def not_lowered(sc: Any, path: str) -> Any:
    """A function that stays in the interpreter."""
    numbers = sc.range(0, number("BENCH_N", 10_000_000) // 5, numSlices=PARTITIONS)
    return numbers.map(lambda x: sum([i for i in (x, 1, 2)])).filter(lambda x: x % 2 == 0).count()


def not_lowered_text(sc: Any, path: str) -> Any:
    """Lines that go to a function in the interpreter."""
    return sc.textFile(path).map(lambda line: len([word for word in line.split() if word])).sum()


PROGRAMS: list[Callable[[Any, str], Any]] = [
    *(word_count, map_filter_reduce, reduce_by_key, lines_by_key, group_by_key, join, sort_by_key),
    *(parse_and_filter, not_lowered, not_lowered_text),
]


def main() -> None:
    chosen = [program for program in PROGRAMS if not sys.argv[1:] or program.__name__ in sys.argv[1:]]
    times: dict[tuple[str, str], list[float]] = {}
    answers: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = text(folder)
        for run in range(number("BENCH_RUNS", 3) + 1):
            for mode in MODES if run % 2 else MODES[::-1]:
                sc = context(mode)
                sc.range(100, numSlices=THREADS).map(str).count()  # workers begin
                for program in chosen:
                    start = time.perf_counter()
                    answers.setdefault(program.__name__, set()).add(repr(program(sc, path)))
                    if run > 0:
                        times.setdefault((program.__name__, mode), []).append(time.perf_counter() - start)
                sc.stop()
    for program in chosen:
        name = program.__name__
        off, auto = (sorted(times[name, mode])[len(times[name, mode]) // 2] for mode in MODES)
        print(f"{name}: off {off:.2f} s, auto {auto:.2f} s, {off / auto:.2f} times; answer {answers[name]}", flush=True)
        if len(answers[name]) != 1:
            raise SystemExit(f"{name} answers differently: {answers[name]}")


main()
