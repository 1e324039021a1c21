"""Clean records against dirty ones, natively, in turns, in one run: one record in a thousand is not like the others.

Answers over dirty records must be those of the interpreter. `BENCH_N` is the number of records, `BENCH_KEYS` that of
keys, `BENCH_RUNS` how often each is run; the median counts. With `BENCH_INTERPRETED=1` the interpreter's times are
printed, too.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from peer import PARTITIONS, context, number

RECORDS = number("BENCH_N", 2_000_000)
KEYS = number("BENCH_KEYS", 100_000)
DIRTY_NUMBERS = [None, 2.5, 2**70, True, None]
DIRTY_LINES = ["", "k1", "k2,x,3", "k3,1.5", "k4,nan,1"]
DIRTY_PAIRS = [(None, 1), (7.0, 2), ("x", 3), (11, 2.5), (12, 2**63), (True, 1)]


def with_dirt(records: list[Any], dirt: list[Any]) -> list[Any]:
    """The same records, but for one in a thousand."""
    dirty = list(records)
    for at in range(500, len(dirty), 1000):
        dirty[at] = dirt[at // 1000 % len(dirt)]
    return dirty


def map_filter_reduce(rdd: Any) -> Any:
    kept = rdd.map(lambda x: 0 if x is None else x * 3 + 1).filter(lambda x: x % 2 == 0).map(lambda x: x % 1000)
    return kept.reduce(lambda a, b: a + b)


def parsed(line: str) -> tuple[str, float]:
    parts = line.split(",")
    try:
        return parts[0], float(parts[1])
    except (ValueError, IndexError):
        return "bad", 0.0


def averages_of_lines(rdd: Any) -> Any:
    """Averages by a key of CSV lines, of which bad ones are counted under a key of their own."""
    pairs = rdd.map(parsed).filter(lambda p: p[1] == p[1])
    sums = pairs.aggregateByKey(
        (0.0, 0), lambda a, v: (a[0] + v, a[1] + 1), lambda a, b: (a[0] + b[0], a[1] + b[1]), PARTITIONS
    )
    return sums.mapValues(lambda v: v[0] / v[1]).values().reduce(lambda a, b: max(a, b))


def reduce_by_key(rdd: Any) -> Any:
    sums = rdd.map(lambda p: (p[0], p[1])).reduceByKey(lambda a, b: a + b, PARTITIONS)
    return sums.values().map(lambda x: x * 2).reduce(lambda a, b: a + b)


def inputs(folder: str) -> dict[str, tuple[Callable[[Any], Any], dict[str, Callable[[Any], Any]]]]:
    """The programs, each with what makes its clean and its dirty records, which are kept in memory."""
    numbers = list(range(RECORDS))
    pairs = [(x * 2654435761 % KEYS, x % 10) for x in range(RECORDS)]
    lines = [f"k{x * 2654435761 % KEYS},{x * 0.5},{x}" for x in range(RECORDS)]
    found: dict[str, tuple[Callable[[Any], Any], dict[str, Callable[[Any], Any]]]] = {}
    for program, records, dirt in (
        (map_filter_reduce, numbers, DIRTY_NUMBERS),
        (reduce_by_key, pairs, DIRTY_PAIRS),
    ):
        kinds = {"clean": records, "dirty": with_dirt(records, dirt)}
        found[program.__name__] = program, {
            kind: lambda sc, some=some: sc.parallelize(some, PARTITIONS).cache() for kind, some in kinds.items()
        }
    made = {}
    for kind, some in (("clean", lines), ("dirty", with_dirt(lines, DIRTY_LINES))):
        path = os.path.join(folder, kind)
        with open(path, "w") as file:
            file.writelines(line + "\n" for line in some)
        made[kind] = lambda sc, path=path: sc.textFile(path, PARTITIONS)
    found[averages_of_lines.__name__] = averages_of_lines, made
    return found


def main() -> None:
    modes = ("off", "auto") if number("BENCH_INTERPRETED", 0) else ("auto",)
    runs = number("BENCH_RUNS", 5)
    with tempfile.TemporaryDirectory() as folder:
        for name, (program, kinds) in inputs(folder).items():
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            times: dict[tuple[str, str], list[float]] = {}
            answers: dict[str, set[str]] = {kind: set() for kind in kinds}
            for mode in {"off", *modes}:
                sc = context(mode)
                rdds = {kind: make(sc) for kind, make in kinds.items()}
                for run in range((runs if mode in modes else 0) + 1):
                    for kind, rdd in rdds.items():
                        start = time.perf_counter()
                        answers[kind].add(repr(program(rdd)))
                        if run > 0:
                            times.setdefault((mode, kind), []).append(time.perf_counter() - start)
                sc.stop()
            for mode in modes:
                clean, dirty = (sorted(times[mode, kind])[runs // 2] for kind in ("clean", "dirty"))
                ratio = dirty / clean
                print(f"{name} {mode}: clean {clean:.3f} s, dirty {dirty:.3f} s, {ratio:.2f} times", flush=True)
            for kind, some in answers.items():
                if len(some) != 1:
                    raise SystemExit(f"{name} over {kind} records answers differently: {some}")


main()
