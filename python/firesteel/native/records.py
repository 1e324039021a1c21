"""Named tuples and frozen dataclasses, as ``namedtuple``, ``NamedTuple`` and ``dataclass`` made them.

A class that says itself what its instances do (what their items are, how they are made) may mean anything, and is the
interpreter's. Methods under names of their own do no harm. The kernels compare no instances and hash none: how a
dataclass does that is its own affair.
"""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from types import FunctionType, MemberDescriptorType
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["fields_of", "placed", "shape_of"]

_GETTER = type(namedtuple("_GETTER", "x").x)  # type: ignore[attr-defined]

#: What such a class has of names with underscores at both ends, in all versions of Python. Those of a main program have
#: got a ``__dict__`` on their way to a worker.
_USUAL = frozenset(
    "__annotate__ __annotate_func__ __annotations__ __annotations_cache__ __classdictcell__ __conditional_annotations__"
    " __dict__ __doc__ __firstlineno__ __getnewargs__ __match_args__ __module__ __new__ __orig_bases__ __qualname__"
    " __replace__ __repr__ __slotnames__ __slots__ __static_attributes__".split()
)

_known: WeakKeyDictionary[type, tuple[str, ...]] = WeakKeyDictionary()


#: The same, of dataclasses.
_USUAL_OF_DATACLASSES = frozenset(
    "__annotate__ __annotate_func__ __annotations__ __annotations_cache__ __classdictcell__ __conditional_annotations__"
    " __dataclass_fields__ __dataclass_params__ __delattr__ __dict__ __doc__ __eq__ __firstlineno__ __ge__"
    " __getstate__ __gt__ __hash__ __init__ __le__ __lt__ __match_args__ __module__ __qualname__ __replace__ __repr__"
    " __setattr__ __setstate__ __slotnames__ __slots__ __static_attributes__ __weakref__".split()
)

#: The types of defaults that are the same for all instances, and do nothing when a class is asked for them.
_PLAIN = (int, float, str, bool, type(None), tuple)

_shapes: WeakKeyDictionary[type, tuple[tuple[str, ...], bool, bool]] = WeakKeyDictionary()


def shape_of(kind: Any) -> tuple[tuple[str, ...], bool, bool] | None:
    """Returns the names of the values of a class of records, whether they are tuples, and whether they have a dict.

    >>> shape_of(dataclasses.make_dataclass("Point", ["x", "y"], frozen=True)), shape_of(list)
    ((('x', 'y'), False, True), None)
    """
    if not isinstance(kind, type):
        return None
    known = _shapes.get(kind)
    if known is None:
        fields = fields_of(kind)
        known = (fields, True, False) if fields else (_fields_of_dataclass(kind), False, "__dict__" in vars(kind))
        _shapes[kind] = known
    return known if known[0] else None


def _fields_of_dataclass(kind: type) -> tuple[str, ...]:
    """Returns the names of a plain frozen dataclass's fields; none of another class."""
    names = vars(kind)
    fields = names.get("__dataclass_fields__")
    if type(kind) is not type or kind.__mro__[1:] != (object,) or type(fields) is not dict:
        return ()
    if any(name.startswith("__") and name.endswith("__") and name not in _USUAL_OF_DATACLASSES for name in names):
        return ()
    if not names["__dataclass_params__"].frozen or not all(map(_is_plain, fields.values())):
        return ()
    missing = object()
    for name, field in fields.items():
        # What reads a field has to find that of the instance.
        found = names.get(name, missing)
        if found is not missing and type(found) is not MemberDescriptorType and type(found) not in _PLAIN:
            return ()
    made = names.get("__init__")
    is_as_made = isinstance(made, FunctionType) and _looks(made) == _looks(_twin(fields).__init__)
    return tuple(fields) if is_as_made else ()


def _is_plain(field: Any) -> bool:
    missing = type(dataclasses.MISSING)  # of which a class from another process may have an instance of its own
    is_field = getattr(field._field_type, "name", "") == "_FIELD"
    has_factory = type(field.default_factory) is not missing
    is_simple = type(field.default) is missing or type(field.default) in _PLAIN
    return is_field and field.init and not field.kw_only and not has_factory and is_simple


def _twin(fields: dict[str, Any]) -> Any:
    """Returns a dataclass with such fields."""
    missing = type(dataclasses.MISSING)
    some: list[Any] = []
    for name, field in fields.items():
        default = () if type(field.default) is missing else (dataclasses.field(default=field.default),)
        some.append((name, object, *default))
    return dataclasses.make_dataclass("Twin", some, frozen=True)


def _looks(function: Any) -> tuple[Any, ...]:
    code = function.__code__
    counts = (code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount, code.co_flags)
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, counts


def placed(kind: type, given: list[Any], named: dict[str, Any]) -> list[Any] | None:
    """Returns what a call gives for each value of an instance, and constants for the others; None of a wrong call.

    >>> placed(namedtuple("Point", "x y", defaults=[0]), [], {"x": 1})
    [1, (0,)]
    """
    fields, is_tuple, _ = shape_of(kind) or ((), False, False)
    function: Any = kind.__new__ if is_tuple else kind.__init__  # type: ignore[misc]
    defaults = function.__defaults__ or ()
    known: dict[str, Any] = {name: (value,) for name, value in zip(fields[len(fields) - len(defaults) :], defaults)}
    rest = fields[len(given) :]
    if len(given) > len(fields) or not set(named) <= set(rest):
        return None
    known.update(named)
    if not all(name in known for name in rest):
        return None
    return [*given, *(known[name] for name in rest)]


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
