"""What a walk through bytecode holds: values that are not known yet, stacks and names, instructions that are made."""

from __future__ import annotations

import dis
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from firesteel.native.names import UNSET, Names

__all__ = [
    *("NULL", "OPAQUE", "SPENT", "UNSET", "Block", "Cell", "Closure", "Code", "Collecting", "Each", "EmptyList"),
    *("Frame", "Inner", "Iterated", "Known", "Loop", "Method", "NotLowered", "Owned", "Raised", "Register", "Slice"),
    *("YIELDED", "read", "reason_against"),
]


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
    step: Any = Known(None)


class Null:
    """What the interpreter puts beside a function that is to be called."""


@dataclass(frozen=True, eq=False)
class EmptyList:
    """A list, set or dict that is filled by the next instruction."""

    kind: str = "list"


@dataclass(frozen=True, eq=False)
class Owned:
    """A list, set or dict that the function has made, by the register of what is in it now; nothing is in one without.

    All values of one identity are one object to Python. One that is closed may be read, and not changed.
    """

    kind: str
    register: Register | None
    identity: object
    is_closed: bool = False


@dataclass(frozen=True, eq=False)
class Collecting:
    """A list to which a loop appends what it computes for each item: nothing else may be done with it there."""

    identity: object


class Spent:
    """A generator whose items were taken."""


class Opaque:
    """What the interpreter keeps for itself, or an exception that nobody looks at."""


NULL = Null()
OPAQUE = Opaque()
SPENT = Spent()

#: Under this name a frame has the list of what a generator function has yielded, where nothing else is wanted of it.
YIELDED = ".yielded"


@dataclass(frozen=True)
class Raised:
    """An exception that was raised, of which nothing is known but its type."""

    type: type[BaseException]


@dataclass(frozen=True, eq=False)
class Iterated:
    """What a loop goes through: ``range``, ``enumerate``, ``zip``, or the items of a value.

    ``parts`` are values, or others of these. Only a range can be gone through twice.
    """

    name: str
    parts: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Cell:
    """A name that a function within this one captures, by the value that it has now."""

    value: Any


@dataclass(frozen=True, eq=False)
class Closure:
    """What a function within this one captures."""

    cells: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Inner:
    """A function within this one, or a generator: of an expression, with what it goes through, or a function's call.

    ``names`` are those around the function that makes it, which another module's may call.
    """

    code: CodeType
    closure: Closure
    names: Names
    source: Any = None
    called: Frame | None = None

    @property
    def is_generator(self) -> bool:
        return self.source is not None or self.called is not None


@dataclass(eq=False)
class Loop:
    """A loop whose body is walked through: names that change, and the ways out that were found."""

    head: int
    members: frozenset[int]
    assigned: frozenset[str]
    state: tuple[str, ...]
    base: list[Any]
    outer: Any
    exits: dict[Any, tuple[list[int], Frame]]
    #: The lists that were made before it, and are held by other values that it makes.
    frozen: list[object] = field(default_factory=list)
    #: The lists, sets and dicts in its state, by their names.
    held: dict[str, Owned] = field(default_factory=dict)


@dataclass(eq=False)
class Each:
    """A comprehension whose body is walked through, and whether it goes through the lists that are given.

    A loop that does nothing but append to a list is one, too: of its instructions.
    """

    head: int
    flattens: bool | None = None
    members: frozenset[int] = frozenset()


def reason_against(value: Any) -> str:
    """Returns why a value has no register."""
    if isinstance(value, Method):
        return f"the attribute {value.name}"
    if isinstance(value, Iterated):
        return f"the result of {value.name}" if value.name != "items" else "an iterator"
    if isinstance(value, Inner):
        return "a generator, or a function within it"
    if value is SPENT:
        return "a generator whose items were taken"
    return "a list that is read while it is filled" if isinstance(value, Collecting) else "a value of this kind"


def local(frame: Frame, name: str) -> Any:
    """Returns what a local name stands for."""
    if name not in frame.locals:
        raise NotLowered(f"the name {name}, which may have no value")
    return frame.locals[name]


def each_name(instruction: dis.Instruction) -> tuple[str, ...]:
    """Returns the names that an instruction has: from 3.12 on there may be two."""
    names = instruction.argval
    return names if isinstance(names, tuple) else (str(names),)


def within(values: Iterable[Any]) -> Iterator[Any]:
    """Goes through values of the walk, and those that they hold on to."""
    for value in values:
        yield value
        if isinstance(value, Iterated):
            yield from within(value.parts)
        elif isinstance(value, Method):
            yield from within([value.owner])
        elif isinstance(value, Cell):
            yield from within([value.value])
        elif isinstance(value, Closure):
            yield from within(value.cells)
        elif isinstance(value, Inner):
            yield from within([value.source, *value.closure.cells])
            yield from within(value.called.locals.values() if value.called else ())


#: Instructions that do nothing here.
NOTHING = frozenset("NOP RESUME CACHE EXTENDED_ARG PRECALL NOT_TAKEN COPY_FREE_VARS GEN_START MAKE_CELL".split())


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
        #: The loop or comprehension in whose body it is, and what it has given to the latter's list.
        self.loop: Loop | Each | None = None
        self.given: Any = None
        self.is_generator = False
        #: The head of a loop that it has just begun; the names that have values behind a loop that it has left.
        self.begins = -1
        self.values: tuple[str, ...] = ()
        #: The handlers of ``try``, in 3.10, each with the height of the stack.
        self.handlers: list[tuple[int, int]] = []
        #: The names of the next call's last arguments, up to 3.12.
        self.keywords: tuple[str, ...] = ()

    def copy(self, at: int) -> Frame:
        """Returns the same state at another instruction."""
        other = Frame(self.code, self.names, None if self.caller is None else self.caller.copy(self.caller.at))
        other.at, other.stack, other.locals, other.depth = at, list(self.stack), dict(self.locals), self.depth
        other.loop, other.given, other.handlers = self.loop, self.given, list(self.handlers)
        other.is_generator, other.values = self.is_generator, self.values
        return other

    def pop(self, count: int) -> list[Any]:
        """Takes the last values off the stack, in their order."""
        if count > len(self.stack):
            raise NotLowered("bytecode of a kind that is not known")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken


NEWEST = (3, 14)
"""The newest Python whose bytecode is known: in a later one, an instruction of the same name may do something else."""


class Code:
    """The instructions of a function."""

    def __init__(self, code: CodeType) -> None:
        if sys.version_info[:2] > NEWEST:
            raise NotLowered("bytecode of a Python later than {}.{}, of which nothing is known".format(*NEWEST))
        self.code = code
        self.instructions: list[dis.Instruction] = []
        self.lines: list[int] = []
        #: The ways through it, once somebody has asked.
        self.flow: Any = None
        starts = dict(dis.findlinestarts(code))
        line = code.co_firstlineno
        for instruction in dis.get_instructions(code):
            line = starts.get(instruction.offset) or line
            if instruction.opname not in NOTHING:
                self.instructions.append(instruction)
                self.lines.append(line)
        self._offsets = [instruction.offset for instruction in self.instructions]
        #: Where exceptions go, from 3.11 on: from the first instruction to the one behind the last, the handler, the
        #: height of the stack, and whether one more value is put on it.
        self.handlers: list[tuple[int, int, int, int, bool]] = []
        for entry in getattr(dis.Bytecode(code), "exception_entries", ()):
            first, last = self.place(entry.start), self.place(entry.end)
            self.handlers.append((first, last, self.place(entry.target), entry.depth, entry.lasti))

    def place(self, offset: int) -> int:
        """Returns the position of the first instruction from an offset on."""
        return bisect_left(self._offsets, offset)


def read(code: CodeType) -> Code:
    """Returns the instructions of a function, which are read once for programs that call it again and again.

    >>> read((lambda x: x).__code__).lines != []
    True
    """
    known = _READ.get(id(code))
    if known is None:
        if len(_READ) >= MOST_READ:
            _READ.clear()
        known = _READ[id(code)] = Code(code)
    return known


MOST_READ = 256
"""The most functions whose instructions are kept."""

#: By the code's identity, since Python takes functions that differ in their handlers alone for equal in some versions.
#: Each holds its code, so an identity stays that of one code as long as it is here.
_READ: dict[int, Code] = {}
