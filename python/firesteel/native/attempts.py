"""``try`` on the walk through bytecode.

Of few operations it is known which exception they raise, and for which values: those of :data:`RAISES`. One of these
within a ``try`` that catches the exception ends its block: the walk goes on behind it, and at the handler with an
exception of that type. Whatever else is raised is raised by the interpreter, to which the record is handed back; so
a handler that cannot be lowered is no reason against its function.
"""

from __future__ import annotations

import dis
import sys
from typing import Any

from firesteel.native.callables import is_exception
from firesteel.native.instructions import Instructions
from firesteel.native.values import OPAQUE, Block, Each, Frame, Known, NotLowered, Raised

__all__ = ["Attempts", "matches"]

#: The operations that raise one exception for reasons that are known, by their names and first arguments.
RAISES: dict[tuple[str, Any], type[BaseException]] = {
    **{("call", "int"): ValueError, ("call", "float"): ValueError},
    **{(name, symbol): ZeroDivisionError for name in ("binary", "in_place") for symbol in ("/", "//", "%")},
}

#: The same, of operations whose first arguments are values.
_RAISES_ALWAYS: dict[str, type[BaseException]] = {"item": IndexError, "unpacked": ValueError}


def raised_by(name: str, arguments: tuple[Any, ...]) -> type[BaseException] | None:
    """Returns the exception of an operation that is known to raise one.

    >>> raised_by("call", ("int", 0)), raised_by("call", ("len", 0))
    (<class 'ValueError'>, None)
    """
    if name in _RAISES_ALWAYS:
        return _RAISES_ALWAYS[name]
    if name == "call" and len(arguments) != 2:
        return None
    return RAISES.get((name, arguments[0])) if arguments and isinstance(arguments[0], str) else None


class Attempts(Instructions):
    """Does ``try`` and ``except``."""

    #: What was walked so far.
    walked: Any

    def attempted(self, block: Block, begin: int, frame: Frame) -> Any:
        """Returns the end of a block in which an operation within ``try`` was added; None of none."""
        for at in range(begin, len(block.instructions)):
            _, name, arguments = block.instructions[at]
            error = raised_by(name, arguments)
            handler = None if error is None else self._handler(frame, error)
            if handler is not None:
                walked = self.walked
                try:
                    caught = self.block(handler)
                except NotLowered:
                    self.walked = walked
                    return None  # rows for which it raises are handed back
                rest, instruction = block.instructions[at + 1 :], block.instructions[at]
                del block.instructions[at:]
                return ("attempt", instruction, self.block(frame, rest), caught)
        return None

    def block(self, frame: Frame, begun: list[Any] | None = None) -> tuple[Any, ...]:
        """Walks on to the ends, and returns the block."""
        raise NotImplementedError

    def _handler(self, frame: Frame, error: type[BaseException]) -> Frame | None:
        """Returns the frame at the handler that gets an exception; None if none is known to catch it."""
        at: Frame | None = frame
        while at is not None:
            # All of a comprehension fails, not an item of it; and what a handler raises is none of ours.
            is_whole = isinstance(at.loop, Each) and not at.loop.members
            if is_whole or at.handlers and at.handlers[-1][0] < 0:
                return None
            handler = _thrown(at, error)
            if handler is not None:
                if isinstance(at.loop, Each) and handler.at not in at.loop.members:
                    return None
                return handler if _catches(handler) else None
            if at.loop is not None:
                return None  # the way out of a loop is one within its function
            at = at.caller
        return None

    def push_exception(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack[-1:] = [OPAQUE, frame.stack[-1]]

    def match_exception(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        types = frame.pop(1)[0]
        frame.stack.append(Known(matches(frame.stack[-1], types)))

    def pop_exception(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        if sys.version_info < (3, 11):
            frame.pop(3)
            if frame.handlers:
                frame.handlers.pop()
        else:
            frame.pop(1)

    def setup(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.handlers.append((frame.code.place(instruction.argval), len(frame.stack)))

    def pop_block(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        if not frame.handlers:
            raise NotLowered("try or with")
        frame.handlers.pop()

    def delete_name(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        if frame.locals.pop(str(instruction.argval), None) is None:
            raise NotLowered(f"the name {instruction.argval}, which may have no value")


def _thrown(frame: Frame, error: type[BaseException]) -> Frame | None:
    """Returns a frame at the handler of the instruction that it has just done."""
    if sys.version_info < (3, 11):
        if not frame.handlers:
            return None
        handler = frame.copy(frame.handlers[-1][0])
        _, height = handler.handlers.pop()
        del handler.stack[height:]
        # What was raised before, and this one: a traceback, the exception, its type.
        handler.stack += [OPAQUE] * 4 + [Raised(error)] * 2
        handler.handlers.append((-1, height))
        return handler
    found = [entry for entry in frame.code.handlers if entry[0] <= frame.at - 1 < entry[1]]
    if not found:
        return None
    _, _, target, height, puts_more = found[-1]
    handler = frame.copy(target)
    del handler.stack[height:]
    handler.stack += [OPAQUE, Raised(error)] if puts_more else [Raised(error)]
    return handler


def _catches(handler: Frame) -> bool:
    """Returns whether a handler begins as ``except`` does: others only tidy up, and raise again."""
    begins = handler.code.instructions[handler.at].opname
    if sys.version_info < (3, 11):
        return begins in ("DUP_TOP", "POP_TOP")
    return begins == "PUSH_EXC_INFO"


def matches(raised: Any, types: Any) -> bool:
    """Returns whether ``except`` with these types catches an exception."""
    wanted = types.value if isinstance(types, Known) else None
    some = wanted if isinstance(wanted, tuple) else (wanted,)
    if not isinstance(raised, Raised) or not all(map(is_exception, some)):
        raise NotLowered("an exception of a type that is computed")
    return any(one in raised.type.__mro__ for one in some)
