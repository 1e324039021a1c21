"""Makes a program for the kernels of a Python function, or says why it cannot.

The bytecode is executed once, with values that are not known yet: each operation becomes an instruction whose result has
a register of its own. At a conditional jump the walk parts, and each side goes on to its own end; so there are branches
and no joins. Functions that are called by name are walked through in place. Instructions of CPython 3.10 to 3.14 are
understood; at any other the walk stops.

A program is made of plain tuples, which ``firesteel._native`` reads: ``(parameters, registers, block)``, a block being
``(instructions, end)``, an instruction ``(register, name, arguments)``, an end ``("return", register)`` or
``("branch", register, block, block)``.
"""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodDescriptorType, ModuleType
from typing import Any

from firesteel.native import callables
from firesteel.native.callables import GETTER, NotConstant
from firesteel.native.names import Names, Read

__all__ = ["Lowered", "NotLowered", "lower"]

MOST_INSTRUCTIONS = 1000
MOST_ENDS = 32
MOST_CALLS = 8
"""The most instructions, ends, and calls within each other of a program: a function beyond them is interpreted."""


#: The flags of functions with ``*`` or ``**`` among their parameters, of generators and of coroutines.
_UNUSUAL = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)


class NotLowered(Exception):
    """A function that cannot be lowered, with the reason: where it is, and what there is in the way."""

    def __init__(self, what: str, file: str = "", line: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.file = file
        self.line = line

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" if self.file else self.what


@dataclass(frozen=True)
class Lowered:
    """A program, and what it took for constant: names whose values are looked at again before each batch."""

    program: tuple[Any, ...]
    reads: tuple[Read, ...]


@dataclass(frozen=True)
class _Register:
    """A value that is computed for each record."""

    number: int


@dataclass(frozen=True)
class _Known:
    """A value that is the same for all records."""

    value: Any


@dataclass(frozen=True)
class _Method:
    """A method that was taken from a value, to be called."""

    owner: Any
    name: str


@dataclass(frozen=True)
class _Slice:
    start: Any
    stop: Any


class _Null:
    """What the interpreter puts beside a function that is to be called."""


class _EmptyList:
    """A list that is filled by the next instruction."""


_NULL = _Null()


def lower(function: Any, parameters: int = 1) -> Lowered:
    """Lowers a function of so many parameters.

    >>> lower(lambda x: x + 1).program[0]
    1
    >>> lower(lambda x: [y for y in x])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    firesteel.native.lowering.NotLowered: ...
    """
    walk = _Walk(parameters)
    arguments = [_Register(number) for number in range(parameters)]
    if isinstance(function, FunctionType):
        frame = walk.enter(function, arguments, None)
        body = walk.block(frame)
    else:
        block = _Block()
        result = walk.call(block, _Known(function), arguments)
        body = (tuple(block.instructions), ("return", walk.register(block, result)))
    return Lowered((parameters, walk.registers, body), tuple(walk.reads))


class _Block:
    """Instructions that are being collected."""

    def __init__(self) -> None:
        self.instructions: list[tuple[int, str, tuple[Any, ...]]] = []


class _Frame:
    """A function on its way: where it is, its stack and its names."""

    def __init__(self, code: _Code, names: Names, caller: _Frame | None) -> None:
        self.code = code
        self.names = names
        self.caller = caller
        self.at = 0
        self.stack: list[Any] = []
        self.locals: dict[str, Any] = {}
        self.depth: int = 1 if caller is None else caller.depth + 1

    def copy(self, at: int) -> _Frame:
        """Returns the same state at another instruction."""
        other = _Frame(self.code, self.names, None if self.caller is None else self.caller.copy(self.caller.at))
        other.at, other.stack, other.locals, other.depth = at, list(self.stack), dict(self.locals), self.depth
        return other

    def pop(self, count: int) -> list[Any]:
        """Takes the last values off the stack, in their order."""
        if count > len(self.stack):
            raise NotLowered("bytecode of a kind that is not known")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken


class _Code:
    """The instructions of a function."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.instructions = [i for i in dis.get_instructions(code) if i.opname not in _NOTHING]
        self.lines: list[int] = []
        starts = dict(dis.findlinestarts(code))
        line = code.co_firstlineno
        for instruction in dis.get_instructions(code):
            line = starts.get(instruction.offset) or line
            if instruction.opname not in _NOTHING:
                self.lines.append(line)
        offsets = [instruction.offset for instruction in self.instructions]
        self._offsets = offsets

    def place(self, offset: int) -> int:
        """Returns the position of the first instruction from an offset on."""
        from bisect import bisect_left

        return bisect_left(self._offsets, offset)


#: Instructions that do nothing here. What ``TO_BOOL`` makes is used as a truth value only.
_NOTHING = frozenset("NOP RESUME CACHE EXTENDED_ARG PRECALL TO_BOOL NOT_TAKEN COPY_FREE_VARS GEN_START".split())

_OPERATORS = {
    **dict(ADD="+", SUBTRACT="-", MULTIPLY="*", TRUE_DIVIDE="/", FLOOR_DIVIDE="//", MODULO="%", POWER="**"),
    **dict(AND="&", OR="|", XOR="^", LSHIFT="<<", RSHIFT=">>"),
}

#: What stands in the way, by the beginning of an instruction's name, in words.
_REASONS = {
    **dict.fromkeys(("GET_ITER", "FOR_ITER", "JUMP_BACKWARD", "LOAD_FAST_AND_CLEAR"), "a loop or a comprehension"),
    **dict.fromkeys(("MAKE_FUNCTION", "MAKE_CELL", "LOAD_CLOSURE"), "a function within the function, or a comprehension"),
    **dict.fromkeys(("KW_NAMES", "CALL_KW", "CALL_FUNCTION_KW"), "a call with keyword arguments"),
    **dict.fromkeys(("CALL_FUNCTION_EX", "LIST_TO_TUPLE", "DICT_MERGE"), "a call with * or **"),
    **dict.fromkeys(("BUILD_MAP", "BUILD_CONST_KEY_MAP"), "a dict"),
    "BUILD_SET": "a set",
    "UNPACK_EX": "taking a value apart with *",
    **dict.fromkeys(("SETUP_FINALLY", "PUSH_EXC_INFO", "SETUP_WITH", "BEFORE_WITH"), "try or with"),
    **dict.fromkeys(("RAISE_VARARGS", "LOAD_ASSERTION_ERROR", "LOAD_COMMON_CONSTANT"), "raise or assert"),
    **dict.fromkeys(("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF"), "an assignment to a name outside of the function"),
    **dict.fromkeys(("STORE_ATTR", "STORE_SUBSCR", "DELETE_SUBSCR", "STORE_SLICE"), "a change to an object"),
    **dict.fromkeys(("IMPORT_NAME", "IMPORT_FROM"), "an import within the function"),
    **dict.fromkeys(("YIELD_VALUE", "RETURN_GENERATOR", "GET_AWAITABLE"), "a generator"),
    "FORMAT_WITH_SPEC": "a format in an f-string",
}


class _Walk:
    """The walk through a function and those that it calls."""

    def __init__(self, parameters: int) -> None:
        self.registers = parameters
        self.reads: list[Read] = []
        self._ends = 0

    def enter(self, function: FunctionType, arguments: list[Any], caller: _Frame | None) -> _Frame:
        """Returns the frame of a function that is called with these arguments."""
        code = function.__code__
        if code.co_flags & _UNUSUAL or code.co_kwonlyargcount:
            raise NotLowered("a function of this kind", code.co_filename, code.co_firstlineno)
        if caller is not None and caller.depth >= MOST_CALLS:
            raise NotLowered("calls within calls", code.co_filename, code.co_firstlineno)
        defaults = function.__defaults__ or ()
        missing = code.co_argcount - len(arguments)
        if missing < 0 or missing > len(defaults):
            raise NotLowered(
                f"{code.co_argcount} parameters, and {len(arguments)} arguments", code.co_filename, code.co_firstlineno
            )
        frame = _Frame(_Code(code), Names(function, self.reads), caller)
        given = [*arguments, *map(_Known, defaults[len(defaults) - missing :])]
        frame.locals = dict(zip(code.co_varnames, given))
        return frame

    def block(self, frame: _Frame) -> tuple[Any, ...]:
        """Walks on to the ends, and returns the block."""
        block = _Block()
        while True:
            code = frame.code
            if frame.at >= len(code.instructions):
                raise NotLowered("bytecode of a kind that is not known")
            instruction = code.instructions[frame.at]
            line = code.lines[frame.at]
            frame.at += 1
            try:
                made = self._step(block, frame, instruction)
            except NotLowered as reason:
                if not reason.file:
                    raise NotLowered(reason.what, code.code.co_filename, line) from None
                raise
            except NotConstant as reason:
                raise NotLowered(str(reason), code.code.co_filename, line) from None
            if isinstance(made, _Frame):
                frame = made
            elif made is not None:
                return tuple(block.instructions), made

    def emit(self, block: _Block, name: str, *arguments: Any) -> _Register:
        """Adds an instruction, and returns its result."""
        if self.registers >= MOST_INSTRUCTIONS:
            raise NotLowered(f"more than {MOST_INSTRUCTIONS} operations")
        register = _Register(self.registers)
        self.registers += 1
        block.instructions.append((register.number, name, arguments))
        return register

    def register(self, block: _Block, value: Any) -> int:
        """Returns the register of a value; a constant gets one."""
        if isinstance(value, _Register):
            return value.number
        if isinstance(value, _Known):
            return self.emit(block, "const", callables.constant(value.value)).number
        if isinstance(value, _Method):
            raise NotLowered(f"the attribute {value.name}")
        raise NotLowered("an empty list" if isinstance(value, _EmptyList) else "a value of this kind")

    def apply(self, block: _Block, name: str, values: list[Any], *more: Any) -> _Register:
        """Adds an instruction of values."""
        return self.emit(block, name, *more, *[self.register(block, value) for value in values])

    # -- one instruction

    def _step(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> Any:
        """Does one instruction; returns the end of the block, or the frame to go on with, or None."""
        name = instruction.opname
        if name in ("RETURN_VALUE", "RETURN_CONST"):
            value = _Known(instruction.argval) if name == "RETURN_CONST" else frame.pop(1)[0]
            if frame.caller is not None:
                frame.caller.stack.append(value)
                return frame.caller
            self._ends += 1
            if self._ends > MOST_ENDS:
                raise NotLowered(f"more than {MOST_ENDS} ways through the function")
            return ("return", self.register(block, value))
        if "JUMP" in name:
            return self._jump(block, frame, instruction)
        if name in ("CALL", "CALL_FUNCTION", "CALL_METHOD"):
            return self._call(block, frame, instruction)
        handler = _HANDLERS.get(name)
        if handler is not None:
            handler(self, block, frame, instruction)
            return None
        if name.startswith(("BINARY_", "INPLACE_")) and name.partition("_")[2] in _OPERATORS:
            self._operator(block, frame, _OPERATORS[name.partition("_")[2]])
            return None
        raise NotLowered(_REASONS.get(name) or f"the instruction {name}")

    def _jump(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> Any:
        name = instruction.opname
        target = frame.code.place(instruction.argval)
        if target < frame.at:
            raise NotLowered("a loop or a comprehension")
        if name in ("JUMP_FORWARD", "JUMP_ABSOLUTE"):
            frame.at = target
            return None
        keeps = name.endswith("_OR_POP")
        value = frame.stack[-1] if keeps else frame.pop(1)[0]
        condition, jumps_if = self._condition(block, name, value)
        there = frame.copy(target)
        if keeps:
            frame.pop(1)
        if isinstance(condition, _Known):
            return there if bool(condition.value) is jumps_if else None
        number = self.register(block, condition)
        yes, no = (there, frame) if jumps_if else (frame, there)
        return ("branch", number, self.block(yes), self.block(no))

    def _condition(self, block: _Block, name: str, value: Any) -> tuple[Any, bool]:
        """Returns what a jump looks at, and with which truth it jumps."""
        if name.endswith("_NONE"):
            jumps_if = not name.endswith("NOT_NONE")
            if isinstance(value, _Known):
                return _Known(value.value is None), jumps_if
            return self.apply(block, "is_none", [value]), jumps_if
        if isinstance(value, _Known):
            callables.constant(value.value)  # whose truth calls no code
        for ending, jumps_if in (("IF_FALSE", False), ("IF_TRUE", True)):
            if name.removesuffix("_OR_POP").endswith(ending):
                return value, jumps_if
        raise NotLowered(f"the instruction {name}")

    def _call(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> Any:
        arguments = frame.pop(instruction.arg or 0)
        if instruction.opname == "CALL_FUNCTION":
            function = frame.pop(1)[0]
        else:
            pair = [value for value in frame.pop(2) if value is not _NULL]
            if len(pair) != 1:
                raise NotLowered("a call of a value of this kind")
            function = pair[0]
        called = function.value if isinstance(function, _Known) else None
        if isinstance(called, FunctionType):
            return self.enter(called, arguments, frame)
        frame.stack.append(self.call(block, function, arguments))
        return None

    def call(self, block: _Block, function: Any, arguments: list[Any]) -> Any:
        """Calls a function or method that Python has built in."""
        if isinstance(function, _Method):
            return self._method(block, function.name, [function.owner, *arguments])
        if not isinstance(function, _Known):
            raise NotLowered("a call of a value that is computed")
        called = function.value
        builtin = callables.builtin(called)
        if builtin is not None:
            if not arguments or builtin not in ("max", "min") and len(arguments) != 1:
                raise NotLowered(f"{builtin} with {len(arguments)} arguments")
            return self.apply(block, "call", arguments, builtin)
        if isinstance(called, MethodDescriptorType) and called.__objclass__ is str:
            if not arguments:
                raise NotLowered(f"str.{called.__name__} without arguments")
            return self._method(block, called.__name__, arguments)
        operator = callables.operator(called)
        if operator is not None and len(arguments) == 2:
            return self.apply(block, *_split(operator, arguments))
        if type(called) is GETTER and len(arguments) == 1:
            indices = callables.getter_items(called)
            items = [self._item(block, arguments[0], _Known(index)) for index in indices]
            return items[0] if len(items) == 1 else self.apply(block, "tuple", items)
        raise NotLowered(f"a call of {callables.name_of(called)}")

    def _method(self, block: _Block, name: str, arguments: list[Any]) -> Any:
        if name not in callables.METHODS:
            raise NotLowered(f"the method {name}")
        return self.apply(block, "method", arguments, name)

    # -- handlers of instructions

    def load_const(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(_Known(instruction.argval))

    def load_fast(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        for name in _each_name(instruction):
            if name not in frame.locals:
                raise NotLowered(f"the name {name}, which may have no value")
            frame.stack.append(frame.locals[name])

    def store_fast(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        for name in _each_name(instruction):
            frame.locals[name] = frame.pop(1)[0]

    def store_then_load(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        stored, loaded = _each_name(instruction)
        frame.locals[stored] = frame.pop(1)[0]
        if loaded not in frame.locals:
            raise NotLowered(f"the name {loaded}, which may have no value")
        frame.stack.append(frame.locals[loaded])

    def load_global(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        value = _Known(frame.names.of_global(str(instruction.argval)))
        pushes_null = sys.version_info >= (3, 11) and (instruction.arg or 0) & 1
        if not pushes_null:
            frame.stack.append(value)
        elif sys.version_info < (3, 13):
            frame.stack += [_NULL, value]
        else:
            frame.stack += [value, _NULL]

    def load_deref(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(_Known(frame.names.of_captured(str(instruction.argval))))

    def push_null(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(_NULL)

    def load_attribute(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        owner = frame.pop(1)[0]
        name = str(instruction.argval)
        made: Any = _Method(owner, name)
        if isinstance(owner, _Known) and (isinstance(owner.value, ModuleType) or owner.value is str):
            made = _Known(frame.names.of_attribute(owner.value, name))
        is_call = instruction.opname == "LOAD_METHOD" or sys.version_info >= (3, 12) and (instruction.arg or 0) & 1
        frame.stack += [made, _NULL] if is_call else [made]

    def pop_top(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        frame.pop(1)

    def copy(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(frame.stack[-(instruction.arg or 1)])

    def swap(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        at = -(instruction.arg or 2)
        frame.stack[-1], frame.stack[at] = frame.stack[at], frame.stack[-1]

    def duplicate(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        frame.stack += frame.stack[-(2 if instruction.opname == "DUP_TOP_TWO" else 1) :]

    def rotate(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        count = {"ROT_TWO": 2, "ROT_THREE": 3, "ROT_FOUR": 4}.get(instruction.opname) or instruction.arg or 1
        *below, top = frame.pop(count)
        frame.stack += [top, *below]

    def binary(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        symbol = instruction.argrepr
        if symbol == "[]":  # from 3.14 on
            self.subscript(block, frame, instruction)
            return
        self._operator(block, frame, symbol.removesuffix("=") if symbol.endswith("=") else symbol)

    def _operator(self, block: _Block, frame: _Frame, symbol: str) -> None:
        if symbol not in callables.BINARY:
            raise NotLowered(f"the operator {symbol}")
        frame.stack.append(self.apply(block, "binary", frame.pop(2), symbol))

    def compare(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        symbol = str(instruction.argval).removeprefix("bool(").removesuffix(")")
        frame.stack.append(self.apply(block, "compare", frame.pop(2), symbol))

    def is_op(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        one, two = frame.pop(2)
        if isinstance(one, _Known) and one.value is None:
            one, two = two, one
        if not isinstance(two, _Known) or two.value is not None:
            raise NotLowered("`is` with something else than None")
        self._push_unless(block, frame, self.apply(block, "is_none", [one]), instruction)

    def contains(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        item, container = frame.pop(2)
        if isinstance(container, _Known):
            container = _Known(callables.choices(container.value))
        self._push_unless(block, frame, self.apply(block, "contains", [item, container]), instruction)

    def _push_unless(self, block: _Block, frame: _Frame, made: _Register, instruction: dis.Instruction) -> None:
        frame.stack.append(self.apply(block, "not", [made]) if instruction.arg else made)

    def unary_not(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(self.apply(block, "not", frame.pop(1)))

    def unary_negative(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(self.apply(block, "negative", frame.pop(1)))

    def build_tuple(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(self.apply(block, "tuple", frame.pop(instruction.arg or 0)))

    def build_list(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        items = frame.pop(instruction.arg or 0)
        frame.stack.append(self.apply(block, "list", items) if items else _EmptyList())

    def list_extend(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        before, more = frame.pop(2)
        if not isinstance(before, _EmptyList) or not isinstance(more, _Known) or type(more.value) is not tuple:
            raise NotLowered("a list that is put together")
        frame.stack.append(self.apply(block, "list", [_Known(value) for value in more.value]))

    def build_slice(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        if instruction.arg != 2:
            raise NotLowered("a slice with a step")
        frame.stack.append(_Slice(*frame.pop(2)))

    def binary_slice(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(self.apply(block, "slice", frame.pop(3)))

    def subscript(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        owner, index = frame.pop(2)
        if isinstance(index, _Known) and type(index.value) is slice:  # a constant, from 3.14 on
            if index.value.step is not None:
                raise NotLowered("a slice with a step")
            index = _Slice(_Known(index.value.start), _Known(index.value.stop))
        if isinstance(index, _Slice):
            frame.stack.append(self.apply(block, "slice", [owner, index.start, index.stop]))
            return
        frame.stack.append(self._item(block, owner, index))

    def _item(self, block: _Block, owner: Any, index: Any) -> Any:
        if isinstance(owner, _Known) and isinstance(index, _Known):
            raise NotLowered("an item of a constant")
        return self.apply(block, "item", [owner, index])

    def unpack(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        value = frame.pop(1)[0]
        count = instruction.arg or 0
        owner = self.register(block, value)
        items = [self.emit(block, "unpacked", owner, count, at) for at in range(count)]
        frame.stack += reversed(items)

    def format_value(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        if instruction.opname == "FORMAT_VALUE" and (instruction.arg or 0) not in (0, 1):
            raise NotLowered("a format or a conversion in an f-string")
        frame.stack.append(self.apply(block, "joined", frame.pop(1)))

    def convert_value(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        if instruction.arg != 1:
            raise NotLowered("a conversion in an f-string")

    def build_string(self, block: _Block, frame: _Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(self.apply(block, "joined", frame.pop(instruction.arg or 0)))


def _each_name(instruction: dis.Instruction) -> tuple[str, ...]:
    names = instruction.argval
    return names if isinstance(names, tuple) else (str(names),)


def _split(operator: str, arguments: list[Any]) -> tuple[Any, ...]:
    """Returns the instruction of a function of the module ``operator``: its name, its values, and more."""
    if operator in callables.BINARY:
        return "binary", arguments, operator
    return "compare", arguments, operator


_Handler = Callable[[_Walk, _Block, _Frame, dis.Instruction], None]

_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(("LOAD_CONST", "LOAD_SMALL_INT"), _Walk.load_const),
    **dict.fromkeys(("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW"), _Walk.load_fast),
    **dict.fromkeys(("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW"), _Walk.load_fast),
    **dict.fromkeys(("STORE_FAST", "STORE_FAST_STORE_FAST"), _Walk.store_fast),
    "STORE_FAST_LOAD_FAST": _Walk.store_then_load,
    "LOAD_GLOBAL": _Walk.load_global,
    "LOAD_DEREF": _Walk.load_deref,
    "PUSH_NULL": _Walk.push_null,
    **dict.fromkeys(("LOAD_ATTR", "LOAD_METHOD"), _Walk.load_attribute),
    "POP_TOP": _Walk.pop_top,
    "COPY": _Walk.copy,
    "SWAP": _Walk.swap,
    **dict.fromkeys(("DUP_TOP", "DUP_TOP_TWO"), _Walk.duplicate),
    **dict.fromkeys(("ROT_TWO", "ROT_THREE", "ROT_FOUR", "ROT_N"), _Walk.rotate),
    "BINARY_OP": _Walk.binary,
    "COMPARE_OP": _Walk.compare,
    "IS_OP": _Walk.is_op,
    "CONTAINS_OP": _Walk.contains,
    "UNARY_NOT": _Walk.unary_not,
    "UNARY_NEGATIVE": _Walk.unary_negative,
    "BUILD_TUPLE": _Walk.build_tuple,
    "BUILD_LIST": _Walk.build_list,
    "LIST_EXTEND": _Walk.list_extend,
    "BUILD_SLICE": _Walk.build_slice,
    "BINARY_SLICE": _Walk.binary_slice,
    "BINARY_SUBSCR": _Walk.subscript,
    "UNPACK_SEQUENCE": _Walk.unpack,
    **dict.fromkeys(("FORMAT_VALUE", "FORMAT_SIMPLE"), _Walk.format_value),
    "CONVERT_VALUE": _Walk.convert_value,
    "BUILD_STRING": _Walk.build_string,
}
