"""Loops and comprehensions on the walk through bytecode.

At the head of a loop the walk goes through its body once, with a register for each name that changes from turn to
turn. The body ends where it comes to the head again (``("exit", 0, state)``), or where it comes to an instruction that
is no part of the loop (``("exit", n, values)``). What is behind such a way out is walked through afterwards, once for
all that leave there, with the names that are read from there on. So loops are the only places at which ways come
together again.

A comprehension has no state, and computes all items at once: its body ends at the head with what it has given to the
list, or without. A generator is one, since it can be used only where all of its items are taken at once.
"""

from __future__ import annotations

import dis
import sys
from typing import Any

from firesteel.native.flow import Flow
from firesteel.native.instructions import Instructions
from firesteel.native.values import (
    UNSET,
    Block,
    Each,
    EmptyList,
    Frame,
    Inner,
    Iterated,
    Known,
    Loop,
    NotLowered,
    Raised,
    Register,
)

__all__ = ["CALLS", "Loops"]

#: The instructions that call a function.
CALLS = ("CALL", "CALL_FUNCTION", "CALL_METHOD", "CALL_KW", "CALL_FUNCTION_KW")


class Loops(Instructions):
    """Does loops and comprehensions."""

    def block(self, frame: Frame, begun: list[Any] | None = None) -> tuple[Any, ...]:
        """Walks on to the ends, and returns the block."""
        raise NotImplementedError

    def count_end(self) -> None:
        """Counts an end."""
        raise NotImplementedError

    def flow(self, frame: Frame) -> Flow:
        """Returns the graph of a frame's instructions."""
        code = frame.code
        found: Flow | None = code.flow
        if found is None:
            found = code.flow = Flow(code)
        return found

    def fresh(self) -> Register:
        """Returns a register that no instruction sets."""
        return self.emit(Block(), "fresh")

    def turn(self, block: Block, frame: Frame) -> Any:
        """Does what loops do before the next instruction: returns the end of the block, if it is one."""
        loop = frame.loop
        has_begun = frame.begins == frame.at
        frame.begins = -1
        if loop is not None and not has_begun and frame.at == loop.head:
            return self._next(block, frame, loop)
        if isinstance(loop, Loop) and frame.at not in loop.members:
            return self._left(block, frame, loop)
        if has_begun or frame.at not in self.flow(frame).heads:
            return None
        if frame.code.instructions[frame.at].opname != "FOR_ITER":
            return self._loop(block, frame, None)
        iterated = frame.stack[-1] if frame.stack else None
        if not isinstance(iterated, Iterated):
            raise NotLowered("a loop over a value of this kind")
        is_list = len(frame.stack) > 1 and isinstance(frame.stack[-2], EmptyList)
        if is_list or isinstance(loop, Each) or frame.is_generator:
            self._each(block, frame, iterated, is_list)
            return None
        return self._loop(block, frame, iterated)

    # -- comprehensions

    def _each(self, block: Block, frame: Frame, iterated: Iterated, is_list: bool) -> None:
        """Adds a comprehension, and goes on behind it."""
        head = frame.at
        assigned = self.flow(frame).assigned(self.flow(frame).heads[head])
        inner = Each(head)
        body, item = frame.copy(head + 1), self.fresh()
        body.loop, body.given = inner, None
        body.stack.append(item)
        for name in assigned:
            body.locals.pop(name, None)
        source = self.source(block, iterated)
        made = self.block(body)
        result = self.emit(block, "each", source, item.number, made, bool(inner.flattens))
        for name in assigned:
            frame.locals.pop(name, None)
        if is_list:
            frame.stack[-2] = result
        else:
            self.give(frame, result, True)
        self._exhaust(frame)

    def give(self, frame: Frame, value: Any, flattens: bool) -> None:
        """Adds a value, or the items of one, to the list that is made; a generator's is its own."""
        loop = frame.loop
        if frame.given is not None:
            raise NotLowered("a comprehension of this kind")
        frame.given = value
        if isinstance(loop, Each):
            if loop.flattens not in (None, flattens):
                raise NotLowered("a comprehension of this kind")
            loop.flattens = flattens

    def _exhaust(self, frame: Frame) -> None:
        """Goes to where a loop goes at the end of its items."""
        code = frame.code
        frame.at = code.place(code.instructions[frame.at].argval)
        if frame.at < len(code.instructions) and code.instructions[frame.at].opname == "END_FOR":
            frame.at += 1
        if sys.version_info < (3, 13):  # later ones take it off by an instruction of its own
            frame.pop(1)

    def list_append(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        value = frame.pop(1)[0]
        if not isinstance(frame.loop, Each):
            raise NotLowered("a list that is put together")
        self.give(frame, Register(self.register(block, value)), False)

    def yield_value(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        value = frame.pop(1)[0]
        if not isinstance(frame.loop, Each):
            raise NotLowered("a generator")
        self.give(frame, Register(self.register(block, value)), False)
        frame.stack.append(Known(None))

    def load_and_clear(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(frame.locals.pop(str(instruction.argval), UNSET))

    def listed(self, block: Block, value: Any, frame: Frame) -> Any:
        """Returns a list of what can be gone through; a value as it is."""
        if isinstance(value, Inner) and value.is_generator:
            return self._generated(block, value, frame)
        if not isinstance(value, Iterated):
            return value
        source, item = self.source(block, value), self.fresh()
        return self.emit(block, "each", source, item.number, ((), ("exit", 0, (item.number,))), False)

    def _generated(self, block: Block, generator: Inner, caller: Frame) -> Any:
        """Returns the list of what a generator gives: it has to be one loop, with nothing but names before it."""
        frame = generator.called or self.within(generator, [generator.source], caller)
        frame.caller, frame.is_generator = None, True
        heads = self.flow(frame).heads
        while frame.at not in heads:
            instruction = frame.code.instructions[frame.at]
            frame.at += 1
            if instruction.opname == "RETURN_GENERATOR":
                frame.stack.append(Known(None))
            elif instruction.opname in CALLS:
                if self.call_instruction(block, frame, instruction) is not None:
                    raise NotLowered("a generator that calls a function before its loop")
            else:
                self.do(block, frame, instruction)
        if self.turn(block, frame) is not None or frame.given is None or not _ends_there(frame):
            raise NotLowered("a generator that is more than one loop with one yield")
        return frame.given

    def call_instruction(self, block: Block, frame: Frame, instruction: dis.Instruction) -> Any:
        """Calls what is on the stack; returns the frame to go on with, if it is another."""
        raise NotImplementedError

    def within(self, inner: Inner, arguments: list[Any], caller: Frame) -> Frame:
        """Returns the frame of a function within another that is called."""
        raise NotImplementedError

    # -- what is gone through

    def get_iter(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        value = self.listed_generator(block, frame.pop(1)[0], frame)
        frame.stack.append(value if isinstance(value, Iterated) else Iterated("items", (value,)))

    def listed_generator(self, block: Block, value: Any, frame: Frame) -> Any:
        """Returns the list that a generator gives; another value as it is."""
        return self.listed(block, value, frame) if isinstance(value, Inner) else value

    def iterated(self, block: Block, name: str, arguments: list[Any], frame: Frame) -> Iterated:
        """Returns what ``range``, ``enumerate`` or ``zip`` makes."""
        arguments = [self.listed_generator(block, argument, frame) for argument in arguments]
        if name == "range":
            if not 1 <= len(arguments) <= 3:
                raise NotLowered(f"range with {len(arguments)} arguments")
            start, stop = (Known(0), *arguments)[:2] if len(arguments) == 1 else arguments[:2]
            return Iterated(name, (start, stop, arguments[2] if len(arguments) == 3 else Known(1)))
        if name == "enumerate":
            if not 1 <= len(arguments) <= 2:
                raise NotLowered(f"enumerate with {len(arguments)} arguments")
            return Iterated(name, (_items(arguments[0]), arguments[1] if len(arguments) == 2 else Known(0)))
        if not arguments:
            raise NotLowered("zip of nothing")
        return Iterated(name, tuple(map(_items, arguments)))

    def source(self, block: Block, iterated: Iterated) -> tuple[Any, ...]:
        """Returns how a program says what is gone through."""
        parts = (
            self.source(block, part) if isinstance(part, Iterated) else self.register(block, part)
            for part in iterated.parts
        )
        return (iterated.name, *parts)

    # -- loops

    def _loop(self, block: Block, frame: Frame, iterated: Iterated | None) -> Any:
        """Returns the end of a block that comes to a loop."""
        flow, head = self.flow(frame), frame.at
        members = flow.heads[head]
        assigned = flow.assigned(members)
        state = tuple(sorted(name for name in assigned if name in frame.locals and flow.is_read(name, head)))
        source = None if iterated is None else self.source(block, iterated)
        initial = tuple(self.register(block, frame.locals[name]) for name in state)
        item, registers = self.fresh(), [self.fresh() for _ in state]
        loop = Loop(head, members, assigned, state, list(frame.stack), frame.loop, {})
        body = frame.copy(head)
        body.loop, body.begins = loop, head
        for name in assigned:
            body.locals.pop(name, None)
        body.locals.update(zip(state, registers))
        if iterated is not None:
            ended = body.copy(head)
            self._exhaust(ended)
            self._add_exit(ended, loop, state)
            body.at += 1
            body.begins = -1
            body.stack.append(item)
        made = self.block(body)
        exits = tuple((tuple(values), self.block(behind)) for values, behind in loop.exits.values())
        return ("loop", source, item.number, tuple(one.number for one in registers), initial, made, exits)

    def _next(self, block: Block, frame: Frame, loop: Loop | Each) -> Any:
        """Returns the end of a block that comes to the head of its loop again."""
        self.count_end()
        if isinstance(loop, Each):
            return ("exit", 1, ()) if frame.given is None else ("exit", 0, (self.register(block, frame.given),))
        if not _is_same(frame.stack, loop.base):
            raise NotLowered("a loop within an expression")
        return ("exit", 0, tuple(self._local(block, frame, name) for name in loop.state))

    def _left(self, block: Block, frame: Frame, loop: Loop) -> Any:
        """Returns the end of a block that leaves its loop."""
        self.count_end()
        self._advance(frame)
        key = _exit_key(frame, loop)
        slots = [value for value in frame.stack if isinstance(value, Register) and not _is_in(value, loop.base)]
        if key not in loop.exits:
            names = tuple(sorted(name for name in loop.assigned if self._is_needed(frame, name)))
            self._add_exit(frame, loop, names, key)
        behind = loop.exits[key][1]
        names = behind.values
        values = [self._local(block, frame, name) for name in names]
        number = 1 + list(loop.exits).index(key)
        return ("exit", number, (*values, *(slot.number for slot in slots)))

    def _is_needed(self, frame: Frame, name: str) -> bool:
        return name in frame.locals and self.flow(frame).is_read(name, frame.at)

    def _add_exit(self, frame: Frame, loop: Loop, names: tuple[str, ...], key: Any = None) -> None:
        """Adds a way out with the names that have values there."""
        if key is None:
            self._advance(frame)
            key = _exit_key(frame, loop)
        behind = frame.copy(frame.at)
        behind.loop, behind.values = loop.outer, names
        registers = []
        for name in loop.assigned:
            behind.locals.pop(name, None)
        for name in names:
            registers.append(self.fresh())
            behind.locals[name] = registers[-1]
        for at, value in enumerate(behind.stack):
            if isinstance(value, Register) and not _is_in(value, loop.base):
                registers.append(self.fresh())
                behind.stack[at] = registers[-1]
        loop.exits[key] = ([one.number for one in registers], behind)

    def _advance(self, frame: Frame) -> None:
        """Goes on where nothing is computed, so that more ways out of a loop are one."""
        code = frame.code
        while frame.at < len(code.instructions):
            instruction = code.instructions[frame.at]
            if instruction.opname in ("POP_TOP", "POP_ITER") and frame.stack:
                frame.pop(1)
            elif instruction.opname in ("JUMP_FORWARD", "JUMP_ABSOLUTE"):
                target = code.place(instruction.argval)
                if target <= frame.at:
                    return
                frame.at = target
                continue
            elif instruction.opname != "END_FOR":
                return
            frame.at += 1

    def _local(self, block: Block, frame: Frame, name: str) -> int:
        if name not in frame.locals:
            raise NotLowered(f"the name {name}, which may have no value")
        return self.register(block, frame.locals[name])


def _items(value: Any) -> Iterated:
    return value if isinstance(value, Iterated) else Iterated("items", (value,))


def _is_same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other))


def _is_in(value: Any, base: list[Any]) -> bool:
    return any(value is other for other in base)


def _exit_key(frame: Frame, loop: Loop) -> Any:
    """Returns what ways out have in common that are one: the instruction, and the stack besides registers."""
    stack: list[Any] = []
    for value in frame.stack:
        if isinstance(value, Raised):
            stack.append(value)
        else:
            stack.append("computed" if isinstance(value, Register) and not _is_in(value, loop.base) else id(value))
    return frame.at, tuple(stack)


def _ends_there(frame: Frame) -> bool:
    """Returns whether a generator has nothing left to do."""
    left = [one for one in frame.code.instructions[frame.at :] if one.opname not in ("END_FOR", "POP_TOP", "POP_ITER")]
    if not left or left[0].opname not in ("LOAD_CONST", "RETURN_CONST") or left[0].argval is not None:
        return False
    return left[0].opname == "RETURN_CONST" or len(left) > 1 and left[1].opname == "RETURN_VALUE"
