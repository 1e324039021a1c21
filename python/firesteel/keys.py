"""Rules by which keys are hashed: one for each type, decided once, for the native module that hashes.

Equal keys must be placed alike by all processes. The interpreter hashes some of them by address: None before 3.12, NaN,
classes, functions, and all objects whose class defines no equality. So each key is hashed by its value:

- Types of the interpreter and of its library by their own hash where no address is in it, else as a plain value that
  says the same (a range as a tuple of three numbers).
- Classes, functions and modules by the name that they are pickled by.
- Types with a ``__hash__`` of their own by this, with :func:`install`'s ``hash`` in the place of the interpreter's.
- A hash whose code cannot be inspected (of a C extension; one that asks for addresses) as it is, and some keys of the
  type are hashed by another process, too (``firesteel.trial``): if the two differ, the type is refused.
- Objects that are equal only to themselves are refused, unless a copy is the object itself, as for members of enums.
"""

from __future__ import annotations

import builtins
import copy
import dis
import enum
import functools
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from firesteel import _native
from firesteel.errors import UnplaceableKeyError

__all__ = ["compare_with_another_process", "install", "rules_of", "within"]

# The native module has the same numbers.
PLAIN, NUMBER, TUPLE, SET, OWN, TRIED, IDENTITY = range(7)

#: A type's own hash, also after :func:`install`.
_interpreters_hash = builtins.hash

Rule = int | Callable[[Any], Any]

#: Their objects are equal if they are methods of the same object.
_METHODS: tuple[type, ...] = (types.BuiltinFunctionType, types.MethodType, types.MethodWrapperType)


def install() -> None:
    """Makes ``hash`` give the same in all workers. Values without an address in them hash as before."""
    _native.hash.__module__ = "builtins"  # under this name it is pickled
    builtins.hash = _native.hash


def rules_of(kind: type) -> tuple[Rule, Rule]:
    """Returns the rule by which keys of a type are placed, and the rule for ``hash`` of them.

    >>> rules_of(int) == (PLAIN, PLAIN), rules_of(float) == (NUMBER, NUMBER)
    (True, True)
    """
    hashed, compared = _definer(kind, "__hash__"), _definer(kind, "__eq__")
    if kind.__hash__ is None:
        return PLAIN, PLAIN  # the interpreter refuses it
    if compared is object or kind in _METHODS:
        return _rules_of_identity(kind)
    known = _rule_of_builtin(hashed)
    if known is not None:
        return known, known
    # Equal keys are equal by the other type's rule: the program's own hash adds nothing to it.
    plain = _PLAIN_FORMS.get(compared)
    own = TRIED if _is_opaque(kind, hashed) else OWN
    return own if plain is None else plain, own


def _definer(kind: type, name: str) -> type:
    """Returns the class that defines a type's method of this name, also where a class took it over by assignment."""
    definer = next(base for base in kind.__mro__ if name in vars(base))
    method = vars(definer)[name]
    kinds = types.WrapperDescriptorType, types.MethodDescriptorType
    return method.__objclass__ if isinstance(method, kinds) else definer


# -- types of the interpreter and its library


def _rule_of_builtin(hashed: type) -> Rule | None:
    """Returns the rule for types that take their hash from this one, where it is known."""
    if hashed.__module__ == "numpy":
        return NUMBER
    return _BUILTINS.get(_full_name(hashed))


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _items_of_range(key: range) -> Any:
    """Makes ranges with the same numbers equal, whatever their ends."""
    return len(key), key[0] if key else None, key.step if len(key) > 1 else None


#: By name, so that their modules need not be imported for it.
_BUILTINS: dict[str, Rule] = {
    **dict.fromkeys(("builtins.int", "builtins.str", "builtins.bytes"), PLAIN),
    **dict.fromkeys(("builtins.float", "builtins.complex", "decimal.Decimal"), NUMBER),
    **dict.fromkeys(("fractions.Fraction", "uuid.UUID", "re.Pattern"), PLAIN),
    **{f"datetime.{name}": PLAIN for name in ("date", "datetime", "time", "timedelta", "timezone")},
    # They cache their hash, and leave it out when they are pickled.
    **dict.fromkeys(("pathlib.PurePath", "pathlib._local.PurePath"), OWN),
    "builtins.tuple": TUPLE,
    "builtins.frozenset": SET,
    "builtins.range": _items_of_range,
    "builtins.slice": lambda key: (key.start, key.stop, key.step),
    "types.GenericAlias": lambda key: (key.__origin__, key.__args__),
    "types.UnionType": lambda key: frozenset(key.__args__),
}

#: Types whose equality is often inherited, while the hash is not.
_PLAIN_FORMS: dict[type, Callable[[Any], Any]] = {
    int: int.__int__,
    str: str.__str__,
    bytes: lambda key: bytes.__getitem__(key, slice(None)),
    float: float.__float__,
    tuple: lambda key: tuple.__getitem__(key, slice(None)),
    frozenset: frozenset.copy,
}


# -- objects that are equal only to themselves


def _rules_of_identity(kind: type) -> tuple[Rule, Rule]:
    if issubclass(kind, enum.Enum):
        return _member, _member
    if issubclass(kind, type):
        return _class, _class
    if kind is types.FunctionType:
        return _function, _function
    if kind is types.ModuleType:
        return _module, _module
    return _reduced, IDENTITY


def _member(member: enum.Enum) -> Any:
    """Returns a member's name; a combination of flags may have none."""
    name = member._name_
    return name if name is not None else member._value_


def _class(kind: type) -> Any:
    return "class", kind.__module__, kind.__qualname__


def _module(module: types.ModuleType) -> Any:
    return "module", module.__name__


def _function(function: types.FunctionType) -> Any:
    """Returns a function's importable name; others are copied, and a copy is another function."""
    if _found(function.__module__, function.__qualname__) is function:
        return "function", function.__module__, function.__qualname__
    raise UnplaceableKeyError(
        f"{_a_key(types.FunctionType)}: {function.__qualname__} cannot be imported by its name from a module, so each"
        " process has a copy of its own, and no two copies are equal. Take the function's name as the key"
        " (`f.__name__`), or define the function in a module that executors import."
    )


def _found(module: str | None, name: str) -> Any:
    """Returns the object that other processes find under a name, or None if it is not the one here."""
    import cloudpickle  # type: ignore[import-untyped]

    if module is None or module in ("__main__", "__mp_main__"):
        return None
    copied = cloudpickle.list_registry_pickle_by_value()
    if any(module == one or module.startswith(f"{one}.") for one in copied):
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _reduced(key: Any) -> Any:
    """Returns the name and arguments by which a copy of the object is the object itself; else refuses it."""
    kind = type(key)
    if _has_copies(kind) or not _comes_back(key):
        raise UnplaceableKeyError(
            f"{_a_key(kind)}: it defines no `__eq__` of its own, so each object is equal only to itself, and the copy"
            f" of one that another process gets is another key. {_remedy(kind)}"
        )
    reduced: Any = key.__reduce_ex__(4)
    arguments = reduced if isinstance(reduced, str) else reduced[1]
    name = kind.__module__, kind.__qualname__
    try:
        _native.portable_hash(arguments)
    except TypeError:
        # All keys of such a type get one hash: never wrong, if slow.
        return name
    return *name, arguments


def _has_copies(kind: type) -> bool:
    """Returns whether objects of a type are pickled by their contents, into new objects."""
    import copyreg

    return kind not in _METHODS and not (
        any(_definer(kind, name) is not object for name in ("__reduce_ex__", "__reduce__", "__new__"))
        or kind in copyreg.dispatch_table
    )


def _comes_back(key: Any) -> bool:
    """Returns whether an object's copy is the object."""
    from firesteel.pickling import dump_records, load_records

    try:
        return bool(load_records(dump_records([key]))[0] == key)
    except Exception:
        return False


# -- hashes of the program's own


def _is_opaque(kind: type, definer: type) -> bool:
    """Returns whether a type's hash may use addresses, or cache itself, without its code showing it."""
    method = vars(definer)["__hash__"]
    caches = _hash_attributes(kind, method)
    if caches:
        _caching[kind] = caches
    return bool(caches) or any(_asks_for_addresses(code) for _, code in _codes(kind, method))


def _asks_for_addresses(code: types.CodeType | None) -> bool:
    """Returns whether code avoids our ``hash``: ``x.__hash__()`` is the interpreter's, and C has no code to see."""
    return code is None or not {"id", "__hash__"}.isdisjoint(code.co_names)


def _codes(kind: type, function: Any) -> Iterator[tuple[Any, types.CodeType | None]]:
    """Yields the code of a function, and of the methods and functions that it names; None for those without code."""
    waiting = [function]
    seen: list[types.CodeType] = []
    while waiting:
        one = waiting.pop()
        one = getattr(one, "__wrapped__", one)
        code = one if isinstance(one, types.CodeType) else getattr(one, "__code__", None)
        if not isinstance(code, types.CodeType):
            yield one, None
        elif code not in seen:
            seen.append(code)
            yield one, code
            waiting.extend(part for part in code.co_consts if isinstance(part, types.CodeType))
            waiting.extend(_named(kind, one, code))


def _named(kind: type, function: Any, code: types.CodeType) -> Iterator[Any]:
    known = getattr(function, "__globals__", {})
    for name in code.co_names:
        method = inspect.getattr_static(kind, name, None)
        if isinstance(method, property):
            method = method.fget
        elif isinstance(method, functools.cached_property):
            method = method.func
        for value in (method, known.get(name)):
            if isinstance(value, types.FunctionType):
                yield value


def within(kind: type, error: TypeError) -> TypeError:
    """Returns the error for a hash that includes a value which cannot be placed."""
    if not isinstance(error, UnplaceableKeyError) or error.args[0].startswith(_a_key(kind)):
        return error
    return UnplaceableKeyError(f"{_a_key(kind)}: its `__hash__` uses a value that cannot be placed. {error}")


# -- hashes whose code cannot be inspected

#: How many keys of each type this process has seen, and of which shapes.
_seen: dict[type, int] = {}
_shapes: set[Any] = set()
SHAPES_AT_MOST = 10_000
"""The most shapes that are remembered; then they are tried again."""


def compare_with_another_process(key: Any) -> None:
    """Refuses a key whose hash differs in another process.

    Tries the first key of each shape, and the first, the second, the fourth, ... key of each type.
    """
    if builtins.hash is not _native.hash:
        return  # the program's own process, whose keys a worker places
    kind = type(key)
    if kind in _caching:
        _check_cached_hash(key, _caching[kind])
    seen = _seen[kind] = _seen.get(kind, 0) + 1
    shape = _shape(key, DEPTH)
    if shape in _shapes and seen & (seen - 1):
        return
    from firesteel import trial

    here, there = _interpreters_hash(key), trial.hash_elsewhere(key)
    if here != there:
        raise UnplaceableKeyError(
            f"{_a_key(kind)}: its hash is {here} in this process and {there} in another, for copies of the same key;"
            f" an address is in it, as that of None before Python 3.12. {_remedy(kind)}"
        )
    if len(_shapes) >= SHAPES_AT_MOST:
        _shapes.clear()
    _shapes.add(shape)


DEPTH = 4
"""The depth within a key down to which types are told apart."""


def _shape(value: Any, depth: int) -> Any:
    """Returns the types within a key: whether an address is in its hash depends on these."""
    kind = type(value)
    if depth == 0 or kind in (str, int, float, bool, bytes, type(None)):
        return kind
    if kind in (tuple, list):
        parts = value
    elif kind is dict:
        parts = value.values()
    elif kind in (frozenset, set):
        return kind, frozenset(_shape(part, depth - 1) for part in value)
    else:
        try:
            parts = value.__reduce_ex__(4)[1:3]
        except Exception:
            return kind  # it cannot be pickled either, which the trial will report
    return kind, tuple(_shape(part, depth - 1) for part in parts)


# -- cached hashes

#: Types whose objects may cache their hash, with the names of attributes that may hold it.
_caching: dict[type, frozenset[str]] = {}


def _hash_attributes(kind: type, method: Any) -> frozenset[str]:
    """Returns the attributes that a ``__hash__`` sets."""
    names: set[str] = set()
    for _, code in _codes(kind, method):
        if code is None:
            continue
        made = [one for one in dis.get_instructions(code) if one.opname in ("STORE_ATTR", "STORE_SUBSCR")]
        names.update(one.argval for one in made if one.opname == "STORE_ATTR")
        if len(made) > len(names) or not {"setattr", "__setattr__"}.isdisjoint(code.co_names):
            names.update(text for text in code.co_consts if isinstance(text, str) and text.isidentifier())
        names.update(
            name
            for name in code.co_names
            if isinstance(inspect.getattr_static(kind, name, None), functools.cached_property)
        )
    return frozenset(names)


def _hash_anew(bare: Any, names: frozenset[str]) -> int | None:
    """Returns the hash of a copy without its cached hash; None where that cannot be told."""
    for name in names:
        try:
            object.__delattr__(bare, name)
        except AttributeError:
            pass
    try:
        return _interpreters_hash(bare)
    except AttributeError:
        pass  # a key that was not hashed yet may have None there, see below
    try:
        for name in names:
            object.__setattr__(bare, name, getattr(bare, name, None))
        return _interpreters_hash(bare)
    except Exception:
        return None


def _check_cached_hash(key: Any, names: frozenset[str]) -> None:
    """Refuses a key that was pickled with the hash of another process, if it differs here."""
    anew = _hash_anew(copy.copy(key), names)
    if anew is not None and anew != _interpreters_hash(key):
        kind = type(key)
        raise UnplaceableKeyError(
            f"{_a_key(kind)}: it remembers its hash ({', '.join(sorted(names))}), which was made in another process and"
            f" would be {anew} here. Leave it out of what is pickled (`__getstate__`), so that each process makes its"
            " own."
        )


# -- sentences


def _a_key(kind: type) -> str:
    return f"a key of type {_name_of(kind)} cannot be placed"


def _name_of(kind: type) -> str:
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"


def _remedy(kind: type) -> str:
    name = kind.__qualname__.rpartition("<locals>.")[2]
    return (
        f"Give {name} an `__eq__` and a `__hash__` made of its numbers and text (`@dataclass(frozen=True)` writes"
        " both), or take a tuple of these as the key."
    )
