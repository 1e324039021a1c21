"""Runs a chain in a task, as far as the kernels can, and in the interpreter where they cannot.

The engine gives a :class:`NativeChain` its lists of records in place of an iterator over them. The kernels take them
chunk by chunk. Records that they hand back run through the user's own functions when it is their turn, so that results,
order, exceptions and tracebacks are those of the interpreter. After many chunks that were handed back whole the rest of
the partition is interpreted without another look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from firesteel import _native
from firesteel.chain import Chain, PerRecord, Step, guarded, stopped
from firesteel.native.plan import Plan, plan
from firesteel.spill import ENTRY, Budget

__all__ = ["NativeChain", "over"]

#: So many chunks in a row that were handed back whole say that the rest will be, too.
WHOLE_CHUNKS = 4


class NativeChain(Chain):
    """A chain whose beginning runs in the kernels where it can."""

    def then(self, step: Step) -> NativeChain:
        """Returns a chain with one more step."""
        return NativeChain((*self.steps, step), self.site)

    def over_lists(self, partition: int, lists: Any) -> Iterator[Any]:
        """Does what a call does, for the engine's lists of records."""
        found = plan(self.steps)
        if found is None:
            return self(partition, chain.from_iterable(lists))
        return over(self, found, partition, lists)


def over(whole: Chain, found: Plan, partition: int, lists: Any) -> Iterator[Any]:
    """Runs a chain over an iterable of lists by a plan."""
    source: Any = lists
    if found.begins:
        source = whole.steps[0](partition, ())
        if not all(-(2**62) < bound < 2**62 for bound in (source.start, source.stop, source.step)):
            return whole(partition, chain.from_iterable(lists))
    steps = whole.steps[found.begins : found.ends]
    ran = _Ran(found, steps, source)
    rest = whole.steps[found.ends :]
    results: Iterable[Any]
    if found.sink:
        try:
            results = _SINKS[found.sink](ran, rest[0])
        except StopIteration as error:
            raise stopped([whole.site]) from error
        rest = rest[1:]
    else:
        results = chain.from_iterable(ran.pieces())
    return Chain(rest, whole.site)(partition, results)


class _Ran:
    """A partition on its way through the kernels."""

    def __init__(self, found: Plan, steps: Sequence[Any], source: Any) -> None:
        self.plan = found
        self.steps = steps
        self.source = source
        self.run = _native.KernelRun(list(found.programs), source)
        self._whole = 0

    def holds(self) -> bool:
        """Returns whether all names still stand for what they did, and the kernels are of use.

        The next records are here then: what is above them may have changed a name while it made them.
        """
        self.run.pull()
        return self._whole < WHOLE_CHUNKS and all(read.holds() for read in self.plan.reads)

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
        return self.again(chain.from_iterable(iter(self.run.next_records, None)))

    def opened(self, piece: tuple[list[Any] | None, list[Any] | None]) -> Iterator[Iterable[Any]]:
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
        for place, record in back:
            yield results[start:place]
            yield self.again((record,))
            start = place
        yield results[start:]

    def pieces(self) -> Iterator[Iterable[Any]]:
        """Returns all results, in pieces."""
        while self.holds():
            piece = self.run.next_piece()
            if piece is None:
                return
            yield from self.opened(piece)
        yield self.rest()

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
    sink = _native.KernelSink("sum")
    left, _ = _feed(ran, sink)
    (total,) = sink.result()
    # What was added so far is an int, with which `sum` goes on as if it had added the records itself.
    return (total if left is None else sum(left, total),)


def _fold(ran: _Ran, step: Any) -> Sequence[Any]:
    sink = _native.KernelSink("fold", ran.plan.sink_program)
    left, _ = _feed(ran, sink)
    state = sink.result()
    if left is None:
        return state
    reduced: Sequence[Any] = step.function(chain(state, left), *step.arguments)
    return reduced


def _table(ran: _Ran, step: Any) -> Iterator[tuple[Any, Any]]:
    """Combines by key before a shuffle: a table that is full is passed on."""
    from firesteel.shuffle import combine_locally

    budget = Budget()
    sink = _native.KernelSink("table", ran.plan.sink_program)
    while True:
        left, is_full = _feed(ran, sink, budget)
        if left is not None:
            create, merge = step.arguments
            yield from combine_locally(left, create, merge, budget, _as_dict(sink, budget))
            return
        budget.cleared()
        yield from chain.from_iterable(iter(sink.next_pairs, None))
        if not is_full:
            return
        budget.relieved()


def _merged(ran: _Ran, step: Any) -> Iterator[tuple[Any, Any]]:
    """Merges by key after a shuffle: of a table that is full Python takes care, which can deal it into files."""
    from firesteel.shuffle import merge_combined

    budget = Budget()
    sink = _native.KernelSink("table", ran.plan.sink_program)
    left, is_full = _feed(ran, sink, budget)
    if left is None and is_full:
        left = chain.from_iterable(ran.pieces())
    if left is None:
        yield from chain.from_iterable(iter(sink.next_pairs, None))
        return
    (merge,) = step.arguments
    yield from merge_combined(left, merge, budget, _as_dict(sink, budget))


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
        fed = ran.run.feed(sink, lambda record: ran.again((record,)))
        if fed is None:
            return None, False
        was_taken, begun, piece = fed
        if not was_taken:
            first, others = ((), ()) if begun is None else ((begun[0],), begun[1])
            return chain(first, others, ran.all_behind(piece)), False
        if budget is not None and sink.is_full(budget):
            return None, True
    return ran.rest(), False


_SINKS: dict[str, Callable[[_Ran, Any], Iterable[Any]]] = {
    **{"count": _count, "sum": _sum, "fold": _fold},
    **{"table": _table, "merged": _merged},
}
