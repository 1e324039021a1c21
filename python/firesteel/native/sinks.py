"""What becomes of the results of kernels: they are counted, added, put into tables by key, grouped, sorted or sampled.

What a sink does not take goes on in the step that it stands for, as in the interpreter.
"""

from __future__ import annotations

import heapq
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, reduce
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from firesteel import _native
from firesteel.chain import stopped
from firesteel.hotkeys import tell_largest
from firesteel.native.ran import Ran
from firesteel.spill import ENTRY, Budget
from firesteel.statcounter import StatCounter

__all__ = ["SINKS", "TABLES", "grouped", "sum_rules"]

#: A chunk was taken by a sink as objects, since the kernels could not compute it.
BY_OBJECTS = 2


def _count(ran: Ran, step: Any) -> Sequence[int]:
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


def _sum(ran: Ran, step: Any) -> Sequence[Any]:
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


def _stats(ran: Ran, step: Any) -> Sequence[StatCounter]:
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


def _fold(ran: Ran, step: Any) -> Sequence[Any]:
    sink = _native.KernelSink(*ran.plan.sink_parts)
    sink.merges_by(step.arguments[0], None)
    left, _ = _feed(ran, sink)
    state = sink.result()
    if left is None:
        return state
    reduced: Sequence[Any] = step.function(chain(state, left), *step.arguments)
    return reduced


def _aggregate(ran: Ran, step: Any) -> Sequence[Any]:
    sink = _native.KernelSink(*ran.plan.sink_parts)
    function, zero = step.arguments
    sink.merges_by(function, None)
    left, _ = _feed(ran, sink) if sink.begin(zero) else (ran.rest(), False)
    (state,) = sink.result() or (zero,)
    folded: Sequence[Any] = (state,) if left is None else step.function(left, function, state)
    return folded


def _first(ran: Ran, step: Any) -> Sequence[Any]:
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


def _counts(ran: Ran, step: Any) -> Sequence[dict[Any, int]]:
    budget = Budget()
    sink = _native.KernelSink(*ran.plan.sink_parts)
    left, is_full = _feed(ran, sink, budget)
    if is_full:
        left = chain.from_iterable(ran.pieces())
    counted: dict[Any, int] = dict(chain.from_iterable(iter(sink.next_pairs, None)))
    budget.cleared()
    # What is in a table can be placed; only what Python counts is asked.
    return (counted,) if left is None else step.function(left, counted)


def _table(ran: Ran, step: Any) -> Iterator[Iterable[Any]]:
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


def _merged(ran: Ran, step: Any) -> Iterator[Iterable[Any]]:
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


def _placed(ran: Ran, step: Any) -> Iterator[Iterable[Any]]:
    """Passes pairs on to a shuffle as they come, which costs a column less than to put values of a key together.

    Keys reach the other side in the same order. Records that are objects Python puts together, as far as they come
    together.
    """
    for piece in ran.pieces():
        is_block = type(piece) is _native.Block and piece.is_keyed()
        yield piece if is_block else step.function(piece, *step.arguments)


def _sorted(ran: Ran, step: Any) -> Iterator[Iterable[Any]]:
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


def _sampled(ran: Ran, step: Any) -> Iterator[Iterable[Any]]:
    """Draws records, of which only those that are kept become objects."""
    sample = _native.KernelSample(step.generator(ran.partition), step.fraction)
    is_whole = True

    def kept(piece: Iterable[Any]) -> Iterator[Any]:
        nonlocal is_whole
        # Where a function fails, and somebody catches that, the interpreter's sample has ended.
        is_whole = False
        yield from (record for record in piece if sample.draw())
        is_whole = True

    for piece in ran.pieces():
        yield sample.of(piece) if type(piece) is _native.Block else kept(piece)
        if not is_whole:
            return


def _groups(ran: Ran, step: Any) -> Iterator[Iterable[Any]]:
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


def _cogroups(ran: Ran, step: Any) -> Iterator[Iterable[Any]]:
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


def grouped(ran: Ran, budget: Budget) -> tuple[Iterator[Any] | None, Any]:
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


def _feed(ran: Ran, sink: Any, budget: Budget | None = None) -> tuple[Iterator[Any] | None, bool]:
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


SINKS: dict[str, Callable[[Ran, Any], Iterable[Any]]] = {
    **{"count": _count, "sum": _sum, "stats": _stats, "fold": _fold, "aggregate": _aggregate, "counts": _counts},
    "first": _first,
}

TABLES: dict[str, Callable[[Ran, Any], Iterator[Iterable[Any]]]] = {
    **{"table": _table, "combine": _table, "distinct": _table},
    **{"merged": _merged, "distinct_merged": _merged, "placed": _placed, "groups": _groups, "cogroups": _cogroups},
    **{"sorted": _sorted, "sampled": _sampled},
}
