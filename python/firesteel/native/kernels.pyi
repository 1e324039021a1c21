"""The engine's kernels, as ``firesteel._native`` has them."""

from collections.abc import Callable, Iterator
from typing import Any

from firesteel._native import Budget

_Piece = tuple[list[Any] | None, list[Any] | None]

class KernelRun:
    """Steps that run in the kernels: names of operations with their programs, over lists of records or a range."""

    def __init__(self, steps: list[tuple[str, Any]], source: Any) -> None: ...
    @property
    def figures(self) -> tuple[int, int]: ...  # the records that came, and those that were handed back
    def pull(self) -> bool: ...  # waits for the next records; whether there are any
    def next_piece(self) -> _Piece | None:
        """Returns the results of the next chunk, and the records that were handed back, each with the number of
        results before its own; no results and all records if none was computed; None at the end."""
    def next_records(self) -> list[Any] | None: ...  # the next chunk as it is
    def next_count(self) -> tuple[int, list[Any] | None] | None:
        """Returns the number of results of the next chunk, and the records that were handed back."""
    def feed(
        self, sink: KernelSink, again: Callable[[Any], Iterator[Any]]
    ) -> tuple[bool, tuple[Any, Iterator[Any]] | None, _Piece | None] | None:
        """Adds the results of the next chunk to a sink. Returns whether it has taken them; if not, a result with the
        iterator behind it, of a record that was handed back, and the piece behind; None at the end. ``again`` runs a
        record in the interpreter.
        """

class KernelSink:
    """What results are added up in: ``sum``, or ``fold`` and ``table`` with the program of a function of two."""

    def __init__(self, kind: str, program: Any = None) -> None: ...
    def result(self) -> list[Any]: ...  # the sum, or what was folded, if anything was
    def is_full(self, budget: Budget) -> bool: ...  # whether the table has to be passed on
    def next_pairs(self) -> list[Any] | None: ...  # takes pairs out of the table; None behind the last

class KernelTable:
    """A table that programs look things up in: keys, all ``int``, ``str`` or tuples of these, and values, if any."""

    def __init__(self, keys: list[Any], values: list[Any] | None = None) -> None: ...
