"""Every operation over several numbers of partitions, against what plain Python makes of the same records."""

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from operator import add
from typing import Any, NamedTuple

import pytest

PARTITIONS = [1, 2, 3, 7]
NUMBERS = [random.Random(1).randrange(-20, 20) for _ in range(53)]
WORDS = [random.Random(2).choice(["to", "be", "or", "not", "", "ü"]) for _ in range(40)]
PAIRS = [(number % 7, str(number)) for number in NUMBERS]
MIXED = [(key, index) for index, key in enumerate([1, "1", None, (1, None), 2.5, b"b", frozenset({1, None}), "1", 1.0])]
OTHERS = [(key, key * 10) for key in (0, 1, 1, 5, 9, 9)]


def same(answer: Any) -> Any:
    return answer


def place(record: Any) -> str:
    """What records are sorted by, to compare them: the same for equal ones, also for 1 and 1.0."""
    if isinstance(record, tuple):
        return "(" + ",".join(map(place, record)) + ")"
    return repr(int(record) if isinstance(record, float) and record.is_integer() else record)


def unordered(answer: Any) -> Any:
    return sorted(answer, key=place)


def groups(pairs: Any) -> Any:
    return sorted(((key, sorted(values, key=place)) for key, values in pairs), key=place)


def cogroups(pairs: Any) -> Any:
    return sorted(((key, [sorted(side, key=place) for side in sides]) for key, sides in pairs), key=place)


def grouped(pairs: Any) -> Any:
    table = defaultdict(list)
    for key, value in pairs:
        table[key].append(value)
    return table


def reduced(pairs: Any, merge: Callable[[Any, Any], Any]) -> Any:
    table: dict[Any, Any] = {}
    for key, value in pairs:
        table[key] = merge(table[key], value) if key in table else value
    return table.items()


def joined(left: Any, right: Any, keep_left: bool, keep_right: bool) -> Any:
    lefts, rights = grouped(left), grouped(right)
    for key in {**lefts, **rights}:
        if (key in lefts or keep_right) and (key in rights or keep_left):
            for pair in itertools.product(lefts.get(key, [None]), rights.get(key, [None])):
                yield key, pair


class Case(NamedTuple):
    """``compare`` brings both answers to a form in which their order does not matter where it need not."""

    name: str
    records: list[Any]
    operation: Callable[[Any], Any]
    model: Callable[[list[Any]], Any]
    compare: Callable[[Any], Any] = same


def both(name: str, operation: Callable[[Any, Any], Any], model: Callable[[Any, Any], Any], compare: Any) -> list[Case]:
    """An operation of two sides: of pairs with others, and of keys of all kinds with some of themselves."""

    def of(others: list[Any]) -> Callable[[Any], Any]:
        return lambda rdd: operation(rdd, rdd.ctx.parallelize(others, 2)).collect()

    return [
        Case(name, PAIRS, of(OTHERS), lambda records: model(records, OTHERS), compare),
        Case(f"{name} of mixed keys", MIXED, of(MIXED[::2]), lambda records: model(records, MIXED[::2]), compare),
    ]


CASES = [
    Case("map", NUMBERS, lambda r: r.map(lambda x: x * 2).collect(), lambda xs: [x * 2 for x in xs]),
    Case("filter", NUMBERS, lambda r: r.filter(lambda x: x > 3).collect(), lambda xs: [x for x in xs if x > 3]),
    Case("flatMap", NUMBERS, lambda r: r.flatMap(lambda x: [x] * (x % 3)).collect(),
         lambda xs: [x for x in xs for _ in range(x % 3)]),
    Case("keyBy", NUMBERS, lambda r: r.keyBy(abs).collect(), lambda xs: [(abs(x), x) for x in xs]),
    Case("a chain", NUMBERS, lambda r: r.map(abs).filter(bool).flatMap(range).map(str).collect(),
         lambda xs: [str(y) for x in xs for y in range(abs(x))]),
    Case("mapPartitions", NUMBERS, lambda r: r.mapPartitions(lambda it: [sum(it)]).sum(), sum),
    Case("glom", NUMBERS, lambda r: list(itertools.chain(*r.glom().collect())), list),
    Case("distinct", NUMBERS, lambda r: r.distinct().collect(), set, unordered),
    Case("distinct of equal numbers", [1, 1.0, True, 2], lambda r: r.distinct().count(), lambda _: 2),
    Case("union", NUMBERS, lambda r: r.union(r.map(str)).collect(), lambda xs: xs + [str(x) for x in xs]),
    Case("intersection", NUMBERS, lambda r: r.intersection(r.ctx.range(5)).collect(),
         lambda xs: set(xs) & set(range(5)), unordered),
    Case("subtract", NUMBERS, lambda r: r.subtract(r.ctx.range(5)).collect(),
         lambda xs: [x for x in xs if x not in range(5)], unordered),
    Case("cartesian", NUMBERS[:9], lambda r: r.cartesian(r.ctx.range(3)).collect(),
         lambda xs: list(itertools.product(xs, range(3))), unordered),
    Case("zip", NUMBERS, lambda r: r.zip(r.map(str)).collect(), lambda xs: [(x, str(x)) for x in xs]),
    Case("zipWithIndex", NUMBERS, lambda r: r.zipWithIndex().collect(), lambda xs: [(x, i) for i, x in enumerate(xs)]),
    Case("zipWithUniqueId", NUMBERS, lambda r: len(r.zipWithUniqueId().values().distinct().collect()), len),
    Case("repartition", NUMBERS, lambda r: r.repartition(4).collect(), list, unordered),
    Case("coalesce", NUMBERS, lambda r: r.coalesce(2).collect(), list, unordered),
    Case("pipe", WORDS, lambda r: r.pipe("cat").collect(), list),
    Case("sortBy", NUMBERS, lambda r: r.sortBy(abs).map(abs).collect(), lambda xs: sorted(map(abs, xs))),
    Case("sortBy, descending", NUMBERS, lambda r: r.sortBy(lambda x: x, False, 5).collect(),
         lambda xs: sorted(xs, reverse=True)),
    Case("sortByKey", PAIRS, lambda r: r.sortByKey().keys().collect(), lambda ps: sorted(k for k, _ in ps)),
    Case("sortByKey by a function", PAIRS, lambda r: r.sortByKey(True, 3, lambda k: -k).keys().collect(),
         lambda ps: sorted((k for k, _ in ps), reverse=True)),
    Case("sortByKey by a function, descending", PAIRS, lambda r: r.sortByKey(False, 3, lambda k: -k).keys().collect(),
         lambda ps: sorted(k for k, _ in ps)),
    Case("repartitionAndSortWithinPartitions", PAIRS,
         lambda r: r.repartitionAndSortWithinPartitions(2, lambda k: k % 2).keys().glom().collect(),
         lambda ps: [sorted(k for k, _ in ps if k % 2 == i) for i in range(2)]),
    Case("reduceByKey", PAIRS, lambda r: r.reduceByKey(add).mapValues(sorted).collect(),
         lambda ps: [(k, sorted(v)) for k, v in reduced(ps, add)], unordered),
    Case("reduceByKey of mixed keys", MIXED, lambda r: r.reduceByKey(add).values().collect(),
         lambda ps: [v for _, v in reduced(ps, add)], unordered),
    Case("foldByKey", PAIRS, lambda r: r.mapValues(len).foldByKey(0, add).collect(),
         lambda ps: reduced([(k, len(v)) for k, v in ps], add), unordered),
    Case("aggregateByKey", PAIRS,
         lambda r: r.aggregateByKey([], lambda held, v: held.append(v) or held, lambda a, b: a + b).collect(),
         lambda ps: grouped(ps).items(), groups),
    Case("combineByKey", PAIRS, lambda r: r.combineByKey(lambda v: [v], lambda c, v: c + [v], add, 3).collect(),
         lambda ps: grouped(ps).items(), groups),
    Case("groupByKey", PAIRS, lambda r: r.groupByKey().collect(), lambda ps: grouped(ps).items(), groups),
    Case("groupByKey of mixed keys", MIXED, lambda r: r.groupByKey(2).values().map(sorted).collect(),
         lambda ps: grouped(ps).values(), unordered),
    Case("groupBy", NUMBERS, lambda r: r.groupBy(lambda x: x % 3).collect(),
         lambda xs: grouped((x % 3, x) for x in xs).items(), groups),
    Case("mapValues", PAIRS, lambda r: r.mapValues(len).collect(), lambda ps: [(k, len(v)) for k, v in ps]),
    Case("flatMapValues", PAIRS, lambda r: r.flatMapValues(list).collect(),
         lambda ps: [(k, c) for k, v in ps for c in v]),
    Case("partitionBy", PAIRS,
         lambda r: [len({k % 3 for k, _ in part}) <= 1 for part in r.partitionBy(3).glom().collect()],
         lambda _: [True] * 3),
    *both("join", lambda a, b: a.join(b), lambda a, b: joined(a, b, False, False), unordered),
    *both("leftOuterJoin", lambda a, b: a.leftOuterJoin(b), lambda a, b: joined(a, b, True, False), unordered),
    *both("rightOuterJoin", lambda a, b: a.rightOuterJoin(b), lambda a, b: joined(a, b, False, True), unordered),
    *both("fullOuterJoin", lambda a, b: a.fullOuterJoin(b), lambda a, b: joined(a, b, True, True), unordered),
    *both("subtractByKey", lambda a, b: a.subtractByKey(b),
         lambda a, b: [p for p in a if p[0] not in dict(b)], unordered),
    *both("cogroup", lambda a, b: a.cogroup(b, 3),
          lambda a, b: [(k, (grouped(a)[k], grouped(b)[k])) for k in {**dict(a), **dict(b)}], cogroups),
    *both("groupWith", lambda a, b: a.groupWith(b, a),
          lambda a, b: [(k, (grouped(a)[k], grouped(b)[k], grouped(a)[k])) for k in {**dict(a), **dict(b)}], cogroups),
    Case("reduce", NUMBERS, lambda r: r.reduce(add), sum),
    Case("treeReduce", NUMBERS, lambda r: r.treeReduce(add, 3), sum),
    Case("fold", NUMBERS, lambda r: r.fold(0, add), sum),
    Case("aggregate", NUMBERS, lambda r: r.aggregate([], lambda held, x: held.append(x) or held, add), list),
    Case("treeAggregate", NUMBERS, lambda r: r.treeAggregate(0, add, add), sum),
    Case("max and min", NUMBERS, lambda r: (r.max(), r.min(), r.max(key=abs) in (r.max(), r.min())),
         lambda xs: (max(xs), min(xs), True)),
    Case("count", NUMBERS, lambda r: r.count(), len),
    Case("sum", NUMBERS, lambda r: r.sum(), sum),
    Case("mean and variance", NUMBERS, lambda r: [round(f, 9) for f in (r.mean(), r.variance(), r.sampleStdev())],
         lambda xs: [round(f, 9) for f in _figures(xs)]),
    Case("histogram", NUMBERS, lambda r: r.histogram([-20, 0, 10, 20]),
         lambda xs: ([-20, 0, 10, 20], [sum(a <= x < b for x in xs) for a, b in ((-20, 0), (0, 10), (10, 21))])),
    Case("countByValue", WORDS, lambda r: dict(r.countByValue()), lambda ws: dict(Counter(ws))),
    Case("countByKey", PAIRS, lambda r: dict(r.countByKey()), lambda ps: dict(Counter(k for k, _ in ps))),
    Case("collectAsMap", PAIRS, lambda r: r.collectAsMap(), dict),
    Case("reduceByKeyLocally", PAIRS, lambda r: list(r.mapValues(len).reduceByKeyLocally(add).items()),
         lambda ps: reduced([(k, len(v)) for k, v in ps], add), unordered),
    Case("top", NUMBERS, lambda r: r.top(4), lambda xs: sorted(xs, reverse=True)[:4]),
    Case("takeOrdered", NUMBERS, lambda r: [abs(x) for x in r.takeOrdered(4, abs)],
         lambda xs: sorted(map(abs, xs))[:4]),
    Case("take", NUMBERS, lambda r: r.take(20), lambda xs: xs[:20]),
    Case("take more than there are", NUMBERS, lambda r: r.filter(lambda x: x == xs_last()).take(90),
         lambda xs: [x for x in xs if x == xs_last()]),
    Case("first", NUMBERS, lambda r: r.first(), lambda xs: xs[0]),
    Case("isEmpty", NUMBERS, lambda r: (r.isEmpty(), r.filter(lambda _: False).isEmpty()), lambda _: (False, True)),
    Case("lookup", PAIRS, lambda r: r.lookup(3), lambda ps: [v for k, v in ps if k == 3]),
    Case("lookup in one partition", MIXED, lambda r: r.partitionBy(4).lookup("1"), lambda _: [1, 7]),
    Case("toLocalIterator", NUMBERS, lambda r: list(r.toLocalIterator()), list),
    Case("toLocalIterator, prefetching", NUMBERS, lambda r: list(r.toLocalIterator(True)), list),
    Case("countApproxDistinct", NUMBERS, lambda r: r.countApproxDistinct(0.01), lambda xs: len(set(xs))),
    Case("countApprox", NUMBERS, lambda r: r.countApprox(60_000), len),
    Case("sumApprox", NUMBERS, lambda r: r.sumApprox(60_000), sum),
    Case("meanApprox", NUMBERS, lambda r: round(r.meanApprox(60_000), 9), lambda xs: round(sum(xs) / len(xs), 9)),
    Case("cached, twice", NUMBERS, lambda r: [(c := r.map(abs).cache()).sum(), c.sum()],
         lambda xs: [sum(map(abs, xs))] * 2),
]  # fmt: skip


def _figures(numbers: list[int]) -> tuple[float, float, float]:
    mean = sum(numbers) / len(numbers)
    squares = sum((x - mean) ** 2 for x in numbers)
    return mean, squares / len(numbers), (squares / (len(numbers) - 1)) ** 0.5


def xs_last() -> int:
    return NUMBERS[-1]


@pytest.mark.parametrize("partitions", PARTITIONS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_operation_does_what_plain_python_does(sc: Any, case: Case, partitions: int) -> None:
    answer = case.operation(sc.parallelize(case.records, partitions))
    assert case.compare(answer) == case.compare(case.model(case.records))


@pytest.mark.parametrize("partitions", PARTITIONS)
def test_nothing_is_made_of_nothing(sc: Any, partitions: int) -> None:
    empty, other = sc.parallelize([], partitions), sc.parallelize([(1, 2)])
    for rdd in (empty, sc.emptyRDD()):
        assert rdd.map(str).distinct().collect() == []
        assert rdd.join(other).collect() == rdd.groupByKey(2).collect() == rdd.subtractByKey(other).collect() == []
        assert other.leftOuterJoin(rdd).collect() == [(1, (2, None))]
        assert rdd.sortBy(str).collect() == rdd.take(3) == rdd.takeOrdered(3) == rdd.top(2) == []
        assert (rdd.count(), rdd.sum(), rdd.fold(0, add), rdd.isEmpty()) == (0, 0, 0, True)
        assert rdd.cartesian(other).collect() == rdd.zipWithIndex().collect() == rdd.takeSample(False, 3) == []
        assert rdd.countApproxDistinct() == 0
