"""Merging by key on both sides of a shuffle, in bounded memory.

Values of a key are merged in a dict, so keys need a hash and equality and nothing else: they are never compared by
order. Before a shuffle, a dict that has used its memory up is passed on as it is, since the other side merges again
(:func:`combine_locally`, :func:`group_locally`). After it, such a dict is dealt into files by a second hash of its
keys, by bits that the shuffle has not used; the records that follow go to the same files, and each file is then merged
by itself, in the same way and by the next bits (:func:`merge_combined`, :func:`group_merged`, :func:`distinct_merged`).
So nothing is ever sorted, and keys may have mixed types. A single key whose values outgrow the memory cannot be dealt;
its values move into a :class:`~firesteel.spill.SpilledList`. Results come in the order in which keys first appeared, as
long as nothing was spilled.

``spill.py`` has the files, and ``firesteel._native`` the inner loops and what memory a table may have; ``sorting.py``
has the external sort and ``join.py`` the joins, which use the same files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from firesteel import _native, spill
from firesteel.hotkeys import tell_hot_key
from firesteel.spill import BATCH, CHUNK, ENTRY, Budget, Parts, SpilledList, chunks, with_budget

__all__ = [
    "add_rest",
    "combine_locally",
    "deal_out",
    "distinct_locally",
    "distinct_merged",
    "group_held",
    "group_locally",
    "group_merged",
    "merge_combined",
]

K = TypeVar("K")
V = TypeVar("V")

MANY = 8
"""The number of a key's values from which on they go through a shuffle as one list: for fewer, the list costs more than
it saves.
"""
MAX_LEVEL = 8
"""The most levels of dealing: they use 40 bits of the keys' hash, and keys that are still together share one hash.
"""


# -- before a shuffle: partial results are enough


def combine_locally(
    pairs: Iterable[tuple[K, V]],
    create: Callable[[V], Any] | None,
    merge: Callable[[Any, V], Any],
    budget: Budget | None = None,
    begun: dict[K, Any] | None = None,
) -> Iterator[tuple[K, Any]]:
    """Combines the values of equal keys; a key may be given several times if memory was short.

    ``begun`` has what was combined before.
    """
    budget = budget or Budget()
    table: dict[K, Any] = {} if begun is None else begun
    iterator = iter(pairs)
    while _native.combine(table, iterator, create, merge, budget):
        yield from _passed_on(table.items(), budget)
        table.clear()
        budget.relieved()
    yield from _passed_on(table.items(), budget)


def _passed_on(results: Iterable[V], budget: Budget) -> Iterable[V]:
    # The shuffle's buffers want memory for what they make of the table, while it is still there: with none they would
    # write many small files.
    budget.cleared()
    return results


class Several(list[V]):
    """Values of one key that go through a shuffle together."""

    __slots__ = ()


def group_locally(pairs: Iterable[tuple[K, V]], budget: Budget | None = None) -> Iterator[tuple[K, V | Several[V]]]:
    """Puts values of equal keys together, for keys with many values.

    :func:`group_merged` takes the result.
    """
    budget = budget or Budget()
    table: defaultdict[K, list[V]] = defaultdict(list)
    iterator = iter(pairs)
    while _native.append(table, iterator, Several, {}, budget, spill.CHUNK):
        yield from _passed_on(_put_together(table), budget)
        table.clear()
        budget.relieved()
    yield from _passed_on(_put_together(table), budget)


def _put_together(table: dict[K, list[V]]) -> Iterator[tuple[K, V | Several[V]]]:
    for key, values in table.items():
        # A few values travel one by one: a list for each key would cost more than it saves.
        if len(values) < MANY:
            for value in values:
                yield key, value
        else:
            for start in range(0, len(values), CHUNK):
                yield key, Several(values[start : start + CHUNK])


def distinct_locally(
    records: Iterable[K], budget: Budget | None = None, begun: dict[K, None] | None = None
) -> Iterator[tuple[K, None]]:
    """Yields each record once, as the key of a pair; several times if memory was short.

    ``begun`` has what came before.
    """
    budget = budget or Budget()
    table: dict[K, None] = {} if begun is None else begun
    for chunk in chunks(iter(records)):
        _add_keys(table, chunk, dict.fromkeys(chunk), budget)
        if budget.exceeded():
            yield from _passed_on(table.items(), budget)
            table.clear()
            budget.relieved()
    yield from _passed_on(table.items(), budget)


def _add_keys(table: dict[K, None], keys: list[K], pairs: Any, budget: Budget) -> None:
    before = len(table)
    table.update(pairs)
    # Each new key, and its place in the dict.
    budget.add(keys, len(table) - before, ENTRY)


# -- after a shuffle: each key is given once


def merge_combined(
    pairs: Iterable[tuple[K, V]],
    merge: Callable[[V, V], V],
    budget: Budget | None = None,
    begun: dict[K, V] | None = None,
) -> Iterator[tuple[K, V]]:
    """Merges combined values until each key has one. ``begun`` has what was merged before."""

    def fill(table: dict[K, V], iterator: Iterator[tuple[K, V]], budget: Budget) -> bool:
        return _native.combine(table, iterator, None, merge, budget)

    return _merged(pairs, fill, budget or Budget(), 0, begun)


def distinct_merged(
    pairs: Iterable[tuple[K, None]], budget: Budget | None = None, begun: dict[K, None] | None = None
) -> Iterator[tuple[K, None]]:
    """Yields each key once. ``begun`` has those that came before."""

    def fill(table: dict[K, None], iterator: Iterator[tuple[K, None]], budget: Budget) -> bool:
        for chunk in chunks(iterator):
            _add_keys(table, [key for key, _ in chunk], chunk, budget)
            if budget.exceeded():
                return True
        return False

    return _merged(pairs, fill, budget or Budget(), 0, begun)


def _merged(
    pairs: Iterable[tuple[K, V]],
    fill: Callable[[dict[K, V], Iterator[tuple[K, V]], Budget], bool],
    budget: Budget,
    level: int,
    begun: dict[K, V] | None = None,
) -> Iterator[tuple[K, V]]:
    table: dict[K, V] = {} if begun is None else begun
    iterator = iter(pairs)
    # All bits of the hashes are used: dealing again would put these keys into one file for ever.
    if level > MAX_LEVEL:
        budget.unlimited()
    if fill(table, iterator, budget):
        parts: Parts[K, V] = Parts(level)
        full = True
        while full:
            parts.write(table.items())
            table.clear()
            budget.relieved()
            full = fill(table, iterator, budget)
        parts.write(table.items())
        table.clear()
        budget.relieved()
        for part in parts.read():
            yield from _merged(part, fill, budget, level + 1)
            budget.cleared()
    else:
        yield from table.items()


def group_merged(
    pairs: Iterable[tuple[K, V | Several[V]]],
    budget: Budget | None = None,
    begun: Iterable[tuple[K, list[V]]] = (),
) -> Iterator[tuple[K, list[V] | SpilledList[V]]]:
    """Yields all values of each key; some of them arrive as :class:`Several`. ``begun`` has those that came before."""
    return _grouped(pairs, budget or Budget(), 0, begun)


def _grouped(
    pairs: Iterable[tuple[K, Any]], budget: Budget, level: int, begun: Iterable[tuple[K, Any]] = ()
) -> Iterator[tuple[K, Any]]:
    table: defaultdict[K, Any] = defaultdict(list, begun)
    iterator = iter(pairs)
    if group_held(table, iterator, budget, level):
        return _group_parts(table, iterator, budget, level)
    return with_budget(table.items(), budget)


def _group_parts(
    table: dict[K, Any], rest: Iterator[tuple[K, V]], budget: Budget, level: int
) -> Iterator[tuple[K, Any]]:
    """Continues with a full table: deals it into files, and groups each by itself."""
    parts: Parts[K, V] = Parts(level)
    hot = deal_out(table, parts)
    budget.relieved()
    add_rest(rest, hot, parts)
    yield from hot.items()
    hot.clear()
    for part in parts.read():
        yield from _grouped(part, budget, level + 1)
        budget.cleared()


def move_hot_key_out(table: dict[K, Any], budget: Budget, level: int) -> bool:
    """Makes room by moving the values of one key into a file, if that key has at least half of all values.

    Returns whether there is room now: if not, the table must be dealt out. It returns True if keys cannot be dealt
    further.
    """
    sizes = {key: len(values) for key, values in table.items() if type(values) is list}
    key = max(sizes, key=sizes.__getitem__, default=None)
    # Only a dominant key is worth a file of its own; otherwise dealing the table makes more room.
    if key is not None and (sizes[key] > BATCH or level > MAX_LEVEL) and sizes[key] * 2 >= sum(sizes.values()):
        table[key] = SpilledList(table[key])
        budget.relieved()
        return True
    if level > MAX_LEVEL:
        budget.unlimited()
        return True
    return False


def group_held(table: dict[K, Any], pairs: Iterator[tuple[K, V]], budget: Budget, level: int) -> bool:
    """Groups the values of one side of a join; returns whether memory ran out before all were read."""
    met: dict[K, int] = {}
    while _native.append(table, pairs, Several, met, budget, spill.CHUNK):
        if not move_hot_key_out(table, budget, level):
            return True
    tell_hot_key(table, met)
    return False


def deal_out(table: dict[K, Any], parts: Parts[K, Any]) -> dict[K, SpilledList[Any]]:
    """Empties a table into files; returns the rest: keys whose values are in a file already."""
    hot: dict[K, SpilledList[Any]] = {}

    def flat() -> Iterator[tuple[K, Any]]:
        while table:
            key, values = table.popitem()
            # A hot key stays: its values are in a file already, and dealing them would only copy it.
            if type(values) is list:
                for value in values:
                    yield key, value
            else:
                hot[key] = values

    parts.write(flat())
    parts.flush()
    return hot


def add_rest(rest: Iterable[tuple[K, Any]], hot: dict[K, SpilledList[Any]], parts: Parts[K, Any]) -> None:
    """Adds the records that follow to their keys."""

    def others() -> Iterator[tuple[K, Any]]:
        for pair in rest:
            key, value = pair
            if key not in hot:
                yield pair
            elif type(value) is Several:
                hot[key].extend(value)
            else:
                hot[key].append(value)

    parts.write(others())
