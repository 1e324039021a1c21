"""Runs a chain in a task, as far as the kernels can, and in the interpreter where they cannot.

The engine gives a :class:`NativeChain` its lists of records, or blocks of typed ones, in place of an iterator over
them. The kernels take them chunk by chunk, and give blocks. Records that they hand back run through the user's own
functions when it is their turn, so that results, order, exceptions and tracebacks are those of the interpreter. After
many chunks that were handed back whole the rest of the partition is interpreted without another look.
"""

from __future__ import annotations

import heapq
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, reduce
from itertools import chain, islice
from operator import itemgetter
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType
from typing import Any

from firesteel import _native
from firesteel.chain import Chain, KeyBy, OfRecords, PerRecord, Step, guarded, stopped
from firesteel.hotkeys import tell_largest
from firesteel.native.plan import Plan, plan
from firesteel.sorting import identity
from firesteel.spill import ENTRY, Budget
from firesteel.statcounter import StatCounter

__all__ = ["NativeChain", "grouped", "over"]

#: A chunk was taken by a sink as objects, since the kernels could not compute it.
BY_OBJECTS = 2

#: So many chunks in a row that were handed back whole say that the rest will be, too.
WHOLE_CHUNKS = 4


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
        found = None if codes in _INTERPRETED else plan(self.steps)
        if found is None:
            if codes is not None and len(_INTERPRETED) < MOST_INTERPRETED:
                _INTERPRETED.add(codes)
            return self(partition, chain.from_iterable(lists))
        return _native.Pieces(_pieces(self, found, partition, lists))


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
    ran = _Ran(found, [*whole.steps[found.begins : found.ends], *_keying(found, whole)], source, partition, are_pieces)
    rest = Chain(whole.steps[found.ends + bool(found.sink) :], whole.site)
    pieces: Iterator[Iterable[Any]]
    if found.sink in _TABLES:
        pieces = _TABLES[found.sink](ran, whole.steps[found.ends])
        again = plan(rest.steps) if found.goes_on else None
        if again is not None and not again.begins:
            return _pieces(rest, again, partition, pieces, True)
    elif found.sink:
        try:
            pieces = iter((_SINKS[found.sink](ran, whole.steps[found.ends]),))
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


class _Ran:
    """A partition on its way through the kernels."""

    def __init__(
        self, found: Plan, steps: Sequence[Any], source: Any, partition: int = 0, are_pieces: bool = False
    ) -> None:
        self.plan = found
        self.partition = partition
        self.steps = steps
        # What an interpreted function makes after kernels have made blocks: the kernels must not go ahead of it.
        self._beyond: Iterator[Any] | None = None
        # The engine's lists are left as they are, since they know their blocks.
        self.source = self._typed(source) if are_pieces else source
        self.run = _native.KernelRun(list(found.programs), self.source, found.generator, found.may_change)
        self._whole = 0

    def _typed(self, pieces: Iterator[Any]) -> Iterator[Any]:
        for piece in pieces:
            if type(piece) is not _native.Block and type(piece) is not list:
                self._beyond = chain(piece, chain.from_iterable(pieces))
                return
            yield piece

    def holds(self) -> bool:
        """Returns whether all names still stand for what they did, and the kernels are of use.

        The next records are here then: what is above them may have changed a name while it made them.
        """
        self.run.pull()
        return self._beyond is None and self._whole < WHOLE_CHUNKS and all(read.holds() for read in self.plan.reads)

    def again(self, records: Iterable[Any]) -> Iterator[Any]:
        """Runs records through the user's own functions."""
        iterator = iter(records)
        per_record: list[Any] = []
        for step in self.steps:
            if isinstance(step, PerRecord):
                per_record.append(step)
                continue
            iterator = iter(step(0, guarded(per_record, iterator) if per_record else iterator))
            per_record = []
        return guarded(per_record, iterator) if per_record else iterator

    def rest(self) -> Iterator[Any]:
        """Interprets what has not come yet."""
        return self.again(chain(chain.from_iterable(iter(self.run.next_records, None)), self._after()))

    def _after(self) -> Iterator[Any]:
        yield from self._beyond or ()

    def opened(self, piece: tuple[Any, list[Any] | None]) -> Iterator[Iterable[Any]]:
        """Returns the results of a chunk, in pieces."""
        results, back = piece
        if results is None:
            self._whole += 1
            yield self.again(back or ())
            return
        self._whole = 0
        if back is None:
            yield results
            return
        start = 0

        def part(start: int, end: int) -> Iterable[Any]:
            return results.part(start, end) if type(results) is _native.Block else results[start:end]

        for place, record in back:
            if place > start:
                yield part(start, place)
            yield self.again((record,))
            start = place
        yield part(start, len(results))

    def pieces(self) -> Iterator[Iterable[Any]]:
        """Returns all results, in pieces: blocks, and iterators over those that the interpreter makes among them."""
        while self.holds():
            piece = self.run.next_piece()
            if piece is None:
                return
            if piece[1] is None or type(piece[0]) is _native.Block:
                yield from self.opened(piece)
            else:
                yield chain.from_iterable(self.opened(piece))
        yield self.rest()

    def was_whole(self, is_whole: bool) -> None:
        """Says whether a chunk was handed back whole."""
        self._whole = self._whole + 1 if is_whole else 0

    def all_behind(self, piece: Any) -> Iterator[Any]:
        """Returns the results of a chunk that a sink has not taken, and all behind them."""
        return chain.from_iterable(chain(self.opened(piece), self.pieces()))


def _count(ran: _Ran, step: Any) -> Sequence[int]:
    total = 0
    while ran.holds():
        counted = ran.run.next_count()
        if counted is None:
            return [total]
        count, back = counted
        total += count
        if back is not None:
            total += step.function(ran.again(back))[0]
    return [total + step.function(ran.rest())[0]]


def _sum(ran: _Ran, step: Any) -> Sequence[Any]:
    sink = _native.KernelSink("sum", None, sum_rules())
    left, _ = _feed(ran, sink)
    rest: Iterator[Any] = iter(() if left is None else left)
    for value in rest:
        if not sink.add(value):
            total, was_int = sink.result()[0] + value, sink.is_of_ints()
            if was_int and type(total) is float:
                # A float of another class ends the loop over whole numbers, and that over floats begins.
                return (sum(rest, total),)
            # A value that ends the loops of `sum` over numbers: from there on it adds by `+` alone.
            return (reduce(operator.add, rest, total),)
    return sink.result()


@cache
def sum_rules() -> tuple[bool, bool]:
    """Returns whether this interpreter's ``sum`` compensates what a float loses, and a whole number among floats."""
    return sum([1e16, 1.0, -1e16]) == 1.0, sum([1e16, 1, -1e16]) == 1.0


def _stats(ran: _Ran, step: Any) -> Sequence[StatCounter]:
    sink = _native.KernelSink("stats")
    sink.merges_by(_merged_stats, None)
    left, _ = _feed(ran, sink)
    counter = _counter(*sink.result()[0])
    for value in left or ():
        counter.merge(value)
    return (counter,)


def _counter(count: int, mean: Any, squares: Any, greatest: Any, least: Any) -> StatCounter:
    counter = StatCounter()
    counter.n, counter.mu, counter.m2, counter.maxValue, counter.minValue = count, mean, squares, greatest, least
    return counter


def _merged_stats(state: tuple[int, Any, Any, Any, Any], value: Any) -> tuple[int, Any, Any, Any, Any]:
    counter = _counter(*state).merge(value)
    return counter.n, counter.mu, counter.m2, counter.maxValue, counter.minValue


def _fold(ran: _Ran, step: Any) -> Sequence[Any]:
    sink = _native.KernelSink(*ran.plan.sink_parts)
    sink.merges_by(step.arguments[0], None)
    left, _ = _feed(ran, sink)
    state = sink.result()
    if left is None:
        return state
    reduced: Sequence[Any] = step.function(chain(state, left), *step.arguments)
    return reduced


def _aggregate(ran: _Ran, step: Any) -> Sequence[Any]:
    sink = _native.KernelSink(*ran.plan.sink_parts)
    function, zero = step.arguments
    sink.merges_by(function, None)
    left, _ = _feed(ran, sink) if sink.begin(zero) else (ran.rest(), False)
    (state,) = sink.result() or (zero,)
    folded: Sequence[Any] = (state,) if left is None else step.function(left, function, state)
    return folded


def _first(ran: _Ran, step: Any) -> Sequence[Any]:
    """Takes the records with the least or greatest keys, of pairs of these."""
    wanted, is_largest = ran.plan.sink_parts[2]
    budget = Budget()
    sink = _native.KernelSink(*ran.plan.sink_parts)
    left, is_full = _feed(ran, sink, budget)
    if left is None and is_full:
        left = chain.from_iterable(ran.pieces())
    if left is None:
        sink.sort(is_largest)
    pairs = chain.from_iterable(iter(sink.next_pairs, None))
    if left is None:
        taken = list(islice(pairs, wanted))
    else:
        take = heapq.nlargest if is_largest else heapq.nsmallest
        taken = take(step.arguments[0], chain(pairs, left), key=itemgetter(0))
    budget.cleared()
    return [record for _, record in taken]


def _counts(ran: _Ran, step: Any) -> Sequence[dict[Any, int]]:
    budget = Budget()
    sink = _native.KernelSink(*ran.plan.sink_parts)
    left, is_full = _feed(ran, sink, budget)
    if is_full:
        left = chain.from_iterable(ran.pieces())
    counted: dict[Any, int] = dict(chain.from_iterable(iter(sink.next_pairs, None)))
    budget.cleared()
    # What is in a table can be placed; only what Python counts is asked.
    return (counted,) if left is None else step.function(left, counted)


def _table(ran: _Ran, step: Any) -> Iterator[Iterable[Any]]:
    """Combines by key before a shuffle: a table that is full is passed on."""
    budget = Budget()
    sink = _native.KernelSink(*ran.plan.sink_parts)
    if len(step.arguments) == 2:
        create, merge = step.arguments
        sink.merges_by(merge, create)
    while True:
        left, is_full = _feed(ran, sink, budget)
        if left is not None:
            yield step.function(left, *step.arguments, budget, _as_dict(sink, budget))
            return
        budget.cleared()
        yield from iter(sink.next_pairs, None)
        if not is_full:
            return
        budget.relieved()


def _merged(ran: _Ran, step: Any) -> Iterator[Iterable[Any]]:
    """Merges by key after a shuffle: of a table that is full Python takes care, which can deal it into files."""
    budget = Budget()
    sink = _native.KernelSink(*ran.plan.sink_parts)
    if step.arguments:
        sink.merges_by(step.arguments[0], None)
    left, is_full = _feed(ran, sink, budget)
    if left is None and is_full:
        left = chain.from_iterable(ran.pieces())
    if left is None:
        yield from iter(sink.next_pairs, None)
        return
    yield step.function(left, *step.arguments, budget, _as_dict(sink, budget))


def _placed(ran: _Ran, step: Any) -> Iterator[Iterable[Any]]:
    """Passes pairs on to a shuffle as they come, which costs a column less than to put values of a key together.

    Keys reach the other side in the same order. Records that are objects Python puts together, as far as they come
    together.
    """
    for piece in ran.pieces():
        is_block = type(piece) is _native.Block and piece.is_keyed()
        yield piece if is_block else step.function(piece, *step.arguments)


def _sorted(ran: _Ran, step: Any) -> Iterator[Iterable[Any]]:
    """Sorts pairs by key: what is not in columns, or has no room, Python sorts with what was read."""
    budget = Budget()
    sink = _native.KernelSink("sorted")
    left, is_full = _feed(ran, sink, budget)
    if left is None and is_full:
        left = chain.from_iterable(ran.pieces())
    if left is None:
        sink.sort(not step.ascending)
    pairs = iter(sink.next_pairs, None)
    if left is None:
        yield from pairs
        budget.cleared()
        return
    budget.cleared()
    yield step(ran.partition, chain(chain.from_iterable(pairs), left))


def _sampled(ran: _Ran, step: Any) -> Iterator[Iterable[Any]]:
    """Draws records, of which only those that are kept become objects."""
    sample = _native.KernelSample(step.generator(ran.partition), step.fraction)
    for piece in ran.pieces():
        if type(piece) is _native.Block:
            yield sample.of(piece)
        else:
            yield (record for record in piece if sample.draw())


def _groups(ran: _Ran, step: Any) -> Iterator[Iterable[Any]]:
    """Puts values of a key together after a shuffle."""
    budget = Budget()
    left, sink = grouped(ran, budget)
    if left is None:
        yield from iter(sink.next_grouped, None)
        budget.cleared()
        return
    begun = list(chain.from_iterable(iter(sink.next_groups, None)))
    budget.cleared()
    for _, values in begun:
        budget.add(values[:4], len(values))
    yield step.function(left, *step.arguments, budget, begun)


def _cogroups(ran: _Ran, step: Any) -> Iterator[Iterable[Any]]:
    """Puts the values of a key together after a shuffle, those of each side by themselves."""
    budget = Budget()
    left, sink = grouped(ran, budget)
    groups = iter(sink.next_grouped, None)
    if left is None:
        yield from groups
        budget.cleared()
        return
    begun = [
        (key, [(side, value) for side, values in enumerate(sides) for value in values])
        for key, sides in chain.from_iterable(groups)
    ]
    budget.cleared()
    for _, values in begun:
        budget.add(values[:4], len(values))
    yield step(ran.partition, left, budget, begun)


def grouped(ran: _Ran, budget: Budget) -> tuple[Iterator[Any] | None, Any]:
    """Puts values of a key together. Returns the pairs that Python has to add, if there are such, and the sink."""
    sink = _native.KernelSink(*(ran.plan.sink_parts or ("groups",)))
    left, is_full = _feed(ran, sink, budget)
    if left is None and is_full:
        left = chain.from_iterable(ran.pieces())
    largest = sink.group()
    if left is None and largest is not None:
        (key,), values, total = largest
        tell_largest(key, values, total)
    return left, sink


def _as_dict(sink: Any, budget: Budget) -> dict[Any, Any]:
    budget.cleared()
    pairs = dict(chain.from_iterable(iter(sink.next_pairs, None)))
    budget.add(list(islice(pairs.items(), 32)), len(pairs), ENTRY)
    return pairs


def _feed(ran: _Ran, sink: Any, budget: Budget | None = None) -> tuple[Iterator[Any] | None, bool]:
    """Feeds a sink until the records end, or a budget says that it is full.

    Returns the results that it has not taken, if there are such, and whether it is full.
    """
    while ran.holds():
        fed = ran.run.feed(sink, ran.again)
        if fed is None:
            return None, False
        taken, begun, piece = fed
        ran.was_whole(taken == BY_OBJECTS)
        if not taken:
            first, others = ((), ()) if begun is None else ((begun[0],), begun[1])
            return chain(first, others, ran.all_behind(piece)), False
        if budget is not None and sink.is_full(budget):
            return None, True
    return ran.rest(), False


_SINKS: dict[str, Callable[[_Ran, Any], Iterable[Any]]] = {
    **{"count": _count, "sum": _sum, "stats": _stats, "fold": _fold, "aggregate": _aggregate, "counts": _counts},
    "first": _first,
}

_TABLES: dict[str, Callable[[_Ran, Any], Iterator[Iterable[Any]]]] = {
    **{"table": _table, "combine": _table, "distinct": _table},
    **{"merged": _merged, "distinct_merged": _merged, "placed": _placed, "groups": _groups, "cogroups": _cogroups},
    **{"sorted": _sorted, "sampled": _sampled},
}
