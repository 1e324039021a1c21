"""Joins of two sides whose equal keys lie in the same partition: one side is held by key, the other streams past it.

Neither side is sorted, and no key ever has both its sides in lists: the held side of a hot key moves into a file when
it outgrows memory (:class:`firesteel.spill.SpilledList`), and the streamed side is never gathered. When the held side
as a whole outgrows memory, both sides are dealt into files by a second hash of their keys and joined file by file.

Results come in the order of the streamed side, which is the left one except for right outer joins; within one streamed
record in the order of the held side. :class:`Cogroup` gives both sides of each key as iterables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from firesteel.resultiterable import ResultIterable
from firesteel.shuffle import add_rest, deal_out, group_held, group_merged
from firesteel.spill import Budget, Parts, with_budget

__all__ = ["Cogroup", "Join", "Tag", "full_outer", "inner", "intersect", "left_outer", "right_outer", "subtract"]

Pairs = Iterable[tuple[Any, Any]]
Match = Callable[[dict[Any, Any], Pairs], Iterator[Any]]


class Join:
    """Joins one partition.

    ``match`` makes results of a table of the held side and the pairs of the streamed side; it is called for several
    tables that share no key. ``hold_left`` says which side is held.
    """

    def __init__(self, match: Match, hold_left: bool = False, budget: Budget | None = None) -> None:
        self.match = match
        self.hold_left = hold_left
        self.budget = budget

    def __call__(self, partition: int, left: Pairs, right: Pairs) -> Iterator[Any]:
        held, streamed = (left, right) if self.hold_left else (right, left)
        return self._join(held, streamed, self.budget or Budget(), 0)

    def _join(self, held: Pairs, streamed: Pairs, budget: Budget, level: int) -> Iterator[Any]:
        table: dict[Any, Any] = defaultdict(list)
        rest = iter(held)
        if group_held(table, rest, budget, level):
            return self._join_parts(table, rest, streamed, budget, level)
        # From here on a look-up must not make an entry for a key that only the streamed side has.
        table.default_factory = None  # type: ignore[attr-defined]
        return with_budget(self.match(table, streamed), budget)

    def _join_parts(
        self, table: dict[Any, Any], rest: Pairs, streamed: Pairs, budget: Budget, level: int
    ) -> Iterator[Any]:
        held_parts: Parts[Any, Any] = Parts(level)
        streamed_parts: Parts[Any, Any] = Parts(level)
        hot = deal_out(table, held_parts)
        budget.relieved()
        add_rest(rest, hot, held_parts)
        # Pairs of the keys whose held side is in a file are joined with those; all others are dealt out meanwhile.
        yield from self.match(hot, _dealing_others(streamed, hot, streamed_parts))
        hot.clear()
        for held_part, streamed_part in held_parts.read_with(streamed_parts):
            yield from self._join(held_part, streamed_part, budget, level + 1)
            budget.cleared()


def _dealing_others(pairs: Pairs, hot: dict[Any, Any], parts: Parts[Any, Any]) -> Iterator[tuple[Any, Any]]:
    for pair in pairs:
        if pair[0] in hot:
            yield pair
        else:
            parts.write((pair,))


def inner(right: dict[Any, Any], left: Pairs) -> Iterator[Any]:
    """Yields pairs of both sides.

    >>> list(inner({"a": [10, 20]}, [("a", 1), ("b", 2)]))
    [('a', (1, 10)), ('a', (1, 20))]
    """
    return ((key, (value, other)) for key, value in left if key in right for other in right[key])


def left_outer(right: dict[Any, Any], left: Pairs) -> Iterator[Any]:
    """Yields all of the left, with None where the right has no value.

    >>> list(left_outer({"a": [10]}, [("a", 1), ("b", 2)]))
    [('a', (1, 10)), ('b', (2, None))]
    """
    return ((key, (value, other)) for key, value in left for other in right.get(key, _NONE))


def right_outer(left: dict[Any, Any], right: Pairs) -> Iterator[Any]:
    """Yields all of the right, with None where the left has no value; holds the left.

    >>> list(right_outer({"a": [10]}, [("a", 1), ("b", 2)]))
    [('a', (10, 1)), ('b', (None, 2))]
    """
    return ((key, (other, value)) for key, value in right for other in left.get(key, _NONE))


def full_outer(right: dict[Any, Any], left: Pairs) -> Iterator[Any]:
    """Yields all of both sides.

    >>> list(full_outer({"a": [10], "c": [30]}, [("a", 1), ("b", 2)]))
    [('a', (1, 10)), ('b', (2, None)), ('c', (None, 30))]
    """
    seen = set()
    for key, value in left:
        if key in right:
            seen.add(key)
            for other in right[key]:
                yield key, (value, other)
        else:
            yield key, (value, None)
    for key, others in right.items():
        if key not in seen:
            for other in others:
                yield key, (None, other)


def subtract(right: dict[Any, Any], left: Pairs) -> Iterator[Any]:
    """Yields pairs of the left whose key is not on the right.

    >>> list(subtract({"a": [None]}, [("a", 1), ("b", 2)]))
    [('b', 2)]
    """
    return (pair for pair in left if pair[0] not in right)


def intersect(right: dict[Any, Any], left: Pairs) -> Iterator[Any]:
    """Yields keys of both sides, each once.

    >>> list(intersect({"a": [None], "c": [None]}, [("a", None), ("b", None), ("a", None)]))
    ['a']
    """
    given: set[Any] = set()
    for key, _ in left:
        if key in right and key not in given:
            given.add(key)
            yield key


_NONE = (None,)


class Tag:
    """Marks the values of one of the sides of a cogroup, before the sides become one RDD."""

    def __init__(self, side: int) -> None:
        self.side = side

    def __call__(self, partition: int, pairs: Pairs) -> Iterator[tuple[Any, Any]]:
        side = self.side
        return ((key, (side, value)) for key, value in pairs)


class Cogroup:
    """Groups the tagged values of each key by side."""

    def __init__(self, sides: int, budget: Budget | None = None) -> None:
        self.sides = sides
        self.budget = budget

    def __call__(
        self, partition: int, tagged: Pairs, budget: Budget | None = None, begun: Pairs = ()
    ) -> Iterator[tuple[Any, tuple[ResultIterable[Any], ...]]]:
        """Groups pairs. ``begun`` has lists of the tagged values of keys that came before."""
        lists = group_merged(tagged, budget or self.budget, begun)
        return ((key, self._by_side(values)) for key, values in lists)

    def _by_side(self, values: Any) -> tuple[ResultIterable[Any], ...]:
        if type(values) is list:
            sides: list[Any] = [[] for _ in range(self.sides)]
            for side, value in values:
                sides[side].append(value)
            return tuple(map(ResultIterable, sides))
        return tuple(ResultIterable(_OneSide(values, side)) for side in range(self.sides))


class _OneSide:
    """One side's values of a key whose values are in a file."""

    def __init__(self, values: Any, side: int) -> None:
        self._values = values
        self._side = side
        self._length = sum(1 for _ in self)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        return (value for side, value in self._values if side == self._side)

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Any]]]:
        return list, (list(self),)
