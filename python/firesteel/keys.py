"""Which types of keys are hashed how: decided once for each type, for the native module that hashes.

Equal keys must be placed alike by all processes. What the interpreter hashes by its address is not: None before 3.12,
NaN, classes, functions, and all objects whose class defines no equality. So keys are hashed by what they are:

- Types of the interpreter and of its library by their own hash where no address is in it, else as a plain value that
  says the same (a range as a tuple of three numbers).
- Classes, functions and modules by the name that they are pickled by.
- Types with a ``__hash__`` of their own by this, with :func:`install`'s ``hash`` in the place of the interpreter's.
- A hash that cannot be looked through (of a C extension; one that asks for addresses) as it is, and some keys of the
  type are hashed by another process, too (``firesteel.trial``): where the two differ, the type is refused.
- Objects that are equal only to themselves are refused, unless their copies are they themselves, as members of enums.
"""

from __future__ import annotations

import builtins
import enum
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from firesteel import _native

__all__ = ["Unplaceable", "compare_with_another_process", "install", "rules_of", "within"]

# The native module has the same numbers.
PLAIN, NUMBER, TUPLE, SET, OWN, TRIED, IDENTITY = range(7)

Rule = int | Callable[[Any], Any]

#: Their objects are equal where what they are methods of is the same object.
_METHODS: tuple[type, ...] = (types.BuiltinFunctionType, types.MethodType, types.MethodWrapperType)


class Unplaceable(TypeError):
    """A key that other processes would hash otherwise, or that is equal to no copy of itself."""


def install() -> None:
    """Makes ``hash`` give the same in all workers. What has no address in it hashes as ever."""
    _native.hash.__module__ = "builtins"  # under this name it is pickled
    builtins.hash = _native.hash


def rules_of(kind: type) -> tuple[Rule, Rule]:
    """By what keys of a type are placed, and what ``hash`` makes of them.

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
    # Equal keys are equal as the other type has it: the hash of the program's own says nothing more.
    plain = _PLAIN_FORMS.get(compared)
    own = TRIED if _is_opaque(kind, hashed) else OWN
    return own if plain is None else plain, own


def _definer(kind: type, name: str) -> type:
    """The class whose method of this name a type has, also where another class has taken it over by assignment."""
    definer = next(base for base in kind.__mro__ if name in vars(base))
    method = vars(definer)[name]
    kinds = types.WrapperDescriptorType, types.MethodDescriptorType
    return method.__objclass__ if isinstance(method, kinds) else definer


# -- types of the interpreter and its library


def _rule_of_builtin(hashed: type) -> Rule | None:
    """The rule for types that take their hash from this one, where it is known."""
    if hashed.__module__ == "numpy":
        return _item if hashed.__name__ == "void" else NUMBER
    return _BUILTINS.get(_full_name(hashed))


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _item(record: Any) -> Any:
    """A record of numpy's as a tuple; one without fields as its bytes."""
    return record.item() if record.dtype.names else record.tobytes()


def _items_of_range(key: range) -> Any:
    """Ranges with the same numbers are equal, whatever their ends."""
    return len(key), key[0] if key else None, key.step if len(key) > 1 else None


#: By name, so that nobody has to import them for it.
_BUILTINS: dict[str, Rule] = {
    **dict.fromkeys(("builtins.int", "builtins.str", "builtins.bytes"), PLAIN),
    **dict.fromkeys(("builtins.float", "builtins.complex", "decimal.Decimal"), NUMBER),
    **dict.fromkeys(("fractions.Fraction", "uuid.UUID", "re.Pattern"), PLAIN),
    **{f"datetime.{name}": PLAIN for name in ("date", "datetime", "time", "timedelta", "timezone")},
    "builtins.tuple": TUPLE,
    "builtins.frozenset": SET,
    "builtins.range": _items_of_range,
    "builtins.slice": lambda key: (key.start, key.stop, key.step),
    "types.GenericAlias": lambda key: (key.__origin__, key.__args__),
    "types.UnionType": lambda key: frozenset(key.__args__),
}

#: Of types that equality is often inherited from, while the hash is not.
_PLAIN_FORMS: dict[type, Callable[[Any], Any]] = {
    int: int.__int__,
    str: str.__str__,
    bytes: lambda key: bytes.__getitem__(key, slice(None)),
    float: float.__float__,
    tuple: lambda key: tuple.__getitem__(key, slice(None)),
    frozenset: frozenset.copy,
}


# -- what is equal only to itself


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
    """A combination of flags may have no name."""
    name = member._name_
    return name if name is not None else member._value_


def _class(kind: type) -> Any:
    return "class", kind.__module__, kind.__qualname__


def _module(module: types.ModuleType) -> Any:
    return "module", module.__name__


def _function(function: types.FunctionType) -> Any:
    """Functions that cannot be imported are copied, and a copy is another function."""
    if _found(function.__module__, function.__qualname__) is function:
        return "function", function.__module__, function.__qualname__
    raise Unplaceable(
        f"{_a_key(types.FunctionType)}: {function.__qualname__} cannot be imported by its name from a module, so each"
        " process has a copy of its own, and no two copies are equal. Take the function's name as the key"
        " (`f.__name__`), or define the function in a module that executors import."
    )


def _found(module: str | None, name: str) -> Any:
    """What other processes find under a name, None if it is not that which is here."""
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
    """The name and arguments by which a copy of the object is the object itself; else it is refused."""
    kind = type(key)
    if _has_copies(kind) or not _comes_back(key):
        raise Unplaceable(
            f"{_a_key(kind)}: it defines no `__eq__` of its own, so each object is equal only to itself, and the copy"
            f" of one that another process gets is another key. {_remedy(kind)}"
        )
    reduced: Any = key.__reduce_ex__(4)
    arguments = reduced if isinstance(reduced, str) else reduced[1]
    name = kind.__module__, kind.__qualname__
    try:
        _native.portable_hash(arguments)
    except TypeError:
        # Of one type all lie together: never wrong, if slow.
        return name
    return *name, arguments


def _has_copies(kind: type) -> bool:
    """Whether objects of a type are pickled as what they hold, into new objects."""
    import copyreg

    return kind not in _METHODS and not (
        any(_definer(kind, name) is not object for name in ("__reduce_ex__", "__reduce__", "__new__"))
        or kind in copyreg.dispatch_table
    )


def _comes_back(key: Any) -> bool:
    """Whether an object's copy is the object."""
    from firesteel.pickling import dump_records, load_records

    try:
        return bool(load_records(dump_records([key]))[0] == key)
    except Exception:
        return False


# -- hashes of the program's own


def _is_opaque(kind: type, definer: type) -> bool:
    """Whether a type's hash may look at addresses without our noticing it."""
    return any(_asks_for_addresses(code) for code in _codes(kind, vars(definer)["__hash__"]))


def _asks_for_addresses(code: types.CodeType | None) -> bool:
    """``hash(x)`` is ours, but ``x.__hash__()`` the interpreter's; what has no code is of C."""
    return code is None or not {"id", "__hash__"}.isdisjoint(code.co_names)


def _codes(kind: type, function: Any) -> Iterator[types.CodeType | None]:
    """The code of a function, and of the methods and functions of its own that it names; None for what has none."""
    waiting = [function]
    seen: list[types.CodeType] = []
    while waiting:
        one = waiting.pop()
        one = getattr(one, "__wrapped__", one)
        code = one if isinstance(one, types.CodeType) else getattr(one, "__code__", None)
        if not isinstance(code, types.CodeType):
            yield None
        elif code not in seen:
            seen.append(code)
            yield code
            waiting.extend(part for part in code.co_consts if isinstance(part, types.CodeType))
            waiting.extend(_named(kind, one, code))


def _named(kind: type, function: Any, code: types.CodeType) -> Iterator[Any]:
    names = getattr(function, "__globals__", {})
    for name in code.co_names:
        method = getattr(kind, name, None)
        for value in (method.fget if isinstance(method, property) else method, names.get(name)):
            if isinstance(value, types.FunctionType):
                yield value


def within(kind: type, error: TypeError) -> TypeError:
    """What is raised where the hash of a type meets something that cannot be placed."""
    if not isinstance(error, Unplaceable) or error.args[0].startswith(_a_key(kind)):
        return error
    return Unplaceable(f"{_a_key(kind)}: its `__hash__` takes in something else. {error}")


# -- hashes that cannot be looked through

#: How many keys of a type were seen by this process.
_seen: dict[type, int] = {}


def compare_with_another_process(key: Any) -> None:
    """Refuses a key whose hash is another in another process. The first, the second, the fourth, ... of its type are
    tried.
    """
    kind = type(key)
    seen = _seen[kind] = _seen.get(kind, 0) + 1
    if seen & (seen - 1):
        return
    if builtins.hash is not _native.hash:
        return  # the program's own process, whose keys a worker places
    from firesteel import trial

    here, there = _native.hash(key), trial.hash_elsewhere(key)
    if here != there:
        # It is tried again if it comes again.
        del _seen[kind]
        raise Unplaceable(
            f"{_a_key(kind)}: its hash is {here} in this process and {there} in another, for copies of the same key;"
            f" some address is in it. {_remedy(kind)}"
        )


# -- as a sentence


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
