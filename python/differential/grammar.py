"""Random small RDD programs: which operations there are, what each takes and gives, and how much of its result is
promised.

A program is a list of steps, each a line of Python that makes an RDD of earlier ones, and an action at the end. What a
line gives is described by a :class:`Shape`: the kind of its records, and how far both sides must agree about their
order. An operation that depends on an order is only used where that order is promised, so that any difference is a
difference in meaning.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum


class Kind(Enum):
    """What the records of an RDD are."""

    NUMBERS = "whole numbers"
    WORDS = "strings"
    PAIRS = "pairs of whole numbers"
    NAMED = "pairs of a string and a whole number"
    MIXED = "pairs of a key of any kind and a whole number"


class Order(Enum):
    """How much both sides must agree about, from all to least."""

    EXACT = "same records in the same order in the same partitions"
    PLACED = "same records in the same partitions"
    BAG = "same records"


@dataclass(frozen=True)
class Shape:
    """What is known of an RDD of a program."""

    name: str
    kind: Kind
    order: Order

    @property
    def is_keyed(self) -> bool:
        """Whether its records are pairs."""
        return self.kind in (Kind.PAIRS, Kind.NAMED, Kind.MIXED)

    def weaker(self, order: Order) -> Order:
        """The weaker of its own promise and another."""
        ranks = list(Order)
        return max(self.order, order, key=ranks.index)


@dataclass(frozen=True)
class Step:
    """One line: what it makes, of what, by which code (with `{0}`, `{1}` for the RDDs it takes)."""

    makes: Shape
    takes: tuple[str, ...]
    code: str

    @property
    def line(self) -> str:
        """The line as Python."""
        return f"{self.makes.name} = {self.code.format(*self.takes)}"


class Compare(Enum):
    """How answers are compared."""

    EQUAL = "equal"
    BAG = "the same elements, in any order"
    PLACED = "list by list the same elements, in any order"
    SORTED = "the same first parts in the same order, and the same elements"


@dataclass(frozen=True)
class Program:
    """Steps, and an action on one of what they make."""

    seed: int
    steps: tuple[Step, ...]
    takes: str
    action: str
    compare: Compare

    @property
    def text(self) -> str:
        """The program as Python; it leaves its answer in `answer`."""
        lines = [step.line for step in self.steps]
        return "\n".join([*lines, f"answer = {self.action.format(self.takes)}"]) + "\n"

    def without(self, index: int) -> Program | None:
        """The program less one step, where another RDD of the same kind can stand in for what it made."""
        gone = self.steps[index]
        stand_in = next((step.makes.name for step in self.steps[:index] if step.makes.kind == gone.makes.kind), None)
        is_used = self.takes == gone.makes.name or any(gone.makes.name in step.takes for step in self.steps)
        if is_used and stand_in is None:
            return None

        def other(name: str) -> str:
            return stand_in if name == gone.makes.name and stand_in else name

        kept = [step for step in self.steps if step is not gone]
        steps = tuple(replace(step, takes=tuple(map(other, step.takes))) for step in kept)
        return replace(self, steps=steps, takes=other(self.takes))


#: An operation: kinds it takes, and code with the kind and order that come out; None where it cannot be used.
Offer = tuple[str, Kind, Order]
Chance = random.Random


def narrow(of: Shape, chance: Chance) -> list[Offer]:
    """Operations that keep partitions."""
    fixed, order = of.kind, of.order
    offers: list[Offer] = [
        ("{0}.filter(lambda r: hash(str(r)[-1:]) is not None and len(str(r)) % 2 == 0)", fixed, order),
        ("{0}.union({0})", fixed, order),
        ("({0} + {0})", fixed, order),
        ("{0}.persist()", fixed, order),
        ("{0}.glom().flatMap(lambda part: part)", fixed, order),
        ("{0}.mapPartitions(lambda it: list(it)[::-1])", fixed, order),
        ("{0}.cache()", fixed, order),
    ]
    if of.kind is Kind.NUMBERS:
        offers += [
            ("{0}.map(lambda x: x * 3 - 1)", Kind.NUMBERS, order),
            ("{0}.map(lambda x: x % 7)", Kind.NUMBERS, order),
            ("{0}.filter(lambda x: x % 3 != 0)", Kind.NUMBERS, order),
            ("{0}.flatMap(lambda x: range(x % 4))", Kind.NUMBERS, order),
            ("{0}.map(lambda x: 'w%d' % (x % 11))", Kind.WORDS, order),
            ("{0}.map(lambda x: (x % 5, x))", Kind.PAIRS, order),
            ("{0}.keyBy(lambda x: x % 4)", Kind.PAIRS, order),
            ("{0}.map(lambda x: ((None, x % 3, 'k%d' % (x % 2), (x % 2, None))[x % 4], x))", Kind.MIXED, order),
            ("{0}.mapPartitions(lambda it: [sum(it)])", Kind.NUMBERS, order),
        ]
    elif of.kind is Kind.WORDS:
        offers += [
            ("{0}.map(lambda w: w + '!')", Kind.WORDS, order),
            ("{0}.map(len)", Kind.NUMBERS, order),
            ("{0}.flatMap(lambda w: list(w))", Kind.WORDS, order),
            ("{0}.map(lambda w: (w[:2], len(w)))", Kind.NAMED, order),
        ]
    else:
        offers += [
            ("{0}.mapValues(lambda v: v + 1)", fixed, order),
            ("{0}.flatMapValues(lambda v: [v, -v][: v % 3])", fixed, order),
            ("{0}.values()", Kind.NUMBERS, order),
            ("{0}.map(lambda p: (p[1] % 6, p[1]))", Kind.PAIRS, order),
            ("{0}.filter(lambda p: p[1] % 2 == 0)", fixed, order),
        ]
    if order is Order.EXACT:
        offers += in_order(of, chance)
    return offers


def in_order(of: Shape, chance: Chance) -> list[Offer]:
    """Operations whose result depends on the order of the records."""
    seed, exact = chance.randrange(1000), Order.EXACT
    offers: list[Offer] = [
        (f"{{0}}.sample(False, {chance.choice([0.2, 0.5, 0.9])}, {seed})", of.kind, exact),
        (f"{{0}}.sample(True, {chance.choice([0.3, 1.5])}, {seed})", of.kind, exact),
        (f"{{0}}.randomSplit([0.3, 0.7], {seed})[{chance.randrange(2)}]", of.kind, exact),
        (f"{{0}}.coalesce({chance.randrange(1, 4)})", of.kind, exact),
        (f"sc.parallelize({{0}}.take({chance.randrange(1, 30)}), {chance.randrange(1, 5)})", of.kind, exact),
        ("{0}.zipWithIndex().filter(lambda p: p[1] % 3 == 1).keys()", of.kind, exact),
        (f"{{0}}.randomSplit([1, 2, 3], {seed})[{chance.randrange(3)}]", of.kind, exact),
        ("{0}.zipWithIndex().map(lambda p: p[1])", Kind.NUMBERS, exact),
        ("{0}.zipWithUniqueId().map(lambda p: p[1])", Kind.NUMBERS, exact),
        ("{0}.glom().map(len)", Kind.NUMBERS, exact),
        ("{0}.mapPartitionsWithIndex(lambda i, it: ((i, len(str(r))) for r in it))", Kind.PAIRS, exact),
    ]
    if of.kind is Kind.NUMBERS:
        offers.append(("{0}.zip({0}.map(lambda x: x + 1))", Kind.PAIRS, exact))
    if of.kind is Kind.PAIRS:
        fractions = {key: chance.choice([0.1, 0.5, 1.0]) for key in range(12)}
        chosen = f"{{0}}.map(lambda p: (p[0] % 12, p[1])).sampleByKey(False, {fractions}, {seed})"
        offers.append(
            (chosen.replace("{0}", "\0").replace("{", "{{").replace("}", "}}").replace("\0", "{0}"), of.kind, exact)
        )
    return offers


def wide(of: Shape, chance: Chance) -> list[Offer]:
    """Operations with a shuffle. Strings are placed by a hash of their own on each side, other keys by the same."""
    parts = chance.choice(["", f", {chance.randrange(1, 6)}"])
    alone = parts.lstrip(", ")
    placed = Order.PLACED if of.kind is Kind.PAIRS else Order.BAG
    offers: list[Offer] = [
        (f"{{0}}.distinct({alone})", of.kind, Order.PLACED if of.kind is Kind.NUMBERS else Order.BAG),
        (f"{{0}}.repartition({chance.randrange(1, 6)})", of.kind, Order.BAG),
    ]
    if of.kind in (Kind.NUMBERS, Kind.WORDS):
        flag = chance.choice(["True", "False"])
        offers.append((f"{{0}}.sortBy(lambda r: r, {flag}{parts})", of.kind, of.weaker(Order.EXACT)))
        offers.append(("{0}.groupBy(lambda r: len(str(r))).mapValues(len)", Kind.PAIRS, Order.PLACED))
    offers.append((f"{{0}}.coalesce({chance.randrange(1, 6)}, True)", of.kind, Order.BAG))
    if not of.is_keyed:
        return offers
    if of.kind in (Kind.PAIRS, Kind.NAMED):
        ascending = chance.choice(["True", "False"])
        offers.append(
            (f"{{0}}.sortByKey({ascending}{parts}).keys().map(lambda k: (k, 1))", of.kind, of.weaker(Order.EXACT))
        )
        offers.append((f"{{0}}.sortBy(lambda p: (p[1], p[0]), {ascending}{parts})", of.kind, of.weaker(Order.EXACT)))
    offers += [
        (f"{{0}}.groupWith({{0}}, {{0}}).mapValues(lambda g: sum(len(list(v)) for v in g))", of.kind, placed),
        ("{0}.reduceByKey(max).join({0}.reduceByKey(min)).mapValues(lambda p: p[0] - p[1])", of.kind, placed),
        (f"{{0}}.reduceByKey(lambda a, b: a + b{parts})", of.kind, placed),
        (f"{{0}}.groupByKey({alone}).mapValues(lambda vs: sum(vs) * 2 + len(vs))", of.kind, placed),
        (
            f"{{0}}.aggregateByKey(1, lambda a, v: a + v, lambda a, b: a + b{parts}).keys().map(lambda k: (k, 1))",
            of.kind,
            placed,
        ),
        (f"{{0}}.foldByKey(0, lambda a, b: max(a, b){parts})", of.kind, placed),
        (
            f"{{0}}.combineByKey(lambda v: [v], lambda l, v: l + [v], lambda a, b: a + b{parts}).mapValues(len)",
            of.kind,
            placed,
        ),
        (f"{{0}}.partitionBy({chance.randrange(1, 6)})", of.kind, placed),
    ]
    if of.kind is Kind.PAIRS:
        offers.append(("{0}.partitionBy(3, lambda k: k * 7)", of.kind, Order.PLACED))
    if of.kind in (Kind.PAIRS, Kind.NAMED):
        offers.append(
            (f"{{0}}.repartitionAndSortWithinPartitions({chance.randrange(1, 4)}).mapValues(abs)", of.kind, placed)
        )
    return offers


def of_two(left: Shape, right: Shape, chance: Chance) -> list[Offer]:
    """Operations on two RDDs of one kind."""
    parts = chance.choice(["", f", {chance.randrange(1, 5)}"])
    both = left.weaker(right.order)
    offers: list[Offer] = [("{0}.union({1})", left.kind, both)]
    number = Order.PLACED if left.kind is Kind.NUMBERS else Order.BAG
    if not left.is_keyed:
        offers.append(("{0}.intersection({1})", left.kind, number))
        offers.append((f"{{0}}.subtract({{1}}{parts})", left.kind, number))
    placed = Order.PLACED if left.kind is Kind.PAIRS else Order.BAG
    if left.kind is Kind.NUMBERS:
        offers.append(
            ("{0}.cartesian({1}).filter(lambda p: (p[0] + p[1]) % 5 == 0)", Kind.PAIRS, left.weaker(Order.PLACED))
        )
    if left.is_keyed:
        plus = "lambda p: (p[0] or 0) + (p[1] or 0)"
        joins = ["join", "leftOuterJoin", "rightOuterJoin", "fullOuterJoin"]
        offers += [(f"{{0}}.{join}({{1}}{parts}).mapValues({plus})", left.kind, placed) for join in joins]
        offers.append((f"{{0}}.subtractByKey({{1}}{parts})", left.kind, placed))
        counted = "lambda g: 100 * len(list(g[0])) + len(list(g[1]))"
        offers.append((f"{{0}}.cogroup({{1}}{parts}).mapValues({counted})", left.kind, placed))
    return offers


#: Calls that a person should not make: both sides must refuse them alike.
MISTAKES = [
    "coalesce(0).collect()",
    "repartition(-1).collect()",
    "sample(False, -0.5).collect()",
    "takeSample(False, -1)",
    "histogram(0)",
    "histogram([1])",
    "histogram([3, 1])",
    "histogram('a')",
    "take('a')",
    "zip(sc.parallelize([1, 2, 3], 7)).collect()",
    "zip({0}.filter(lambda x: x > 3)).count()",
    "keys().collect()",
    "reduceByKey(lambda a, b: a).collect()",
    "map(lambda x: x.nothing).collect()",
    "map(lambda x: [][x + 1000]).count()",
    "map(lambda x, y: x).collect()",
    "map(5).collect()",
    "mapPartitions(lambda it: next(it)).collect()",
    "flatMap(lambda x: x).collect()",
    "sortBy(lambda x: (x, 'a')[x % 2]).collect()",
    "treeReduce(lambda a, b: a + b, 0)",
    "treeAggregate(0, lambda a, b: a, lambda a, b: a, 0)",
    "randomSplit([-1.0, 2.0])",
    "union(5)",
    "lookup(3)",
    "partitionBy(2).collect()",
    "first().nothing",
    "toLocalIterator().nothing",
    "checkpoint()",
    "setName('numbers').name()",
    "getStorageLevel().useMemory",
    "is_cached",
    "isCheckpointed()",
    "id() > 0",
    "max('a')",
    "sum(1, 2)",
    "fold([], lambda a, b: a)",
    "aggregate(0, 5, 6)",
    "saveAsTextFile('')",
    "top('x')",
    "takeOrdered(-1)",
    "take(-1)",
    "take(0)",
    "top(0)",
    "takeSample(True, 0)",
]


def actions(of: Shape, chance: Chance) -> list[tuple[str, Compare]]:
    """How a program may end."""
    count, seed = chance.randrange(1, 8), chance.randrange(1000)
    whole = Compare.EQUAL if of.order is Order.EXACT else Compare.BAG
    offers = [
        ("{0}.collect()", whole),
        ("list({0}.toLocalIterator())", whole),
        ("{0}.count()", Compare.EQUAL),
        ("{0}.isEmpty()", Compare.EQUAL),
        ("{0}.getNumPartitions()", Compare.EQUAL),
        ("dict({0}.countByValue())", Compare.EQUAL),
    ]
    if of.order is not Order.BAG:
        offers += [("{0}.glom().collect()", Compare.EQUAL if whole is Compare.EQUAL else Compare.PLACED)] * 3
    if of.order is Order.EXACT:
        offers += [
            (f"{{0}}.take({count})", Compare.EQUAL),
            ("{0}.first()", Compare.EQUAL),
            (f"{{0}}.takeSample({chance.choice([True, False])}, {count}, {seed})", Compare.EQUAL),
        ]
    if of.kind is Kind.NUMBERS:
        calls = ["sum()", "max()", "min()", "mean()", "variance()", "sampleStdev()", "stats().asDict()", "histogram(3)"]
        calls += [f"top({count})", f"takeOrdered({count})", "reduce(lambda a, b: a + b)", "fold(0, lambda a, b: a + b)"]
        calls += ["treeReduce(lambda a, b: a + b)", "histogram([0, 5, 10, 100])", f"takeOrdered({count}, lambda x: -x)"]
        calls += ["aggregate((0, 0), lambda a, x: (a[0] + x, a[1] + 1), lambda a, b: (a[0] + b[0], a[1] + b[1]))"]
        calls += ["treeAggregate(0, lambda a, x: a + x, lambda a, b: a + b)"]
        offers += [("{0}." + call, Compare.EQUAL) for call in calls]
        offers.append(("{0}.map(lambda x: 10 // (x % 9)).sum()", Compare.EQUAL))
        offers += [("{0}." + call, Compare.EQUAL) for call in MISTAKES]
        floats = "{0}.map(lambda x: x / 7)"
        more = ["stats().asDict(True)", "histogram(4)", "stdev()", "sampleVariance()", "max(lambda x: -x)", "min(str)"]
        offers += [(f"{floats}.{call}", Compare.EQUAL) for call in more]
        offers.append((f"{{0}}.top({count}, key=lambda x: (x % 5, x))", Compare.EQUAL))
        offers.append(("{0}.treeReduce(lambda a, b: max(a, b), 3)", Compare.EQUAL))
    if of.is_keyed:
        offers += [
            ("dict({0}.countByKey())", Compare.EQUAL),
            ("{0}.reduceByKeyLocally(lambda a, b: a + b)", Compare.EQUAL),
        ]
    if of.kind is Kind.PAIRS:
        offers += [("{0}.sortByKey().collect()", Compare.SORTED), (f"{{0}}.lookup({count % 5})", Compare.BAG)]
    return offers


def source(name: str, chance: Chance) -> Step:
    """An RDD out of nothing."""
    slices, size = chance.randrange(1, 6), chance.choice([0, 1, 3, 10, 40, 200])
    numbers = [chance.randrange(-20, 60) for _ in range(min(size, 30))]
    trees = ["oak", "elm", "fir", "pine", "birch", "", "yew"]
    words = [chance.choice(trees) + str(chance.randrange(4)) for _ in numbers]
    kind, code = chance.choice(
        [
            (Kind.NUMBERS, f"sc.range({size}, numSlices={slices})"),
            (Kind.NUMBERS, f"sc.range({size}, {-size}, -3, {slices})"),
            (Kind.NUMBERS, f"sc.parallelize(range({size}), {slices})"),
            (Kind.NUMBERS, f"sc.parallelize({numbers}, {slices})"),
            (Kind.WORDS, f"sc.parallelize({words}, {slices})"),
            (Kind.PAIRS, f"sc.parallelize({[(number % 6, number) for number in numbers]}, {slices})"),
            (Kind.PAIRS, f"sc.parallelize({[(number, number % 5) for number in numbers]}, {slices})"),
            (Kind.NAMED, f"sc.parallelize({list(zip(words, numbers, strict=True))}, {slices})"),
            (Kind.MIXED, f"sc.parallelize({[((None, n, (n, None), str(n))[n % 4], n) for n in numbers]}, {slices})"),
            (Kind.NUMBERS, "sc.emptyRDD().map(int)" if chance.random() < 0.1 else f"sc.parallelize({numbers})"),
        ]
    )
    return Step(Shape(name, kind, Order.EXACT), (), code)


def generate(seed: int) -> Program:
    """The program of a seed; the same on each machine and Python."""
    chance = random.Random(seed)
    steps = [source("r0", chance)]
    if chance.random() < 0.6:
        steps.append(source("r1", chance))
    for index in range(len(steps), len(steps) + chance.randrange(1, 7)):
        steps.append(_next(f"r{index}", [step.makes for step in steps], chance))
    last = steps[-1].makes
    offers = actions(last, chance)
    if chance.random() < 0.9:
        # (Mistakes are many, and each is one program only.)
        offers = [offer for offer in offers if offer[0].partition(".")[2] not in MISTAKES]
    action, compare = chance.choice(offers)
    return Program(seed, tuple(steps), last.name, action, compare)


def _next(name: str, made: list[Shape], chance: Chance) -> Step:
    """A step on the newest RDD mostly, sometimes on it and an earlier one of its kind."""
    first = made[-1] if chance.random() < 0.85 else chance.choice(made)
    others = [other for other in made if other.kind is first.kind]
    kinds: list[Callable[[], list[Offer]]] = [lambda: narrow(first, chance), lambda: wide(first, chance)]
    if chance.random() < (0.35 if first.is_keyed else 0.12):
        second = chance.choice(others)
        code, kind, order = chance.choice(of_two(first, second, chance))
        return Step(Shape(name, kind, order), (first.name, second.name), code)
    code, kind, order = chance.choice(chance.choice(kinds)())
    return Step(Shape(name, kind, order), (first.name,), code)
