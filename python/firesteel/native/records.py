"""Named tuples: those of ``collections.namedtuple`` and ``typing.NamedTuple``, as long as they are as these made them.

A class that says itself what its instances do (how they compare, what their items are, how they are made) may mean
anything, and is the interpreter's. Methods under names of their own do no harm.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["defaults_of", "fields_of"]

_GETTER = type(namedtuple("_GETTER", "x").x)  # type: ignore[attr-defined]

#: What such a class has of names with underscores at both ends, in all versions of Python. Those of a main program have
#: got a ``__dict__`` on their way to a worker.
_USUAL = frozenset(
    "__annotate__ __annotate_func__ __annotations__ __annotations_cache__ __classdictcell__ __conditional_annotations__"
    " __dict__ __doc__ __firstlineno__ __getnewargs__ __match_args__ __module__ __new__ __orig_bases__ __qualname__"
    " __replace__ __repr__ __slots__ __static_attributes__".split()
)

_known: WeakKeyDictionary[type, tuple[str, ...]] = WeakKeyDictionary()


def fields_of(kind: Any) -> tuple[str, ...] | None:
    """Returns the names of a named tuple's items; None if it is none, or not a plain one.

    >>> from collections import namedtuple
    >>> fields_of(namedtuple("Point", "x y")), fields_of(tuple)
    (('x', 'y'), None)
    """
    if not isinstance(kind, type) or kind.__mro__[1:] != (tuple, object) or type(kind) is not type:
        return None
    known = _known.get(kind)
    if known is None:
        known = _known[kind] = _looked_up(kind)
    return known or None


def _looked_up(kind: type) -> tuple[str, ...]:
    names = vars(kind)
    fields = names.get("_fields")
    if type(fields) is not tuple or not all(type(names.get(field)) is _GETTER for field in fields):
        return ()
    if any(name.startswith("__") and name.endswith("__") and name not in _USUAL for name in names):
        return ()
    makes = getattr(kind.__new__, "__globals__", {}).get("_tuple_new")
    # Each name gives the item of its own place.
    own = [str(at) for at in range(len(fields))]
    is_plain = makes is tuple.__new__ and [getattr(tuple.__new__(kind, own), name) for name in fields] == own
    return fields if is_plain else ()


def defaults_of(kind: type, given: int) -> tuple[Any, ...] | None:
    """Returns the defaults of a call with so many items; None if these are too few or too many.

    >>> from collections import namedtuple
    >>> defaults_of(namedtuple("Point", "x y", defaults=[0]), 1)
    (0,)
    """
    defaults: tuple[Any, ...] = getattr(kind.__new__, "__defaults__", None) or ()
    missing = len(fields_of(kind) or ()) - given
    return defaults[len(defaults) - missing :] if 0 <= missing <= len(defaults) else None
