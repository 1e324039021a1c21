"""Merging, joining and sorting with no memory at all give what they give with enough of it."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from firesteel import shuffle
from firesteel.join import Cogroup, Join, full_outer, inner, intersect, left_outer, right_outer, subtract
from firesteel.spill import PARTS, Budget, Parts, SpilledList
from firesteel.sorting import external_sort
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.once


class Nothing(Budget):
    """A budget that is used up whenever it is looked at, however much was moved out."""

    def __init__(self) -> None:
        self.limit = 0

    def exceeded(self) -> bool:
        return self.limit == 0

    def relieved(self) -> None:
        pass


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is looked at every few records, so that small inputs spill, too."""
    for module in ("shuffle", "sorting", "spill"):
        monkeypatch.setattr(f"firesteel.{module}.CHUNK", 8)
        monkeypatch.setattr(f"firesteel.{module}.BATCH", 4)


KEYS = st.one_of(
    st.integers(-3, 3), st.text(max_size=1), st.none(), st.tuples(st.integers(0, 1), st.none()), st.booleans()
)
PAIRS = st.lists(st.tuples(KEYS, st.integers()), max_size=120)


def many(keys: int, records: int) -> list[tuple[Any, int]]:
    """Pairs of keys of many types, one of them hot."""
    generator = random.Random(keys)
    kinds = [lambda i: i, str, lambda i: (i, None), lambda i: i + 0.5, lambda i: frozenset({i})]
    names = [kinds[i % 5](i) for i in range(keys)]
    return [(names[0] if i % 2 else generator.choice(names), i) for i in range(records)]


def grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    table = defaultdict(list)
    for key, value in pairs:
        table[key].append(value)
    return dict(table)


def chunks(pairs: list[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """As they come out of a shuffle: each key several times, some values by themselves and some together."""
    for start in range(0, len(pairs), 50):
        yield from shuffle.group_locally(pairs[start : start + 50], Budget(1 << 60))


@settings(deadline=None, max_examples=60)
@given(PAIRS)
def test_groups_are_whole(pairs: list[tuple[Any, int]]) -> None:
    spilled = {key: list(values) for key, values in shuffle.group_merged(chunks(pairs), Nothing())}
    assert {key: sorted(values) for key, values in spilled.items()} == {
        key: sorted(values) for key, values in grouped(pairs).items()
    }


@pytest.mark.parametrize("keys", [1, 3, 1000])
def test_groups_of_many_records(keys: int) -> None:
    pairs = many(keys, 5000)
    spilled = [(key, list(values)) for key, values in shuffle.group_merged(chunks(pairs), Nothing())]
    assert len(spilled) == len(dict(spilled)), "each key comes once"
    assert {key: sorted(values) for key, values in spilled} == grouped(pairs)
    assert {key: sorted(values) for key, values in shuffle.group_merged(pairs, Nothing())} == grouped(pairs)


def test_one_hot_key_is_read_from_its_file() -> None:
    [(key, values)] = shuffle.group_merged(chunks([("hot", i) for i in range(3000)]), Nothing())
    assert isinstance(values, SpilledList)
    assert (key, len(values)) == ("hot", 3000)
    assert sorted(values) == list(range(3000)), "the first time"
    assert sum(1 for pair in zip(values, values) if pair[0] == pair[1]) == 3000, "two readers at once"


def test_merged_values() -> None:
    pairs = many(700, 20000)
    merged = list(shuffle.merge_combined(iter(pairs), lambda a, b: a + b, Nothing()))
    assert len(merged) == len(dict(merged))
    assert dict(merged) == {key: sum(values) for key, values in grouped(pairs).items()}


def test_values_are_combined_before_the_shuffle_as_far_as_memory_goes() -> None:
    pairs = many(700, 20000)
    combined = shuffle.combine_locally(iter(pairs), lambda v: [v], lambda c, v: c + [v], Nothing())
    flat = ((key, value) for key, values in combined for value in values)
    assert {key: sorted(values) for key, values in grouped(flat).items()} == grouped(pairs)


def test_distinct_records() -> None:
    keys = [key for key, _ in many(500, 8000)]
    once = [key for key, _ in shuffle.distinct_merged(shuffle.distinct_locally(keys, Nothing()), Nothing())]
    assert Counter(once) == Counter(set(keys))


MATCHES = [
    (inner, False),
    (left_outer, False),
    (right_outer, True),
    (full_outer, False),
    (subtract, False),
    (intersect, False),
]


@pytest.mark.parametrize("match, hold_left", MATCHES, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("keys", [1, 4, 60])
def test_joins(match: Any, hold_left: bool, keys: int) -> None:
    left, right = many(keys, 300), many(keys + 3, 200)[: 200 if keys > 1 else 40]
    roomy = Join(match, hold_left, Budget(1 << 60))(0, left, right)
    tight = Join(match, hold_left, Nothing())(0, left, right)
    assert Counter(map(repr, tight)) == Counter(map(repr, roomy))


@settings(deadline=None, max_examples=40)
@given(PAIRS, PAIRS)
def test_full_outer_joins_of_any_keys(left: list[tuple[Any, int]], right: list[tuple[Any, int]]) -> None:
    tight = list(Join(full_outer, False, Nothing())(0, left, right))
    lefts, rights = grouped(left), grouped(right)
    expected = [
        (key, (one, other))
        for key in {**lefts, **rights}
        for one in lefts.get(key, [None])
        for other in rights.get(key, [None])
    ]
    assert Counter(tight) == Counter(expected)


@pytest.mark.parametrize("keys", [1, 50])
def test_cogroups(keys: int) -> None:
    tagged = [(key, (value % 3, value)) for key, value in many(keys, 2000)]
    found = {key: tuple(map(sorted, sides)) for key, sides in Cogroup(3, Nothing())(0, tagged)}
    assert found == {
        key: tuple(sorted(value for side, value in values if side == one) for one in range(3))
        for key, values in grouped(tagged).items()
    }


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers()), max_size=100), st.booleans())
def test_sorting_keeps_the_order_of_equal_keys(pairs: list[tuple[int, int]], reverse: bool) -> None:
    tight = list(external_sort(pairs, key=lambda pair: pair[0], reverse=reverse, budget=Nothing()))
    assert tight == sorted(pairs, key=lambda pair: pair[0], reverse=reverse)


def test_what_is_still_in_memory_comes_last_among_equal_keys() -> None:
    class EveryOther(Nothing):
        looks = 0

        def exceeded(self) -> bool:
            self.looks += 1
            return self.looks % 2 == 0

    pairs = [(i % 2, i) for i in range(8 * 5)]
    assert list(external_sort(pairs, key=lambda pair: pair[0], budget=EveryOther())) == sorted(pairs)


def test_each_level_deals_by_other_bits_of_the_hash() -> None:
    first: Parts[int, None] = Parts(0)
    first.write((i, None) for i in range(20_000))
    parts = [list(part) for part in first.read()]
    assert sorted(key for part in parts for key, _ in part) == list(range(20_000))
    assert len(parts) == PARTS and max(map(len, parts)) < 2 * min(map(len, parts))
    second: Parts[int, None] = Parts(1)
    second.write(parts[0])
    assert len(list(second.read())) == PARTS


def test_files_of_a_spilled_list_live_as_long_as_it_does() -> None:
    import pickle

    values = SpilledList(list(range(100)))
    values.extend([1, 2])
    copied = pickle.loads(pickle.dumps(values))
    assert type(copied) is list
    assert copied == [*range(100), 1, 2]


def test_a_budget_moves_up_to_what_cannot_be_freed() -> None:
    budget = Budget(1)
    assert budget.exceeded()
    budget.relieved()
    assert not budget.exceeded()
