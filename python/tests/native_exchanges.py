"""Random programs with operations by key, over typed and dirty records, give the same with kernels as without.

The same means: in each partition the same records, of the same types and in the same order, floats bit by bit; or the
same exception. Each program runs in a context with ``firesteel.python.native`` off, and in one with it on; a few also
read in one mode what the other has written. ``test_native_shuffle.py`` runs some hundreds; by hand, ``python
python/tests/native_exchanges.py --programs 10000 --seed 1`` runs as many as one likes.
"""

from __future__ import annotations

import argparse
import random
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from native_programs import exact

from firesteel import SparkConf, SparkContext
from firesteel.errors import JobError

KEYS: dict[str, list[Any]] = {
    "int": [0, 1, -1, 2, 3, -2, 7, 2**40, 2**63 - 1, -(2**63), 2**61 - 1, 2**61],
    "str": ["", "a", "b", "ab", "é", "日本", "😀", "\x00", "a b", "ÿ", "longer than one word of eight bytes"],
    "float": [0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, float("inf"), 2.0**61, -(2.0**70)],
    "bool": [True, False],
    "None": [None],
}
VALUES: dict[str, list[Any]] = {
    "int": [0, 1, -1, 5, 10, 2**40],
    "float": [0.0, -0.0, 0.1, 1e16, -1e16, 1.5, float("inf")],
    "str": ["", "x", "yz", "é"],
    "bool": [True, False],
}
DIRTY_KEYS = [None, True, 1.0, 0.0, -0.0, 2**70, "a", 1, (1, "a"), b"a", ("a",), frozenset([1]), "\ud800", float("inf")]
DIRTY_VALUES = [None, True, 1.0, 2**63 - 1, 2**70, "x", (1, 2), [1], b"x"]

JOINS = ["join", "join", "leftOuterJoin", "rightOuterJoin", "fullOuterJoin", "subtractByKey", "cogroup"]
SETS = ["intersection", "subtract", "union"]


def give(key: Any, values: Iterable[Any], more: Any) -> Iterable[Any]:
    """Gives a pair for each value."""
    for value in values:
        yield key, (value, more)


def first(values: Iterable[Any]) -> Any:
    """Returns the first value that is true, and how many were seen."""
    seen = 0
    for value in values:
        seen += 1
        if value:
            return value, seen
    return None, seen


Kind = Any  # a name of the above, or a tuple of them


class Program:
    """Steps over pairs."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.texts: list[str] = []
        self.steps: list[Callable[[Any], Any]] = []
        self.key = self.kind(KEYS)
        self.value = self.kind(VALUES)
        self.dirt = rng.choice([0, 0, 0.01, 0.05, 0.3])
        self.slices = rng.choice([1, 2, 3])
        self.pairs = [self.pair() for _ in range(rng.choice([0, 3, 20, 200, 200, 3000]))]
        for _ in range(rng.choice([0, 0, 1])):
            self.add(self.plain())
        for _ in range(rng.choice([1, 1, 2])):
            self.add(self.keyed())
            for _ in range(rng.choice([0, 0, 1, 2])):
                self.add(self.plain())
        if any("oin(" in text or "cogroup" in text for text in self.texts):
            del self.pairs[60:]  # few keys have many pairs, and joins all pairs of these
        self.end = self.action()

    def kind(self, of: dict[str, list[Any]]) -> Kind:
        """Chooses a type."""
        if self.rng.random() < 0.3:
            return tuple(self.kind(of) for _ in range(self.rng.choice([1, 2, 2, 3])))
        return self.rng.choice(sorted(of) + ["int", "str"])

    def one(self, kind: Kind, of: dict[str, list[Any]]) -> Any:
        """Chooses a value."""
        if isinstance(kind, tuple):
            return tuple(self.one(part, of) for part in kind)
        if kind == "int" and self.rng.random() < 0.5:
            return self.rng.randrange(-50, 200)
        return self.rng.choice(of[kind])

    def pair(self) -> Any:
        """Makes a record."""
        key = self.one(self.key, KEYS)
        value = self.one(self.value, VALUES)
        if self.rng.random() < self.dirt:
            key = self.rng.choice(DIRTY_KEYS)
        if self.rng.random() < self.dirt:
            value = self.rng.choice(DIRTY_VALUES)
        return (key, value)

    def add(self, text: str) -> None:
        """Adds a step, which is an expression of ``rdd``."""
        self.texts.append(text)
        self.steps.append(eval(f"lambda rdd: {text}"))

    def plain(self) -> str:
        """Makes a step that looks at one record."""
        return self.rng.choice(
            [
                "rdd.map(lambda p: (p[0], p[1]))",
                "rdd.mapValues(lambda v: v)",
                "rdd.filter(lambda p: p[0] == p[0])",
                "rdd.map(lambda p: (p[0], 1))",
                "rdd.map(lambda p: (p[0], (p[1], 1)))",
                "rdd.map(lambda p: (p[1], p[0]))",
                "rdd.keyBy(lambda p: p[0])",
                "rdd.mapValues(lambda v: v + v)",
                "rdd.flatMapValues(lambda v: [v, v])",
                "rdd.map(lambda p: [x for x in (p,)][0])",
            ]
        )

    def merge(self) -> str:
        """Makes a function that merges two values."""
        single = ["a + b", "a * b", "min(a, b)", "max(a, b)", "a", "b"]
        if isinstance(self.value, tuple) and self.rng.random() < 0.7:
            whole = []
            for at in range(len(self.value)):
                text = self.rng.choice(single[:1] + single[2:])
                whole.append(text.replace("a,", f"a[{at}],").replace("b)", f"b[{at}])").replace("a +", f"a[{at}] +"))
                whole[-1] = {"a": f"a[{at}]", "b": f"b[{at}]"}.get(whole[-1], whole[-1].replace("+ b", f"+ b[{at}]"))
            return f"lambda a, b: ({', '.join(whole)},)"
        return f"lambda a, b: {self.rng.choice(single + ['(a, b)'])}"

    def other(self) -> str:
        """Makes the other side of a join out of pairs."""
        return self.rng.choice(["p", "(p[0], 1)", "(p[1], p[0])", "(p[0], [p[1]])", "(p[0], (p[1], p[0]))", "(7, 7)"])

    def combining(self) -> str:
        """Makes the functions of combineByKey."""
        sums = "lambda a, b: (a[0] + b[0], a[1] + b[1])"
        extremes = "lambda a, b: (min(a[0], b[0]), max(a[1], b[1]), a[2] + b[2])"
        return self.rng.choice(
            [
                f"lambda v: (v, 1), lambda a, v: (a[0] + v, a[1] + 1), {sums}",
                f"lambda v: (v * 2, 0), lambda a, v: (a[0] + v * 3, a[1] + v), {sums}",
                f"lambda v: (v, v, 1), lambda a, v: (min(a[0], v), max(a[1], v), 1 + a[2]), {extremes}",
                "lambda v: v, lambda a, v: a + v, lambda a, b: a + b",
                "lambda v: 0, lambda a, v: v, lambda a, b: b",
                "lambda v: [v], lambda a, v: a + [v], lambda a, b: a + b",
                "lambda v: v, lambda a, v: v + a, lambda a, b: b + a",
                f"lambda v: (v, int(v)), lambda a, v: (v, a[1] + int(v)), {sums}",
            ]
        )

    def of_groups(self) -> str:
        """Makes a step over pairs of keys and groups."""
        before = self.rng.choice(["", ".cache()", ".partitionBy(3)", ".filter(lambda p: len(p[1]) > 1)"])
        return before + self.rng.choice(
            [
                *(".mapValues(len)", ".flatMapValues(lambda v: v)", ".mapValues(lambda v: (len(v), list(v)))"),
                *(".flatMap(lambda p: ((x, p[0]) for x in p[1]))", ".mapValues(lambda v: [(x, len(v)) for x in v])"),
                *(".mapValues(sorted)", ".mapValues(sum)", ".mapValues(max)", ".mapValues(lambda v: (v, len(v)))"),
                *(".mapValues(lambda v: 1 in v)", ".mapValues(lambda v: v[0])", ".map(lambda p: (len(p[1]), p[1]))"),
                *(".flatMap(lambda p: give(p[0], p[1], 1))", ".mapValues(first)", ".mapValues(lambda v: v + v)"),
                *(".mapValues(lambda v: any(x for x in v))", ".flatMapValues(lambda v: [x for x in v if x == x])"),
            ]
        )

    def of_sides(self) -> str:
        """Makes a step over pairs of keys and groups of two sides."""
        return self.rng.choice(
            [
                *("", ".mapValues(lambda both: (len(both[0]), len(both[1])))", ".flatMapValues(lambda both: both[1])"),
                ".flatMapValues(lambda both: [(x, y) for x in both[0] for y in both[1]])",
                ".filter(lambda p: p[1][0] and not p[1][1]).mapValues(lambda both: list(both[0]))",
                ".flatMap(lambda p: give(p[0], p[1][0], len(p[1][1])))",
            ]
        )

    def aggregating(self) -> str:
        """Makes the arguments of aggregateByKey and aggregate."""
        return self.rng.choice(
            [
                "(0, 0), lambda a, v: (a[0] + v, a[1] + 1), lambda a, b: (a[0] + b[0], a[1] + b[1])",
                "0, lambda a, v: a + 1, lambda a, b: a + b",
                "0.0, lambda a, v: a + v, lambda a, b: a + b",
                "(0, -1.5), lambda a, v: (a[0] + 2, max(a[1], v)), lambda a, b: (a[0] + b[0], max(a[1], b[1]))",
                "[], lambda a, v: a + [v], lambda a, b: a + b",
                "(0, 0.0), lambda a, v: (a[0] + v, a[1] * v), lambda a, b: (a[0] + b[0], a[1] * b[1])",
                "'', lambda a, v: v + a, lambda a, b: b + a",
            ]
        )

    def action(self) -> Callable[[Any], Any]:
        """Chooses what the program ends in."""
        text = self.rng.choice(
            [
                *(["rdd.glom().collect()"] * 5),
                *("rdd.countByKey()", "rdd.countByValue()", "rdd.values().countByValue()", "rdd.count()"),
                *("rdd.values().reduce(lambda a, b: a + b)", "rdd.values().fold(0, lambda a, b: a + b)"),
                *(f"rdd.values().aggregate({self.aggregating()})", "rdd.values().max()", "rdd.values().min()"),
                *("rdd.values().sum()", "rdd.values().sum()", "vars(rdd.values().stats())", "rdd.values().mean()"),
                f"rdd.values().reduce({self.merge()})",
                f"rdd.values().fold({self.rng.choice(['0', '0.0', '-0.0', 'True', repr('')])}, {self.merge()})",
            ]
        )
        self.texts.append(text)
        made: Callable[[Any], Any] = eval(f"lambda rdd: {text}")
        return made

    def keyed(self) -> str:
        """Makes an operation by key."""
        n = self.rng.choice(["", "1", "2", "3", "5"])
        more = f", {n}" if n else ""
        return self.rng.choice(
            [
                *([f"rdd.reduceByKey({self.merge()}{more})"] * 6),
                f"rdd.foldByKey({self.rng.choice(['0', '1', '0.0', '(0, 0)'])}, {self.merge()}{more})",
                f"rdd.combineByKey({self.combining()}{more})",
                f"rdd.aggregateByKey({self.aggregating()}{more})",
                f"rdd.distinct({n})",
                f"rdd.{self.rng.choice(SETS)}(rdd.map(lambda p: {self.other()}))",
                f"rdd.keys().{self.rng.choice(SETS)}(rdd.map(lambda p: {self.other()}[0])).map(lambda k: (k, 1))",
                f"rdd.keys().distinct({n}).map(lambda k: (k, 1))",
                *([f"rdd.groupByKey({n})"] * 2),
                f"rdd.groupByKey({n}).flatMapValues(list)",
                f"rdd.groupBy(lambda p: p[1]{more}).mapValues(list)",
                *([f"rdd.groupByKey({n}){self.of_groups()}"] * 5),
                f"rdd.groupByKey({n}).join(rdd.map(lambda p: {self.other()}){more})"
                ".flatMap(lambda p: give(p[0], p[1][0], p[1][1]))",
                f"rdd.{self.rng.choice(JOINS)}(rdd.groupByKey({n})).mapValues(lambda v: v)",
                *([f"rdd.cogroup(rdd.map(lambda p: {self.other()}){more}){self.of_sides()}"] * 3),
                *([f"rdd.{self.rng.choice(JOINS)}(rdd.map(lambda p: {self.other()}){more})"] * 3),
                *([f"rdd.sortByKey({self.rng.choice(['True', 'False'])}{more})"] * 2),
                f"rdd.sortBy(lambda p: p[{self.rng.choice('01')}], {self.rng.choice(['True', 'False'])}{more})",
                f"rdd.repartitionAndSortWithinPartitions({n or 2})",
                f"rdd.sample(False, 0.5, {self.rng.randrange(9)})",
                f"rdd.partitionBy({n or 4})",
                f"rdd.repartition({n or 4})",
            ]
        )

    def result(self, sc: Any) -> Any:
        """Runs the program: the records of each partition, or what it fails with."""
        try:
            rdd = sc.parallelize(self.pairs, self.slices)
            for step in self.steps:
                rdd = step(rdd)
            return "gives", exact(_plain(self.end(rdd)))
        except JobError as error:
            # Of several tasks that fail, any may be told of.
            cause = error.__cause__ if sc.master == "local[1]" else None
            return "fails", type(cause).__name__, str(cause)
        except Exception as error:
            return "raises", type(error).__name__, str(error)

    def __str__(self) -> str:
        return "\n  ".join([f"{len(self.pairs)} pairs: {self.pairs[:20]!r}", *self.texts])


def _plain(value: Any) -> Any:
    """Returns a value with lists in the place of iterables of Firesteel's."""
    if type(value) in (list, tuple):
        return type(value)(_plain(item) for item in value)
    if isinstance(value, dict):
        return [_plain(item) for item in value.items()]
    if isinstance(value, Iterable) and type(value).__module__.startswith("firesteel"):
        return [_plain(item) for item in value]
    return value


def context(mode: str, master: str = "local[1]", settings: Iterable[tuple[str, str]] = ()) -> SparkContext:
    """Makes a context of a mode."""
    conf = SparkConf().setMaster(master).setAppName("exchanges").set("firesteel.python.native", mode)
    conf.set("spark.ui.enabled", "false").set("spark.ui.showConsoleProgress", "false").setAll(list(settings))
    sc = SparkContext(conf=conf)
    sc.setLogLevel("OFF")
    return sc


def differences(
    seeds: Iterable[int], master: str = "local[1]", settings: Iterable[tuple[str, str]] = ()
) -> Iterable[str]:
    """Runs programs in both modes; returns what differs."""
    programs = {seed: Program(seed) for seed in seeds}
    results: dict[str, dict[int, Any]] = {}
    for mode in ("off", "auto"):
        sc = context(mode, master, settings)
        try:
            results[mode] = {seed: program.result(sc) for seed, program in programs.items()}
        finally:
            sc.stop()
    return [
        f"seed {seed}\n  {program}\noff: {results['off'][seed]}\nauto: {results['auto'][seed]}\n"
        for seed, program in programs.items()
        if results["off"][seed] != results["auto"][seed]
    ]


def main() -> None:
    """Runs programs by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--master", default="local[1]")
    parser.add_argument("--setting", action="append", default=[], help="as spark.io.encryption.enabled=true")
    options = parser.parse_args()
    warnings.simplefilter("ignore", SyntaxWarning)
    settings = [tuple(setting.split("=", 1)) for setting in options.setting]
    seeds = range(options.seed, options.seed + options.programs)
    found = list(differences(seeds, options.master, settings))  # type: ignore[arg-type]
    print("\n".join(found[:20]))
    print(f"{options.programs} programs; {len(found)} differ")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
