"""Typed records through shuffles: the same results as with objects, in the same places and order."""

import random
import warnings
from fractions import Fraction
from typing import Any

import native_exchanges
import pytest
from conftest import MASTER, MakeContext
from test_spill_files import job_of

from firesteel import SparkContext

AUTO = {"firesteel.python.native": "auto"}


@pytest.mark.parametrize("first", range(0, 300, 100))
def test_random_programs_agree(first: int, fresh_context: MakeContext) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        master = "local[1]" if MASTER == "local[2]" else MASTER
        assert not list(native_exchanges.differences(range(first, first + 100), master))


@pytest.mark.parametrize(
    "settings",
    [
        *({"spark.io.encryption.enabled": "true"}, {"spark.shuffle.compress": "false"}),
        *({"spark.shuffle.service.enabled": "false"},),
    ],
)
def test_random_programs_agree_with_settings(settings: dict[str, str], fresh_context: MakeContext) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        assert not list(native_exchanges.differences(range(5000, 5030), MASTER, settings.items()))


def _hashed(keys: list[Any]) -> list[tuple[Any, int]]:
    from firesteel.rdd.base import portable_hash

    return [(key, portable_hash(key)) for key in keys]


def _many_keys() -> list[Any]:
    rng = random.Random(3)
    points = [0x41, 0x7F, 0x80, 0xE9, 0xFF, 0x100, 0x65E5, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF]
    texts = ["".join(chr(rng.choice(points[: rng.randrange(1, 12)])) for _ in range(length)) for length in range(40)]
    ints = [sign * ((1 << bits) + more) for bits in range(63) for more in (-1, 0, 1) for sign in (1, -1)]
    ints += [2**63 - 1, -(2**63)]
    floats = [rng.choice([1, -1]) * rng.random() * 2.0 ** rng.randrange(-1074, 1023) for _ in range(500)]
    floats += [0.0, -0.0, float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308] + [float(one) for one in ints]
    tuples = [(number, text, None, number % 2 == 0) for number, text in zip(ints, texts)]
    return [texts, ints, floats, [True, False], [None], tuples, [(one,) for one in tuples]]


def test_keys_are_placed_as_objects_are(fresh_context: MakeContext) -> None:
    sc = fresh_context(settings=AUTO)
    for keys in _many_keys():
        wanted: list[list[Any]] = [[] for _ in range(97)]
        for key, hashed in sc.parallelize([keys], 1).mapPartitions(lambda lists: _hashed(next(lists))).collect():
            wanted[hashed % 97].append((key, 1))
        placed = sc.parallelize(keys, 1).map(lambda key: (key, 1)).partitionBy(97).glom().collect()
        assert native_exchanges.exact(placed) == native_exchanges.exact(wanted)


def test_what_one_mode_has_written_the_other_reads(fresh_context: MakeContext) -> None:
    sc = fresh_context(settings=AUTO)
    pairs = [(key % 7, key) for key in range(1000)]

    def merge(a: int, b: int) -> int:
        return sum([a, b])

    native = sc.parallelize(pairs, 3).map(lambda p: (p[0], p[1] + 1)).reduceByKey(lambda a, b: a + b, 2)
    interpreted_behind = native.mapPartitions(lambda records: [dict(records)])
    assert sorted(part for parts in interpreted_behind.collect() for part in parts.items()) == [
        (key, sum(range(key, 1000, 7)) + len(range(key, 1000, 7))) for key in range(7)
    ]
    written_by_objects = sc.parallelize(pairs, 3).map(lambda p: [p for _ in (1,)][0]).partitionBy(2)
    assert sorted(written_by_objects.mapValues(lambda v: v + 1).collect()) == [(k, v + 1) for k, v in sorted(pairs)]
    both = sc.parallelize(pairs, 3).map(lambda p: (p[0], p[1])).combineByKey(lambda v: v, merge, lambda a, b: a + b)
    assert sorted(both.collect()) == [(key, sum(range(key, 1000, 7))) for key in range(7)]


def test_records_are_counted_by_themselves(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[1]", AUTO)
    tasks = job_of(sc, lambda: sc.range(0, 1000, numSlices=2).map(lambda x: (x, x)).partitionBy(3).count())
    assert sum(task["Shuffle Write Metrics"]["Shuffle Records Written"] for task in tasks) == 1000
    assert sum(task["Shuffle Read Metrics"]["Total Records Read"] for task in tasks) == 1000


def _alive(records: Any) -> list[Any]:
    """Returns all records, behind the most of them that were alive at a time: now and then it is looked."""
    import gc

    most, read = 0, []
    for at, record in enumerate(records):
        if at % 500 == 0:
            ours = (one for one in gc.get_objects() if type(one) is tuple and len(one) == 2 and one[0] == "ours")
            most = max(most, sum(1 for _ in ours))
        read.append(list(record))
    return [most, read]


def test_objects_are_made_bit_by_bit(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[1]", AUTO)
    pairs: Any = sc.range(0, 5000, numSlices=1).map(lambda x: ("ours", [x, -x]))
    wanted = [["ours", [x, -x]] for x in range(5000)]
    for rdd in (pairs.partitionBy(1), pairs.partitionBy(1).map(lambda p: (p[0], p[1])), pairs.sortByKey(True, 1)):
        most, read = rdd.mapPartitions(_alive).collect()
        assert 0 < most < 1500, rdd
        assert read == wanted


def _watch(_: Any) -> list[Any]:
    """Notes what kernels of this worker read from, from now on."""
    from firesteel import _native
    from firesteel.native import ran

    class Watch:
        sources: list[str] = []

        def __getattr__(self, name: str) -> Any:
            return getattr(_native, name)

        def KernelRun(self, steps: Any, source: Any, *generator: Any) -> Any:
            self.sources.append(type(source).__name__)
            return _native.KernelRun(steps, source, *generator)

    ran._native = Watch()  # type: ignore[assignment]
    return []


def _watched(_: Any) -> list[Any]:
    from firesteel.native import ran

    return list(ran._native.sources)  # type: ignore[attr-defined]


def test_kernels_read_what_comes_through_a_shuffle_or_from_a_file_without_objects(
    fresh_context: MakeContext, tmp_path: Any
) -> None:
    sc = fresh_context("local[1]", AUTO)
    one = sc.parallelize([0], 1)
    (tmp_path / "text").write_text("a b\na\n")
    assert one.mapPartitions(_watch).collect() == []
    pairs: Any = sc.range(0, 1000, numSlices=1).map(lambda x: (x % 7, x))
    assert pairs.reduceByKey(lambda a, b: a + b, 1).count() == 7
    assert pairs.groupByKey(1).count() == 7
    assert pairs.sortByKey(True, 2).keys().count() == 1000
    words = sc.textFile(str(tmp_path / "text"), 1).flatMap(lambda line: line.split())
    counts = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b, 1)
    assert sorted(counts.collect()) == [("a", 2), ("b", 1)]
    assert set(one.mapPartitions(_watched).collect()) == {"range", "Lists"}


def test_a_table_that_is_full_is_passed_on(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[1]", {**AUTO, "firesteel.memory": "40m"})
    keys = 400_000
    pairs = sc.range(0, 2 * keys, numSlices=2).map(lambda x: (x % keys + 7, x))
    sums = pairs.map(lambda p: (p[0] * 1000003, p[1])).reduceByKey(lambda a, b: a + b, 2)
    assert sums.map(lambda p: p[1] == 2 * (p[0] // 1000003 - 7) + keys).countByValue() == {True: keys}


def test_caches_and_files_hold_typed_records(fresh_context: MakeContext, tmp_path: Any) -> None:
    sc = fresh_context(settings=AUTO)
    rdd = sc.range(0, 1000, numSlices=3).map(lambda x: (x % 10, f"{x}"))
    rdd.cache()
    wanted = [(x % 10, f"{x}") for x in range(1000)]
    assert rdd.collect() == wanted
    assert rdd.map(lambda p: [p for _ in (1,)][0]).collect() == wanted
    assert rdd.mapValues(lambda v: v + "x").collect() == [(key, value + "x") for key, value in wanted]
    assert rdd.zip(rdd).collect() == list(zip(wanted, wanted))
    rdd.saveAsPickleFile(str(tmp_path / "pickles"))
    assert sorted(sc.pickleFile(str(tmp_path / "pickles")).collect()) == sorted(wanted)
    rdd.saveAsTextFile(str(tmp_path / "texts"))
    assert sorted(sc.textFile(str(tmp_path / "texts")).collect()) == sorted(map(str, wanted))
    assert list(rdd.toLocalIterator()) == wanted
    assert rdd.coalesce(1).glom().collect() == [wanted]


def test_steps_behind_a_table_run_in_kernels() -> None:
    from operator import add

    from firesteel import _native
    from firesteel.chain import Chain, Map, OfRecords
    from firesteel.native.plan import plan
    from firesteel.native.running import _pieces
    from firesteel.rdd.pairs import _FromZero
    from firesteel.shuffle import combine_locally, merge_combined

    steps: list[Any] = [OfRecords(merge_combined, add), Map(lambda p: p[0] + p[1], "map")]
    found = plan(steps)
    assert found is not None
    (piece,) = _pieces(Chain(steps), found, 0, iter([[(1, 2), (1, 3), (2, 5)]]))
    assert type(piece) is _native.Block and list(piece) == [6, 7]
    # From a zero that is a tuple.
    count = lambda a, v: (a[0] + v, a[1] + 1)  # noqa: E731
    steps = [OfRecords(combine_locally, _FromZero((0.0, 0), count), count)]
    found = plan(steps)
    assert found is not None
    (piece,) = _pieces(Chain(steps), found, 0, iter([[(1, 2.5), (1, 3.5), (2, 5.5)]]))
    assert type(piece) is _native.Block and list(piece) == [(1, (6.0, 2)), (2, (5.5, 1))]


def test_what_kernels_do_not_merge_python_does() -> None:
    from operator import add

    from firesteel import _native
    from firesteel.chain import Chain, Map, OfRecords
    from firesteel.native.plan import plan
    from firesteel.native.running import _pieces
    from firesteel.shuffle import merge_combined

    steps: list[Any] = [OfRecords(merge_combined, add), Map(lambda p: p[0] + p[1], "map")]
    found = plan(steps)
    assert found is not None
    # What is behind is interpreted, too.
    pieces = list(_pieces(Chain(steps), found, 0, iter([[(1, 2), (1, Fraction(1, 2)), (2, 5)]])))
    assert not any(type(piece) is _native.Block for piece in pieces)
    assert [one for piece in pieces for one in piece] == [Fraction(7, 2), 7]


# Groups, joins and sorts


def _outcomes(make: MakeContext, run: Any) -> list[Any]:
    """Runs something with kernels and without."""
    results = []
    for mode in ("off", "auto"):
        sc = make("local[1]", {"firesteel.python.native": mode})
        results.append(native_exchanges.exact(native_exchanges._plain(run(sc))))
        sc.stop()
    return results


def test_groups_and_joins_give_what_objects_give(fresh_context: MakeContext) -> None:
    def run(sc: SparkContext) -> list[Any]:
        pairs: Any = sc.range(0, 500, numSlices=3).map(lambda x: (x % 17, f"{x}"))
        others = sc.range(0, 40, numSlices=2).map(lambda x: (x, x * 0.5))
        lists = others.mapValues(lambda v: [v, v])
        dirty = sc.parallelize([(1, 2), (True, 3), (1.0, 4), ("1", 5), (2**70, 6), (3, None)], 2)
        sides: list[Any] = [pairs, others, lists, dirty]
        results: list[Any] = [side.groupByKey(3).glom().collect() for side in sides]
        for left in sides:
            for right in sides:
                results.append(left.join(right, 3).glom().collect())
                results.append(left.leftOuterJoin(right, 3).glom().collect())
                results.append(left.rightOuterJoin(right, 3).glom().collect())
                results.append(left.subtractByKey(right, 3).glom().collect())
        return results

    off, auto = _outcomes(fresh_context, run)
    assert off == auto


def test_sorted_records_lie_where_objects_lie(fresh_context: MakeContext) -> None:
    def run(sc: SparkContext) -> list[Any]:
        numbers = sc.range(0, 2000, numSlices=3)
        keyed = [
            *(numbers.map(lambda x: (x * 7919 % 101, x)), numbers.map(lambda x: (f"{x * 7919 % 101}é", x))),
            *(numbers.map(lambda x: ((x % 5) * -0.0, x)), numbers.map(lambda x: ((x % 3, f"{x % 50}"), x))),
            *(numbers.map(lambda x: (x % 2 == 0, x)), numbers.map(lambda x: (2**62 * (x % 3), x))),
        ]
        results: list[Any] = [rdd.sortByKey(up, 3).glom().collect() for rdd in keyed for up in (True, False)]
        results.append(numbers.map(lambda x: x % 13).sortBy(lambda x: -x, numPartitions=2).glom().collect())
        results.append(numbers.map(lambda x: x + 1).sample(False, 0.1, 5).collect())
        return results

    off, auto = _outcomes(fresh_context, run)
    assert off == auto


def test_lists_that_joins_repeat_stay_one(fresh_context: MakeContext) -> None:
    sc = fresh_context(settings=AUTO)
    left = sc.range(0, 10, numSlices=1).map(lambda x: (x % 2, f"{x} {x}")).mapValues(lambda v: v.split())
    right = sc.range(0, 4, numSlices=1).map(lambda x: (x % 2, x))
    joined = left.join(right, 1).mapPartitions(lambda pairs: [len({id(pair[1][0]) for pair in list(pairs)})])
    assert joined.collect() == [10]


def test_groups_joins_and_sorts_without_memory(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[1]", {**AUTO, "firesteel.memory": "2m"})
    pairs = sc.range(0, 60_000, numSlices=2).map(lambda x: (x * 7919 % 60_000, f"{x:>200}".replace(" ", "0")))
    assert pairs.groupByKey(1).map(lambda p: (p[0], len(list(p[1])))).map(lambda p: p[1]).sum() == 60_000
    assert pairs.join(pairs.mapValues(len), 1).map(lambda p: p[1][1]).sum() == 60_000 * 200
    placed = pairs.sortByKey(True, 2).keys().collect()
    assert placed == sorted(placed) and len(placed) == 60_000


def test_a_step_that_merges_has_an_exact_shape() -> None:
    from firesteel.chain import OfRecords
    from firesteel.native.plan import parts_of
    from firesteel.shuffle import combine_locally

    def is_native(create: Any, merge: Any) -> bool:
        return parts_of([OfRecords(combine_locally, create, merge)])[0].lowered is not None

    assert is_native(lambda v: (v, 1), lambda a, v: (a[0] + v, a[1] + 1))
    assert is_native(lambda v: v, lambda a, v: max(a, v * 2))
    assert not is_native(lambda v: (v, 1), lambda a, v: (a[1] + v, a[0] + 1))
    assert not is_native(lambda v: v, lambda a, v: a * 2 + v)
    assert not is_native(lambda v: v, lambda a, v: a - v)

    def three(a: Any, v: Any) -> Any:
        x, y, z = a
        return x + v, y + v

    assert not is_native(lambda v: (v, v), three)
