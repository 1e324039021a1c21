"""The classes of ``pyspark.shuffle``, against plain Python, with and without files."""

from __future__ import annotations

import pickle
from operator import add

import pytest

from firesteel.external import (
    Aggregator,
    ExternalList,
    ExternalListOfList,
    ExternalMerger,
    ExternalSorter,
    GroupByKey,
    SimpleAggregator,
)

#: Less than any Python process holds, and more than these tests need.
TIGHT, WIDE = 1, 1 << 20


@pytest.mark.parametrize("limit", [TIGHT, WIDE])
def test_a_merger_gives_each_key_once(limit: int) -> None:
    merger: ExternalMerger[int, int, list[int]] = ExternalMerger(
        Aggregator(lambda v: [v], lambda c, v: [*c, v], lambda a, b: a + b), limit
    )
    merger.mergeValues((number % 5000, number) for number in range(20_000))
    merger.mergeCombiners((number, [-1]) for number in range(5000))
    merged = dict(merger.items())
    assert len(merged) == 5000 and (merger.spills > 0) == (limit == TIGHT)
    assert all(sorted(values) == [-1, key, key + 5000, key + 10000, key + 15000] for key, values in merged.items())


def test_a_merger_takes_keys_of_mixed_kinds() -> None:
    merger: ExternalMerger[object, int, int] = ExternalMerger(SimpleAggregator(add), TIGHT)
    keys = [None, 1, "1", (1, None), 2.5]
    merger.mergeValues((keys[number % 5], 1) for number in range(50_000))
    assert dict(merger.items()) == dict.fromkeys(keys, 10_000)


@pytest.mark.parametrize("limit", [TIGHT, WIDE])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_sorter_sorts_as_sorted_does(limit: int, reverse: bool) -> None:
    records = [(number * 7919 % 100, number) for number in range(10_000)]
    got = list(ExternalSorter(limit).sorted(records, key=lambda r: r[0], reverse=reverse))
    assert got == sorted(records, key=lambda r: r[0], reverse=reverse)
    assert list(ExternalSorter(limit).sorted(iter([3, 1, 2]))) == [1, 2, 3]


def test_a_long_list_goes_to_a_file_and_comes_back_whole() -> None:
    values: ExternalList[int] = ExternalList([])
    for number in range(3 * ExternalList.LIMIT):
        values.append(number)
    assert not isinstance(values.values, list)
    assert len(values) == 3 * ExternalList.LIMIT and list(values) == list(range(3 * ExternalList.LIMIT))
    again = pickle.loads(pickle.dumps(values))
    assert type(again) is ExternalList and list(again) == list(values)


def test_lists_of_lists_are_flat_and_groups_follow_each_other() -> None:
    values = ExternalListOfList([[1], [2, 3]])
    values.append([])
    assert len(values) == 3 and list(values) == [1, 2, 3]
    assert len(pickle.loads(pickle.dumps(values))) == 3
    pairs = [(None, [1]), (None, [2]), ("a", []), ("b", [3])]
    assert [(key, list(group)) for key, group in GroupByKey(pairs)] == [(None, [1, 2]), ("a", []), ("b", [3])]
    assert list(GroupByKey([])) == []
