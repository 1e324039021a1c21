"""Samples draw, for a seed, the records that PySpark draws: what PySpark 4.3.0 gave is written down here."""

from typing import Any

import pytest


def test_sample(sc: Any) -> None:
    assert sc.parallelize(range(100), 4).sample(False, 0.1, 81).collect() == [4, 26, 39, 41, 42, 52, 63, 76, 80, 86, 97]
    assert sc.parallelize(range(20), 3).sample(True, 0.7, 9).collect() == [0, 3, 4, 10, 10, 12, 12, 14, 15, 18, 19, 19]
    assert sc.parallelize(range(20), 3).sample(True, 25.0, 9).take(40) == [0] * 31 + [1] * 9


def test_take_sample(sc: Any) -> None:
    numbers = sc.parallelize(range(30), 3)
    assert numbers.takeSample(True, 7, 5) == [5, 13, 7, 15, 13, 19, 29]
    assert numbers.takeSample(False, 7, 5) == [4, 26, 13, 2, 10, 9, 29]
    assert numbers.takeSample(False, 50, 5)[:9] == [4, 26, 13, 2, 10, 9, 29, 24, 12]


def test_random_split(sc: Any) -> None:
    parts = [part.collect() for part in sc.parallelize(range(30), 3).randomSplit([2, 3, 1], 17)]
    assert parts == [
        [7, 9, 10, 11, 12, 17, 18, 25, 29],
        [0, 1, 3, 4, 5, 6, 8, 13, 14, 16, 19, 20, 23, 26],
        [2, 15, 21, 22, 24, 27, 28],
    ]


def test_sample_by_key(sc: Any) -> None:
    pairs = sc.parallelize([(key, i) for key in "ab" for i in range(20)], 3)
    drawn = pairs.sampleByKey(False, {"a": 0.2, "b": 0.3}, 7).collect()
    assert drawn == [("a", i) for i in (0, 4, 9, 11, 19)] + [("b", i) for i in (2, 8, 9, 12, 16, 19)]
    again = pairs.sampleByKey(True, {"a": 0.2, "b": 1.3}, 7).collect()
    assert again[:8] == [("a", 6), ("b", 0), ("b", 0), ("b", 1), ("b", 1), ("b", 1), ("b", 3), ("b", 3)]
    assert len(again) == 29


def test_ranges_of_a_sort_come_from_the_same_sample(sc: Any) -> None:
    pairs = sc.parallelize([(i * 7 % 50, i) for i in range(50)], 3)
    assert [len(part) for part in pairs.sortByKey(True, 4).glom().collect()] == [13, 13, 12, 12]
    assert [len(part) for part in pairs.sortByKey(False, 4).glom().collect()] == [12, 12, 13, 13]


def test_ranges_are_of_what_the_key_function_makes(sc: Any) -> None:
    pairs = sc.parallelize([(i, None) for i in range(100)], 3)
    parts = pairs.sortByKey(True, 4, lambda key: -key).keys().glom().collect()
    assert [key for part in parts for key in part] == list(range(99, -1, -1))
    assert min(map(len, parts)) > 10


def test_samples_without_a_seed_differ(sc: Any) -> None:
    numbers = sc.parallelize(range(1000), 2)
    assert numbers.sample(False, 0.5).collect() != numbers.sample(False, 0.5).collect()


@pytest.mark.parametrize("sizes", [(10, 4, [2, 2, 2, 4]), (10, 3, [3, 3, 4]), (5, 8, [0, 1, 0, 1, 1, 0, 1, 1])])
def test_collections_are_cut_between_batches(sc: Any, sizes: tuple[int, int, list[int]]) -> None:
    records, slices, expected = sizes
    assert [len(part) for part in sc.parallelize(list(range(records)), slices).glom().collect()] == expected
