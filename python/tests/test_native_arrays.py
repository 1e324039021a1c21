"""numpy's arrays in the kernels: what numpy makes of them, bit by bit, or the record is handed back."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from conftest import MakeContext

numpy = pytest.importorskip("numpy")

import native_arrays  # noqa: E402
import native_programs  # noqa: E402
import numpy as np  # noqa: E402
from test_native import in_both  # noqa: E402

from firesteel.chain import Chain, Filter, Map, MapValues, OfRecords  # noqa: E402
from firesteel.native import NotLowered, arrays, lower  # noqa: E402
from firesteel.native.plan import plan  # noqa: E402
from firesteel.native.running import over  # noqa: E402
from firesteel.rdd import actions  # noqa: E402
from firesteel.shuffle import combine_locally  # noqa: E402

GENERATOR = np.random.default_rng(5)
CENTERS = [row.copy() for row in GENERATOR.random((5, 8))]
POINTS = [row.copy() for row in GENERATOR.random((100, 8))]


@pytest.mark.parametrize("first", range(0, 1200, 300))
def test_random_programs_agree(first: int) -> None:
    native_programs.Watched.figures()
    told = [native_arrays.difference(seed) for seed in range(first, first + 300)]
    assert not [text for text, _ in told if text]
    assert sum(is_native for _, is_native in told) > 150
    came, back = native_programs.Watched.figures()
    assert back < came * 2 / 3


def parsed(line: str) -> Any:
    return np.array([float(x) for x in line.split(" ")])


def closest(point: Any, centers: list[Any]) -> int:
    best, least = 0, float("+inf")
    for at in range(len(centers)):
        distance = np.sum((point - centers[at]) ** 2)
        if distance < least:
            least = distance
            best = at
    return best


def handed_back(function: Callable[[Any], Any], records: list[Any]) -> int:
    """Runs a function over records in both ways; returns how many the kernels have handed back."""
    return in_both([Map(function, "map")], records)[1]


def natively(steps: list[Any], records: list[Any]) -> list[Any]:
    """Runs steps natively only, as far as they can."""
    found = plan(steps)
    assert found is not None
    return list(over(Chain(steps, "here"), found, 0, iter([records])))


def test_the_functions_of_k_means_are_answered_for_all_points() -> None:
    lines = [" ".join(map(repr, point.tolist())) for point in POINTS]
    assert handed_back(parsed, lines) == 0
    assert handed_back(lambda p: (closest(p, CENTERS), (p, 1)), POINTS) == 0
    assert handed_back(lambda st: (st[0], st[1][0] / st[1][1]), [(1, (point, 3)) for point in POINTS]) == 0
    merge = OfRecords(combine_locally, None, lambda a, b: (a[0] + b[0], a[1] + b[1]))
    steps = [Map(lambda p: (closest(p, CENTERS), (p, 1)), "map"), merge]
    assert in_both(steps, POINTS, POINTS)[1] == 0


def test_sums_are_numpys_for_all_lengths() -> None:
    records = [GENERATOR.normal(size=length) * 10.0 ** GENERATOR.integers(-9, 9, length) for length in range(2000)]
    assert handed_back(lambda p: (np.sum(p), p.sum()), records) == 0
    assert handed_back(lambda p: np.sum(p), [np.full(length, -0.0) for length in range(300)]) == 0


def test_what_numpy_would_warn_of_is_handed_back() -> None:
    huge = [np.array([1e308, 2.0]), np.array([1.0, 2.0])]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        assert handed_back(lambda p: p + p, huge) == 1
        assert handed_back(lambda p: p / p[0], [np.array([0.0, 1.0]), *huge]) == 1
        assert handed_back(lambda p: 1.0 / np.sum(p), [np.array([1.0, -1.0]), *huge]) == 1
        assert handed_back(lambda p: np.sqrt(p), [np.array([-1.0]), *huge]) == 1


def test_arrays_of_other_kinds_are_handed_back() -> None:
    frozen = POINTS[0].copy()
    frozen.flags.writeable = False
    others = [np.arange(8), POINTS[0].reshape(2, 4), POINTS[0][::-1], frozen, POINTS[0].astype(">f8"), np.array(1.5)]
    assert handed_back(lambda p: p * 2.0, [*POINTS, *others]) == len(others)
    assert handed_back(lambda p: p + CENTERS[0], [*POINTS, np.array([1.0]), 1]) == 2


def test_what_would_change_an_array_is_interpreted() -> None:
    def halved(p: Any) -> Any:
        p /= 2
        return p

    records = [point.copy() for point in POINTS[:10]]
    results = natively([Map(halved, "map")], records)
    assert [result is record for result, record in zip(results, records)] == [True] * 10
    assert all((record * 2 == before).all() for record, before in zip(records, POINTS))


def test_an_array_that_a_function_behind_could_change_is_the_records_own() -> None:
    def halved(p: Any) -> Any:
        p /= 2
        return [p, print][:1]

    records = [point.copy() for point in POINTS[:10]]
    kept = natively([Filter(lambda p: p[0] >= 0.0, "filter"), Map(halved, "map")], records)[0]
    assert kept[0] is records[0] and (records[0] * 2 == POINTS[0]).all()
    whole = [Filter(lambda p: p[0] >= 0.0, "filter"), OfRecords(actions._reduced, changing)]
    (total,) = natively(whole, records)
    assert total is records[0]


def changing(a: Any, b: Any) -> Any:
    a += b
    return a


def test_an_array_of_a_table_stays_the_programs_own() -> None:
    given = natively([Map(lambda i: CENTERS[i], "map")], [0, 1, 1])
    assert [any(one is center for center in CENTERS) for one in given] == [True] * 3
    assert handed_back(lambda i: CENTERS[i] * 1.0, [0, 1, 1]) == 0
    assert handed_back(lambda i: (np.zeros(2), CENTERS[i]), [0, 1]) == 2


def test_tables_and_settings_are_looked_at_before_each_batch() -> None:
    centers, shift = [center.copy() for center in CENTERS], np.zeros(8)
    lowered = lower(lambda p: closest(p + shift, centers))
    assert all(read.holds() for read in lowered.reads)
    centers[2][3] += 1.0
    assert not all(read.holds() for read in lowered.reads)
    lowered = lower(lambda p: closest(p + shift, centers))
    shift[0] = 1.0
    assert not all(read.holds() for read in lowered.reads)
    lowered = lower(lambda p: np.sum(p))
    with np.errstate(under="raise"):
        assert not all(read.holds() for read in lowered.reads)
        assert handed_back(lambda p: p * 2.0, POINTS) == len(POINTS)
        with pytest.raises(NotLowered, match="numpy, which computes in another way here"):
            lower(lambda p: np.sum(p))


def test_a_numpy_that_adds_in_another_order_is_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert arrays._compared(np)
    monkeypatch.setattr(arrays, "_sum", lambda array: sum(array.tolist()))
    monkeypatch.setattr(arrays, "_agrees", None)
    assert handed_back(lambda p: p * 2.0, POINTS) == len(POINTS)
    with pytest.raises(NotLowered):
        lower(lambda p: np.sum(p))


def test_truth_values_are_of_the_type_that_the_interpreter_gives() -> None:
    assert handed_back(lambda p: (p[0] < 0.5, not p[0] < 0.5, not (not p[0] < 0.5)), POINTS) == 0
    assert in_both([Filter(lambda p: np.sum(p) > 4.0, "filter")], POINTS)[1] == 0
    assert in_both([MapValues(lambda p: float(p[0]) if p[1] > 0.5 else float(len(p)), "v")], [(1, POINTS[0])])[1] == 0


def _results(sc: Any) -> list[Any]:
    """Runs operations by key over arrays."""
    pairs = sc.parallelize([(at % 7, point) for at, point in enumerate(POINTS)], 3)
    made = pairs.mapValues(lambda p: p * 0.5 - 1.0)
    sums = made.reduceByKey(lambda a, b: a + b)
    averages = (
        pairs.map(lambda kv: (kv[0], (kv[1], 1)))
        .reduceByKey(lambda a, b: (a[0] + b[0], a[1] + b[1]))
        .mapValues(lambda s: s[0] / s[1])
    )
    added, merged = lambda a, v: (a[0] + v, a[1] + 1), lambda a, b: (a[0] + b[0], a[1] + b[1])  # noqa: E731
    combined = made.combineByKey(lambda v: (v, 1), added, merged)
    return [
        sums.glom().collect(),
        averages.glom().collect(),
        combined.glom().collect(),
        made.groupByKey().mapValues(list).glom().collect(),
        made.join(sums.mapValues(lambda p: np.sum(p))).glom().collect(),
        made.join(sums).glom().collect(),
        made.sortByKey().glom().collect(),
        made.values().reduce(lambda a, b: a + b),
        made.map(lambda kv: (kv[0], np.sum(kv[1]) > 0.0)).glom().collect(),
        made.partitionBy(2).map(lambda kv: (kv[0], kv[1][0])).glom().collect(),
    ]


def test_arrays_go_through_shuffles_as_they_are(fresh_context: MakeContext) -> None:
    given = []
    for mode in ("off", "auto"):
        sc = fresh_context(settings={"firesteel.python.native": mode})
        given.append([native_programs.exact(one) for one in _results(sc)])
        sc.stop()
    for off, auto in zip(*given):
        assert off == auto


def test_k_means_runs_natively_from_lines_to_centers(fresh_context: MakeContext, tmp_path: Any) -> None:
    (tmp_path / "points").write_text("".join(" ".join(map(repr, point.tolist())) + "\n" for point in POINTS))

    def run(sc: Any) -> Any:
        data = sc.textFile(str(tmp_path / "points"), 2).map(parsed).cache()
        centers = data.take(4)
        for _ in range(3):
            placed = data.map(lambda p: (closest(p, centers), (p, 1)))
            stats = placed.reduceByKey(lambda one, two: (one[0] + two[0], one[1] + two[1]))
            moved = stats.map(lambda st: (st[0], st[1][0] / st[1][1]))
            for at, center in moved.collect():
                centers[at] = center
        sc.stop()
        return native_programs.exact(centers)

    natively = run(fresh_context(settings={"firesteel.python.native": "require"}))
    assert run(fresh_context(settings={"firesteel.python.native": "off"})) == natively


def test_nothing_imports_numpy_for_a_program_that_has_not() -> None:
    program = """
import sys
from firesteel.chain import Chain, Map, OfRecords
from firesteel.native.plan import plan
from firesteel.native.running import over
from firesteel.shuffle import combine_locally
table = [(1, "a"), (2, "b")]
steps = [Map(lambda x: (len(table), table[x][0] + x), "map"), OfRecords(combine_locally, None, lambda a, b: a + b)]
assert list(over(Chain(steps, "here"), plan(steps), 0, iter([[0, 1], [object(), 1]][:1]))) == [(2, 4)]
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
