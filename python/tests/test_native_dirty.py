"""A record that is not like the others costs itself, and no other: what it gives stands among what the kernels give."""

import enum
import math
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from operator import add
from typing import Any

import pytest
from conftest import MakeContext
from native_programs import exact
from test_native import in_both

from firesteel import _native
from firesteel.chain import Chain, Filter, FlatMap, FlatMapValues, KeyBy, Map, MapValues, OfRecords
from firesteel.join import Join, full_outer, intersect
from firesteel.native.joining import natively
from firesteel.native.plan import plan
from firesteel.native.running import _pieces
from firesteel.native.sinks import sum_rules
from firesteel.rdd import actions, numbers, pairs
from firesteel.shuffle import combine_locally, distinct_locally, group_locally, merge_combined

AUTO = {"firesteel.python.native": "auto"}


def never(records: Iterable[Any], *arguments: Any) -> Any:
    raise AssertionError("a whole table went to Python")


def pieces(records: list[Any], *steps: Any, at_once: int = 4096, may_hand_over: bool = False) -> list[Any]:
    """Runs steps over records in the kernels, which must not hand all of them over; returns what comes out, piece by
    piece."""
    found = plan(steps)
    assert found is not None and found.sink
    lists = [records[start : start + at_once] for start in range(0, len(records), at_once)]
    whole = Chain(steps)
    last: Any = steps[-1]
    step, last.function = last.function, last.function if may_hand_over else never
    try:
        return list(_pieces(whole, found, 0, iter(lists)))
    finally:
        last.function = step


def natively_as_interpreted(records: list[Any], *steps: Any, at_once: int = 4096, may_hand_over: bool = False) -> Any:
    """The results, which must be those of the interpreter."""
    wanted = list(Chain(steps)(0, records))
    made = pieces(records, *steps, at_once=at_once, may_hand_over=may_hand_over)
    found = [record for piece in made for record in piece]
    assert exact(found) == exact(wanted)
    return found


def test_a_key_of_another_type_stands_beside_the_table() -> None:
    records: list[Any] = [(x % 1000, x) for x in range(3000)]
    records[500] = (None, 7)
    step = OfRecords(combine_locally, None, lambda a, b: a + b)
    found = pieces(records, step)
    assert [type(piece) for piece in found] == [_native.Block, list, _native.Block]
    assert found[1] == [(None, 7)] and len(found[0]) == 500
    natively_as_interpreted(records, step)


@pytest.mark.parametrize("at", [0, 10, 2999])
def test_keys_that_are_equal_across_types_meet(at: int) -> None:
    for clean, dirty in (
        ([1, 2, 3, 0], [1.0, True, 0.0, -0.0, False, 2.5, "1", None, 2**70, (1,), ""]),
        (["a", "b", ""], [1, 1.0, True, None, "a", ("a",)]),
        ([1.0, 0.0, 2.5], [1, True, -0.0, 0, 2**53 + 1, None, "x", math.inf]),
        ([True, False], [1, 0.0, -0.0, 2, 0.5, "x"]),
        ([(1, "a"), (2, "b")], [(1.0, "a"), (True, "a"), (1, "a", 2), (1, None), 1, ("1", "a"), (2**70, "a")]),
    ):
        for one in dirty:
            records: list[Any] = [(clean[x % len(clean)], x) for x in range(3000)]
            records[at] = (one, 0.5)
            records.append((one, 1))
            natively_as_interpreted(records, OfRecords(combine_locally, None, lambda a, b: a + b))
            natively_as_interpreted([key for key, _ in records], OfRecords(distinct_locally))
            natively_as_interpreted([key for key, _ in records], Map(lambda k: k, ""), OfRecords(pairs._counts))


MERGES: list[Callable[[Any, Any], Any]] = [
    *(lambda a, b: a + b, lambda a, b: a * b, lambda a, b: min(a, b), lambda a, b: max(a, b), lambda a, b: b),
    *(lambda a, b: a, max, min, add),
]


@pytest.mark.parametrize("merge", MERGES)
def test_values_of_other_types_are_merged_as_python_merges_them(merge: Callable[[Any, Any], Any]) -> None:
    rng = random.Random(5)
    dirty = [2.5, -0.0, True, False, 2**62, 2**63, 2**70, -(2**90), 1e300, 0, 2**53 + 1, float(2**53), math.inf]
    for clean in ([1, -3, 2**61], [0.5, -2.0, 1e16], [True, False]):
        records = [(x % 7, rng.choice(clean if rng.random() < 0.9 else dirty)) for x in range(400)]
        values = [value for _, value in records]
        # Products leave 128 bits.
        how: dict[str, Any] = {"may_hand_over": merge is MERGES[1]}
        for at_once in (1, 50, 4096):
            natively_as_interpreted(records, OfRecords(merge_combined, merge), at_once=at_once, **how)
            natively_as_interpreted(values, OfRecords(actions._reduced, merge), at_once=at_once, **how)
            if merge is not MERGES[5]:  # which is no rule for a zero
                natively_as_interpreted(values, OfRecords(actions._folded, merge, 0), at_once=at_once, **how)


def test_texts_are_merged() -> None:
    words = ["", "a", "b", "é", "日本", "z", "😀"]
    records = [(x % 5, words[x * 7 % 11 % 7]) for x in range(200)]
    for merge in (lambda a, b: a + b, lambda a, b: b + a, min, max, lambda a, b: b):
        if plan([OfRecords(combine_locally, None, merge)]) is not None:
            natively_as_interpreted(records, OfRecords(combine_locally, None, merge))
        natively_as_interpreted(records, OfRecords(combine_locally, lambda v: v, merge))
    joined = natively_as_interpreted([value for _, value in records], OfRecords(actions._reduced, add))
    assert len(joined[0]) == sum(len(value) for _, value in records)


def test_a_value_that_no_rule_merges_is_merged_by_the_function() -> None:
    count = lambda a, v: (a[0] + int(v), a[1] + 1)  # noqa: E731
    records: list[Any] = [("k", "1"), ("l", "2"), ("k", "２"), ("k", "3"), ("m", "４")]
    step = OfRecords(combine_locally, lambda v: (int(v), 1), count)
    assert natively_as_interpreted(records, step) == [("k", (6, 3)), ("l", (2, 1)), ("m", (4, 1))]


def test_a_value_that_is_no_number_ends_as_in_the_interpreter(fresh_context: MakeContext) -> None:
    from firesteel.errors import JobError

    sc = fresh_context("local[1]", AUTO)
    records: list[Any] = [("k", 1)] * 50 + [("k", None)] + [("k", 1)] * 50
    with pytest.raises(JobError) as failed:
        sc.parallelize(records, 1).reduceByKey(lambda a, b: a + b).collect()
    assert type(failed.value.__cause__) is TypeError


class Whole(enum.IntEnum):
    ONE = 1
    LARGE = 2**70


class Broken(float):
    """A float of another class."""


def test_sums_of_floats_are_those_of_the_running_interpreter() -> None:
    compensates, _ = sum_rules()
    assert compensates == (sys.version_info >= (3, 12))
    rng = random.Random(7)
    sums = OfRecords(numbers._sum)
    wholes: list[list[Any]] = [[], [1], [True], [2**70, 3], [2**200, 3], [2**62, 2**62, 2**62]]
    others: list[list[Any]] = [[Whole.ONE], [Whole.ONE, 2**70], [Whole.LARGE, 1.0], [Broken(1e16), 1.0, -1e16]]
    for dirty in (*wholes, *others, [math.inf], [math.inf, -math.inf], [-0.0]):
        for begin in (0, 3, 50):
            some: list[Any] = [rng.uniform(-1, 1) * 10 ** rng.randrange(18) for _ in range(100)]
            some[begin:begin] = dirty
            for records in (some, [x for x in some if type(x) is not float], [-0.0, -0.0]):
                for at_once in (1, 7, 4096):
                    natively_as_interpreted(records, Map(lambda x: x, ""), sums, at_once=at_once)


def test_statistics_are_those_of_the_interpreter_bit_by_bit() -> None:
    rng = random.Random(9)
    step = OfRecords(numbers._stats)
    for dirty in ([], [1, 2**60], [2**70], [-0.0], [math.inf], [math.nan]):
        some: list[Any] = [rng.uniform(-1, 1) * 10 ** rng.randrange(9) for _ in range(60)]
        for at in range(len(dirty)):
            some.insert(20 * at, dirty[at])
        for records in (some, [1, 5, -3], [True, 2, False], []):
            (wanted,) = Chain([step])(0, records)
            ((found,),) = pieces(records, step, at_once=7)
            assert exact(list(vars(found).values())) == exact(list(vars(wanted).values()))


def test_a_group_goes_on_in_columns_behind_a_record_that_was_handed_back() -> None:
    records: list[Any] = [(x % 10, x) for x in range(1000)]
    records[500] = (5, None)
    # Values of a key come together where Python groups them, and stay apart here.
    records = [(at, value) for at, (_, value) in enumerate(records)]
    steps = (Map(lambda p: (p[0], p[1]), ""), OfRecords(group_locally))
    found = plan(steps)
    assert found is not None
    got = list(_pieces(Chain(steps), found, 0, iter([records])))
    assert [list(piece) for piece in got] == [records[:500], records[500:501], records[501:]]


def test_a_shuffle_cuts_blocks_only_where_a_pickled_record_goes(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[1]", AUTO)
    records: list[Any] = [(x % 8, x) for x in range(2000)]
    for at in range(100, 2000, 300):
        records[at] = (records[at][0], None)
    rdd = sc.parallelize(records, 1).map(lambda p: (p[0], p[1])).partitionBy(4)
    wanted = [[record for record in records if record[0] % 4 == place] for place in range(4)]
    assert rdd.glom().collect() == wanted
    assert rdd.mapValues(lambda v: v).glom().collect() == wanted


@pytest.mark.parametrize("match", [full_outer, intersect])
def test_joins_that_remember_keys(match: Any) -> None:
    rng = random.Random(11)
    for _ in range(100):
        dirty = [None, "x", 2.0, True, 2**70] if rng.random() < 0.5 else [1]
        key = lambda: rng.choice(dirty) if rng.random() < 0.1 else rng.randrange(20)  # noqa: E731
        left = [(key(), rng.randrange(9)) for _ in range(rng.choice([0, 3, 40]))]
        right = [(rng.randrange(25), rng.randrange(9)) for _ in range(rng.choice([0, 3, 40]))]
        wanted = list(Join(match)(0, left, right))
        join: Any = natively(Join(match))
        cut = [left[start : start + 7] for start in range(0, len(left), 7)]
        assert list(join.over_two(0, iter(cut), iter([right]))) == wanted


def test_tuples_compare_by_the_nan_that_they_hold() -> None:
    nan, other = math.nan, float("nan")
    shared, mixed = [(nan, -1), (nan, 5), (2.0, 3), (nan, 4)], [(nan, -1), (other, 5), (nan, 4)]
    for values in (shared, mixed, [(2.0, 1), (nan, 7), (nan, 9)]):
        records = [(x % 3, value) for x, value in enumerate(values * 50)]
        for made in (Map(lambda x: x, ""), Map(lambda x: (False, x[1]), "")):
            step = OfRecords(combine_locally, None, max)
            natively_as_interpreted(records, made, step, may_hand_over=True)
        for made in (Map(lambda x: x, ""), Map(lambda x: (x[0], x[1]), "")):
            for reduced in (OfRecords(actions._reduced, max), OfRecords(actions._folded, max, (0.5, 0))):
                natively_as_interpreted(values * 50, made, reduced, may_hand_over=True)


def quarantined(records: Iterable[Any]) -> Iterator[Any]:
    """Goes on behind an error, as programs do that put bad records aside."""
    iterator = iter(records)
    while True:
        try:
            yield next(iterator)
        except StopIteration:
            return
        except Exception as error:
            yield "bad", type(error).__name__


@pytest.mark.parametrize(
    "step",
    [
        *(Map(lambda s: int(s), "map"), KeyBy(lambda s: int(s), "keyBy"), FlatMap(lambda s: [int(s)], "flatMap")),
        *(Filter(lambda s: int(s) > 1, "filter"), FlatMap(lambda s: (int(c) for c in s), "flatMap")),
    ],
)
@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_what_comes_behind_an_error_that_is_caught_is_what_the_interpreter_gives(step: Any, at_once: int) -> None:
    records = ["1", "x", "2", "y", "3", "z", "zz", "4"]
    pairs = [("k", record) for record in records]

    def agree(step: Any, records: list[Any]) -> None:
        lists = (records[start : start + at_once] for start in range(0, len(records), at_once))
        in_both([step, OfRecords(quarantined)], *lists)

    agree(step, records)
    agree(MapValues(lambda s: int(s), "mapValues"), pairs)
    agree(FlatMapValues(lambda s: [int(s)], "flatMapValues"), pairs)


def test_a_sample_ends_where_an_error_is_caught_behind_it(fresh_context: MakeContext) -> None:
    def drawn(mode: str) -> Any:
        sc = fresh_context(settings={"firesteel.python.native": mode})
        numbers = sc.parallelize([i % 7 for i in range(3000)], 1).map(lambda v: 7 // v)
        kept = numbers.sample(False, 0.9, 1).mapPartitions(quarantined).collect()
        sc.stop()
        return kept

    assert drawn("auto") == drawn("off")


def test_where_a_good_part_comes_back_the_rest_is_interpreted() -> None:
    """A steady mix of types costs more natively than it saves: the kernels see a few chunks of it, and no more."""
    records = list(range(40_960))
    lists = (records[start : start + 4096] for start in range(0, len(records), 4096))
    _, back = in_both([Map(lambda n: "even" if n % 2 == 0 else n, "map")], *lists)
    assert back == 4 * 2048 + 6 * 4096, "half of four chunks, and all of the others"
    few = (records[start : start + 4096] for start in range(0, len(records), 4096))
    _, back = in_both([Map(lambda n: "tenth" if n % 10 == 0 else n, "map")], *few)
    assert back == 4096, "these are too few to stop for"
