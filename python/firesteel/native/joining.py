"""Joins by typed keys: the held side is grouped in columns, and the other side is joined chunk by chunk.

Where records of the held side cannot be in columns, or memory is short, the interpreter's join takes over with what was
read; where records of the other side cannot, it joins their chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from firesteel import _native
from firesteel.join import Join, full_outer, inner, intersect, left_outer, right_outer, subtract
from firesteel.native.plan import Plan
from firesteel.native.ran import Ran
from firesteel.native.sinks import grouped
from firesteel.spill import Budget

__all__ = ["natively"]

_HOW: dict[Any, str] = {
    **{inner: "inner", left_outer: "left", right_outer: "right", full_outer: "full"},
    **{subtract: "subtract", intersect: "intersect"},
}

_NOTHING = Plan(0, 0, (), "", (), ())


def natively(function: Callable[[int, Any, Any], Iterable[Any]]) -> Callable[[int, Any, Any], Iterable[Any]]:
    """Returns a function of two partitions as one whose joins the kernels run, if it is such."""
    if type(function) is Join and function.match in _HOW:
        return _NativeJoin(function)
    return function


class _NativeJoin:
    """A join in kernels."""

    def __init__(self, join: Join) -> None:
        self.join = join

    def __call__(self, partition: int, left: Any, right: Any) -> Iterator[Any]:
        return self.join(partition, left, right)

    def over_two(self, partition: int, left: Any, right: Any) -> Any:
        """Does what a call does, for the engine's lists of records."""
        held, streamed = (left, right) if self.join.hold_left else (right, left)
        return _native.Pieces(self._pieces(held, streamed))

    def _pieces(self, held: Any, streamed: Any) -> Iterator[Iterable[Any]]:
        budget = Budget()
        left, sink = grouped(Ran(_NOTHING, (), held), budget)
        groups = chain.from_iterable(iter(sink.next_groups, None))
        if left is not None:
            budget.cleared()
            read = ((key, value) for key, values in groups for value in values)
            yield self.join._join(chain(read, left), chain.from_iterable(streamed), budget, 0)
            return
        run = _native.KernelRun([], streamed)
        how = _HOW[self.join.match]
        table: dict[Any, Any] | None = None
        numbers: dict[Any, int] = {}
        while (piece := run.next_joined(sink, how)) is not None:
            block, records = piece
            if block is not None:
                yield block
                continue
            if table is None:
                table = dict(groups)
                if how in ("full", "intersect"):
                    numbers = {key: number for number, key in enumerate(table)}
            yield self._interpreted(sink, table, numbers, records or ())
        if how == "full":
            yield from _unmet(sink)
        budget.cleared()

    def _interpreted(
        self, sink: Any, table: dict[Any, Any], numbers: dict[Any, int], records: Iterable[Any]
    ) -> Iterator[Any]:
        """Joins records of which some are in no column."""
        match: Any = self.join.match
        if match is intersect:
            return (key for key, _ in records if key in table and not sink.meet(numbers[key]))
        if match is full_outer:
            match, records = left_outer, _met(sink, numbers, records)
        joined: Iterator[Any] = match(table, records)
        return joined


def _met(sink: Any, numbers: dict[Any, int], records: Iterable[Any]) -> Iterator[Any]:
    """Gives records on, and tells a sink which of its keys they have."""
    for record in records:
        if record[0] in numbers:
            sink.meet(numbers[record[0]])
        yield record


def _unmet(sink: Any) -> Iterator[Iterable[Any]]:
    """Returns the held pairs of a full outer join whose keys had no partner."""
    number = 0
    for groups in iter(sink.next_groups, None):
        left = []
        for key, values in groups:
            if not sink.meet(number):
                left += [(key, (None, value)) for value in values]
            number += 1
        yield left
