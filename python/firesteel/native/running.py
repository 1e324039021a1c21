"""Runs a chain in a task, as far as the kernels can, and in the interpreter where they cannot.

The engine gives a :class:`NativeChain` its lists of records, or blocks of typed ones, in place of an iterator over
them. The kernels take them chunk by chunk, and give blocks. Records that they hand back run through the user's own
functions when it is their turn, so that results, order, exceptions and tracebacks are those of the interpreter. After
many chunks that were handed back whole the rest of the partition is interpreted without another look.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType
from typing import Any

from firesteel import _native
from firesteel.chain import Chain, KeyBy, OfRecords, Step, stopped
from firesteel.native.plan import Plan, plan
from firesteel.native.ran import Ran
from firesteel.native.sinks import SINKS, TABLES
from firesteel.sorting import identity

__all__ = ["NativeChain", "over"]

MOST_INTERPRETED = 1000
#: The code of chains of which nothing runs natively: to look at it takes a millisecond, and each task would look again.
_INTERPRETED: set[tuple[Any, ...]] = set()


def _codes(steps: Sequence[Any]) -> tuple[Any, ...] | None:
    """Returns what chains of the same functions have in common; None where that is not known."""
    codes: list[Any] = []
    for step in steps:
        codes.append(type(step))
        for value in (getattr(step, "function", None), *(step.arguments if isinstance(step, OfRecords) else ())):
            if isinstance(value, FunctionType):
                codes.append(value.__code__)
            elif value is None or isinstance(value, (BuiltinFunctionType, MethodDescriptorType, type)):
                codes.append(value)
            else:
                return None
    return tuple(codes)


class NativeChain(Chain):
    """A chain whose beginning runs in the kernels where it can."""

    def then(self, step: Step) -> NativeChain:
        """Returns a chain with one more step."""
        return NativeChain((*self.steps, step), self.site)

    def over_lists(self, partition: int, lists: Any) -> Any:
        """Does what a call does, for the engine's lists of records; the results come in pieces where kernels make
        them."""
        codes = _codes(self.steps)
        found = None if codes in _INTERPRETED else self._planned()
        if found is None:
            if codes is not None and len(_INTERPRETED) < MOST_INTERPRETED:
                _INTERPRETED.add(codes)
            return self(partition, chain.from_iterable(lists))
        return _native.Pieces(_pieces(self, found, partition, lists))

    def _planned(self) -> Plan | None:
        """Returns what runs in the kernels: a fault in reading functions must not end a program that needs none."""
        try:
            return plan(self.steps)
        except Exception as error:
            warnings.warn(f"{self.site or 'a step'} is interpreted, since reading it failed: {error!r}", stacklevel=2)
            return None


def over(whole: Chain, found: Plan, partition: int, lists: Any) -> Iterator[Any]:
    """Runs a chain over an iterable of lists by a plan."""
    return chain.from_iterable(_pieces(whole, found, partition, lists))


def _pieces(
    whole: Chain, found: Plan, partition: int, lists: Any, are_pieces: bool = False
) -> Iterator[Iterable[Any]]:
    """Runs a chain over an iterable of lists or blocks by a plan, and returns the results in pieces.

    What is behind kernels that have merged all records by key runs in kernels again, if these have merged all. Then
    ``lists`` are their pieces, of which some may be what Python goes on with.
    """
    source: Any = lists
    if found.begins:
        source = whole.steps[0](partition, ())
        if not all(-(2**62) < bound < 2**62 for bound in (source.start, source.stop, source.step)):
            return iter((whole(partition, chain.from_iterable(lists)),))
    ran = Ran(found, [*whole.steps[found.begins : found.ends], *_keying(found, whole)], source, partition, are_pieces)
    rest = Chain(whole.steps[found.ends + bool(found.sink) :], whole.site)
    pieces: Iterator[Iterable[Any]]
    if found.sink in TABLES:
        pieces = TABLES[found.sink](ran, whole.steps[found.ends])
        again = plan(rest.steps) if found.goes_on else None
        if again is not None and not again.begins:
            return _pieces(rest, again, partition, pieces, True)
    elif found.sink:
        try:
            pieces = iter((SINKS[found.sink](ran, whole.steps[found.ends]),))
        except StopIteration as error:
            raise stopped([whole.site]) from error
    else:
        pieces = ran.pieces()
    return iter((rest(partition, chain.from_iterable(pieces)),)) if rest.steps else pieces


def _keying(found: Plan, whole: Chain) -> list[Any]:
    """Returns the step that pairs records with the keys by which the first are taken."""
    if found.sink != "first":
        return []
    step: Any = whole.steps[found.ends]
    return [KeyBy(step.arguments[1] or identity, whole.site)]
