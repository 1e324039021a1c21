"""What a function may change when a record is handed back to it: what ``except`` does that the walk has not seen.

Kernels compute a batch before the first record of it is handed back. So what such a record's handler changes, such as a
global count or a list, would be seen too late by functions that read it natively. A handler that was walked changes
nothing. Of what was not walked it is looked at what it loads, calls and stores: whatever is not known to be harmless
may change anything.
"""

from __future__ import annotations

import builtins
import dis
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import BuiltinFunctionType, CodeType, FunctionType, MethodDescriptorType, ModuleType
from typing import Any

from firesteel.accumulators import Accumulator
from firesteel.broadcast import Broadcast
from firesteel.bytecode import is_of_library
from firesteel.native import records
from firesteel.native.flow import flow_of
from firesteel.native.names import UNSET, Names, Read
from firesteel.native.values import Code

__all__ = ["NONE", "Acts", "acts_of", "at_risk", "is_harmless"]

#: Functions of Python itself that change names or run text.
_CHANGING = tuple(
    getattr(builtins, name) for name in "__import__ breakpoint delattr eval exec globals locals setattr vars".split()
)

_PLAIN = (int, float, complex, str, bytes, bool, type(None), range, slice, re.Pattern, Accumulator, Broadcast)

#: Instructions that run no code of the program, whatever the values are.
_QUIET = frozenset(
    "PUSH_EXC_INFO CHECK_EXC_MATCH JUMP_IF_NOT_EXC_MATCH POP_EXCEPT RERAISE COPY SWAP POP_TOP DUP_TOP ROT_TWO ROT_THREE"
    " ROT_FOUR LOAD_CONST LOAD_SMALL_INT RETURN_CONST RETURN_VALUE PUSH_NULL BUILD_TUPLE BUILD_LIST JUMP_FORWARD IS_OP"
    " JUMP_ABSOLUTE JUMP_BACKWARD JUMP_BACKWARD_NO_INTERRUPT POP_JUMP_IF_FALSE SETUP_FINALLY POP_BLOCK"
    # Each generator has one, in the handler that makes an error of StopIteration.
    " CALL_INTRINSIC_1".split()
)


_OF_NAMES = ("LOAD_FAST", "STORE_FAST", "DELETE_FAST", "POP_JUMP")


@dataclass(frozen=True)
class Acts:
    """What functions may do beside giving a result: change anything that is not a function, and these names too."""

    may: bool = False
    names: frozenset[str] = frozenset()

    def __or__(self, other: Acts) -> Acts:
        return Acts(self.may or other.may, self.names | other.names)


NONE = Acts()


def at_risk(read: Any, acts: Acts) -> bool:
    """Returns whether what a program read may be changed by functions that act."""
    if not acts.may:
        return False
    if not isinstance(read, Read):
        return not read.is_constant
    if read.is_builtin:
        return False
    is_code = isinstance(read.value, (FunctionType, BuiltinFunctionType, ModuleType, type))
    return not is_code or read.name in acts.names


def acts_of(walked: Iterable[tuple[Code, Names]], seen: frozenset[tuple[int, int]], holding: set[int]) -> Acts:
    """Returns what functions that were walked may do where they were not.

    ``seen`` has the instructions that were lowered, by the identities of the code and their positions; ``holding`` the
    code of those that have objects from outside under local names.
    """
    acts = NONE
    for code, names in walked:
        reached = sorted(flow_of(code).behind_handlers())
        unseen = [code.instructions[at] for at in reached if (id(code.code), at) not in seen]
        loud = (one.opname for one in unseen if one.opname not in _QUIET)
        if any(name.startswith(("CALL", "MAKE_FUNCTION")) for name in loud):
            unseen += _within(code.code, seen)
        acts |= _acts(unseen, code.code, names, id(code.code) in holding)
    return acts


def _within(code: CodeType, seen: frozenset[tuple[int, int]]) -> list[dis.Instruction]:
    """Returns the instructions of functions within a function, as far as they were not lowered."""
    found: list[dis.Instruction] = []
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            read = Code(inner)
            found += [one for at, one in enumerate(read.instructions) if (id(inner), at) not in seen]
            found += _within(inner, seen)
    return found


def _acts(unseen: list[dis.Instruction], code: CodeType, names: Names, holds: bool) -> Acts:
    stored: set[str] = set()
    may = False
    for instruction in unseen:
        name = instruction.opname
        if name.startswith(("LOAD_GLOBAL", "LOAD_DEREF", "LOAD_NAME", "LOAD_CLASSDEREF")):
            may = may or not is_harmless(_value(code, names, str(instruction.argval)))
        elif name.startswith(("STORE_", "DELETE_")) and not name.startswith(("STORE_FAST", "DELETE_FAST")):
            if name.startswith(("STORE_SUBSCR", "DELETE_SUBSCR")):
                may = may or holds
            elif not isinstance(_value(code, names, str(instruction.argval)), Accumulator):
                may = True
                stored.add(str(instruction.argval))
        elif name in ("IMPORT_NAME", "BEFORE_WITH", "SETUP_WITH", "LOAD_SPECIAL"):
            may = True
        elif holds and name not in _QUIET and not name.startswith(_OF_NAMES):
            # An object from outside has a local name: whatever is done may be done with it.
            may = True
    return Acts(may, frozenset(stored))


def _value(code: CodeType, names: Names, name: str) -> Any:
    """Returns the value of a global or captured name; None for a local one, and for one without."""
    value = UNSET if name in code.co_cellvars else names.peek(name)
    return None if value is UNSET else value


def is_harmless(value: Any) -> bool:
    """Returns whether nothing that the program reads changes by a call of a value, or of its methods."""
    if type(value) in (tuple, frozenset):
        return all(is_harmless(item) for item in value)
    if any(value is one for one in _CHANGING):
        return False
    if type(value) in _PLAIN or isinstance(value, logging.Logger):
        return True
    if isinstance(value, type):
        if is_of_library(value.__module__):
            return True
        is_known = records.shape_of(value) is not None or issubclass(value, BaseException)
        return is_known and not any(map(_has_own, value.__mro__))
    if records.shape_of(type(value)) is not None:
        return False
    if isinstance(value, ModuleType):
        return is_of_library(value.__name__)
    if isinstance(value, (FunctionType, BuiltinFunctionType, MethodDescriptorType)):
        return is_of_library(getattr(value, "__module__", None))
    return type(value).__module__ == "numpy"


def _has_own(kind: type) -> bool:
    """Returns whether a class has functions that the program wrote."""
    for value in vars(kind).values():
        function = getattr(value, "__func__", getattr(value, "fget", value))
        if isinstance(function, FunctionType):
            is_made = function.__code__.co_filename.startswith("<")
            if not is_made and not is_of_library(function.__globals__.get("__name__")):
                return True
    return False
