"""Chains of transformations of one partition: steps, composed in the driver, run in a worker.

A step is a callable ``step(partition, records) -> iterable``. Steps that call a user's function for each record are
:class:`PerRecord`; they run as iterators of the interpreter (``map``, ``filter``, ``chain``), with no frame of
Firesteel's between two records. Such an iterator takes a StopIteration that the user's function raises for the end of
the data. So a mark is put behind the last record that goes into a run of such steps. If the run ends before the mark
was reached, a function ended it, and the task fails instead of losing the rest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from firesteel.errors import FiresteelError

__all__ = [
    "Chain",
    "Filter",
    "FlatMap",
    "FlatMapValues",
    "KeyBy",
    "Keys",
    "Map",
    "MapValues",
    "OfRecords",
    "PerRecord",
    "Step",
    "Values",
    "described",
    "guarded",
    "without_end",
]

# Functions of this package are not the program's.
_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep

Step = Callable[[int, Iterable[Any]], Iterable[Any]]


def described(function: Any) -> str:
    """Returns the names and lines of the program's functions in a step or a chain of steps, for figures and pages.

    >>> def double(x): return 2 * x
    >>> described(Chain((Map(double, "map at app.py:3"),), "map at app.py:3")).partition(" at ")[0]
    'double'
    """
    steps = function.steps if isinstance(function, Chain) else (function,)
    names = []
    for step in steps:
        inner = getattr(step, "function", step)
        code = getattr(inner, "__code__", None)
        if code is not None and code.co_filename.startswith(_OWN):
            continue
        name = getattr(inner, "__name__", None) or type(inner).__name__
        if isinstance(step, Filter):
            name = f"filter {name}"
        if code is not None:
            names.append(f"{name} at {os.path.basename(code.co_filename)}:{code.co_firstlineno}")
        elif type(inner).__module__.partition(".")[0] != "firesteel":
            names.append(name)
    return ", ".join(names)


class PerRecord:
    """A step that reads all its records and calls a function for each."""

    def __init__(self, function: Callable[..., Any], site: str) -> None:
        self.function = function
        self.site = site

    def over(self, records: Iterable[Any]) -> Iterator[Any]:
        """Returns the records that the step makes of those given."""
        raise NotImplementedError

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterator[Any]:
        return self.over(records)


class Map(PerRecord):
    """Gives ``function(record)``."""

    def over(self, records: Iterable[Any]) -> Iterator[Any]:
        """See :meth:`PerRecord.over`."""
        return map(self.function, records)


class FlatMap(PerRecord):
    """Gives every item of ``function(record)``."""

    def over(self, records: Iterable[Any]) -> Iterator[Any]:
        """See :meth:`PerRecord.over`."""
        return chain.from_iterable(map(self.function, records))


class Filter(PerRecord):
    """Gives the records for which ``function(record)`` is true."""

    def over(self, records: Iterable[Any]) -> Iterator[Any]:
        """See :meth:`PerRecord.over`."""
        return filter(self.function, records)


class KeyBy(PerRecord):
    """Gives ``(function(record), record)``."""

    def over(self, records: Iterable[Any]) -> Iterator[Any]:
        """See :meth:`PerRecord.over`."""
        function = self.function
        return ((function(record), record) for record in records)


class MapValues(PerRecord):
    """Gives ``(key, function(value))``."""

    def over(self, records: Iterable[Any]) -> Iterator[Any]:
        """See :meth:`PerRecord.over`."""
        function = self.function
        return ((key, function(value)) for key, value in records)


class FlatMapValues(PerRecord):
    """Gives ``(key, item)`` for every item of ``function(value)``."""

    def over(self, records: Iterable[Any]) -> Iterator[Any]:
        """See :meth:`PerRecord.over`."""
        function = self.function
        return ((key, part) for key, value in records for part in function(value))


class Keys:
    """Gives the first item of each pair."""

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterator[Any]:
        return map(itemgetter(0), records)


class Values:
    """Gives the second item of each pair."""

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterator[Any]:
        return map(itemgetter(1), records)


class OfRecords:
    """A step made of a function that does not take the partition's number."""

    def __init__(self, function: Callable[..., Iterable[Any]], *arguments: Any) -> None:
        self.function = function
        self.arguments = arguments

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterable[Any]:
        return self.function(records, *self.arguments)


class Chain:
    """Steps that run one after the other.

    >>> list(Chain([Map(str.upper, "map"), Filter(str.isalpha, "filter")])(0, ["a", "1", "b"]))
    ['A', 'B']
    """

    def __init__(self, steps: Sequence[Step], site: str = "") -> None:
        self.steps = tuple(steps)
        self.site = site

    def then(self, step: Step) -> Chain:
        """Returns a chain with one more step."""
        return Chain((*self.steps, step), self.site)

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterator[Any]:
        iterator = iter(records)
        try:
            for per_record, steps in groupby(self.steps, key=lambda step: isinstance(step, PerRecord)):
                iterator = guarded(list(steps), iterator) if per_record else _plain(steps, partition, iterator)
        except StopIteration as error:
            raise stopped([self.site]) from error
        return iterator


def _plain(steps: Iterable[Step], partition: int, records: Iterator[Any]) -> Iterator[Any]:
    for step in steps:
        result = step(partition, records)
        try:
            records = iter(result)
        except TypeError:
            site = getattr(step, "site", "mapPartitions")
            raise TypeError(
                f"{type(result).__name__!r} object is not iterable: the function given to {site} must return an "
                "iterable of records (a list, a generator, an iterator)"
            ) from None
    return records


class _End:
    """The mark behind the last record."""

    def __init__(self, steps: Sequence[Any], tell: Callable[[], None] | None = None) -> None:
        self.steps = steps
        self.tell = tell
        self.reached = False

    def mark(self) -> Iterator[Any]:
        self.reached = True
        yield from ()

    def check(self) -> Iterator[Any]:
        # The data ended before the mark: a function raised StopIteration, and records were lost.
        if not self.reached:
            if self.tell is not None:
                self.tell()
            raise stopped([step.site for step in self.steps])
        yield from ()


def guarded(steps: list[Any], records: Iterator[Any], tell: Callable[[], None] | None = None) -> Iterator[Any]:
    """Runs records through steps that call a function for each, and fails if one of these ends the data.

    ``tell`` is called when that happens.
    """
    end = _End(steps, tell)
    iterator: Iterator[Any] = chain(records, end.mark())
    for step in steps:
        iterator = step.over(iterator)
    return chain(iterator, end.check())


def stopped(sites: Sequence[str]) -> FiresteelError:
    places = " or ".join(dict.fromkeys(site for site in sites if site)) or "this action"
    # Programs and tests look for the first words.
    return FiresteelError(
        f"Caught StopIteration thrown from user's code; failing the task: the function given to {places} raised it, "
        "mostly by next() on an iterator that was at its end. It would have ended the data there and lost the records "
        "behind it. Catch it in the function, or give next() a default."
    )


def without_end(function: Callable[..., Any], site: str, *arguments: Any) -> Any:
    """Calls a function in the driver, where a user's StopIteration is an error, too.

    >>> without_end(max, "max", 1, 2)
    2
    """
    try:
        return function(*arguments)
    except StopIteration as error:
        raise stopped([site]) from error
