"""Sorting the records of one partition, with sorted runs in files where memory is short.

Records are gathered until memory is used up, sorted and written as a run; at the end all runs are merged. Both steps
keep the order of records with equal keys, as ``sorted`` does. The files are those of :mod:`firesteel.spill`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from firesteel.spill import BATCH, CHUNK, Budget, Run, chunks, with_budget

__all__ = ["external_sort", "identity", "key_of_pair"]

T = TypeVar("T")


def external_sort(
    records: Iterable[T], key: Callable[[T], Any], reverse: bool = False, budget: Budget | None = None
) -> Iterator[T]:
    """Yields all records in the order of their keys; ``reverse`` for the greatest first, equal ones in their first
    order.

    >>> list(external_sort([3, 1, 2], key=lambda x: x, reverse=True))
    [3, 2, 1]
    """
    budget = budget or Budget()
    iterator = iter(records)
    held: list[T] = []
    runs: list[Run[T]] = []
    while chunk := list(islice(iterator, CHUNK)):
        held += chunk
        budget.add(chunk, len(chunk))
        if budget.exceeded():
            held.sort(key=key, reverse=reverse)
            runs.append(_write(held))
            held = []
            budget.relieved()
    held.sort(key=key, reverse=reverse)
    return with_budget(merge(*runs, held, key=key, reverse=reverse) if runs else held, budget)


def _write(records: list[T]) -> Run[T]:
    run: Run[T] = Run()
    for batch in chunks(iter(records), BATCH):
        run.write(batch)
    return run


def identity(value: T) -> T:
    """Returns the value itself: the key function of calls without one.

    >>> identity(3)
    3
    """
    return value


class _KeyOf:
    """The sort key of a pair: ``function`` of its key."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, pair: tuple[Any, Any]) -> Any:
        return self.function(pair[0])


def key_of_pair(function: Callable[[Any], Any]) -> Callable[[tuple[Any, Any]], Any]:
    """Returns the sort key of pairs, without a Python call where it is the key itself."""
    return itemgetter(0) if function is identity else _KeyOf(function)
