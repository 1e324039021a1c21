"""What the kernels know: constants, functions and methods of Python, and the module ``operator``."""

from __future__ import annotations

import math
import operator as operators
import random
from types import BuiltinMethodType
from typing import Any

__all__ = ["BINARY", "GETTER", "METHODS", "NotConstant"]

#: The operators between two values.
BINARY = frozenset("+ - * / // % ** & | ^ << >>".split())

#: The methods of ``str``.
METHODS = frozenset(
    "count endswith find isalnum isalpha isdigit islower isspace isupper join lower lstrip replace rstrip split"
    " startswith strip upper"
    " capitalize center index isascii isdecimal isnumeric ljust partition removeprefix removesuffix rfind rindex rjust"
    " rpartition rsplit splitlines swapcase title zfill".split()
)

#: The type of ``operator.itemgetter(...)``.
GETTER = operators.itemgetter

_BUILTINS = {
    id(one): one.__name__
    for one in (
        *(abs, all, any, bool, chr, divmod, float, format, int, len, max, min, ord, repr, round, sorted, str, sum),
    )
}

#: The functions of the module ``math`` that the C library computes, or that are exact. ``math.hypot`` is CPython's own.
_MATH = {
    id(getattr(math, name)): name
    for name in (
        "acos asin atan atan2 ceil copysign cos degrees exp fabs floor fmod gcd isfinite isinf isnan log log10 log2 pow"
        " radians sin sqrt tan trunc".split()
    )
}

_OPERATORS = {
    id(one): symbol
    for symbol, one in {
        **{"+": operators.add, "-": operators.sub, "*": operators.mul, "/": operators.truediv},
        **{"//": operators.floordiv, "%": operators.mod, "**": operators.pow, "&": operators.and_},
        **{"|": operators.or_, "^": operators.xor, "<<": operators.lshift, ">>": operators.rshift},
        **{"<": operators.lt, "<=": operators.le, "==": operators.eq, "!=": operators.ne},
        **{">": operators.gt, ">=": operators.ge},
    }.items()
}


class NotConstant(Exception):
    """A value that the kernels cannot have as a constant."""


def builtin(value: Any) -> str | None:
    """Returns the name of a function or type that Python has built in, if the kernels know it.

    >>> builtin(len), builtin(print)
    ('len', None)
    """
    return _BUILTINS.get(id(value))


def is_exception(value: Any) -> bool:
    """Returns whether a value is a type of exceptions."""
    return isinstance(value, type) and BaseException in value.__mro__


def mathematical(value: Any) -> str | None:
    """Returns the name of a function of the module ``math``, if the kernels know it.

    >>> mathematical(math.sqrt), mathematical(math.hypot)
    ('sqrt', None)
    """
    return _MATH.get(id(value))


def operator(value: Any) -> str | None:
    """Returns the symbol of a function of the module ``operator``."""
    return _OPERATORS.get(id(value))


def generator_of(value: Any) -> random.Random | None:
    """Returns the generator whose method ``random`` a value is; None if it is something else.

    ``random.random`` is one of the generator that all of a process share. What ``from random import random`` named in a
    program comes to a worker with a generator of its own.

    >>> generator_of(random.random) is random._inst, generator_of(random.gauss)
    (True, None)
    """
    if type(value) is not BuiltinMethodType or value.__name__ != "random":
        return None
    generator: Any = value.__self__
    return generator if type(generator) is random.Random else None


def getter_items(getter: Any) -> tuple[int, ...]:
    """Returns the positions that an ``operator.itemgetter`` looks at."""
    items: tuple[Any, ...] = getter.__reduce__()[1]
    if not all(type(item) is int for item in items):
        raise NotConstant("itemgetter of something else than positions")
    return items


def constant(value: Any) -> Any:
    """Returns a value that can be a constant of a program.

    >>> constant((1, "a"))
    (1, 'a')
    """
    kind = type(value)
    if value is None or kind is bool or kind is int and -(2**63) <= value < 2**63:
        return value
    if kind is float and value == value:  # each not-a-number is an object of its own
        return value
    if kind is str and _is_text(value):
        return value
    if kind is tuple:
        return tuple(map(constant, value))
    if kind in (list, dict, set):
        raise NotConstant(f"a {kind.__name__} from outside, which could change: a tuple of the same could not")
    raise NotConstant(f"the value {name_of(value)}")


def choices(value: Any) -> Any:
    """Returns what ``in`` looks through: a text, or texts and numbers, of which order and repetition mean nothing."""
    if type(value) is frozenset:
        value = tuple(value)
    if type(value) is tuple and not all(type(item) in (int, str, bool) for item in value):
        raise NotConstant("`in` with values that are neither int nor str")
    return constant(value)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def name_of(value: Any) -> str:
    """Returns how people know a value."""
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):
        module = getattr(value, "__module__", None) or ""
        return name if module in ("", "builtins", "__main__") else f"{module}.{name}"
    return f"of type {type(value).__name__}"
