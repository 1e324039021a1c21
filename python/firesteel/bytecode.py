"""Finds where a function's code changes globals, captured names, and collections that these hold.

The bytecode is walked once from its beginning to its end, with a stack of what is known of each value: it is a global
or a captured value, an item or an attribute of one, or unknown. Jumps carry the stack to their targets. An unknown
value counts as the function's own, so that nothing is reported that may be right. Instructions of CPython 3.10 to 3.14
are understood; others do to the stack what ``dis`` says of them, and make the values they touch unknown.

``firesteel.closures`` decides what a finding means and whether to report it.
"""

from __future__ import annotations

import dis
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

#: Methods that change a collection in place.
MUTATORS = frozenset(
    "append appendleft extend extendleft add update insert pop popleft popitem remove discard clear setdefault sort"
    " reverse rotate subtract difference_update intersection_update symmetric_difference_update move_to_end"
    " __setitem__ __delitem__ __iadd__ __ior__".split()
)

_COLLECTIONS = (list, dict, set, deque, bytearray, array)


@dataclass(frozen=True)
class Finding:
    """One place that changes a value which the function did not make.

    ``what`` is ``assign`` (to a name), ``augment`` (``+=`` and its kin), ``delete``, ``item`` (an item is set or
    deleted), ``call`` (of a method that changes) or ``attribute`` (``x.n += 1``). ``scope`` is ``global`` or
    ``captured``. ``value`` is the driver's present value.
    """

    file: str
    line: int
    function: str
    what: str
    scope: str
    path: str
    method: str
    value: Any


@dataclass(frozen=True)
class Known:
    """A value whose origin is known."""

    scope: str
    path: str
    value: Any


#: The result of ``+=``, told apart from other results when it is stored.
_AUGMENTED = Known("", "", None)

Tag = Known | None
Stack = list[Any]


def is_collection(value: object) -> bool:
    """Returns whether a value is a collection that can be changed in place."""
    return isinstance(value, _COLLECTIONS) or type(value).__name__ == "ndarray"


def findings(function: FunctionType, bound: Mapping[str, Any]) -> Iterator[Finding]:
    """Finds all such places in a function, in functions within it, and in functions of the same module that it calls.

    ``bound`` has the parameters that come with values of the driver, such as ``self`` of a bound method.
    """
    pending: list[tuple[FunctionType, Mapping[str, Any]]] = [(function, bound)]
    seen: set[int] = set()
    while pending:
        one, values = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        captured = dict(zip(one.__code__.co_freevars, one.__closure__ or ()))
        yield from _in_code(one.__code__, _Names(one, captured, values))
        pending.extend((other, {}) for other in _called(one, captured) if other.__module__ == function.__module__)


def _called(function: FunctionType, captured: Mapping[str, CellType]) -> Iterator[FunctionType]:
    """Returns the functions that a function names."""
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        codes.extend(constant for constant in code.co_consts if isinstance(constant, CodeType))
        if any(isinstance(function.__globals__.get(name), FunctionType) for name in code.co_names):
            values = (function.__globals__.get(name) for name in global_names(code))
            yield from (value for value in values if isinstance(value, FunctionType))
    for cell in captured.values():
        value = _contents(cell)
        if isinstance(value, FunctionType):
            yield value


def global_names(code: CodeType) -> set[str]:
    """Returns the globals that code reads. (``co_names`` has its attributes, too.)"""
    names: set[str] = set()
    load, extended = dis.opmap["LOAD_GLOBAL"], dis.opmap["EXTENDED_ARG"]
    shift = 0 if sys.version_info < (3, 11) else 1  # the lowest bit says something else there
    arg = 0
    for opcode, low in zip(code.co_code[::2], code.co_code[1::2]):
        arg = arg << 8 | low
        if opcode == extended:
            continue
        if opcode == load:
            names.add(code.co_names[arg >> shift])
        arg = 0
    return names


class _Unset:
    """Stands for the value of a name that has none yet."""


_UNSET = _Unset()


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _UNSET


class _Names:
    """Resolves the names in a function that are not its own."""

    def __init__(self, function: FunctionType, captured: Mapping[str, CellType], bound: Mapping[str, Any]) -> None:
        self.function = function
        self._captured = captured
        self._bound = bound

    def within(self, code: CodeType) -> _Names:
        """Returns the names for code within this code: names that it makes itself hide captured ones."""
        made = set(code.co_cellvars) | set(code.co_varnames)
        captured = {name: cell for name, cell in self._captured.items() if name not in made}
        return _Names(self.function, captured, {name: v for name, v in self._bound.items() if name not in made})

    def of_global(self, name: str) -> Tag:
        """Returns a global, if it has a value."""
        values = self.function.__globals__
        return Known("global", name, values[name]) if name in values else None

    def of_captured(self, name: str) -> Tag:
        """Returns a name of a function around the one that was handed over."""
        if name in self._captured:
            return Known("captured", name, _contents(self._captured[name]))
        return self.of_parameter(name)

    def of_parameter(self, name: str) -> Tag:
        """Returns a parameter that came with a value of the driver."""
        return Known("captured", name, self._bound[name]) if name in self._bound else None


def _in_code(code: CodeType, names: _Names) -> Iterator[Finding]:
    if _may_change(code, names):
        yield from _Walk(code, names).findings()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _in_code(constant, names.within(constant))


_STORES = frozenset(
    dis.opmap[name]
    for name in (
        *("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "DELETE_DEREF", "STORE_SUBSCR", "DELETE_SUBSCR"),
        *("STORE_ATTR", "STORE_SLICE"),
    )
    if name in dis.opmap
)


def _may_change(code: CodeType, names: _Names) -> bool:
    """Returns whether a closer look can find anything; for most functions, which change nothing, it cannot."""
    if not MUTATORS.isdisjoint(code.co_names) or not _STORES.isdisjoint(code.co_code[::2]):
        return True
    tags = [names.of_global(name) for name in code.co_names] + [names.of_captured(name) for name in code.co_freevars]
    return any(tag is not None and is_bound_mutator(tag.value) for tag in tags)


def is_bound_mutator(value: object) -> bool:
    """Returns whether a value is a method such as ``results.append``, taken from its collection."""
    return (
        isinstance(value, (BuiltinFunctionType, MethodType))
        and value.__name__ in MUTATORS
        and is_collection(value.__self__)
    )


class _Walk:
    """One walk over the code of a function."""

    def __init__(self, code: CodeType, names: _Names) -> None:
        self._code = code
        self._names = names
        self._found: list[Finding] = []
        self._stack: Stack = []
        self._line = code.co_firstlineno
        instructions = list(dis.get_instructions(code))
        self._instructions = instructions
        # Names and attributes that the code sets itself hold its own values from then on.
        self._set = {i.argval for i in instructions if i.opname in ("STORE_GLOBAL", "STORE_DEREF")}
        self._set_attributes = {i.argval for i in instructions if i.opname == "STORE_ATTR"}
        self._set_locals = {
            name
            for i in instructions
            if i.opname.startswith("STORE_FAST")
            for name in (i.argval if isinstance(i.argval, tuple) else (i.argval,))
        }

    def findings(self) -> list[Finding]:
        """Walks over all instructions."""
        arriving: dict[int, Stack] = {}
        reachable = True
        starts = dict(dis.findlinestarts(self._code))
        for instruction in self._instructions:
            line = starts.get(instruction.offset)
            if sys.version_info >= (3, 11) and instruction.positions is not None:
                line = instruction.positions.lineno
            self._line = line or self._line
            if instruction.offset in arriving:
                other = arriving[instruction.offset]
                self._stack = _merged(self._stack, other) if reachable else other
            elif not reachable:
                self._stack = []
            if instruction.opcode in _JUMPS and isinstance(instruction.argval, int):
                effect = _effect(instruction, True)
                target = self._stack[:effect] if effect < 0 else self._stack + [None] * effect
                known = arriving.get(instruction.argval)
                arriving[instruction.argval] = target if known is None else _merged(known, target)
            self._step(instruction)
            reachable = not instruction.opname.startswith(_ENDS)
        return self._found

    def _step(self, instruction: dis.Instruction) -> None:
        name = instruction.opname
        handler = _HANDLERS.get(name)
        if handler is not None:
            handler(self, instruction)
            return
        if name in _NOTHING or "JUMP" in name and _effect(instruction, False) == 0:
            return
        effect = _effect(instruction, False)
        if effect < 0 and name.startswith(_POPS):
            del self._stack[effect:]
        elif effect > 0 and (name.startswith("LOAD_") or name in _PUSHES or name.startswith("BUILD_")):
            self._stack += [None] * effect
        else:
            self._stack = _moved(self._stack, effect)

    def _pop(self) -> Any:
        return self._stack.pop() if self._stack else None

    def _report(self, what: str, known: Known, method: str = "") -> None:
        self._found.append(
            Finding(
                self._code.co_filename,
                self._line,
                self._code.co_name,
                what,
                known.scope,
                known.path,
                method,
                known.value,
            )
        )

    # Names.

    def load_global(self, instruction: dis.Instruction) -> None:
        tag = self._loaded(self._names.of_global(instruction.argval), instruction.argval)
        if _effect(instruction, False) == 1:
            self._stack.append(tag)
        elif sys.version_info < (3, 13):
            self._stack += [None, tag]
        else:
            self._stack += [tag, None]

    def load_captured(self, instruction: dis.Instruction) -> None:
        own = instruction.argval in self._code.co_cellvars
        tag = self._names.of_parameter(instruction.argval) if own else self._names.of_captured(instruction.argval)
        self._stack.append(self._loaded(tag, instruction.argval))

    def load_local(self, instruction: dis.Instruction) -> None:
        names = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
        self._stack += [None if name in self._set_locals else self._names.of_parameter(name) for name in names]

    def _loaded(self, tag: Tag, name: str) -> Tag:
        if tag is None or tag.value is _UNSET:
            return None
        if is_bound_mutator(tag.value):
            owner = tag.value.__self__
            self._report("call", Known(tag.scope, tag.path, owner), tag.value.__name__)
            return None
        return None if name in self._set else tag

    def store_name(self, instruction: dis.Instruction) -> None:
        value = self._pop() if instruction.opname.startswith("STORE") else None
        name = instruction.argval
        if instruction.opname.endswith("GLOBAL"):
            known = Known("global", name, self._names.function.__globals__.get(name, _UNSET))
        else:
            tag = None if name in self._code.co_cellvars else self._names.of_captured(name)
            if tag is None:
                return
            known = tag
        what = "augment" if value is _AUGMENTED else "assign"
        self._report(what if instruction.opname.startswith("STORE") else "delete", known)

    # Attributes and items.

    def load_attribute(self, instruction: dis.Instruction) -> None:
        owner = self._pop()
        name = str(instruction.argval)
        tag = self._attribute(owner, name) if isinstance(owner, Known) else None
        self._stack.append(tag)
        self._stack += [None] * _effect(instruction, False)  # a method load pushes two

    def _attribute(self, owner: Known, name: str) -> Tag:
        if is_collection(owner.value) and name in MUTATORS:
            self._report("call", owner, name)
            return None
        if name in self._set_attributes or not _has_own_parts(owner.value):
            return None
        values = getattr(owner.value, "__dict__", None) or {}
        return Known(owner.scope, f"{owner.path}.{name}", values[name]) if name in values else None

    def store_attribute(self, instruction: dis.Instruction) -> None:
        owner, value = self._pop(), self._pop()
        if value is _AUGMENTED and isinstance(owner, Known) and _has_own_parts(owner.value):
            name = str(instruction.argval)
            now = (getattr(owner.value, "__dict__", None) or {}).get(name, _UNSET)
            self._report("attribute", Known(owner.scope, f"{owner.path}.{name}", now))

    def load_item(self, instruction: dis.Instruction) -> None:
        self._pop()
        owner = self._pop()
        self._stack.append(_item(owner) if isinstance(owner, Known) else None)

    def operation(self, instruction: dis.Instruction) -> None:
        if instruction.argrepr == "[]":  # from 3.14 on
            self.load_item(instruction)
            return
        self._pop()
        self._pop()
        augmented = instruction.opname.startswith("INPLACE_") or instruction.argrepr.endswith("=")
        self._stack.append(_AUGMENTED if augmented else None)

    def change_item(self, instruction: dis.Instruction) -> None:
        popped = [self._pop() for _ in range(-_effect(instruction, False))]
        place = 2 if instruction.opname == "STORE_SLICE" else 1
        owner = popped[place]
        if isinstance(owner, Known) and owner is not _AUGMENTED and is_collection(owner.value):
            self._report("item", owner)

    # The stack itself.

    def copy(self, instruction: dis.Instruction) -> None:
        place = instruction.arg or 1
        self._stack.append(self._stack[-place] if len(self._stack) >= place else None)

    def duplicate(self, instruction: dis.Instruction) -> None:
        count = 2 if instruction.opname == "DUP_TOP_TWO" else 1
        self._fill(count)
        self._stack += self._stack[-count:]

    def swap(self, instruction: dis.Instruction) -> None:
        place = instruction.arg or 2
        self._fill(place)
        self._stack[-1], self._stack[-place] = self._stack[-place], self._stack[-1]

    def rotate(self, instruction: dis.Instruction) -> None:
        count = {"ROT_TWO": 2, "ROT_THREE": 3, "ROT_FOUR": 4}.get(instruction.opname) or instruction.arg or 1
        self._fill(count)
        self._stack.insert(len(self._stack) - count, self._stack.pop())

    def store_then_load(self, instruction: dis.Instruction) -> None:
        self._pop()
        self._stack.append(None)

    def _fill(self, count: int) -> None:
        """Fills the stack with unknown values below its known part."""
        self._stack[:0] = [None] * (count - len(self._stack))


_HANDLERS: dict[str, Callable[[_Walk, dis.Instruction], None]] = {
    "LOAD_GLOBAL": _Walk.load_global,
    **dict.fromkeys(("LOAD_DEREF", "LOAD_CLASSDEREF"), _Walk.load_captured),
    **dict.fromkeys(
        (
            *("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_FAST_LOAD_FAST"),
            "LOAD_FAST_BORROW_LOAD_FAST_BORROW",
        ),
        _Walk.load_local,
    ),
    **dict.fromkeys(("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "DELETE_DEREF"), _Walk.store_name),
    **dict.fromkeys(("LOAD_ATTR", "LOAD_METHOD"), _Walk.load_attribute),
    "STORE_ATTR": _Walk.store_attribute,
    "BINARY_SUBSCR": _Walk.load_item,
    "BINARY_OP": _Walk.operation,
    **{name: _Walk.operation for name in dis.opmap if name.startswith("INPLACE_")},
    **dict.fromkeys(("STORE_SUBSCR", "DELETE_SUBSCR", "STORE_SLICE"), _Walk.change_item),
    "COPY": _Walk.copy,
    **dict.fromkeys(("DUP_TOP", "DUP_TOP_TWO"), _Walk.duplicate),
    "SWAP": _Walk.swap,
    **dict.fromkeys(("ROT_TWO", "ROT_THREE", "ROT_FOUR", "ROT_N"), _Walk.rotate),
    "STORE_FAST_LOAD_FAST": _Walk.store_then_load,
}

_JUMPS = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
#: Instructions after which the next one is reached by a jump only.
_ENDS = ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_ABSOLUTE", "JUMP_BACKWARD")
_NOTHING = frozenset(
    "NOP RESUME CACHE EXTENDED_ARG KW_NAMES MAKE_CELL COPY_FREE_VARS NOT_TAKEN SETUP_ANNOTATIONS RETURN_GENERATOR"
    " DELETE_FAST INTERPRETER_EXIT".split()
)
#: Instructions that only take values away, by the beginning of their names.
_POPS = ("POP_", "STORE_FAST", "STORE_NAME", "RETURN_", "END_FOR", "GEN_START", "DELETE_")
_PUSHES = frozenset(("PUSH_NULL", "FOR_ITER", "PUSH_EXC_INFO"))


def _effect(instruction: dis.Instruction, jump: bool) -> int:
    try:
        arg = instruction.arg if instruction.opcode >= dis.HAVE_ARGUMENT else None
        return dis.stack_effect(instruction.opcode, arg, jump=jump)
    except ValueError:
        return 0


def _moved(stack: Stack, effect: int) -> Stack:
    """Returns the stack after an instruction of which only the effect is known: its result, and all values that it may
    have taken, become unknown."""
    if effect < 0:
        del stack[effect:]
    if stack:
        stack[-1] = None
    return stack + [None] * max(effect, 0)


def _merged(one: Stack, other: Stack) -> Stack:
    """Returns what is known on both paths, counted from the top."""
    count = min(len(one), len(other))
    return [a if a is b or a == b else None for a, b in zip(one[len(one) - count :], other[len(other) - count :])]


def _item(owner: Known) -> Tag:
    """Returns some item of a collection, in place of the unknown one; nothing for numbers and strings."""
    value = owner.value
    path = f"{owner.path}[...]"
    try:
        factory = getattr(value, "default_factory", None)
        if factory in _COLLECTIONS:
            return Known(owner.scope, path, factory())
        if isinstance(value, dict):
            return Known(owner.scope, path, next(iter(value.values())))
        if isinstance(value, (list, tuple, deque)):
            return Known(owner.scope, path, value[0])
    except (StopIteration, IndexError, RuntimeError):
        return None
    return None


def _has_own_parts(value: object) -> bool:
    """Returns whether attributes of a value belong to the program, and not to a library's module or class, such as
    ``os.environ``."""
    if not isinstance(value, (ModuleType, type)):
        return value is not _UNSET
    return not is_of_library(value.__name__ if isinstance(value, ModuleType) else value.__module__)


def is_of_library(module: str | None) -> bool:
    """Returns whether a module came with Python, or was installed."""
    top = (module or "").partition(".")[0]
    if top in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(module or ""), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file
