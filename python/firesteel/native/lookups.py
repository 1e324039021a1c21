"""Dicts, sets, lists and tuples that functions look things up in, as tables of the kernels.

A table is made once for each task, and of a broadcast value once for each worker. What it was made of can change while
tasks run. So it comes with a :class:`Contents`, which is asked before each batch whether everything is as it was; and a
function that is interpreted behind such a step keeps the step in the interpreter, since it could change a table between
two records of a batch. Broadcast values are not to be changed, and are free of the latter.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from operator import is_
from typing import Any
from weakref import ref

from firesteel import _native
from firesteel.broadcast import Broadcast
from firesteel.native import arrays
from firesteel.native.callables import NotConstant
from firesteel.native.values import NotLowered

__all__ = ["Contents", "Loaded", "Table", "Tables", "is_container"]

BATCH = 4096
"""The records of a batch: a larger table is compared again once that many records as it has entries have come."""

MOST_ENTRIES = 20_000
"""The most entries of a table that is made anew for each task, which takes a quarter of a microsecond for each."""

_CONTAINERS = (dict, set, frozenset, list, tuple)


def is_container(value: Any) -> bool:
    """Returns whether a value can be a table: subclasses may mean anything."""
    return type(value) in _CONTAINERS


class Contents:
    """What a container had in it when a table was made of it."""

    def __init__(self, value: Collection[Any], is_broadcast: bool) -> None:
        self.is_broadcast = is_broadcast
        self._value = value
        self._keys = list(value)
        self._values = list(value.values()) if isinstance(value, dict) else []
        self._waits = 0
        values = self._values if isinstance(value, dict) else self._keys
        self.has_numpy = arrays.have_numpy(values)
        self._arrays = arrays.Held(values) if self.has_numpy and not is_broadcast else None

    @property
    def is_constant(self) -> bool:
        """Whether no function of the program may change it."""
        return self.is_broadcast or self._arrays is None and isinstance(self._value, (tuple, frozenset))

    def holds(self) -> bool:
        """Returns whether the same objects are in it, as far as that was looked at."""
        if len(self._value) != len(self._keys):
            return False
        self._waits -= BATCH
        if self._waits > 0:
            return True
        self._waits = len(self._keys)
        if self._arrays is not None and not self._arrays.holds():
            return False
        if isinstance(self._value, (tuple, frozenset)):
            return True
        try:
            same = all(map(is_, self._value, self._keys))
            return same and (not isinstance(self._value, dict) or all(map(is_, self._value.values(), self._values)))
        except RuntimeError:  # another thread has changed its size
            return False


class Loaded:
    """The value of a broadcast that was read."""

    is_constant = True

    def __init__(self, broadcast: Broadcast[Any], value: Any) -> None:
        self._broadcast = broadcast
        self._value = value

    def holds(self) -> bool:
        """Returns whether the broadcast still has that value at hand."""
        return self._broadcast._value is self._value


class Table:
    """A container as the kernels have it, and what it was made of."""

    def __init__(self, value: Any, is_broadcast: bool) -> None:
        if not is_broadcast and len(value) > MOST_ENTRIES:
            raise NotLowered(f"a table of {len(value)} entries, more than {MOST_ENTRIES}, that is not broadcast")
        self.contents = Contents(value, is_broadcast)
        self._value = value
        self._keys: Any = None
        self._items: Any = None

    def keys(self) -> Any:
        """Returns the table of what is in the container."""
        if isinstance(self._value, dict) and self._items is not None:
            return self._items
        if self._keys is None:
            self._keys = _made(list(self._value), None)
        return self._keys

    def is_of(self, items: Any) -> bool:
        """Returns whether it has made a table of the kernels."""
        return items is not None and items is self._items

    def items(self) -> Any:
        """Returns the table of what a key or a position stands for."""
        if self._items is None:
            value = self._value
            if isinstance(value, dict):
                self._items = _made(list(value), list(value.values()))
            elif isinstance(value, (list, tuple)):
                count = len(value)
                self._items = _made(list(range(-count, count)), [*value, *value])
            else:
                raise NotLowered(f"an item of a {type(value).__name__}")
        return self._items


def _made(keys: list[Any], values: list[Any] | None) -> Any:
    try:
        return _native.KernelTable(keys, values)
    except ValueError as reason:
        raise NotLowered(f"a table with {reason}") from None


class Tables:
    """The tables of a program."""

    def __init__(self, reads: list[Any]) -> None:
        _worker.forget()
        self._reads = reads
        self._made: dict[int, Table] = {}
        self._broadcasts: dict[int, Broadcast[Any]] = {}

    def of_broadcast(self, broadcast: Broadcast[Any]) -> Any:
        """Returns the value of a broadcast."""
        try:
            value = broadcast.value
        except Exception as error:  # whatever unpickling raises, the function will, too
            raise NotConstant(f"a broadcast that cannot be read ({type(error).__name__})") from None
        self._broadcasts[id(value)] = broadcast
        self._reads.append(Loaded(broadcast, value))
        return value

    def found(self, value: Any) -> Any:
        """Returns a table of the keys of a container."""
        return self._table(value).keys()

    def items(self, value: Any) -> Any:
        """Returns a table of the keys of a container and their values."""
        return self._table(value).items()

    def of_numpy(self, value: Any) -> Any:
        """Returns a table in which a value of numpy's is the only item."""
        table = self._made.get(id(value))
        if table is None:
            # The table holds on to the value, so that its id is that of no other.
            table = self._made[id(value)] = Table((value,), is_broadcast=id(value) in self._broadcasts)
            self._read(table)
        return table.items()

    def has_numpy(self, items: Any) -> bool:
        """Returns whether a table of the kernels has values of numpy's."""
        return any(table.contents.has_numpy for table in self._made.values() if table.is_of(items))

    def length(self, value: Any) -> int:
        """Returns the number of entries of a container."""
        self._table(value)
        return len(value)

    def reads_settings(self) -> None:
        """Takes the settings of numpy for constant."""
        self._reads.append(arrays.settings())

    def item(self, value: Any, key: Any) -> Any:
        """Returns an item that is the same for all records."""
        is_broadcast = id(value) in self._broadcasts
        try:
            item = value[key]
        except (LookupError, TypeError):
            raise NotLowered(f"the item {key!r}, which is not there") from None
        self._reads.append(Contents(value, is_broadcast))
        if is_broadcast:
            self._broadcasts[id(item)] = self._broadcasts[id(value)]
        return item

    def _table(self, value: Any) -> Table:
        table = self._made.get(id(value))
        if table is None:
            broadcast = self._broadcasts.get(id(value))
            if broadcast is None:
                table = Table(value, is_broadcast=False)
            else:
                table = _of_broadcast(broadcast, value)
            self._made[id(value)] = table
            self._read(table)
        return table

    def _read(self, table: Table) -> None:
        self._reads.append(table.contents)
        if table.contents.has_numpy:
            self.reads_settings()


class _Worker(threading.local):
    """The tables of broadcast values of a thread, as long as the broadcasts live.

    The kernels' own part of a table is let go by the thread that made it: so it is when that thread next looks that
    those of dead broadcasts are.
    """

    def __init__(self) -> None:
        self._tables: dict[int, tuple[ref[Broadcast[Any]], dict[int, Table]]] = {}

    def forget(self) -> None:
        """Lets the tables of dead broadcasts go."""
        for key in [key for key, (broadcast, _) in self._tables.items() if broadcast() is None]:
            del self._tables[key]

    def tables_of(self, broadcast: Broadcast[Any]) -> dict[int, Table]:
        """Returns the tables of a broadcast's value and of what is in it, by the identity of these."""
        known, tables = self._tables.get(id(broadcast), (None, {}))
        if known is None or known() is not broadcast:
            tables = {}
            self._tables[id(broadcast)] = ref(broadcast), tables
        return tables


_worker = _Worker()


def _of_broadcast(broadcast: Broadcast[Any], value: Any) -> Table:
    tables = _worker.tables_of(broadcast)
    table = tables.get(id(value))
    # The table holds on to what it was made of, so that an id is that of one object.
    if table is None or not table.contents.holds():
        table = tables[id(value)] = Table(value, is_broadcast=True)
    return table
