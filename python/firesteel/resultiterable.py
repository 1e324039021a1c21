"""The values of a key in ``groupByKey`` and ``cogroup``: an iterable of known size that may be read again.

The values are a list, or a :class:`firesteel.shuffle.SpilledList` where they did not fit into memory; readers need not
care.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

__all__ = ["ResultIterable"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class SizedIterable(Protocol[T_co]):
    """An iterable with a length."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[T_co]: ...


class ResultIterable(Generic[T], Iterable[T]):
    """The values of one key.

    >>> values = ResultIterable([3, 1, 2])
    >>> len(values), sorted(values), list(values)
    (3, [1, 2, 3], [3, 1, 2])
    """

    def __init__(self, data: SizedIterable[T]) -> None:
        self.data: SizedIterable[T] = data

    index = 0
    """The position of a reader: always the beginning, since each reader has an iterator of its own."""

    @property
    def maxindex(self) -> int:
        """The number of values."""
        return len(self.data)

    def __iter__(self) -> Iterator[T]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)
