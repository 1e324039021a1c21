"""A partition on its way through the kernels, and what of it the interpreter does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from firesteel import _native
from firesteel.chain import PerRecord, guarded
from firesteel.native.plan import Plan

__all__ = ["Ran"]

#: So many chunks in a row that were handed back, whole or in good part, say that the rest will be, too.
WHOLE_CHUNKS = 4

#: So many records of a chunk, an eighth of a large one, cost more than the kernels save for the others.
GOOD_PART = 512


class Ran:
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
        # Somebody catches exceptions of functions and goes on: iterators of the interpreter may have ended by one.
        self._is_over = False

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
            iterator = iter(step(0, guarded(per_record, iterator, self._ends) if per_record else iterator))
            per_record = []
        return guarded(per_record, iterator, self._ends) if per_record else iterator

    def _ends(self) -> None:
        """Notes that a function has ended the data: nothing comes behind, as in the interpreter."""
        self._is_over = True

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
        self._whole = self._whole + 1 if back is not None and len(back) > GOOD_PART else 0
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
            if self._is_over:
                return
            start = place
        yield part(start, len(results))

    def pieces(self) -> Iterator[Iterable[Any]]:
        """Returns all results, in pieces: blocks, and iterators over those that the interpreter makes among them."""
        while not self._is_over and self.holds():
            piece = self.run.next_piece()
            if piece is None:
                return
            if piece[1] is None or type(piece[0]) is _native.Block:
                yield from self.opened(piece)
            else:
                yield chain.from_iterable(self.opened(piece))
        if not self._is_over:
            yield self.rest()

    def was_whole(self, is_whole: bool) -> None:
        """Says whether a chunk was handed back whole."""
        self._whole = self._whole + 1 if is_whole else 0

    def all_behind(self, piece: Any) -> Iterator[Any]:
        """Returns the results of a chunk that a sink has not taken, and all behind them."""
        return chain.from_iterable(chain(self.opened(piece), self.pieces()))
