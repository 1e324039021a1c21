"""Names that a function reads and does not make: taken for constants, and looked at again before each batch.

A name of the function's module can be set by other code while a task runs. So each one that was taken for a constant is
a :class:`Read`, which knows whether the name still stands for the same object.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import Any

from firesteel.native import records
from firesteel.native.callables import NotConstant

__all__ = ["UNSET", "Names", "Read", "Unset"]

_UNSET = object()


class Unset:
    """What stands for a name without a value."""


UNSET = Unset()


@dataclass(frozen=True, eq=False)
class Read:
    """A name that was read: of a module (``place`` is its dict), or captured (``place`` is a cell)."""

    name: str
    place: Any
    value: Any

    @property
    def is_builtin(self) -> bool:
        """Whether Python itself gives the name its value."""
        return not isinstance(self.place, CellType) and self.place.get(self.name, _UNSET) is _UNSET

    def holds(self) -> bool:
        """Returns whether the name still has the value."""
        if isinstance(self.place, CellType):
            return _contents(self.place) is self.value
        found = self.place.get(self.name, _UNSET)
        return (getattr(builtins, self.name, _UNSET) if found is _UNSET else found) is self.value


class Names:
    """The names around a function."""

    def __init__(self, function: FunctionType, reads: list[Read]) -> None:
        self._globals = function.__globals__
        self._captured = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
        self._reads = reads

    @property
    def module(self) -> str:
        """The name of the module that the function is in."""
        return str(self._globals.get("__name__", ""))

    def peek(self, name: str) -> Any:
        """Returns the value of a name as it is now, without taking it for constant; ``UNSET`` of one without."""
        cell = self._captured.get(name)
        value = self._globals.get(name, getattr(builtins, name, _UNSET)) if cell is None else _contents(cell)
        return UNSET if value is _UNSET else value

    def of_global(self, name: str) -> Any:
        """Returns the value of a name of the module, or of Python."""
        value = self._globals.get(name, _UNSET)
        if value is _UNSET:
            value = getattr(builtins, name, _UNSET)
        if value is _UNSET:
            raise NotConstant(f"the name {name}, which has no value")
        self._reads.append(Read(name, self._globals, value))
        return value

    def of_captured(self, name: str) -> Any:
        """Returns the value of a name of a function around this one."""
        cell = self._captured.get(name)
        value = _UNSET if cell is None else _contents(cell)
        if value is _UNSET:
            raise NotConstant(f"the name {name}, which has no value yet")
        self._reads.append(Read(name, cell, value))
        return value

    def of_record(self, owner: Any, name: str) -> Any:
        """Returns a value of a named tuple or a dataclass; ``UNSET`` if it has none of this name."""
        fields, is_tuple, has_dict = records.shape_of(type(owner)) or ((), False, False)
        if name not in fields:
            return UNSET
        value = getattr(owner, name)
        if not is_tuple:
            if not has_dict:
                raise NotConstant(f"the attribute {name} of an object with slots")
            # What is frozen can be changed nevertheless.
            self._reads.append(Read(name, vars(owner), value))
        return value

    def of_attribute(self, owner: Any, name: str) -> Any:
        """Returns an attribute of a module, or of the type ``str``."""
        value = getattr(owner, name, _UNSET)
        if value is _UNSET:
            raise NotConstant(f"the attribute {name}, which {getattr(owner, '__name__', owner)} has not")
        if owner is not str:
            self._reads.append(Read(name, vars(owner), value))
        return value


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _UNSET
