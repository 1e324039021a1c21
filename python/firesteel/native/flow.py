"""The ways through a function's bytecode: where its loops are, and which names are read again."""

from __future__ import annotations

import dis
from collections.abc import Set
from functools import cached_property

from firesteel.native.values import YIELDED, Code

__all__ = ["Flow", "flow_of"]

_ENDS = frozenset("RETURN_VALUE RETURN_CONST RERAISE RAISE_VARARGS".split())
_ALWAYS = frozenset("JUMP_FORWARD JUMP_BACKWARD JUMP_ABSOLUTE JUMP_BACKWARD_NO_INTERRUPT".split())


class Flow:
    """The graph of a function's instructions, by their positions.

    >>> def f(x):
    ...     while x > 1:
    ...         x //= 2
    ...     return x
    >>> len(Flow(Code(f.__code__)).heads)
    1
    """

    def __init__(self, code: Code) -> None:
        self._code = code
        handlers = [(first, last, handler) for first, last, handler, _, _ in code.handlers]
        # Up to 3.10 an instruction says where exceptions go. What it guards stands before the handler.
        for at, instruction in enumerate(code.instructions):
            if instruction.opname == "SETUP_FINALLY":
                handler = code.place(instruction.argval)
                handlers.append((at, handler, handler))
        self._handlers = handlers
        self._next = [self._followers(at) for at in range(len(code.instructions))]

    def _followers(self, at: int) -> list[int]:
        instruction = self._code.instructions[at]
        name = instruction.opname
        followers = [handler for first, last, handler in self._handlers if first <= at < last]
        if "JUMP" in name or name == "FOR_ITER":
            followers.append(self._code.place(instruction.argval))
        if name not in _ALWAYS and name not in _ENDS:
            followers.append(at + 1)
        return [follower for follower in followers if follower < len(self._code.instructions)]

    @cached_property
    def heads(self) -> dict[int, frozenset[int]]:
        """Where loops begin, with the instructions of each: those behind the beginning that lead to it again."""
        sources: dict[int, list[int]] = {}
        for at, followers in enumerate(self._next):
            if self._code.instructions[at].opname == "FOR_ITER":
                sources.setdefault(at, [])
            for follower in followers:
                if follower <= at and "JUMP" in self._code.instructions[at].opname and self._dominates(follower, at):
                    sources.setdefault(follower, []).append(at)
        return {head: self._members(head, found) for head, found in sources.items()}

    def _dominates(self, one: int, other: int) -> bool:
        """Returns whether there is no way to an instruction but over another."""
        return one == other or other not in self._reached(0, one)

    def _reached(self, begin: int, without: int) -> set[int]:
        seen: set[int] = {without}
        waiting = [begin]
        while waiting:
            at = waiting.pop()
            if at not in seen:
                seen.add(at)
                waiting += self._next[at]
        return seen - {without}

    def _members(self, head: int, sources: list[int]) -> frozenset[int]:
        before: dict[int, list[int]] = {}
        for at, followers in enumerate(self._next):
            for follower in followers:
                before.setdefault(follower, []).append(at)
        members = {head}
        waiting = list(sources)
        while waiting:
            at = waiting.pop()
            if at not in members:
                members.add(at)
                waiting += before.get(at, ())
        return frozenset(members)

    def behind_handlers(self) -> set[int]:
        """Returns the instructions to which a way leads from where exceptions go."""
        return {at for _, _, handler in self._handlers for at in self._reached(handler, -1)}

    def assigned(self, members: frozenset[int]) -> frozenset[str]:
        """Returns the names that instructions give values."""
        return frozenset(name for at in members for name in writes(self._code.instructions[at]))

    def appended(self, members: frozenset[int]) -> frozenset[str]:
        """Returns the names to whose values instructions append, as far as they are named right before that."""
        instructions = self._code.instructions
        found = (reads(instructions[at - 1])[-1:] for at in members if at and _takes(instructions[at], {"append"}))
        yields = any(instructions[at].opname == "YIELD_VALUE" for at in members)
        return frozenset((*(name for names in found for name in names), *([YIELDED] if yields else [])))

    def changes(self, members: frozenset[int], methods: frozenset[str]) -> bool:
        """Returns whether instructions may change a list, a set or a dict: by one of these methods, or in place."""
        instructions = [self._code.instructions[at] for at in members]
        return any(_takes(one, methods) or _is_change(one) for one in instructions)

    def is_read(self, name: str, begin: int) -> bool:
        """Returns whether a name may be read, from an instruction on, before it gets another value."""
        if name == YIELDED:
            return True
        seen: set[int] = set()
        waiting = [begin]
        while waiting:
            at = waiting.pop()
            if at in seen or at >= len(self._next):
                continue
            seen.add(at)
            instruction = self._code.instructions[at]
            # The only instruction that does both gives a name its value first.
            if name in writes(instruction):
                continue
            if name in reads(instruction):
                return True
            waiting += self._next[at]
        return False


def flow_of(code: Code) -> Flow:
    """Returns the graph of a function's instructions, which is made once."""
    found: Flow | None = code.flow
    if found is None:
        found = code.flow = Flow(code)
    return found


def _names(instruction: dis.Instruction) -> tuple[str, ...]:
    names = instruction.argval
    return tuple(map(str, names)) if isinstance(names, tuple) else (str(names),)


def _takes(instruction: dis.Instruction, methods: Set[str]) -> bool:
    return instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and instruction.argval in methods


def _is_change(instruction: dis.Instruction) -> bool:
    name = instruction.opname
    is_in_place = name == "BINARY_OP" and instruction.argrepr.endswith("=") or name.startswith("INPLACE_")
    return is_in_place or name in ("STORE_SUBSCR", "DELETE_SUBSCR", "YIELD_VALUE")


def reads(instruction: dis.Instruction) -> tuple[str, ...]:
    """Returns the local names that an instruction reads."""
    name = instruction.opname
    if name == "STORE_FAST_LOAD_FAST":
        return _names(instruction)[1:]
    if name == "LOAD_FAST_AND_CLEAR":  # which puts a value aside that a comprehension's name may hide
        return ()
    return _names(instruction) if name.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE")) else ()


def writes(instruction: dis.Instruction) -> tuple[str, ...]:
    """Returns the local names to which an instruction gives a value, or takes it."""
    name = instruction.opname
    if name == "STORE_FAST_LOAD_FAST":
        return _names(instruction)[:1]
    return _names(instruction) if name.startswith(("STORE_FAST", "STORE_DEREF", "DELETE_FAST")) else ()
