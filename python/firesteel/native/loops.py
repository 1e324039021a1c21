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
from itertools import combinations
from typing import Any

from firesteel.native.flow import Flow, flow_of
from firesteel.native.holding import CHANGES, Holding, is_alike, like
from firesteel.native.names import UNSET
from firesteel.native.values import (
    SPENT,
    YIELDED,
    Block,
    Collecting,
    Each,
    EmptyList,
    Frame,
    Inner,
    Iterated,
    Known,
    Loop,
    NotLowered,
    Owned,
    Raised,
    Register,
    within,
)

__all__ = ["CALLS", "Loops"]

#: The instructions that call a function.
CALLS = ("CALL", "CALL_FUNCTION", "CALL_METHOD", "CALL_KW", "CALL_FUNCTION_KW")


class Loops(Holding):
    """Does loops and comprehensions."""

    def block(self, frame: Frame, begun: list[Any] | None = None) -> tuple[Any, ...]:
        """Walks on to the ends, and returns the block."""
        raise NotImplementedError

    def count_end(self) -> None:
        """Counts an end."""
        raise NotImplementedError

    def flow(self, frame: Frame) -> Flow:
        """Returns the graph of a frame's instructions."""
        return flow_of(frame.code)

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
        if isinstance(loop, Each) and loop.members and frame.at not in loop.members:
            raise NotLowered("a loop that is left before its end")
        if has_begun or frame.at not in self.flow(frame).heads:
            return None
        if frame.code.instructions[frame.at].opname != "FOR_ITER":
            return self._loop(block, frame, None)
        iterated = frame.stack[-1] if frame.stack else None
        if not isinstance(iterated, Iterated):
            raise NotLowered("a loop over a value of this kind")
        is_list = len(frame.stack) > 1 and isinstance(frame.stack[-2], EmptyList)
        if is_list or isinstance(loop, Each) and not loop.members or frame.is_generator:
            self._each(block, frame, iterated, is_list)
            return None
        if self._fills(block, frame, iterated):
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
        self.closed(block, body)
        source = self.source(block, iterated)
        made = self.block(body)
        result = self.emit(block, "each", source, item.number, made, bool(inner.flattens))
        for name in assigned:
            frame.locals.pop(name, None)
        if is_list:
            kind = frame.stack[-2].kind
            frame.stack[-2] = self.owned(kind, result if kind == "list" else self.collect(block, kind, result))
        else:
            self.give(frame, result, True)
        self._exhaust(frame)

    def give(self, frame: Frame, value: Any, flattens: bool) -> None:
        """Adds a value, or the items of one, to the list that is made; a generator's is its own."""
        loop = frame.loop
        if frame.given is not None or isinstance(loop, Each) and loop.flattens not in (None, flattens):
            raise NotLowered("a comprehension of this kind")
        frame.given = value
        if isinstance(loop, Each):
            loop.flattens = flattens

    def _exhaust(self, frame: Frame) -> None:
        """Goes to where a loop goes at the end of its items."""
        code = frame.code
        frame.at = code.place(code.instructions[frame.at].argval)
        if frame.at < len(code.instructions) and code.instructions[frame.at].opname == "END_FOR":
            frame.at += 1
        if sys.version_info < (3, 13):  # later ones take it off by an instruction of its own
            frame.pop(1)

    def _fills(self, block: Block, frame: Frame, iterated: Iterated) -> bool:
        """Makes a loop that only appends to a list the comprehension that it could have been, if it is one."""
        flow, head = self.flow(frame), frame.at
        members = flow.heads[head]
        assigned = flow.assigned(members)
        filled = [frame.locals.get(name) for name in flow.appended(members)]
        if not filled or any(name in frame.locals and flow.is_read(name, head) for name in assigned):
            return False
        first = filled[0]
        if not isinstance(first, (Owned, Collecting)) or isinstance(first, Owned) and first.kind != "list":
            return False
        if any(not isinstance(one, type(first)) or one.identity is not first.identity for one in filled):
            return False
        behind = frame.copy(head)
        self._exhaust(behind)
        if any(flow.is_read(name, behind.at) for name in assigned):
            return False
        return self._filled(block, frame, iterated, first, members)

    def _filled(self, block: Block, frame: Frame, iterated: Iterated, owner: Any, members: frozenset[int]) -> bool:
        if isinstance(owner, Collecting) and not isinstance(frame.loop, Each):
            return False
        begun, marks = len(block.instructions), self.marks()
        inner, item = Each(frame.at, members=members), self.fresh()
        body = frame.copy(frame.at + 1)
        body.loop, body.given = inner, None
        body.stack.append(item)
        for name in self.flow(frame).assigned(members):
            body.locals.pop(name, None)
        for name, value in body.locals.items():
            if isinstance(value, (Owned, Collecting)) and value.identity is owner.identity:
                body.locals[name] = Collecting(owner.identity)
        try:
            self.closed(block, body)
            source = self.source(block, iterated)
            result = self.emit(block, "each", source, item.number, self.block(body), bool(inner.flattens))
            if isinstance(owner, Collecting):
                self.give(frame, result, True)
            else:
                both = result if owner.register is None else self.collect(block, "extend", owner, result)
                self.change(frame, owner, both)
        except NotLowered:
            del block.instructions[begun:]
            self.reset(marks)
            return False
        # What they stand for behind the loop is not known here: nobody reads them.
        for name in self.flow(frame).assigned(members):
            frame.locals.pop(name, None)
        self._exhaust(frame)
        return True

    def give_item(self, block: Block, frame: Frame, owner: Collecting, value: Any) -> None:
        """Adds an item to the list that a loop fills."""
        if not isinstance(frame.loop, Each):
            raise NotLowered("a list that is filled in a loop within a loop")
        self.freeze(block, frame, [value])
        self.give(frame, Register(self.register(block, value)), False)

    def begin_generator(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        if YIELDED not in frame.locals:
            raise NotLowered("a generator")
        frame.stack.append(Known(None))

    def marks(self) -> Any:
        """Returns what a walk has counted so far."""
        raise NotImplementedError

    def reset(self, marks: Any) -> None:
        """Goes back to what a walk had counted."""
        raise NotImplementedError

    def list_append(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        value = frame.pop(1)[0]
        if instruction.opname == "MAP_ADD":
            value = self.apply(block, "tuple", [frame.pop(1)[0], value])
        if not isinstance(frame.loop, Each):
            raise NotLowered("a list that is put together")
        self.give(frame, Register(self.register(block, value)), False)

    def yield_value(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        value = frame.pop(1)[0]
        if YIELDED in frame.locals:
            self.held_method(block, "append", frame.locals[YIELDED], [value], frame)
            frame.stack.append(Known(None))
            return
        if not isinstance(frame.loop, Each):
            raise NotLowered("a generator")
        self.give(frame, Register(self.register(block, value)), False)
        frame.stack.append(Known(None))

    def load_and_clear(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(frame.locals.pop(str(instruction.argval), UNSET))

    def listed(self, block: Block, value: Any, frame: Frame) -> Any:
        """Returns a list of what can be gone through; a value as it is."""
        if isinstance(value, Inner) and value.is_generator:
            self.spend(frame, value)
            return self._generated(block, value, frame)
        if isinstance(value, Owned) and value.kind in ("dict", "counter"):
            return self.collect(block, "keys", value)
        if isinstance(value, Iterated) and value.name == "items" and len(value.parts) == 1:
            part = value.parts[0]
            if isinstance(part, Owned) and part.kind == "view":
                return part.register
        if not isinstance(value, Iterated):
            return value
        source, item = self.source(block, value), self.fresh()
        return self.emit(block, "each", source, item.number, ((), ("exit", 0, (item.number,))), False)

    def _generated(self, block: Block, generator: Inner, caller: Frame) -> Any:
        """Returns the list of what a generator gives: it has to be one loop, with nothing but names before it."""
        called = generator.called
        frame = called.copy(called.at) if called else self.within(generator, [generator.source], caller)
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
        if isinstance(value, Owned) and value.kind in ("dict", "counter"):
            value = self.view(block, value, "keys")
        elif isinstance(value, EmptyList) and value.kind != "list" or isinstance(value, Owned) and value.kind == "set":
            raise NotLowered("the order of a set")
        frame.stack.append(value if isinstance(value, Iterated) else Iterated("items", (value,)))

    def listed_generator(self, block: Block, value: Any, frame: Frame) -> Any:
        """Returns the list that a generator gives; another value as it is.

        Its items are wanted later, one by one, and so nobody may change until then what it goes through.
        """
        if not isinstance(value, Inner):
            return value
        for one in within([value]):
            if isinstance(one, Owned) and one.kind != "list":
                raise NotLowered(f"a generator over a {one.kind}, which could change before its items are taken")
        self.freeze(block, frame, list(within([value])))
        return self.listed(block, value, frame)

    def iterated(self, block: Block, name: str, arguments: list[Any], frame: Frame) -> Iterated:
        """Returns what ``range``, ``enumerate`` or ``zip`` makes."""
        if any(one is other and isinstance(one, Inner) for one, other in combinations(arguments, 2)):
            raise NotLowered("a generator whose items were taken")
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
        assigned = flow.assigned(members) | self._changed(frame, members)
        state = tuple(sorted(name for name in assigned if name in frame.locals and flow.is_read(name, head)))
        source = None if iterated is None else self.source(block, iterated)
        item, registers = self.fresh(), [self.fresh() for _ in state]
        loop = Loop(head, members, assigned, state, list(frame.stack), frame.loop, {})
        values = [frame.locals[name] for name in state]
        if any(self.is_shared_array(value) for value in values):
            raise NotLowered("an array from outside to which a loop gives a name")
        loop.held = {name: value for name, value in zip(state, values) if isinstance(value, Owned)}
        initial = tuple(self._passed(block, value) for value in values)
        body = frame.copy(head)
        body.loop, body.begins = loop, head
        for name in assigned:
            body.locals.pop(name, None)
        for name, value in body.locals.items():
            if isinstance(value, Inner) and value.is_generator:
                body.locals[name] = SPENT
        body.locals.update((name, like(value, one)) for name, value, one in zip(state, values, registers))
        if iterated is not None:
            ended = body.copy(head)
            self._exhaust(ended)
            self._add_exit(ended, loop, state)
            body.at += 1
            body.begins = -1
            body.stack.append(item)
        made = self.block(body)
        for _, behind in loop.exits.values():
            for identity in loop.frozen:
                self.freeze_identity(block, behind, identity)
        exits = tuple((tuple(values), self.block(behind)) for values, behind in loop.exits.values())
        return ("loop", source, item.number, tuple(one.number for one in registers), initial, made, exits)

    def _changed(self, frame: Frame, members: frozenset[int]) -> frozenset[str]:
        """Returns the names of lists, sets and dicts that a loop may change, of all that it might."""
        flow = self.flow(frame)
        held = frozenset(name for name, value in frame.locals.items() if isinstance(value, Owned))
        return held if held & flow.assigned(members) or flow.changes(members, CHANGES) else frozenset()

    def _passed(self, block: Block, value: Any) -> int:
        """Returns the register with which a name goes through a loop."""
        return self.raw(block, value).number if isinstance(value, Owned) else self.register(block, value)

    def _next(self, block: Block, frame: Frame, loop: Loop | Each) -> Any:
        """Returns the end of a block that comes to the head of its loop again."""
        self.count_end()
        if isinstance(loop, Each):
            return ("exit", 1, ()) if frame.given is None else ("exit", 0, (self.register(block, frame.given),))
        if not _is_same(frame.stack, loop.base):
            raise NotLowered("a loop within an expression")
        for name in loop.state:
            value = frame.locals.get(name)
            if name not in loop.held:
                self.freeze(block, frame, [value])
                if isinstance(value, Owned) and value.kind != "list":
                    raise NotLowered("a value of another kind from turn to turn")
        if not all(is_alike(frame.locals.get(name), held) for name, held in loop.held.items()):
            raise NotLowered("a list that is another one from turn to turn")
        self._keep_apart(frame, loop.held)
        return ("exit", 0, tuple(self._local(block, frame, name) for name in loop.state))

    def _left(self, block: Block, frame: Frame, loop: Loop) -> Any:
        """Returns the end of a block that leaves its loop."""
        self.count_end()
        self.freeze(block, frame, [value for value in frame.stack if not _is_in(value, loop.base)])
        self._advance(frame)
        key = _exit_key(frame, loop)
        slots = [value for value in frame.stack if isinstance(value, Register) and not _is_in(value, loop.base)]
        if key not in loop.exits:
            names = tuple(sorted(name for name in loop.assigned if self._is_needed(frame, name)))
            self._add_exit(frame, loop, names, key)
        behind = loop.exits[key][1]
        names = behind.values
        for name in names:
            if not is_alike(frame.locals.get(name), behind.locals[name]):
                raise NotLowered("a list that is another one where a loop is left")
        self._keep_apart(frame, {name: one for name, one in behind.locals.items() if self._is_needed(behind, name)})
        values = [self._local(block, frame, name) for name in names]
        number = 1 + list(loop.exits).index(key)
        return ("exit", number, (*values, *(slot.number for slot in slots)))

    def _keep_apart(self, frame: Frame, known: dict[str, Any]) -> None:
        """Checks that lists that are one are known as one, and others as others."""
        held = {name: value for name, value in known.items() if isinstance(value, Owned)}
        for one, two in combinations(held, 2):
            first, second = frame.locals.get(one), frame.locals.get(two)
            if not isinstance(first, Owned) or not isinstance(second, Owned):
                raise NotLowered("a list that is another one behind a loop")
            if (first.identity is second.identity) != (held[one].identity is held[two].identity):
                raise NotLowered("lists that may be one behind a loop")

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
            behind.locals[name] = like(frame.locals.get(name), registers[-1])
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
        return self._passed(block, frame.locals[name])


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
