"""What a function may change when a record is handed back to it: what ``except`` does that the walk has not seen.

Kernels compute a batch before the first record of it is handed back. So what such a record's handler changes, such as a
global count or a list, would be seen too late by functions that read it natively. A handler that was walked changes
nothing. Of others it is looked at what they load, call and store.
"""

from __future__ import annotations

import builtins
import dis
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from firesteel.accumulators import Accumulator
from firesteel.broadcast import Broadcast
from firesteel.native import records
from firesteel.native.holding import CHANGES
from firesteel.native.names import UNSET, Names, Read
from firesteel.native.values import Code

__all__ = ["at_risk", "may_act"]

_BUILTINS = frozenset(id(value) for value in vars(builtins).values())

_PLAIN = (int, float, complex, str, bytes, bool, type(None), range, slice, re.Pattern, Accumulator, Broadcast)

_CALLS = ("CALL", "CALL_FUNCTION", "CALL_METHOD", "CALL_KW", "CALL_FUNCTION_KW", "CALL_FUNCTION_EX")


def at_risk(read: Any) -> bool:
    """Returns whether what a program read may be changed by a function that acts: data, and no function or module."""
    if not isinstance(read, Read):
        return not read.is_constant
    return not read.is_builtin and not isinstance(read.value, (FunctionType, BuiltinFunctionType, ModuleType, type))


def may_act(walked: Iterable[tuple[Code, Names]], seen: frozenset[tuple[int, int]]) -> bool:
    """Returns whether functions that were walked have handlers that may change something.

    ``seen`` has the instructions that were lowered, by the identities of the code and their positions.
    """
    known = {id(code.code) for code, _ in walked}
    return any(_acts(list(_unseen(code, seen)), code, names, known) for code, names in walked)


def _unseen(code: Code, seen: frozenset[tuple[int, int]]) -> Iterator[int]:
    """Returns the instructions of handlers that were not lowered: up to where each puts its exception aside."""
    instructions = code.instructions
    waiting = [target for _, _, target, _, _ in code.handlers]
    waiting += [code.place(one.argval) for one in instructions if one.opname == "SETUP_FINALLY"]
    done: set[int] = set()
    while waiting:
        at = waiting.pop()
        if at in done or at >= len(instructions) or instructions[at].opname == "POP_EXCEPT":
            continue
        done.add(at)
        name = instructions[at].opname
        if "JUMP" in name or name == "FOR_ITER":
            waiting.append(code.place(instructions[at].argval))
        if name not in ("JUMP_FORWARD", "JUMP_ABSOLUTE", "JUMP_BACKWARD", "RETURN_VALUE", "RETURN_CONST", "RERAISE"):
            waiting.append(at + 1)
    yield from (at for at in sorted(done) if (id(code.code), at) not in seen)


def _acts(unseen: list[int], code: Code, names: Names, known: set[int]) -> bool:
    loads = calls = 0
    for at in unseen:
        instruction = code.instructions[at]
        name = instruction.opname
        if name.startswith(("LOAD_GLOBAL", "LOAD_DEREF", "LOAD_NAME", "LOAD_CLASSDEREF")):
            if not _is_harmless(_value(code.code, names, str(instruction.argval)), known):
                return True
            loads += not _is_matched(code, at)
        elif name in _CALLS:
            calls += 1
        elif name in ("LOAD_ATTR", "LOAD_METHOD"):
            loads += 1
            if instruction.argval in CHANGES and not _is_of_accumulator(code, names, at):
                return True
        elif name.startswith(("STORE_", "DELETE_")) and not name.startswith(("STORE_FAST", "DELETE_FAST")):
            value = _value(code.code, names, str(instruction.argval))
            if not isinstance(value, Accumulator):
                return True
        elif name in ("MAKE_FUNCTION", "IMPORT_NAME", "BEFORE_WITH", "SETUP_WITH"):
            return True
        elif _is_in_place(instruction) and not _is_of_accumulator(code, names, at - 1):
            # Of a number it gives another one; what else stands under the name is not known.
            return True
    # A call of what has a local name.
    return calls > loads


def _is_matched(code: Code, at: int) -> bool:
    """Returns whether what an instruction loads is a type of exceptions that ``except`` has."""
    following = (one.opname for one in code.instructions[at + 1 :])
    behind = next((name for name in following if not name.startswith(("LOAD_GLOBAL", "BUILD_TUPLE"))), "")
    return behind in ("CHECK_EXC_MATCH", "JUMP_IF_NOT_EXC_MATCH")


def _is_in_place(instruction: dis.Instruction) -> bool:
    name = instruction.opname
    return name == "BINARY_OP" and instruction.argrepr.endswith("=") or name.startswith("INPLACE_")


def _is_of_accumulator(code: Code, names: Names, at: int) -> bool:
    """Returns whether the value that was loaded before an instruction is an accumulator."""
    before = code.instructions[at - 1] if at > 0 else None
    if before is None or not before.opname.startswith(("LOAD_GLOBAL", "LOAD_DEREF")):
        return False
    return isinstance(_value(code.code, names, str(before.argval)), Accumulator)


def _value(code: CodeType, names: Names, name: str) -> Any:
    """Returns the value of a global or captured name; ``UNSET`` for a local one, and for one without."""
    return UNSET if name in code.co_cellvars else names.peek(name)


def _is_harmless(value: Any, known: set[int]) -> bool:
    """Returns whether nothing that the program reads changes by a call of a value, or of its methods."""
    if isinstance(value, (tuple, frozenset)):
        return all(_is_harmless(item, known) for item in value)
    if isinstance(value, FunctionType) and id(value.__code__) in known:
        return True  # it was walked, and is looked at itself
    if isinstance(value, type) and (records.shape_of(value) is not None or issubclass(value, BaseException)):
        return value.__module__ == "builtins" or records.shape_of(value) is not None
    if type(value) in _PLAIN or isinstance(value, logging.Logger) or id(value) in _BUILTINS:
        return True
    module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    is_code = isinstance(value, (ModuleType, FunctionType, BuiltinFunctionType, type))
    return is_code and str(module).partition(".")[0] in (*sys.stdlib_module_names, "numpy") and module != "__main__"
