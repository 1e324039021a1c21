"""What a walk through bytecode holds: values that are not known yet, stacks and names, instructions that are made."""

from __future__ import annotations

import dis
from bisect import bisect_left
from dataclasses import dataclass
from types import CodeType
from typing import Any

from firesteel.native.names import Names

__all__ = ["NULL", "Block", "Code", "EmptyList", "Frame", "Known", "Method", "NotLowered", "Register", "Slice"]


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
class Register:
    """A value that is computed for each record."""

    number: int


@dataclass(frozen=True)
class Known:
    """A value that is the same for all records."""

    value: Any


@dataclass(frozen=True)
class Method:
    """A method that was taken from a value, to be called."""

    owner: Any
    name: str


@dataclass(frozen=True)
class Slice:
    start: Any
    stop: Any


class Null:
    """What the interpreter puts beside a function that is to be called."""


class EmptyList:
    """A list that is filled by the next instruction."""


NULL = Null()


#: Instructions that do nothing here.
NOTHING = frozenset("NOP RESUME CACHE EXTENDED_ARG PRECALL NOT_TAKEN COPY_FREE_VARS GEN_START".split())


class Block:
    """Instructions that are being collected."""

    def __init__(self) -> None:
        self.instructions: list[tuple[int, str, tuple[Any, ...]]] = []


class Frame:
    """A function on its way: where it is, its stack and its names."""

    def __init__(self, code: Code, names: Names, caller: Frame | None) -> None:
        self.code = code
        self.names = names
        self.caller = caller
        self.at = 0
        self.stack: list[Any] = []
        self.locals: dict[str, Any] = {}
        self.depth: int = 1 if caller is None else caller.depth + 1

    def copy(self, at: int) -> Frame:
        """Returns the same state at another instruction."""
        other = Frame(self.code, self.names, None if self.caller is None else self.caller.copy(self.caller.at))
        other.at, other.stack, other.locals, other.depth = at, list(self.stack), dict(self.locals), self.depth
        return other

    def pop(self, count: int) -> list[Any]:
        """Takes the last values off the stack, in their order."""
        if count > len(self.stack):
            raise NotLowered("bytecode of a kind that is not known")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken


class Code:
    """The instructions of a function."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.instructions: list[dis.Instruction] = []
        self.lines: list[int] = []
        starts = dict(dis.findlinestarts(code))
        line = code.co_firstlineno
        for instruction in dis.get_instructions(code):
            line = starts.get(instruction.offset) or line
            if instruction.opname not in NOTHING:
                self.instructions.append(instruction)
                self.lines.append(line)
        offsets = [instruction.offset for instruction in self.instructions]
        self._offsets = offsets

    def place(self, offset: int) -> int:
        """Returns the position of the first instruction from an offset on."""
        return bisect_left(self._offsets, offset)
