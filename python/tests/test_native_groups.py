"""Groups in the kernels: functions of the values of a key, as far as the interpreter would say the same of them."""

import re
from collections.abc import Callable
from operator import add
from typing import Any

import native_exchanges
import pytest
from conftest import MakeContext
from native_programs import exact
from test_native import in_both
from test_native_shuffle import AUTO, _outcomes

from firesteel import SparkContext, _native
from firesteel.chain import Chain, Filter, FlatMap, FlatMapValues, Map, MapValues, OfRecords
from firesteel.native.plan import plan
from firesteel.native.running import _pieces
from firesteel.rdd.pairs import _groups
from firesteel.resultiterable import ResultIterable

PAIRS: dict[str, list[Any]] = {
    "int": [(key, key * value % 7) for value in range(9) for key in (3, 1, 2)][:-4],
    "str": [(f"k{value % 3}", f"{value}é" * (value % 2)) for value in range(11)],
    "float": [((value % 2, "a"), value * 0.1) for value in range(9)],
    "tuple": [(value % 2, (value, str(value))) for value in range(5)],
}


def behind_groups(step: Any, pairs: list[Any]) -> tuple[list[Any], bool]:
    """Runs a step behind ``groupByKey``; returns what it gives, and whether that was computed natively."""
    steps = [OfRecords(_groups), step]
    found = plan(steps)
    assert found is not None
    pieces = list(_pieces(Chain(steps), found, 0, iter([pairs[:4], pairs[4:]])))
    is_native = all(type(piece) is _native.Block for piece in pieces)
    return [one for piece in pieces for one in piece], is_native


def interpreted(step: Any, pairs: list[Any]) -> Any:
    try:
        return exact(native_exchanges._plain(list(Chain([OfRecords(_groups), step])(0, pairs))))
    except Exception as error:
        return type(error), str(error)


def both(step: Any, pairs: list[Any]) -> bool:
    """Compares a step behind ``groupByKey`` with the interpreter; returns whether it was computed natively."""
    wanted = interpreted(step, pairs)
    try:
        results, is_native = behind_groups(step, pairs)
    except Exception as error:
        assert (type(error), str(error)) == wanted
        return False
    assert exact(native_exchanges._plain(results)) == wanted
    return is_native


def give(links_and_rank: Any) -> Any:
    """A page's rank in equal parts to those that it links to."""
    targets, rank = links_and_rank
    for target in targets:
        yield target, rank / len(targets)


def spread(p: Any) -> list[Any]:
    """Counts within a loop."""
    total = 0
    for value in p[1]:
        total += len(str(value))
        if total > 7:
            break
    return [total, len(p[1])]


STEPS: list[Any] = [
    *(Map(lambda p: (p[0], len(p[1])), "map"), Map(lambda p: p, "map"), Map(lambda p: p[1], "map")),
    *(Map(lambda p: [(value, p[0]) for value in p[1]], "map"), Map(lambda p: list(p[1]), "map"), Map(spread, "map")),
    *(Map(lambda p: (p[0], sorted(p[1])), "map"), MapValues(lambda v: [x for x in v if x], "mapValues")),
    *(FlatMap(lambda p: p[1], "flatMap"), FlatMapValues(list, "flatMapValues")),
    *(FlatMapValues(lambda v: v, "flatMapValues"), Filter(lambda p: not p[1], "filter")),
    *(MapValues(list, "mapValues"), MapValues(len, "mapValues"), MapValues(lambda v: 1.0, "mapValues")),
    *(Filter(lambda p: len(p[1]) > 3, "filter"), Filter(lambda p: p[1], "filter")),
    *(FlatMap(lambda p: ((x, len(p[1])) for x in p[1]), "flatMap"), FlatMap(lambda p: give((p[1], 1.5)), "flatMap")),
    *(Map(lambda p: [(at, x) for at, x in enumerate(p[1])], "map"), Map(lambda p: list(zip(p[1], p[1])), "map")),
    *(Map(lambda p: (p[1], p[0], p[1]), "map"), Map(lambda p: all(p[1]), "map"), Map(lambda p: any(p[1]), "map")),
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", PAIRS)
def test_functions_go_through_groups(step: Any, kind: str) -> None:
    is_native = both(step, PAIRS[kind])
    # Tuples have no order here, nor are they made texts.
    assert is_native or kind == "tuple"


OF_NUMBERS: list[Callable[[Any], Any]] = [
    *(sum, max, min, lambda v: sum(v) / len(v), lambda v: sum(x * x for x in v)),
    *(lambda v: 2 in v, lambda v: 2 not in v),
    *(lambda v: max(v) - min(v), lambda v: [x for x in v if x > 2], lambda v: sum(1 for x in v if x % 2)),
]


@pytest.mark.parametrize("function", OF_NUMBERS)
@pytest.mark.parametrize("kind", ["int", "float"])
def test_numbers_in_groups(function: Callable[[Any], Any], kind: str) -> None:
    assert both(MapValues(function, "mapValues"), PAIRS[kind])


def test_texts_in_groups() -> None:
    for function in (lambda v: ",".join(v), lambda v: "1é" in v, max, lambda v: sorted(x for x in v if x)):
        assert both(MapValues(function, "mapValues"), PAIRS["str"])


def unpacked(v: Any) -> Any:
    one, two = v
    return one, two


def caught(v: Any) -> Any:
    try:
        one, two = v
    except ValueError:
        return 0, 0
    return two, one


def test_groups_are_taken_apart() -> None:
    both(MapValues(unpacked, "mapValues"), PAIRS["int"])
    assert both(MapValues(caught, "mapValues"), PAIRS["int"])
    assert both(MapValues(unpacked, "mapValues"), [(key, value) for value in (1, 2) for key in "abc"])


@pytest.mark.parametrize(
    "function",
    [
        *(lambda v: v[0], lambda v: v[1:], lambda v: v == v, lambda v: v + v, lambda v: v == [1], lambda v: v < v),
        *(lambda v: v * 2, lambda v: v is None, lambda v: v in [1], lambda v: (v, v) == (v, v), lambda v: len(v.data)),
        *(lambda v: v.maxindex, lambda v: f"{len(v)}{type(v).__name__}", lambda v: v.index(1), lambda v: -v, abs),
    ],
)
def test_what_else_is_done_with_a_group_is_the_interpreters(function: Callable[[Any], Any]) -> None:
    for pairs in PAIRS.values():
        both(MapValues(function, "mapValues"), pairs)


def test_an_interpreted_function_gets_the_same_groups() -> None:
    def shown(p: Any) -> Any:
        return [type(p[1]) is ResultIterable, type(p[1].data) is list, [p[1].maxindex, dict([(1, list(p[1]))])]]

    for pairs in PAIRS.values():
        assert not both(Map(shown, "map"), pairs)


def test_a_value_that_fits_no_column_is_in_its_group() -> None:
    assert not both(Map(lambda p: (p[0], len(p[1])), "map"), [*PAIRS["int"], (1, 2**70), (1, None)])
    both(MapValues(lambda v: sum(v), "mapValues"), [*PAIRS["int"], (1, 2**63 - 1), (1, 2**63 - 1)])


# Whole programs


def page_ranks(sc: SparkContext) -> Any:
    """PageRank as PySpark's example has it."""

    def contributions(urls: Any, rank: float) -> Any:
        num_urls = len(urls)
        for url in urls:
            yield (url, rank / num_urls)

    def neighbors(urls: str) -> tuple[str, str]:
        parts = re.split(r"\s+", urls)
        return parts[0], parts[1]

    lines = sc.range(0, 2000, numSlices=3).map(lambda x: f"page{x * 7919 % 97}  \u00a0page{x * 40503 % 89}")
    links = lines.map(neighbors).distinct().groupByKey().cache()
    ranks = links.map(lambda url_neighbors: (url_neighbors[0], 1.0))
    for _ in range(3):
        given = links.join(ranks).flatMap(lambda both: contributions(both[1][0], both[1][1]))
        ranks = given.reduceByKey(add).mapValues(lambda rank: rank * 0.85 + 0.15)
    return ranks


def test_page_ranks_are_those_of_the_interpreter(fresh_context: MakeContext) -> None:
    off, auto = _outcomes(fresh_context, lambda sc: page_ranks(sc).glom().collect())
    assert off == auto


def test_page_ranks_run_natively_from_end_to_end(fresh_context: MakeContext, capsys: Any) -> None:
    ranks = page_ranks(fresh_context(settings=AUTO))
    ranks.explain()
    told = capsys.readouterr().out
    assert "interpreted" not in told and told.count("flatMap") == 3 and "neighbors" in told


def test_groups_go_through_caches_joins_and_shuffles(fresh_context: MakeContext) -> None:
    def run(sc: SparkContext) -> list[Any]:
        pairs: Any = sc.range(0, 900, numSlices=3).map(lambda x: (x % 17, f"{x}"))
        groups = pairs.groupByKey(3).cache()
        others = sc.range(0, 40, numSlices=2).map(lambda x: (x % 20, x * 0.5))
        more = others.groupByKey(3)
        return [
            *(groups.glom().collect(), groups.glom().collect(), groups.mapValues(list).collect()),
            *(groups.join(others).glom().collect(), others.join(groups).collect(), groups.join(more, 3).collect()),
            *(groups.leftOuterJoin(more).collect(), more.rightOuterJoin(groups).collect()),
            *(groups.partitionBy(5).mapValues(len).glom().collect(), groups.repartition(2).glom().collect()),
            *(groups.map(lambda p: (len(p[1]), p[1])).groupByKey().collect(), groups.sortByKey(False, 2).collect()),
            *(groups.join(more).flatMapValues(lambda both: ((x, y) for x in both[0] for y in both[1])).collect(),),
            *(groups.subtractByKey(more).collect(), groups.filter(lambda p: len(p[1]) > 52).collect(), groups.first()),
            *(groups.map(lambda p: p[1]).map(lambda v: max(v)).sortBy(lambda v: v).collect(), groups.count()),
            *(groups.zip(groups).map(lambda two: (two[0][0], len(two[1][1]))).collect(), groups.values().take(3)),
        ]

    off, auto = _outcomes(fresh_context, run)
    assert off == auto


def test_groups_in_files_are_those_of_the_interpreter(fresh_context: MakeContext, tmp_path: Any) -> None:
    sc = fresh_context(settings=AUTO)
    groups = sc.range(0, 100, numSlices=2).map(lambda x: (x % 7, x)).groupByKey(2)
    groups.saveAsPickleFile(str(tmp_path / "pickles"))
    read = sc.pickleFile(str(tmp_path / "pickles")).collect()
    assert all(type(values) is ResultIterable for _, values in read)
    assert sorted((key, list(values)) for key, values in read) == [(k, list(range(k, 100, 7))) for k in range(7)]


# Expressions that texts are split by

PATTERNS = [r"\s+", r"\s", " +", ",", "::", r"\|", r"\t", "[,;]", "[,;]+", r"[\s,]+", r",\|", "é"]
PATTERNS += ["é+", r"\.", r"[.\-]"]
SPLIT: list[Any] = [eval(f"lambda s: re.split({pattern!r}, s)") for pattern in PATTERNS]
COMPILED = re.compile(r"[\s;]+")


@pytest.mark.parametrize("function", [*SPLIT, lambda s: COMPILED.split(s)])
def test_texts_are_split_as_re_does(function: Callable[[str], Any]) -> None:
    spaces = [chr(point) for point in range(0x3001) if chr(point).isspace()]
    texts = ["", "a", " ", "a b", " a  b ", "a,b;;c", "::a::::b:", "a|b\tc", "éaééb日é", "a.b-c", "x,|y", *spaces]
    texts += [f"a{one}{two}é" for one in spaces for two in (";", " ", "\x1c")]
    results, handed_back = in_both([Map(function, "map")], texts)
    assert handed_back == 0 and len(results[0]) == len(texts)


OTHERS = ["a*", r"\d", r"\w+", "[a-c]", "[^,]", "(,)", "a|b", ".", "^a", "", "(?i)a", ",+?", r"\b", "a{2}", "[]a]"]


@pytest.mark.parametrize("pattern", OTHERS)
def test_other_expressions_are_the_interpreters(pattern: str) -> None:
    from firesteel.native.patterns import separators

    assert separators(pattern) is None and separators(re.compile(",", re.I)) is None


# The first records

ORDERED: list[tuple[Any, list[Any]]] = [
    (None, [5, 3, 9, 3, -1, 7, 2**40, 0]),
    (lambda x: -x, [5, 3, 9, 3, -1, 7, 2**40, 0]),
    (lambda x: x % 3, list(range(100))),
    (len, ["b", "", "abc", "é", "abcd", "zz"] * 3),
    (None, ["b", "", "abc", "é", "abcd", "zz"]),
    (lambda p: p[1], [(x, x * 0.5 % 3) for x in range(30)]),
    (lambda p: (-p[1], p[0]), [(f"{x}", x * 7 % 5) for x in range(30)]),
    (lambda x: 12 // x, [4, 3, 6, 1, 2]),
    (lambda x: 1 if x > 2 else 0.5, [1, 3, 2, 4]),
    (None, [1, 2.5, "a", None, 3]),
    (None, [float("nan"), 1.0, 2.0, float("nan"), 0.5]),
    (lambda x: 12 // x, [4, 3, 0, 1, 2]),
    (lambda x: {1: 2}.get(x, x), [3, 2**70, 1, 5]),
]


@pytest.mark.parametrize("at", range(len(ORDERED)))
@pytest.mark.parametrize("is_largest", [False, True])
def test_first_records_are_those_of_the_interpreter(at: int, is_largest: bool) -> None:
    from firesteel.rdd import actions

    key, records = ORDERED[at]
    for count in (0, 1, 3, 1000):
        step = OfRecords(actions._largest if is_largest else actions._smallest, count, key)
        in_both([Map(lambda x: x, "map"), step], list(records), list(records[::-1]))


def test_first_records_of_very_many_stay_few() -> None:
    from firesteel.rdd import actions

    for function in (actions._largest, actions._smallest):
        steps = [Map(lambda x: (x * 7919 % 1009, f"{x}"), "map"), OfRecords(function, 5, lambda p: p[0])]
        found = plan(steps)
        assert found is not None and found.sink == "first"
        numbers = [list(range(begin, begin + 5000)) for begin in range(0, 150_000, 5000)]
        results, handed_back = in_both(steps, *numbers)
        assert handed_back == 0 and len(results[0]) == 5


def test_programs_take_their_first_records_natively(fresh_context: MakeContext) -> None:
    def run(sc: SparkContext) -> list[Any]:
        pairs: Any = sc.range(0, 3000, numSlices=3).map(lambda x: (f"{x % 41}", x * 31 % 101))
        counts = pairs.reduceByKey(add)
        return [
            *(counts.takeOrdered(4, key=lambda p: -p[1]), counts.top(4, key=lambda p: p[1]), pairs.top(3)),
            *(pairs.takeOrdered(7), pairs.top(0), sc.parallelize([1, "a"], 2).takeOrdered(1, key=str)),
        ]

    off, auto = _outcomes(fresh_context, run)
    assert off == auto


# Several sides


DIRT = [[], [(1, 2**70)], [(2**70, 1)], [(1, None), (None, 1)], [(-0.0, 1)], [(1, float("nan"))]]


@pytest.mark.parametrize("dirt", DIRT)
def test_sides_are_those_of_the_interpreter(dirt: list[Any]) -> None:
    from firesteel.join import Cogroup, Tag

    one = [(x % 4, f"{x}") for x in range(10)]
    two: list[Any] = [(x % 6, x) for x in range(20)] + dirt
    tagged = list(Tag(0)(0, one)) + list(Tag(2)(0, two))
    for step in (MapValues(lambda sides: [list(side) for side in sides], "mapValues"), Map(lambda p: p, "map")):
        steps = [Cogroup(3), step]
        found = plan(steps)
        assert found is not None
        pieces = list(_pieces(Chain(steps), found, 0, iter([tagged[:10], tagged[10:]])))
        results = [one for piece in pieces for one in piece]
        wanted = exact(native_exchanges._plain(list(Chain(steps)(0, tagged))))
        assert exact(native_exchanges._plain(results)) == wanted
        assert dirt or isinstance(step, MapValues) or all(type(piece) is _native.Block for piece in pieces)


def test_cogroups_give_what_objects_give(fresh_context: MakeContext) -> None:
    def run(sc: SparkContext) -> list[Any]:
        left: Any = sc.range(0, 300, numSlices=3).map(lambda x: (x % 17, f"{x}"))
        right: Any = sc.range(0, 40, numSlices=2).map(lambda x: (x, x * 0.5))
        both = left.cogroup(right, 3)
        return [
            *(both.glom().collect(), both.cache().mapValues(lambda sides: (len(sides[0]), len(sides[1]))).collect()),
            *(both.flatMapValues(lambda sides: [(x, y) for x in sides[0] for y in sides[1]]).collect(),),
            *(left.groupWith(right, left.mapValues(len)).glom().collect(), both.map(lambda p: sum(p[1][1])).collect()),
        ]

    off, auto = _outcomes(fresh_context, run)
    assert off == auto


def test_blocks_of_shuffles_and_caches_come_as_they_are(fresh_context: MakeContext, tmp_path: Any) -> None:
    settings = {"spark.eventLog.enabled": "true", "spark.eventLog.compress": "false"}
    sc = fresh_context("local[1]", {**AUTO, **settings, "spark.eventLog.dir": str(tmp_path)})
    groups = sc.range(0, 600, numSlices=2).map(lambda x: (x % 7, x)).groupByKey(2).cache()
    ones = groups.mapValues(lambda values: 1.5)
    for _ in range(2):
        assert groups.join(ones).flatMap(lambda p: ((x, p[1][1]) for x in p[1][0])).count() == 600
    sc.stop()
    logged = "".join(path.read_text() for path in tmp_path.rglob("events*"))
    # As objects no group could be in a column.
    assert set(re.findall(r'"Records Handed Back":(\d+)', logged)) == {"0"}
