"""Makes a program for the kernels of a Python function, or says why it cannot.

The bytecode is executed once, with values that are not known yet: each operation becomes an instruction whose result
has a register of its own. At a conditional jump the walk parts, and each side goes on to its own end; so there are
branches and no joins. Functions that are called by name are walked through in place. Instructions of CPython 3.10 to
3.14 are understood; at any other the walk stops.

A program is made of plain tuples, which ``firesteel._native`` reads: ``(parameters, registers, draws, block)``, the
draws being the registers of random numbers, a block ``(instructions, end)``, an instruction
``(register, name, arguments)``, an end ``("return", register)`` or ``("branch", register, block, block)``.
"""

from __future__ import annotations

import dis
import inspect
from dataclasses import dataclass
from types import FunctionType, MethodDescriptorType
from typing import Any

from firesteel.native import callables
from firesteel.native.callables import GETTER, NotConstant
from firesteel.native.instructions import Instructions
from firesteel.native.names import Names, Read
from firesteel.native.values import NULL, Block, Code, Frame, Known, Method, NotLowered, Register

__all__ = ["Lowered", "NotLowered", "lower"]

MOST_ENDS = 32
MOST_CALLS = 8
"""The most ends, and calls within each other, of a program: a function beyond them is interpreted."""

#: The flags of functions with ``*`` or ``**`` among their parameters, of generators and of coroutines.
_UNUSUAL = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)


@dataclass(frozen=True)
class Lowered:
    """A program, and what it took for constant: names whose values are looked at again before each batch."""

    program: tuple[Any, ...]
    reads: tuple[Read, ...]
    draws: bool = False
    """Whether it calls ``random.random()``."""


def lower(function: Any, parameters: int = 1) -> Lowered:
    """Lowers a function of so many parameters.

    >>> lower(lambda x: x + 1).program[0]
    1
    >>> lower(lambda x: [y for y in x])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    firesteel.native.values.NotLowered: ...
    """
    walk = _Walk(parameters)
    arguments = [Register(number) for number in range(parameters)]
    if isinstance(function, FunctionType):
        frame = walk.enter(function, arguments, None)
        body = walk.block(frame)
    else:
        block = Block()
        result = walk.call(block, Known(function), arguments)
        body = (tuple(block.instructions), ("return", walk.register(block, result)))
    return Lowered((parameters, walk.registers, tuple(walk.draws), body), tuple(walk.reads), bool(walk.draws))


class _Walk(Instructions):
    """The walk through a function and those that it calls."""

    def __init__(self, parameters: int) -> None:
        super().__init__(parameters)
        self.reads: list[Read] = []
        self.draws: list[int] = []
        self._ends = 0
        self._outermost: Block | None = None

    def enter(self, function: FunctionType, arguments: list[Any], caller: Frame | None) -> Frame:
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
        frame = Frame(Code(code), Names(function, self.reads), caller)
        given = [*arguments, *map(Known, defaults[len(defaults) - missing :])]
        frame.locals = dict(zip(code.co_varnames, given))
        return frame

    def block(self, frame: Frame) -> tuple[Any, ...]:
        """Walks on to the ends, and returns the block."""
        block = Block()
        if self._outermost is None:
            self._outermost = block
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
            if isinstance(made, Frame):
                frame = made
            elif made is not None:
                return tuple(block.instructions), made

    # -- one instruction

    def _step(self, block: Block, frame: Frame, instruction: dis.Instruction) -> Any:
        """Does one instruction; returns the end of the block, or the frame to go on with, or None."""
        name = instruction.opname
        if name in ("RETURN_VALUE", "RETURN_CONST"):
            value = Known(instruction.argval) if name == "RETURN_CONST" else frame.pop(1)[0]
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
        self.do(block, frame, instruction)
        return None

    def _jump(self, block: Block, frame: Frame, instruction: dis.Instruction) -> Any:
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
        if isinstance(condition, Known):
            return there if bool(condition.value) is jumps_if else None
        number = self.register(block, condition)
        yes, no = (there, frame) if jumps_if else (frame, there)
        return ("branch", number, self.block(yes), self.block(no))

    def _condition(self, block: Block, name: str, value: Any) -> tuple[Any, bool]:
        """Returns what a jump looks at, and with which truth it jumps."""
        if name.endswith("_NONE"):
            jumps_if = not name.endswith("NOT_NONE")
            if isinstance(value, Known):
                return Known(value.value is None), jumps_if
            return self.apply(block, "is_none", [value]), jumps_if
        if isinstance(value, Known):
            callables.constant(value.value)  # whose truth calls no code
        for ending, jumps_if in (("IF_FALSE", False), ("IF_TRUE", True)):
            if name.removesuffix("_OR_POP").endswith(ending):
                return value, jumps_if
        raise NotLowered(f"the instruction {name}")

    def _call(self, block: Block, frame: Frame, instruction: dis.Instruction) -> Any:
        arguments = frame.pop(instruction.arg or 0)
        if instruction.opname == "CALL_FUNCTION":
            function = frame.pop(1)[0]
        else:
            pair = [value for value in frame.pop(2) if value is not NULL]
            if len(pair) != 1:
                raise NotLowered("a call of a value of this kind")
            function = pair[0]
        called = function.value if isinstance(function, Known) else None
        if isinstance(called, FunctionType):
            return self.enter(called, arguments, frame)
        frame.stack.append(self.call(block, function, arguments))
        return None

    def call(self, block: Block, function: Any, arguments: list[Any]) -> Any:
        """Calls a function or method that Python has built in."""
        if isinstance(function, Method):
            return self._method(block, function.name, [function.owner, *arguments])
        if not isinstance(function, Known):
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
        if callables.is_random(called) and not arguments:
            return self._drawn(block)
        operator = callables.operator(called)
        if operator is not None and len(arguments) == 2:
            return self.apply(block, *_split(operator, arguments))
        if type(called) is GETTER and len(arguments) == 1:
            indices = callables.getter_items(called)
            items = [self.item(block, arguments[0], Known(index)) for index in indices]
            return items[0] if len(items) == 1 else self.apply(block, "tuple", items)
        raise NotLowered(f"a call of {callables.name_of(called)}")

    def _drawn(self, block: Block) -> Register:
        """Returns the next random number of a record.

        All records draw the same number of them, so those of a batch can be drawn at once.
        """
        if block is not self._outermost:
            raise NotLowered("random() where not each record comes by")
        register = Register(self.registers)
        self.registers += 1
        self.draws.append(register.number)
        return register

    def _method(self, block: Block, name: str, arguments: list[Any]) -> Any:
        if name not in callables.METHODS:
            raise NotLowered(f"the method {name}")
        return self.apply(block, "method", arguments, name)


def _split(operator: str, arguments: list[Any]) -> tuple[Any, ...]:
    """Returns the instruction of a function of the module ``operator``: its name, its values, and more."""
    if operator in callables.BINARY:
        return "binary", arguments, operator
    return "compare", arguments, operator
