"""The instructions of CPython 3.10 to 3.14 that only move values, or compute one of others.

Calls, jumps and returns are in ``lowering``.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from firesteel.broadcast import Broadcast
from firesteel.native import arrays, asking, callables, formats, records
from firesteel.native.lookups import Tables, is_container
from firesteel.native.names import UNSET
from firesteel.native.reasons import REASONS
from firesteel.native.values import (
    NULL,
    OPAQUE,
    Block,
    Cell,
    Closure,
    EmptyList,
    Frame,
    Inner,
    Iterated,
    Known,
    Method,
    NotLowered,
    Owned,
    Register,
    Slice,
    each_name,
    local,
    reason_against,
    within,
)

__all__ = ["Instructions"]

MOST_INSTRUCTIONS = 1000
"""The most instructions of a program: a function beyond them is interpreted."""

MOST_CHOICES = 8
"""The most constants that `in` compares with one by one."""

_OPERATORS = {
    **dict(ADD="+", SUBTRACT="-", MULTIPLY="*", TRUE_DIVIDE="/", FLOOR_DIVIDE="//", MODULO="%", POWER="**"),
    **dict(AND="&", OR="|", XOR="^", LSHIFT="<<", RSHIFT=">>", MATRIX_MULTIPLY="@"),
}


class Instructions:
    """Does instructions, and makes those of a program."""

    def __init__(self, parameters: int, tables: Tables) -> None:
        self.registers = parameters
        self.tables = tables
        #: The registers of what was looked up in tables of arrays.
        self._shared: set[int] = set()

    def do(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        """Does one instruction."""
        name = instruction.opname
        handler = _HANDLERS.get(name)
        more = _MORE.get(name)
        if handler is not None:
            handler(self, block, frame, instruction)
        elif more is not None:
            getattr(self, more)(block, frame, instruction)
        elif name.startswith(("BINARY_", "INPLACE_")) and name.partition("_")[2] in _OPERATORS:
            self._operator(block, frame, _OPERATORS[name.partition("_")[2]], name.startswith("INPLACE_"))
        else:
            of_intrinsic = name.startswith("CALL_INTRINSIC")  # whose argument says what it is
            raise NotLowered(REASONS.get(instruction.argrepr if of_intrinsic else name) or f"the instruction {name}")

    def emit(self, block: Block, name: str, *arguments: Any) -> Register:
        """Adds an instruction, and returns its result."""
        if self.registers >= MOST_INSTRUCTIONS:
            raise NotLowered(f"more than {MOST_INSTRUCTIONS} operations")
        register = Register(self.registers)
        self.registers += 1
        block.instructions.append((register.number, name, arguments))
        if name == "looked_up" and self.tables.has_numpy(arguments[0]):
            self._shared.add(register.number)
        return register

    def register(self, block: Block, value: Any) -> int:
        """Returns the register of a value; a constant gets one."""
        if isinstance(value, Register):
            return value.number
        if isinstance(value, Known) and arrays.is_value(value.value):
            return self.apply(block, "looked_up", [Known(0)], self.tables.of_numpy(value.value)).number
        if isinstance(value, Known):
            return self.emit(block, "const", callables.constant(value.value)).number
        if isinstance(value, Owned):
            if value.kind not in ("list", "view"):
                raise NotLowered(f"a {value.kind} that is more than looked into")
            return self.raw(block, value).number
        if isinstance(value, EmptyList) and value.kind == "list":
            return self.emit(block, "list").number
        raise NotLowered(reason_against(value))

    def raw(self, block: Block, value: Owned | EmptyList) -> Register:
        """Returns the register of a list, set or dict."""
        return (value.register if isinstance(value, Owned) else None) or self.emit(block, "list")

    def freeze(self, block: Block, frame: Frame, values: Iterable[Any]) -> None:
        """Makes lists that another value holds such as nobody changes any more."""
        raise NotImplementedError

    def combined(self, block: Block, one: Any, two: Any, symbol: str) -> Any:
        """Does an operator between lists or sets of which one was made here; None if neither was."""
        raise NotImplementedError

    def changed_in_place(self, block: Block, frame: Frame, owner: Owned, symbol: str, value: Any) -> Any:
        """Does ``owner += value``, or the like of a set."""
        raise NotImplementedError

    def found_in(self, block: Block, item: Any, container: Any) -> Register | None:
        """Does ``item in container`` for sets and dicts; None for others."""
        raise NotImplementedError

    owned: Callable[[str, Register | None], Any]
    listed: Callable[[Block, Any, Frame], Any]

    def apply(self, block: Block, name: str, values: list[Any], *more: Any) -> Register:
        """Adds an instruction of values."""
        return self.emit(block, name, *more, *[self.register(block, value) for value in values])

    def load_const(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(Known(instruction.argval))

    def load_fast(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        code = frame.code.code
        for name in each_name(instruction):
            # From 3.13 on the place of a captured name is loaded, for a function within this one.
            is_cell = name in code.co_cellvars or name in code.co_freevars
            frame.stack.append(self.cell(block, frame, name) if is_cell else local(frame, name))

    def cell(self, block: Block, frame: Frame, name: str) -> Cell:
        """Returns a name that a function within this one captures."""
        value = frame.locals.get(name)
        # The function could take its items, each time that it is called.
        if isinstance(value, Inner) and value.is_generator:
            raise NotLowered("a generator that a function within it captures")
        self.freeze(block, frame, [value])
        return Cell(self.captured(frame, name))

    def store_fast(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        for name in each_name(instruction):
            _store(frame, name)

    def store_then_load(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        stored, loaded = each_name(instruction)
        _store(frame, stored)
        frame.stack.append(local(frame, loaded))

    def load_global(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        value = Known(frame.names.of_global(str(instruction.argval)))
        pushes_null = sys.version_info >= (3, 11) and (instruction.arg or 0) & 1
        if not pushes_null:
            frame.stack.append(value)
        elif sys.version_info < (3, 13):
            frame.stack += [NULL, value]
        else:
            frame.stack += [value, NULL]

    def load_deref(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(self.captured(frame, str(instruction.argval)))

    def captured(self, frame: Frame, name: str) -> Any:
        """Returns the value of a name that is captured: by a function within this one, or by this one."""
        if name in frame.locals or name in frame.code.code.co_cellvars:
            return local(frame, name)
        return Known(frame.names.of_captured(name))

    def store_deref(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        name = str(instruction.argval)
        if name not in frame.code.code.co_cellvars:
            raise NotLowered("an assignment to an outer name")
        held = (*frame.stack, *frame.locals.values())
        reads = (isinstance(one, Inner) and name in one.code.co_freevars for one in within(held))
        if any(reads) or any(isinstance(one, Closure) for one in within(held)):
            raise NotLowered("an assignment to a name that a generator reads")
        _store(frame, name)

    def load_opaque(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(OPAQUE)

    def push_null(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(NULL)

    def load_attribute(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        owner = frame.pop(1)[0]
        name = str(instruction.argval)
        made: Any = Method(Owned("list", None, object()) if isinstance(owner, EmptyList) else owner, name)
        if isinstance(owner, Known) and (isinstance(owner.value, ModuleType) or owner.value is str):
            made = Known(frame.names.of_attribute(owner.value, name))
        if isinstance(owner, Known) and type(owner.value) is Broadcast and name == "value":
            made = Known(self.tables.of_broadcast(owner.value))
        if isinstance(owner, Known) and records.shape_of(type(owner.value)) is not None:
            found = frame.names.of_record(owner.value, name)
            made = made if found is UNSET else Known(found)
        is_call = instruction.opname == "LOAD_METHOD" or sys.version_info >= (3, 12) and (instruction.arg or 0) & 1
        if not is_call and isinstance(owner, Register):
            made = self.apply(block, "attribute", [owner], name)
        frame.stack += [made, NULL] if is_call else [made]

    def pop_top(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.pop(1)

    def copy(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        self._name_new(frame)
        frame.stack.append(frame.stack[-(instruction.arg or 1)])

    def _name_new(self, frame: Frame) -> None:
        """Gives new lists, sets and dicts an identity: there will be two of each on the stack."""
        frame.stack[:] = [Owned(one.kind, None, object()) if isinstance(one, EmptyList) else one for one in frame.stack]

    def swap(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        at = -(instruction.arg or 2)
        frame.stack[-1], frame.stack[at] = frame.stack[at], frame.stack[-1]

    def duplicate(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        self._name_new(frame)
        frame.stack += frame.stack[-(2 if instruction.opname == "DUP_TOP_TWO" else 1) :]

    def rotate(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        count = {"ROT_TWO": 2, "ROT_THREE": 3, "ROT_FOUR": 4}.get(instruction.opname) or instruction.arg or 1
        *below, top = frame.pop(count)
        frame.stack += [top, *below]

    def binary(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        symbol = instruction.argrepr
        if symbol == "[]":  # from 3.14 on
            self.subscript(block, frame, instruction)
            return
        self._operator(block, frame, symbol.removesuffix("="), symbol.endswith("="))

    def _operator(self, block: Block, frame: Frame, symbol: str, in_place: bool) -> None:
        is_product = symbol == "@" and not in_place and arrays.is_imported()
        if symbol not in callables.BINARY and not is_product:
            raise NotLowered(f"the operator {symbol}")
        one, two = frame.pop(2)
        if is_product:
            frame.stack.append(self.of_numpy(block, "matmul", [one, two]))
            return
        if in_place and isinstance(one, Owned):
            frame.stack.append(self.changed_in_place(block, frame, one, symbol, two))
            return
        if in_place and self.is_shared_array(one):
            raise NotLowered("a change to an array from outside")
        # A list that others hold changes for them, too: the kernels refuse that.
        made = None if in_place else self.combined(block, one, two, symbol)
        if made is not None:
            frame.stack.append(made)
            return
        if symbol == "%" and isinstance(one, Known) and type(one.value) is str:
            frame.stack.append(self.apply(block, "percent", [two], formats.percent(callables.constant(one.value))))
            return
        frame.stack.append(self.apply(block, "in_place" if in_place else "binary", [one, two], symbol))

    def is_shared_array(self, value: Any) -> bool:
        """Returns whether a value may be an array that other records see, too: from outside, or of a table of such."""
        if isinstance(value, Known):
            return arrays.is_value(value.value) and not isinstance(value.value, float)
        return isinstance(value, Register) and value.number in self._shared

    def of_numpy(self, block: Block, name: str, arguments: list[Any]) -> Any:
        """Adds what a function of numpy gives."""
        self.tables.reads_settings()
        if name not in asking.NAMES:
            return self.apply(block, "numpy", arguments, name)
        if not asking.agrees_on(name):
            raise NotLowered(f"numpy's {name}, whose last bits are a matter of where in memory an array lies")
        return self.apply(block, "asked", arguments, name)

    def compare(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        symbol = str(instruction.argval).removeprefix("bool(").removesuffix(")")
        frame.stack.append(self.apply(block, "compare", frame.pop(2), symbol))
        if instruction.argrepr.startswith("bool("):  # from 3.13 on
            self.to_bool(block, frame, instruction)

    def is_op(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        one, two = frame.pop(2)
        if frame.code.instructions[frame.at - 2].opname == "LOAD_COMMON_CONSTANT":
            # From 3.14 on `all(... for ...)` is a loop of its own if the name is Python's; so are `any` and `tuple`.
            # Behind the other answer is the plain call, which gives the same.
            frame.stack.append(Known(False))
            return
        if isinstance(one, Known) and one.value is None:
            one, two = two, one
        if isinstance(one, (Owned, EmptyList)) and isinstance(two, Known) and two.value is None:
            frame.stack.append(Known(bool(instruction.arg)))
            return
        if not isinstance(two, Known) or two.value is not None:
            raise NotLowered("`is` with something else than None")
        self._push_unless(block, frame, self.apply(block, "is_none", [one]), instruction)

    def contains(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        item, container = frame.pop(2)
        held = self.found_in(block, item, container)
        if held is not None:
            self._push_unless(block, frame, held, instruction)
            return
        if isinstance(container, Known) and self._is_table(container.value):
            found = self.apply(block, "found", [item], self.tables.found(container.value))
            self._push_unless(block, frame, found, instruction)
            return
        if isinstance(container, Known):
            container = Known(callables.choices(container.value))
        self._push_unless(block, frame, self.apply(block, "contains", [item, container]), instruction)

    def _is_table(self, value: Any) -> bool:
        """Returns whether `in` looks a value up in a table: in few constants it looks one by one, but for tuples."""
        if type(value) in (dict, set, list):
            return True
        return is_container(value) and (len(value) > MOST_CHOICES or any(type(item) is tuple for item in value))

    def _push_unless(self, block: Block, frame: Frame, made: Register, instruction: dis.Instruction) -> None:
        frame.stack.append(self.apply(block, "not", [made]) if instruction.arg else made)

    def to_bool(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        following = frame.code.instructions[frame.at].opname
        # Before these it changes nothing. From 3.13 on it also stands for `not not x`.
        if not following.startswith("POP_JUMP_IF_") and following != "UNARY_NOT":
            frame.stack.append(self.apply(block, "call", self._truths(block, frame), "bool"))

    def _truths(self, block: Block, frame: Frame) -> list[Any]:
        """Takes a value off the stack whose truth is wanted."""
        value = frame.pop(1)[0]
        return [self.raw(block, value) if isinstance(value, (Owned, EmptyList)) else value]

    def unary_not(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(self.apply(block, "not", self._truths(block, frame)))

    def unary_negative(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(self.apply(block, "negative", frame.pop(1)))

    def build_tuple(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        values = frame.pop(instruction.arg or 0)
        if values and all(isinstance(value, Cell) for value in values):
            frame.stack.append(Closure(tuple(cell.value for cell in values)))
            return
        if values and all(isinstance(value, Known) and callables.is_exception(value.value) for value in values):
            frame.stack.append(Known(tuple(value.value for value in values)))
            return
        frame.stack.append(self.apply(block, "tuple", values))
        self.freeze(block, frame, values)

    def build_list(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        items = frame.pop(instruction.arg or 0)
        frame.stack.append(self.owned("list", self.apply(block, "list", items)) if items else EmptyList())
        self.freeze(block, frame, items)

    def list_extend(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        before, more = frame.pop(2)
        if not isinstance(before, EmptyList) or not isinstance(more, Known) or type(more.value) is not tuple:
            raise NotLowered("a list that is put together")
        frame.stack.append(self.owned("list", self.apply(block, "list", [Known(value) for value in more.value])))

    def build_slice(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(Slice(*frame.pop(instruction.arg or 2)))

    def binary_slice(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(self.apply(block, "slice", frame.pop(3)))

    def subscript(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        owner, index = frame.pop(2)
        if isinstance(index, Known) and type(index.value) is slice:  # a constant, from 3.14 on
            index = Slice(Known(index.value.start), Known(index.value.stop), Known(index.value.step))
        if isinstance(index, Slice):
            frame.stack.append(self._slice(block, owner, index))
            return
        frame.stack.append(self.item(block, owner, index))

    def _slice(self, block: Block, owner: Any, index: Slice) -> Any:
        step = index.step.value if isinstance(index.step, Known) else 0
        if type(step) not in (int, type(None)) or step == 0:
            raise NotLowered("a slice with a step that is no constant")
        if step is None or step == 1:
            return self.apply(block, "slice", [owner, index.start, index.stop])
        if not -(2**31) < step < 2**31:
            raise NotLowered(f"a slice with the step {step}")
        return self.apply(block, "stepped", [owner, index.start, index.stop], step)

    def item(self, block: Block, owner: Any, index: Any) -> Any:
        """Adds the item of a value."""
        if isinstance(owner, Owned) and owner.kind == "dict":
            return self.apply(block, "collect", [self.raw(block, owner), index], "get")
        if isinstance(owner, Known) and is_container(owner.value):
            if isinstance(index, Known):
                return Known(self.tables.item(owner.value, callables.constant(index.value)))
            return self.apply(block, "looked_up", [index], self.tables.items(owner.value))
        if isinstance(owner, Known) and isinstance(index, Known) and not arrays.is_value(owner.value):
            raise NotLowered("an item of a constant")
        return self.apply(block, "item", [owner, index])

    def unpack(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        value = self.listed(block, frame.pop(1)[0], frame)
        count = instruction.arg or 0
        if count == 0:
            # Nothing would be computed of it, and so nobody would see that it cannot be taken apart.
            raise NotLowered("a value that is taken apart into nothing")
        owner = self.register(block, value)
        items = [self.emit(block, "unpacked", owner, count, at) for at in range(count)]
        frame.stack += reversed(items)


def _store(frame: Frame, name: str) -> None:
    value = frame.pop(1)[0]
    if isinstance(value, Iterated) and value.name != "range":
        # What is gone through once is empty then.
        raise NotLowered(f"the result of {value.name} has a name")
    if isinstance(value, EmptyList):
        value = Owned(value.kind, None, object())
    if value is UNSET:
        frame.locals.pop(name, None)
    else:
        frame.locals[name] = value


#: The instructions of ``formatting``, ``loops``, ``calls`` and ``attempts``.
_MORE = {
    **{"GET_ITER": "get_iter", "LIST_APPEND": "list_append", "YIELD_VALUE": "yield_value"},
    **{"LOAD_FAST_AND_CLEAR": "load_and_clear", "MAKE_FUNCTION": "make_function", "LOAD_CLOSURE": "load_closure"},
    **{"SET_FUNCTION_ATTRIBUTE": "set_attribute_of_function", "KW_NAMES": "name_keywords"},
    **{"PUSH_EXC_INFO": "push_exception", "CHECK_EXC_MATCH": "match_exception", "POP_EXCEPT": "pop_exception"},
    **{"BUILD_SET": "build_set", "BUILD_MAP": "build_map", "BUILD_CONST_KEY_MAP": "build_map"},
    **{"SET_ADD": "list_append"},
    **{"RETURN_GENERATOR": "begin_generator"},
    **{"MAP_ADD": "list_append", "SET_UPDATE": "set_update", "STORE_SUBSCR": "store_item"},
    **{"FORMAT_VALUE": "format_value", "FORMAT_SIMPLE": "format_value", "FORMAT_WITH_SPEC": "format_value"},
    **{"CONVERT_VALUE": "convert_value", "BUILD_STRING": "build_string"},
    **{"SETUP_FINALLY": "setup", "POP_BLOCK": "pop_block", "DELETE_FAST": "delete_name", "POP_ITER": "pop_top"},
}

_Handler = Callable[[Instructions, Block, Frame, dis.Instruction], None]

_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(("LOAD_CONST", "LOAD_SMALL_INT"), Instructions.load_const),
    **dict.fromkeys(("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW"), Instructions.load_fast),
    **dict.fromkeys(("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW"), Instructions.load_fast),
    **dict.fromkeys(("STORE_FAST", "STORE_FAST_STORE_FAST"), Instructions.store_fast),
    "STORE_FAST_LOAD_FAST": Instructions.store_then_load,
    "LOAD_GLOBAL": Instructions.load_global,
    **dict.fromkeys(("LOAD_DEREF", "LOAD_CLASSDEREF"), Instructions.load_deref),
    "STORE_DEREF": Instructions.store_deref,
    **dict.fromkeys(("LOAD_ASSERTION_ERROR", "LOAD_COMMON_CONSTANT"), Instructions.load_opaque),
    "PUSH_NULL": Instructions.push_null,
    **dict.fromkeys(("LOAD_ATTR", "LOAD_METHOD"), Instructions.load_attribute),
    "POP_TOP": Instructions.pop_top,
    "COPY": Instructions.copy,
    "SWAP": Instructions.swap,
    **dict.fromkeys(("DUP_TOP", "DUP_TOP_TWO"), Instructions.duplicate),
    **dict.fromkeys(("ROT_TWO", "ROT_THREE", "ROT_FOUR", "ROT_N"), Instructions.rotate),
    "BINARY_OP": Instructions.binary,
    "COMPARE_OP": Instructions.compare,
    "IS_OP": Instructions.is_op,
    "CONTAINS_OP": Instructions.contains,
    "TO_BOOL": Instructions.to_bool,
    "UNARY_NOT": Instructions.unary_not,
    "UNARY_NEGATIVE": Instructions.unary_negative,
    "BUILD_TUPLE": Instructions.build_tuple,
    "BUILD_LIST": Instructions.build_list,
    "LIST_EXTEND": Instructions.list_extend,
    "BUILD_SLICE": Instructions.build_slice,
    "BINARY_SLICE": Instructions.binary_slice,
    "BINARY_SUBSCR": Instructions.subscript,
    "UNPACK_SEQUENCE": Instructions.unpack,
}
