"""The engine's kernels, as ``firesteel._native`` has them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from firesteel._native import Budget

_Piece = tuple[Block | list[Any] | None, list[Any] | None]

class Block:
    """Records in a column: to Python an iterable of them."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def part(self, start: int, end: int) -> Block: ...  # some of the records
    def is_keyed(self) -> bool: ...  # whether records are pairs whose keys have a hash in columns

class Lists:
    """A partition's records as the engine has them: to Python an iterator over lists, to the kernels also columns."""

    def __iter__(self) -> Iterator[list[Any]]: ...
    def __next__(self) -> list[Any]: ...

class Pieces:
    """The results of a chain for the engine, piece by piece: blocks, and iterables of records."""

    def __init__(self, pieces: Iterable[Iterable[Any]]) -> None: ...
    def __iter__(self) -> Iterator[Any]: ...

class KernelRun:
    """Steps that run in the kernels: names of operations with their programs, over lists, blocks or a range."""

    def __init__(
        self, steps: list[tuple[str, Any]], source: Any, generator: Any = None, may_change: bool = False
    ) -> None: ...
    @property
    def figures(self) -> tuple[int, int]: ...  # the records that came, and those that were handed back
    def pull(self) -> bool: ...  # waits for the next records; whether there are any
    def next_piece(self) -> _Piece | None:
        """Returns the results of the next chunk, and the records that were handed back, each with the number of
        results before its own; no results and all records if none was computed; None at the end. Results are a block
        unless many records were handed back."""
    def next_records(self) -> list[Any] | None: ...  # the next chunk as it is
    def next_count(self) -> tuple[int, list[Any] | None] | None:
        """Returns the number of results of the next chunk, and the records that were handed back."""
    def next_joined(self, sink: KernelSink, how: str) -> _Piece | None:
        """Joins the next chunk with the groups of a sink: ``inner``, ``left``, ``right``, ``full`` (without the pairs
        of the sink that have no partner), ``subtract`` or ``intersect``. Returns the results, or nothing and the
        records; None at the end."""
    def feed(
        self, sink: KernelSink, again: Callable[[Any], Iterator[Any]]
    ) -> tuple[int, tuple[Any, Iterator[Any]] | None, _Piece | None] | None:
        """Adds the results of the next chunk to a sink. Returns 1, or 2 if the interpreter had to compute them all; or
        0 if the sink has not taken one, with this and the iterator behind it, if it is of records that were handed
        back, and the piece behind; None at the end. ``again`` runs records in the interpreter.
        """

class KernelSample:
    """A sample without replacement, by the draws that a ``random.Random`` would give next."""

    def __init__(self, generator: Any, fraction: float) -> None: ...
    def draw(self) -> bool: ...  # draws for one record; whether it is kept
    def of(self, block: Block) -> list[Any]: ...  # draws for all records of a block, and returns those that are kept

class KernelSink:
    """What results are added up in, of a kind: ``sum`` with whether floats, and whole numbers among floats, are added
    with compensation; ``stats``, ``distinct``, ``distinct_merged``, ``counts``, ``groups``, ``sorted``; ``fold``,
    ``aggregate``, ``table``, ``merged`` with the program of a function of two; ``combine`` with that and what makes
    the first combination: a program, or a zero and a program; ``cogroups`` with the number of sides in the place of
    the latter, ``first`` with the number of pairs and whether their keys are the greatest."""

    def __init__(self, kind: str, program: Any = None, first: tuple[Any, ...] | None = None) -> None: ...
    def merges_by(self, merge: Any, create: Any) -> None:
        """Says what merges values that the kernels do not merge, and what makes the first combination of a key."""
    def add(self, value: Any) -> bool: ...  # adds an object; whether it was taken
    def begin(self, zero: Any) -> bool: ...  # begins a fold; whether it could
    def is_of_ints(self) -> bool: ...  # whether it is a sum that the loop of `sum` over whole numbers has made
    def result(self) -> list[Any]: ...  # the sum, or what was folded, if anything was
    def is_full(self, budget: Budget) -> bool: ...  # whether the table has to be passed on
    def next_pairs(self) -> Block | list[Any] | None: ...  # takes pairs out of the table; None behind the last
    def group(self) -> tuple[list[Any], int, int] | None:
        """Puts the values of each key together. Returns the key with most, in a list, how many these and all are."""
    def next_grouped(self) -> Block | None: ...  # keys with the groups of their values; None behind the last
    def next_groups(self) -> list[tuple[Any, list[Any]]] | None: ...  # keys with their values; None behind the last
    def meet(self, key: int) -> bool: ...  # the key of this number has a partner; whether it has had one before
    def sort(self, is_reversed: bool) -> None: ...  # sorts all pairs, which `next_pairs` gives in this order then

class KernelTable:
    """A table that programs look things up in: keys, all ``int``, ``str`` or tuples of these, and values, if any."""

    def __init__(self, keys: list[Any], values: list[Any] | None = None) -> None: ...

def pairwise_sum(items: bytes) -> float: ...  # the sum of the floats in an array's bytes, in numpy's order
