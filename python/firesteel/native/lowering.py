"""Makes a program for the kernels of a Python function, or says why it cannot.

The bytecode is executed once, with values that are not known yet: each operation becomes an instruction whose result
has a register of its own. At a conditional jump the walk parts, and each side goes on to its own end; so there are
branches and no joins, but behind loops (``loops``). Functions that are called by name are walked through in place.
Instructions of CPython 3.10 to 3.14 are understood; at any other the walk stops.

A program is made of plain tuples, which ``firesteel._native`` reads: ``(parameters, registers, draws, block)``, the
draws being the registers of random numbers, a block ``(instructions, end)``, an instruction
``(register, name, arguments)``, an end ``("return", register)``, ``("branch", register, block, block)``,
``("exit", number, registers)`` of a body, ``("attempt", instruction, block, block)``, ``("decline",)`` or
``("loop", source, item, registers, registers, block, exits)``.
"""

from __future__ import annotations

import dis
import inspect
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from firesteel.bytecode import is_of_library
from firesteel.native import callables
from firesteel.native.attempts import Attempts, matches
from firesteel.native.callables import NotConstant
from firesteel.native.calls import Calls, bound
from firesteel.native.effects import NONE, Acts, acts_of, is_harmless
from firesteel.native.lookups import Contents, Loaded, Tables
from firesteel.native.loops import CALLS
from firesteel.native.names import Names, Read
from firesteel.native.values import (
    YIELDED,
    Block,
    Code,
    EmptyList,
    Frame,
    Inner,
    Known,
    NotLowered,
    Owned,
    Register,
    read,
    within,
)

__all__ = ["Lowered", "NotLowered", "lower"]

MOST_ENDS = 64
MOST_CALLS = 8
MOST_STEPS = 20_000
"""The most ends, calls within each other, and steps of the walk: a function beyond them is interpreted."""

_NOWHERE = compile("None", "", "eval")

#: The flags of functions with ``*`` or ``**`` among their parameters, and of coroutines.
_UNUSUAL = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@dataclass(frozen=True)
class Lowered:
    """A program, and what it took for constant: names and containers, which are looked at again before each batch."""

    program: tuple[Any, ...]
    reads: tuple[Read | Contents | Loaded, ...]
    generator: Any = None
    """The generator that it draws random numbers from."""
    acts: Acts = NONE
    """What it may change for a record that is handed back."""


def lower(function: Any, parameters: int = 1, gives_items: bool = False) -> Lowered:
    """Lowers a function of so many parameters; of what it gives only the items are wanted, where that is said.

    >>> lower(lambda x: x + 1).program[0]
    1
    >>> lower(lambda x: {*x})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    firesteel.native.values.NotLowered: ...
    """
    try:
        return _lowered(function, parameters, gives_items, owns=True)
    except NotLowered as first:
        reason = first
    except RecursionError:
        reason = NotLowered("more ways through it than can be followed")
    # A value that stays as it is needs not be known as a list that could change.
    for way in (_lowered, _yielded):
        try:
            return way(function, parameters, gives_items, owns=way is _yielded)
        except (NotLowered, RecursionError):
            continue
    raise reason


def _yielded(function: Any, parameters: int, gives_items: bool, owns: bool) -> Lowered:
    """Lowers a generator function of which only the items are wanted, as one that makes a list of what it yields."""
    is_function = isinstance(function, FunctionType)
    if not gives_items or not is_function or not function.__code__.co_flags & inspect.CO_GENERATOR:
        raise NotLowered("no generator")
    walk = _Walk(parameters, gives_items, owns)
    frame = walk.enter(function, [Register(number) for number in range(parameters)], None)
    frame.locals[YIELDED] = Owned("list", None, object())
    return walk.lowered(parameters, walk.block(frame))


def _lowered(function: Any, parameters: int, gives_items: bool, owns: bool) -> Lowered:
    walk = _Walk(parameters, gives_items, owns)
    arguments = [Register(number) for number in range(parameters)]
    is_function = isinstance(function, FunctionType)
    if is_function and not function.__code__.co_flags & inspect.CO_GENERATOR:
        frame = walk.enter(function, arguments, None)
        body = walk.block(frame)
    else:
        block = Block()
        nowhere = Frame(read(_NOWHERE), Names(FunctionType(_NOWHERE, {}), walk.reads), None)
        try:
            if is_function:
                result: Any = walk.generator(function, arguments, None)
            else:
                result = walk.call(block, Known(function), arguments, nowhere)
            result = walk.listed(block, result, nowhere) if gives_items else result
            body = (tuple(block.instructions), ("return", walk.register(block, result)))
        except (NotLowered, NotConstant) as reason:
            if isinstance(reason, NotLowered) and (reason.file or not is_function):
                raise
            code = function.__code__ if is_function else None
            place = ("", 0) if code is None else (code.co_filename, code.co_firstlineno)
            raise NotLowered(str(reason), *place) from None
    return walk.lowered(parameters, body)


class _Walk(Calls, Attempts):
    """The walk through a function and those that it calls."""

    def __init__(self, parameters: int, gives_items: bool, owns: bool) -> None:
        self.owns = owns
        self.reads: list[Any] = []
        super().__init__(parameters, Tables(self.reads))
        self.gives_items = gives_items
        self.draws: list[int] = []
        self.random: Any = None
        self._ends = 0
        self._outermost: Block | None = None
        self._steps = 0
        self._functions: list[tuple[Code, Names]] = []
        self._seen: set[tuple[int, int]] = set()
        #: The code of functions that have objects from outside under local names.
        self._holding: set[int] = set()

    @property
    def walked(self) -> Any:
        """What was walked so far: functions, instructions that were done, and names that were read."""
        return len(self._functions), frozenset(self._seen), len(self.reads)

    @walked.setter
    def walked(self, walked: Any) -> None:
        functions, seen, reads = walked
        del self._functions[functions:]
        self._seen = set(seen)
        # Tables are made once, and so are their reads.
        self.reads[reads:] = [read for read in self.reads[reads:] if not isinstance(read, Read)]

    def enter(
        self, function: FunctionType, arguments: list[Any], caller: Frame | None, named: dict[str, Any] | None = None
    ) -> Frame:
        """Returns the frame of a function that is called with these arguments."""
        code = function.__code__
        if code.co_flags & _UNUSUAL:
            reason = NotLowered("a function of this kind", code.co_filename, code.co_firstlineno)
            if caller is not None and is_of_library(function.__module__):
                raise NotLowered(f"a call of {callables.name_of(function)} ({reason})")
            raise reason
        frame = self.frame(read(code), Names(function, self.reads), caller)
        frame.locals = bound(function, arguments, named or {})
        self._note_holding(frame)
        return frame

    def _note_holding(self, frame: Frame) -> None:
        """Notes whether a function has an object from outside under a local name."""
        code = id(frame.code.code)
        if code not in self._holding:
            held = list(within(frame.locals.values()))
            is_given = frame.caller is not None and any(isinstance(one, Inner) and not one.is_generator for one in held)
            if is_given or not all(is_harmless(one.value) for one in held if isinstance(one, Known)):
                self._holding.add(code)

    def within(self, inner: Inner, arguments: list[Any], caller: Frame) -> Frame:
        """Returns the frame of a function within another that is called."""
        frame = super().within(inner, arguments, caller)
        self._note_holding(frame)
        return frame

    def frame(self, code: Code, names: Names, caller: Frame | None) -> Frame:
        """Returns the frame of a call."""
        if caller is not None and caller.depth >= MOST_CALLS:
            raise NotLowered(f"calls more than {MOST_CALLS} deep", code.code.co_filename, code.code.co_firstlineno)
        self._functions.append((code, names))
        return Frame(code, names, caller)

    def lowered(self, parameters: int, body: tuple[Any, ...]) -> Lowered:
        """Returns the program of a function."""
        program = (parameters, self.registers, tuple(self.draws), body)
        return Lowered(program, tuple(self.reads), self.random, self._acts())

    def _acts(self) -> Acts:
        return acts_of(self._functions, frozenset(self._seen), self._holding)

    def marks(self) -> Any:
        """Returns what a walk has counted so far."""
        return self.registers, self._ends

    def reset(self, marks: Any) -> None:
        """Goes back to what a walk had counted."""
        self.registers, self._ends = marks

    def count_end(self) -> None:
        """Counts an end."""
        self._ends += 1
        if self._ends > MOST_ENDS:
            raise NotLowered(f"more than {MOST_ENDS} ways through the function")

    def block(self, frame: Frame, begun: list[Any] | None = None) -> tuple[Any, ...]:
        """Walks on to the ends, and returns the block."""
        block = Block()
        if self._outermost is None:
            self._outermost = block
        block.instructions += begun or []
        made: Any = self.attempted(block, 0, frame) if begun else None
        while made is None or isinstance(made, Frame):
            frame = made or frame
            code = frame.code
            line = code.lines[min(frame.at, len(code.lines) - 1)]
            try:
                made = self._go_on(block, frame)
            except NotLowered as reason:
                if not reason.file:
                    raise _placed(reason.what, frame, line) from None
                raise
            except NotConstant as reason:
                raise _placed(str(reason), frame, line) from None
        return tuple(block.instructions), made

    # -- one instruction

    def _go_on(self, block: Block, frame: Frame) -> Any:
        """Does the next instruction; returns the end of the block, or the frame to go on with, or None."""
        self._steps += 1
        code = frame.code
        if frame.at >= len(code.instructions) or self._steps > MOST_STEPS:
            raise NotLowered("bytecode of a kind that is not known")
        begin = len(block.instructions)
        at = frame.at
        made = self.turn(block, frame)
        if made is not None or frame.at != at:
            return made
        frame.at += 1
        made = self._step(block, frame, code.instructions[at])
        self._seen.add((id(code.code), at))
        if code.instructions[at].opname.startswith("STORE_"):
            self._note_holding(frame)
        return self.attempted(block, begin, frame) if made is None else made

    def _step(self, block: Block, frame: Frame, instruction: dis.Instruction) -> Any:
        """Does an instruction; returns the end of the block, or the frame to go on with, or None."""
        name = instruction.opname
        if name in ("RETURN_VALUE", "RETURN_CONST"):
            value = Known(instruction.argval) if name == "RETURN_CONST" else frame.pop(1)[0]
            if frame.caller is not None:
                frame.caller.stack.append(value)
                return frame.caller
            if YIELDED in frame.locals:
                value = frame.locals[YIELDED]
            if frame.is_generator:
                raise NotLowered("a generator that ends within its loop")
            self.count_end()
            if self.gives_items:
                value = self.listed(block, value, frame)
            return ("return", self.register(block, value))
        if name in ("RERAISE", "RAISE_VARARGS"):
            self.count_end()
            return ("decline",)
        if "JUMP" in name:
            return self._jump(block, frame, instruction)
        if name in CALLS:
            return self.call_instruction(block, frame, instruction)
        self.do(block, frame, instruction)
        return None

    def _jump(self, block: Block, frame: Frame, instruction: dis.Instruction) -> Any:
        name = instruction.opname
        target = frame.code.place(instruction.argval)
        if name in ("JUMP_FORWARD", "JUMP_ABSOLUTE", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"):
            frame.at = target
            return None
        if name == "JUMP_IF_NOT_EXC_MATCH":  # up to 3.10
            raised, types = frame.pop(2)
            frame.at = frame.at if matches(raised, types) else target
            return None
        keeps = name.endswith("_OR_POP")
        value = frame.stack[-1] if keeps else frame.pop(1)[0]
        if isinstance(value, (Owned, EmptyList)) and not name.endswith("_NONE"):
            value = self.raw(block, value)
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
            if isinstance(value, (Owned, EmptyList)):
                return Known(False), jumps_if
            return self.apply(block, "is_none", [value]), jumps_if
        if isinstance(value, Known):
            callables.constant(value.value)  # whose truth calls no code
        for ending, jumps_if in (("IF_FALSE", False), ("IF_TRUE", True)):
            if name.removesuffix("_OR_POP").endswith(ending):
                return value, jumps_if
        raise NotLowered(f"the instruction {name}")

    def drawn(self, block: Block, generator: Any) -> Register:
        """Returns the next random number of a record.

        All records draw the same number of them, so those of a batch can be drawn at once.
        """
        if block is not self._outermost:
            raise NotLowered("random() where not each record comes by")
        if self.random not in (None, generator):
            raise NotLowered("random numbers of two generators")
        self.random = generator
        register = Register(self.registers)
        self.registers += 1
        self.draws.append(register.number)
        return register


def _placed(what: str, frame: Frame, line: int) -> NotLowered:
    """Returns a reason with its place: of what a library's function does, where the program calls it."""
    code, called = frame.code.code, ""
    place = f"{code.co_filename}:{line}: {what}"
    while frame.caller is not None and is_of_library(frame.names.module):
        called = f"{frame.names.module}.{frame.code.code.co_name}"
        frame = frame.caller
        line = frame.code.lines[max(frame.at - 1, 0)]
    return NotLowered(f"a call of {called} ({place})" if called else what, frame.code.code.co_filename, line)
