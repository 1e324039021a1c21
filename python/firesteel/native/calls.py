"""Calls on the walk through bytecode: of the program's functions, walked through in place, and of Python's own."""

from __future__ import annotations

import dis
import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from types import CodeType, FunctionType, MethodDescriptorType
from typing import Any

from firesteel.native import arrays, callables, records
from firesteel.native.callables import GETTER
from firesteel.native.holding import FILTERED, MAPPED, TRUE_ONES, frames_of
from firesteel.native.lookups import is_container
from firesteel.native.loops import Loops
from firesteel.native.names import Names
from firesteel.native.patterns import is_pattern, separators
from firesteel.native.values import (
    NULL,
    OPAQUE,
    Block,
    Cell,
    Closure,
    Code,
    Collecting,
    EmptyList,
    Frame,
    Inner,
    Iterated,
    Known,
    Method,
    NotLowered,
    Owned,
    Register,
    read,
)

__all__ = ["Calls", "bound"]

#: The names of parameters of Python's own functions and methods that can be given by name.
_PARAMETERS: dict[str, tuple[str, ...]] = {
    **{"round": ("number", "ndigits"), "int": ("", "base"), "enumerate": ("iterable", "start")},
    **{"str.split": ("sep", "maxsplit")},
}

#: How many arguments functions take that have not always one.
_COUNTS = {"max": (1, 255), "min": (1, 255), "int": (1, 2), "round": (1, 2), "divmod": (2, 2), "format": (1, 2)}

#: Functions of all items of their one argument.
_OF_ITEMS = ("any", "all", "sum", "max", "min", "len", "sorted")


class Calls(Loops):
    """Does calls, and makes functions."""

    def enter(
        self, function: FunctionType, arguments: list[Any], caller: Frame | None, named: dict[str, Any] | None = None
    ) -> Frame:
        """Returns the frame of a function that is called with these arguments."""
        raise NotImplementedError

    def generator(
        self, function: FunctionType, arguments: list[Any], caller: Frame | None, named: dict[str, Any] | None = None
    ) -> Inner:
        """Returns the generator that a call gives. Nothing of it runs before its first item is wanted."""
        called = self.enter(function, arguments, caller, named)
        return Inner(function.__code__, Closure(()), called.names, None, called)

    def frame(self, code: Code, names: Names, caller: Frame | None) -> Frame:
        """Returns the frame of a call."""
        raise NotImplementedError

    def drawn(self, block: Block, generator: Any) -> Register:
        """Returns the next random number of a record."""
        raise NotImplementedError

    def call_instruction(self, block: Block, frame: Frame, instruction: dis.Instruction) -> Any:
        """Calls what is on the stack; returns the frame to go on with, if it is another."""
        keywords, frame.keywords = frame.keywords, ()
        if instruction.opname in ("CALL_KW", "CALL_FUNCTION_KW"):
            keywords = frame.pop(1)[0].value
        arguments = frame.pop(instruction.arg or 0)
        if instruction.opname in ("CALL_FUNCTION", "CALL_FUNCTION_KW"):
            function = _method(block, frame.pop(1)[0])
        else:
            pair = [value for value in frame.pop(2) if value is not NULL]
            if not pair:
                raise NotLowered("a call of a value of this kind")
            function, arguments = pair[0], pair[1:] + arguments
        positional = arguments[: len(arguments) - len(keywords)]
        named = dict(zip(keywords, arguments[len(positional) :]))
        if isinstance(function, Inner) and not function.is_generator and not named:
            return self._call_inner(block, frame, function, positional)
        called = function.value if isinstance(function, Known) else None
        if called is re.split and positional and not named:
            frame.stack.append(self._split_by(block, positional[0], positional[1:]))
            return None
        # Up to 1.24 numpy's functions are Python's, around its own.
        if isinstance(called, FunctionType) and arrays.function_of(called) is None:
            positional = self.all_passed(block, frame, positional)
            named = dict(zip(named, self.all_passed(block, frame, named.values())))
            if called.__code__.co_flags & inspect.CO_GENERATOR:
                frame.stack.append(self.generator(called, positional, frame, named))
                return None
            return self.enter(called, positional, frame, named)
        if named and called is not None:
            of_floats = arrays.made_of_floats(arrays.function_of(called), positional, named)
            if of_floats is not None:
                frame.stack.append(self.of_numpy(block, of_floats, positional))
                return None
        builtin = callables.builtin(called) if isinstance(function, Known) else None
        if named and (builtin in ("min", "max", "sorted") or isinstance(function, Method) and function.name == "sort"):
            return self._ordered(block, frame, builtin or function, positional, named)
        if isinstance(called, type) and records.shape_of(called) is not None:
            frame.stack.append(self._made(block, frame, called, positional, named))
            return None
        if named:
            positional = _placed(function, positional, named)
        if isinstance(function, Method) and function.name == "get" and isinstance(function.owner, Known):
            return self._got(block, frame, function.owner.value, positional)
        if isinstance(function, Method) and function.name == "get" and isinstance(function.owner, Owned):
            return self._got_held(block, frame, function.owner, positional)
        frame.stack.append(self.call(block, function, positional, frame))
        return None

    def _got(self, block: Block, frame: Frame, table: Any, arguments: list[Any]) -> Any:
        """Calls ``get`` of a dict: the walk parts, and one side has the default."""
        if type(table) is not dict or len(arguments) not in (1, 2):
            raise NotLowered(f"the method get of a value of type {type(table).__name__}")
        key = self.register(block, arguments[0])
        items = self.tables.items(table)
        found = self.emit(block, "found", items, key)
        there = frame.copy(frame.at)
        there.stack.append(arguments[1] if len(arguments) == 2 else Known(None))
        here = Block()
        frame.stack.append(self.emit(here, "looked_up", items, key))
        return ("branch", found.number, self.block(frame, here.instructions), self.block(there))

    def _got_held(self, block: Block, frame: Frame, owner: Owned, arguments: list[Any]) -> Any:
        """Calls ``get`` of a dict that was made here, in the same way."""
        if owner.kind not in ("dict", "counter") or len(arguments) not in (1, 2):
            raise NotLowered(f"the method get of a {owner.kind}")
        key = Register(self.register(block, arguments[0]))
        items = self.raw(block, owner)
        found = self.collect(block, "has", items, key)
        there = frame.copy(frame.at)
        there.stack.append(arguments[1] if len(arguments) == 2 else Known(None))
        here = Block()
        frame.stack.append(self.collect(here, "get", items, key))
        return ("branch", found.number, self.block(frame, here.instructions), self.block(there))

    def _made(self, block: Block, frame: Frame, kind: type, arguments: list[Any], named: dict[str, Any]) -> Register:
        """Makes an instance of a class of records."""
        values = records.placed(kind, arguments, named)
        if values is None:
            raise NotLowered(f"{callables.name_of(kind)} with these arguments")
        given = [Known(value[0]) if isinstance(value, tuple) else value for value in values]
        made = self.apply(block, "made", given, kind)
        self.freeze(block, frame, given)
        return made

    def _ordered(self, block: Block, frame: Frame, function: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Calls ``min``, ``max``, ``sorted`` or ``list.sort`` by a key, in reverse, or with a default."""
        name = "sort" if isinstance(function, Method) else str(function)
        allowed = ("key", "default") if name in ("min", "max") else ("key", "reverse")
        owner = function.owner if isinstance(function, Method) else None
        is_one = len(arguments) == 1 if owner is None else not arguments and isinstance(owner, Owned)
        if not set(named) <= set(allowed) or not is_one and (name not in ("min", "max") or "default" in named):
            raise NotLowered(f"a call of {name} with the keyword {next(iter(named))}")
        key, reverse = named.get("key", Known(None)), named.get("reverse", Known(False))
        # Up to 3.10 it has to be a number.
        if not isinstance(reverse, Known) or type(reverse.value) not in (bool, int):
            raise NotLowered("an order that is computed")
        items = self._items_of(block, frame, owner or arguments[0], key) if is_one else None
        items = items or self.apply(block, "list", arguments)
        if "default" in named:
            there, here = frame.copy(frame.at), Block()
            there.stack.append(named["default"])
            frame.stack.append(self._by_key(here, frame, name, items, key, False))
            return ("branch", items.number, self.block(frame, here.instructions), self.block(there))
        made = self._by_key(block, frame, name, items, key, bool(reverse.value))
        if owner is not None:
            if not isinstance(owner, Owned) or owner.kind != "list" or owner.is_closed:
                raise NotLowered("a change to an object")
            self.change(frame, owner, made)
        frame.stack.append(Known(None) if owner is not None else self.owned("list", made) if name == "sorted" else made)
        return None

    def _items_of(self, block: Block, frame: Frame, value: Any, key: Any) -> Register:
        """Returns the list of what is ordered: of a set, only where all items differ in the order."""
        if isinstance(value, Owned) and value.kind == "set" and key == Known(None):
            return self.raw(block, value)
        made = self.as_list(block, value, frame)
        # What has no length yet, such as a tuple, becomes a list.
        return made if isinstance(value, Owned) else self.collect(block, "extend", self.emit(block, "list"), made)

    def _by_key(
        self, block: Block, frame: Frame, name: str, items: Register, key: Any, is_reversed: bool
    ) -> Register:
        keys = items
        if key != Known(None):
            keys = self.listed(block, self.generator(MAPPED, [key, items], frame), frame)
        way = {"min": "min by", "max": "max by"}.get(name) or ("reversed by" if is_reversed else "sorted by")
        return self.collect(block, way, items, keys)

    def all_passed(self, block: Block, frame: Frame, values: Iterable[Any]) -> list[Any]:
        """Returns arguments as a function has them: what it was given it neither changes nor uses up."""
        values = list(values)
        for value in values:
            refuse_single_use(value)
        self.freeze(block, frame, values)
        return [self._passed_on(block, value) for value in values]

    def _passed_on(self, block: Block, value: Any) -> Any:
        if isinstance(value, (Owned, EmptyList)) and value.kind == "list":
            return self.raw(block, value)
        if isinstance(value, (Owned, EmptyList, Collecting)):
            raise NotLowered("a set or a dict that is passed on")
        return value

    def _call_inner(self, block: Block, frame: Frame, function: Inner, arguments: list[Any]) -> Frame | None:
        flags = function.code.co_flags
        # What a generator of an expression goes through has no name in it.
        if function.code.co_varnames[:1] != (".0",):
            arguments = self.all_passed(block, frame, arguments)
        elif flags & inspect.CO_GENERATOR:
            self._iterable(block, arguments)
        if flags & inspect.CO_GENERATOR and len(arguments) == 1:
            frame.stack.append(Inner(function.code, function.closure, function.names, arguments[0]))
            return None
        if flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            raise NotLowered("a generator")
        return self.within(function, arguments, frame)

    def within(self, inner: Inner, arguments: list[Any], caller: Frame) -> Frame:
        """Returns the frame of a function within another that is called. What it captures it does not change."""
        code = inner.code
        if code.co_argcount != len(arguments) or code.co_kwonlyargcount or code.co_flags & inspect.CO_VARARGS:
            raise NotLowered("a function within it")
        frame = self.frame(read(code), inner.names, caller)
        frame.locals = dict(zip(code.co_varnames, arguments))
        frame.locals.update(zip(code.co_freevars, map(unchanged, inner.closure.cells)))
        return frame

    def make_function(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        if sys.version_info < (3, 11):
            frame.pop(1)  # its name
        code = frame.pop(1)[0].value
        flags = (instruction.arg or 0) if sys.version_info < (3, 13) else 0
        closure = frame.pop(1)[0] if flags & 8 else Closure(())
        if flags & ~8 or not isinstance(closure, Closure) or not isinstance(code, CodeType):
            raise NotLowered("a function within it")
        frame.stack.append(Inner(code, closure, frame.names))

    def set_attribute_of_function(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        closure, function = frame.pop(2)
        if instruction.arg != 8 or not isinstance(closure, Closure) or not isinstance(function, Inner):
            raise NotLowered("a function within it")
        frame.stack.append(Inner(function.code, closure, function.names))

    def load_closure(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        name = str(instruction.argval)
        frame.stack.append(self.cell(block, frame, name))

    def name_keywords(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.keywords = frame.code.code.co_consts[instruction.arg or 0]

    # -- Python's own

    def call(self, block: Block, function: Any, arguments: list[Any], frame: Frame) -> Any:
        """Calls a function or method that Python has built in."""
        if isinstance(function, Method) and isinstance(function.owner, (Owned, Collecting)):
            return self.held_method(block, function.name, function.owner, arguments, frame)
        if isinstance(function, Method):
            return self._method(block, function.name, [function.owner, *arguments], frame)
        if function is OPAQUE:  # the type of what `assert` raises
            return OPAQUE
        if not isinstance(function, Known):
            raise NotLowered("a call of a value that is computed")
        called = function.value
        if any(called is one for one in (range, enumerate, zip)):
            return self.iterated(block, called.__name__, arguments, frame)
        if called is list and len(arguments) == 1:
            return self._list(block, arguments[0], frame)
        if any(called is one for one in (list, tuple, set, dict, Counter)):
            return self.made_by(block, called, arguments, frame)
        if (called is map or called is filter) and len(arguments) == 2:
            return self._mapped(block, called, arguments, frame)
        if callables.is_exception(called) and called.__module__ == "builtins":
            return OPAQUE
        builtin = callables.builtin(called)
        if builtin is not None:
            return self._builtin(block, builtin, arguments, frame)
        of_numpy = arrays.function_of(called)
        if of_numpy is not None:
            return self.of_numpy(block, arrays.made_of_floats(of_numpy, arguments, {}) or of_numpy, arguments)
        mathematical = callables.mathematical(called)
        if mathematical is not None:
            return self.apply(block, "math", arguments, mathematical)
        if isinstance(called, type) and records.shape_of(called) is not None:
            return self._made(block, frame, called, arguments, {})
        if isinstance(called, MethodDescriptorType) and called.__objclass__ is str:
            if not arguments or isinstance(arguments[0], Known) and is_pattern(arguments[0].value):
                raise NotLowered(f"str.{called.__name__} of no text")
            return self._method(block, called.__name__, arguments, frame)
        generator = callables.generator_of(called)
        if generator is not None and not arguments:
            return self.drawn(block, generator)
        operator = callables.operator(called)
        if operator is not None and len(arguments) == 2:
            return self.apply(block, *_split(operator, arguments))
        if type(called) is GETTER and len(arguments) == 1:
            indices = callables.getter_items(called)
            items = [self.item(block, arguments[0], Known(index)) for index in indices]
            return items[0] if len(items) == 1 else self.apply(block, "tuple", items)
        named = callables.name_of(called)
        raise NotLowered(f"a call of a value {named}" if named.startswith("of type ") else f"a call of {named}")

    def _builtin(self, block: Block, name: str, arguments: list[Any], frame: Frame) -> Any:
        least, most = _COUNTS.get(name, (1, 1))
        if name == "divmod" and len(arguments) == 2:
            arguments = [Register(self.register(block, value)) for value in arguments]
            parts = [self.apply(block, "binary", arguments, symbol) for symbol in ("//", "%")]
            return self.apply(block, "tuple", parts)
        if name == "format" and len(arguments) in (1, 2):
            text = arguments[1] if len(arguments) == 2 else Known("")
            if not isinstance(text, Known) or type(text.value) is not str:
                raise NotLowered("a format that is computed")
            return self.formatted(block, arguments[0], text.value)
        if not least <= len(arguments) <= most:
            raise NotLowered(f"{name} with {len(arguments)} arguments")
        if name == "float" and isinstance(arguments[0], Known) and type(arguments[0].value) is str:
            with suppress(ValueError):  # raised for each record, where that is what a call does
                number = float(arguments[0].value)
                if number == number:
                    return Known(number)
        if len(arguments) == 1 and name in _OF_ITEMS:
            if name == "len":
                refuse_single_use(arguments[0])
                if isinstance(arguments[0], Known) and is_container(arguments[0].value):
                    return Known(self.tables.length(arguments[0].value))
            arguments = [self._read(block, name, arguments[0], frame)]
        if name == "bool" and isinstance(arguments[0], (Owned, EmptyList)):
            arguments = [self.raw(block, arguments[0])]
        if name == "sum" and sys.version_info < (3, 12):
            name = "sum plainly"
        made = self.apply(block, "call", arguments, name)
        return self.owned("list", made) if name == "sorted" else made

    def _read(self, block: Block, name: str, value: Any, frame: Frame) -> Any:
        """Returns what a function of all items reads: of a set that is known only where it needs no order."""
        if isinstance(value, Owned) and (value.kind != "set" or name in ("len", "min", "max", "sorted", "any", "all")):
            is_raw = value.kind in ("set", "list") or name == "len"
            return self.raw(block, value) if is_raw else self.as_list(block, value, frame)
        return self.listed(block, value, frame)

    def _iterable(self, block: Block, values: Iterable[Any]) -> None:
        """Checks that values can be gone through, though perhaps nobody does: a generator is not made of others."""
        for value in values:
            if isinstance(value, Iterated):
                self._iterable(block, value.parts if value.name != "range" else ())
            elif isinstance(value, Register):
                self.apply(block, "call", [value], "len")
            elif isinstance(value, Known) and not hasattr(type(value.value), "__iter__"):
                raise NotLowered(f"a loop over {callables.name_of(value.value)}")
            elif isinstance(value, Method) or isinstance(value, Inner) and not value.is_generator:
                raise NotLowered("a loop over a value of this kind")

    def _mapped(self, block: Block, called: Any, arguments: list[Any], frame: Frame) -> Inner:
        """Returns the generator that ``map`` or ``filter`` is."""
        function, items = arguments
        if isinstance(items, Owned) and items.kind == "set":
            raise NotLowered("the order of a set")
        named = (one is items for at in frames_of(frame) for one in (*at.stack, *at.locals.values()))
        if isinstance(items, Inner) and any(named):
            raise NotLowered("a generator that is passed on")
        self._iterable(block, [items])
        if called is filter and function == Known(None):
            return self.generator(TRUE_ONES, [items], frame)
        return self.generator(FILTERED if called is filter else MAPPED, [function, items], frame)

    def _list(self, block: Block, value: Any, frame: Frame) -> Any:
        if isinstance(value, Owned) and value.kind in ("dict", "counter", "set"):
            return self.owned("list", self.as_list(block, value, frame))
        made = self.listed(block, value, frame)
        if made is value or isinstance(value, Iterated) and isinstance(made, Register):
            made = self.listed(block, Iterated("items", (made,)), frame)
        return self.owned("list", made)

    def _method(self, block: Block, name: str, arguments: list[Any], frame: Frame) -> Any:
        owner = arguments[0]
        if name == "split" and isinstance(owner, Known) and is_pattern(owner.value):
            return self._split_by(block, owner, arguments[1:])
        if name == "format" and isinstance(owner, Known) and type(owner.value) is str:
            return self.format_by(block, owner.value, arguments[1:])
        of_numpy, more = arrays.METHODS.get(name, ("", 0))
        if of_numpy and len(arguments) == 1 + more and arrays.is_imported():
            return self.of_numpy(block, of_numpy, arguments)
        if name not in callables.METHODS:
            of = f" of a {type(owner.value).__name__}" if isinstance(owner, Known) else ""
            raise NotLowered(f"the method {name}{of}")
        if name == "join":
            arguments = [self.listed(block, argument, frame) for argument in arguments]
        made = self.apply(block, "method", arguments, name)
        return self.owned("list", made) if name in ("split", "rsplit", "splitlines") else made

    def _split_by(self, block: Block, pattern: Any, arguments: list[Any]) -> Any:
        """Splits a text by a regular expression."""
        by = separators(pattern.value) if isinstance(pattern, Known) else None
        if by is None or len(arguments) != 1:
            raise NotLowered("split by a regular expression of this kind")
        return self.apply(block, "method", [arguments[0], Known(by)], "split" if isinstance(by, str) else "re.split")


def _method(block: Block, function: Any) -> Any:
    """Returns the method that is called by an instruction that does not tell methods from other attributes.

    Up to 3.10 that is so for calls with keywords.
    """
    for at in range(len(block.instructions) - 1, -1, -1):
        register, name, arguments = block.instructions[at]
        if isinstance(function, Register) and register == function.number and name == "attribute":
            del block.instructions[at]
            return Method(Register(arguments[1]), arguments[0])
    return function


def unchanged(value: Any) -> Any:
    """Returns a set or dict such as is not changed, though it is the same object; another value as it is."""
    if not isinstance(value, Owned):
        return value
    return Owned(value.kind, value.register, value.identity, is_closed=True)


def refuse_single_use(value: Any) -> None:
    """Refuses a value that can be gone through once only, where it could be gone through again."""
    if isinstance(value, Inner) and value.is_generator:
        raise NotLowered("a generator that is passed on")
    if isinstance(value, Iterated) and value.name != "range":
        raise NotLowered(f"the result of {value.name} has a name")


def bound(function: FunctionType, arguments: list[Any], named: dict[str, Any]) -> dict[str, Any]:
    """Returns the local names of a function that is called, with their values."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    given = dict(zip(names[: code.co_argcount], arguments))
    is_wrong = len(arguments) > code.co_argcount
    for name, value in named.items():
        is_wrong = is_wrong or name in given or name not in names[code.co_posonlyargcount :]
        given[name] = value
    defaults = function.__defaults__ or ()
    known = dict(zip(names[code.co_argcount - len(defaults) : code.co_argcount], defaults))
    known.update(function.__kwdefaults__ or {})
    for name in names:
        if name not in given and name in known:
            given[name] = Known(known[name])
    if is_wrong or len(given) != len(names):
        what = f"{len(names)} parameters, and {len(arguments) + len(named)} arguments"
        raise NotLowered(what, code.co_filename, code.co_firstlineno)
    return given


def _placed(function: Any, arguments: list[Any], named: dict[str, Any]) -> list[Any]:
    """Returns all arguments of one of Python's own functions by their places."""
    if isinstance(function, Method):
        name = f"str.{function.name}" if function.name in callables.METHODS else f"the method {function.name}"
    else:
        name = callables.name_of(function.value) if isinstance(function, Known) else "a value"
    # A method that is taken from the type `str` has its text among the arguments, at another place.
    parameters = _PARAMETERS.get(name, ()) if isinstance(function, Method) or "." not in name else ()
    placed = list(arguments)
    for parameter in parameters[len(arguments) :]:
        if parameter in named:
            placed.append(named.pop(parameter))
        elif named:
            # What is left out and stands before what is given: only a separator can be, which None stands for.
            if parameter != "sep":
                break
            placed.append(Known(None))
    if named:
        raise NotLowered(f"a call of {name} with the keyword {next(iter(named))}")
    return placed


def _split(operator: str, arguments: list[Any]) -> tuple[Any, ...]:
    """Returns the instruction of a function of the module ``operator``: its name, its values, and more."""
    if operator in callables.BINARY:
        return "binary", arguments, operator
    return "compare", arguments, operator
