"""Lists, sets and dicts that a function makes itself, on the walk through bytecode.

A list that a function has made can be changed as long as it is known which names and values of the walk are that list:
an operation such as ``append`` gives another register, which stands for the list from there on, wherever it is. Each
such list is an :class:`~firesteel.native.values.Owned` value with an identity. As soon as another value holds it, such
as a tuple, nobody may change it any more: it is frozen, and is a register like others.

Of a set only that is asked which does not depend on the order of its items; a dict has that of its keys.
"""

from __future__ import annotations

import dis
from collections.abc import Iterable, Iterator
from typing import Any

from firesteel.native.formatting import Formatting
from firesteel.native.values import (
    SPENT,
    Block,
    Cell,
    Closure,
    Collecting,
    EmptyList,
    Frame,
    Inner,
    Iterated,
    Known,
    Loop,
    Method,
    NotLowered,
    Owned,
    Register,
    within,
)

__all__ = ["CHANGES", "FILTERED", "MAPPED", "TRUE_ONES", "Holding", "frames_of", "is_alike", "like"]

#: The methods that change a list, a set or a dict.
CHANGES = frozenset(
    "add append clear discard extend insert pop popitem remove reverse setdefault sort update"
    " difference_update intersection_update symmetric_difference_update".split()
)


def mapped(function: Any, items: Any) -> Iterator[Any]:
    """Does what ``map(function, items)`` does."""
    for item in items:
        yield function(item)


def filtered(function: Any, items: Any) -> Iterator[Any]:
    """Does what ``filter(function, items)`` does."""
    for item in items:
        if function(item):
            yield item


def true_ones(items: Any) -> Iterator[Any]:
    """Does what ``filter(None, items)`` does."""
    for item in items:
        if item:
            yield item


#: The generators that these are.
MAPPED: Any = mapped
FILTERED: Any = filtered
TRUE_ONES: Any = true_ones


class Holding(Formatting):
    """Does what makes lists, sets and dicts, changes them, and reads them."""

    #: Whether lists that are made may be changed: else a value that has to stay as it is would be in the way.
    owns = True

    def owned(self, kind: str, register: Register | None) -> Any:
        """Returns a list, set or dict that the function has just made."""
        if kind == "list" and register is not None and not self.owns:
            return register
        return Owned(kind, register, object())

    def collect(self, block: Block, name: str, *values: Any) -> Register:
        """Adds an operation of a list, a set or a dict."""
        taken = [self.raw(block, value) if isinstance(value, Owned) else value for value in values]
        return self.apply(block, "collect", taken, name)

    def change(self, frame: Frame, value: Owned, register: Register) -> Owned:
        """Gives a list, set or dict another register, wherever it is."""
        made = Owned(value.kind, register, value.identity)
        for one in (one for at in frames_of(frame) for one in (*at.stack, *at.locals.values())):
            if not isinstance(one, Owned) and _mentions(one, value.identity):
                raise NotLowered(f"a {value.kind} that changes while something goes through it")

        def other(one: Any) -> Any:
            return made if isinstance(one, Owned) and one.identity is value.identity else one

        for at in frames_of(frame):
            at.stack[:] = [other(one) for one in at.stack]
            at.locals.update((name, other(one)) for name, one in at.locals.items())
        return made

    def freeze(self, block: Block, frame: Frame, values: Iterable[Any]) -> None:
        """Makes lists that another value holds such as nobody changes any more."""
        for value in values:
            if isinstance(value, Owned) and value.kind == "list":
                self.freeze_identity(block, frame, value.identity)

    def freeze_identity(self, block: Block, frame: Frame, identity: object) -> None:
        """Makes a list such as nobody changes any more."""
        made: Register | None = None

        def other(one: Any) -> Any:
            nonlocal made
            if isinstance(one, Method):
                return Method(other(one.owner), one.name)
            if not isinstance(one, Owned) or one.identity is not identity or one.kind != "list":
                return one
            made = made or self.raw(block, one)
            return made

        for at in frames_of(frame):
            at.stack[:] = [other(one) for one in at.stack]
            at.locals.update((name, other(one)) for name, one in at.locals.items())
            loop = at.loop
            while isinstance(loop, Loop):
                loop.frozen.append(identity)
                loop = loop.outer

    def closed(self, block: Block, frame: Frame) -> None:
        """Makes a frame one that changes no list, and takes no item of a generator, that was there before it."""
        self.freeze(block, frame, list(frame.locals.values()))
        for name, value in frame.locals.items():
            if isinstance(value, Inner) and value.is_generator:
                frame.locals[name] = SPENT
            elif isinstance(value, Owned):
                frame.locals[name] = Owned(value.kind, value.register, object(), is_closed=True)

    def spend(self, frame: Frame, generator: Inner) -> None:
        """Takes all items of a generator, which then has none for anybody else."""
        for at in frames_of(frame):
            at.locals.update((name, SPENT) for name, one in at.locals.items() if one is generator)
            at.stack[:] = [SPENT if one is generator else one for one in at.stack]

    # -- what instructions do

    def build_set(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        items = frame.pop(instruction.arg or 0)
        if not items:
            frame.stack.append(EmptyList("set"))
            return
        frame.stack.append(self.owned("set", self.collect(block, "set", self.apply(block, "list", items))))

    def build_map(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        count = instruction.arg or 0
        if instruction.opname == "BUILD_CONST_KEY_MAP":
            keys = [Known(key) for key in frame.pop(1)[0].value]
            pairs = list(zip(keys, frame.pop(count)))
        else:
            both = frame.pop(2 * count)
            pairs = list(zip(both[::2], both[1::2]))
        if not pairs:
            frame.stack.append(EmptyList("dict"))
            return
        tuples = [self.apply(block, "tuple", list(pair)) for pair in pairs]
        self.freeze(block, frame, [value for pair in pairs for value in pair])
        frame.stack.append(self.owned("dict", self.collect(block, "dict", self.apply(block, "list", tuples))))

    def set_update(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        before, more = frame.pop(2)
        if not isinstance(before, EmptyList) or not isinstance(more, Known) or type(more.value) is not frozenset:
            raise NotLowered("a set that is put together")
        items = self.apply(block, "list", [Known(value) for value in more.value])
        frame.stack.append(self.owned("set", self.collect(block, "set", items)))

    def store_item(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        value, owner, key = frame.pop(3)
        if not isinstance(owner, Owned) or owner.kind != "dict" or owner.is_closed:
            raise NotLowered("a change to an object")
        self.freeze(block, frame, [value])
        self.change(frame, owner, self.collect(block, "set item", owner, key, value))

    def changed_in_place(self, block: Block, frame: Frame, owner: Owned, symbol: str, value: Any) -> Any:
        """Does ``owner += value``, or the like of a set."""
        if owner.is_closed:
            raise NotLowered("a change to an object")
        if owner.kind == "list" and symbol == "+":
            return self.change(frame, owner, self.collect(block, "extend", owner, self.as_list(block, value, frame)))
        if owner.kind == "set" and symbol in "|&-^" and isinstance(value, Owned) and value.kind == "set":
            return self.change(frame, owner, self.collect(block, symbol, owner, value))
        raise NotLowered(f"the operator {symbol}= of a {owner.kind}")

    def combined(self, block: Block, one: Any, two: Any, symbol: str) -> Any:
        """Does an operator between lists or sets of which one was made here; None if neither was."""
        kinds = [value.kind for value in (one, two) if isinstance(value, Owned)]
        if "set" in kinds:
            if kinds != ["set", "set"] or symbol not in ("|", "&", "-", "^"):
                raise NotLowered(f"the operator {symbol} of a set and something else")
            return self.owned("set", self.collect(block, symbol, one, two))
        if kinds and symbol == "+" and set(kinds) == {"list"}:
            return self.owned("list", self.apply(block, "binary", [one, two], symbol))
        return None

    def found_in(self, block: Block, item: Any, container: Any) -> Register | None:
        """Does ``item in container`` for sets and dicts; None for others."""
        if not isinstance(container, Owned) or container.kind == "list":
            return None
        return self.collect(block, "member" if container.kind == "set" else "has", container, item)

    # -- methods

    def held_method(self, block: Block, name: str, owner: Any, arguments: list[Any], frame: Frame) -> Any:
        """Calls a method of a list, a set or a dict that was made here."""
        if isinstance(owner, Collecting):
            if name != "append" or len(arguments) != 1:
                raise NotLowered("a list that is read while it is filled")
            self.give_item(block, frame, owner, arguments[0])
            return Known(None)
        if name in CHANGES:
            if owner.is_closed or any(_mentions(value, owner.identity) for value in arguments):
                raise NotLowered("a change to an object")
            made = self._change_of(block, name, owner, arguments, frame)
            self.change(frame, owner, made)
            return Known(None)
        made_of: Any = None
        if owner.kind == "dict" and name in ("items", "keys", "values") and not arguments:
            made_of = self.view(block, owner, name)
        elif owner.kind == "counter" and name in ("items", "keys", "values") and not arguments:
            made_of = self.view(block, owner, name)
        elif owner.kind == "counter" and name == "most_common" and len(arguments) <= 1:
            made_of = self._most_common(block, owner, arguments)
        elif owner.kind == "set" and name in _OF_SETS and len(arguments) == 1:
            other = self.as_set(block, arguments[0], frame)
            made_of = self.owned("set", self.collect(block, _OF_SETS[name], owner, other))
        elif owner.kind == "list" and name == "copy" and not arguments:
            made_of = self.owned("list", self.raw(block, owner))
        if made_of is None:
            raise NotLowered(f"the method {name} of a {owner.kind}")
        return made_of

    def _change_of(self, block: Block, name: str, owner: Owned, arguments: list[Any], frame: Frame) -> Register:
        count = len(arguments)
        if owner.kind == "list" and name == "append" and count == 1:
            self.freeze(block, frame, arguments)
            return self.collect(block, "append", owner, Register(self.register(block, arguments[0])))
        if owner.kind == "list" and name == "extend" and count == 1:
            return self.collect(block, "extend", owner, self.as_list(block, arguments[0], frame))
        if owner.kind == "list" and name == "sort" and not count:
            return self.apply(block, "call", [self.raw(block, owner)], "sorted")
        if owner.kind == "list" and name == "reverse" and not count:
            return self.apply(block, "stepped", [self.raw(block, owner), Known(None), Known(None)], -1)
        if owner.kind == "set" and name == "add" and count == 1:
            return self.collect(block, "add", owner, Register(self.register(block, arguments[0])))
        if owner.kind == "set" and name == "update" and count == 1:
            return self.collect(block, "|", owner, self.as_set(block, arguments[0], frame))
        raise NotLowered(f"the method {name} of a {owner.kind}")

    def _most_common(self, block: Block, owner: Owned, arguments: list[Any]) -> Any:
        items = self.raw(block, owner)
        ordered = self.collect(block, "reversed by", items, self.collect(block, "values", items))
        if arguments and arguments[0] != Known(None):
            count = arguments[0]
            if not isinstance(count, Known) or type(count.value) is not int or count.value < 1:
                raise NotLowered("most_common of a number that is computed")
            ordered = self.apply(block, "slice", [ordered, Known(None), count])
        return self.owned("list", ordered)

    def view(self, block: Block, owner: Owned, name: str) -> Iterated:
        """Returns what goes through a dict."""
        items = self.raw(block, owner)
        register = items if name == "items" else self.collect(block, name, items)
        return Iterated("items", (Owned("view", register, owner.identity),))

    def give_item(self, block: Block, frame: Frame, owner: Collecting, value: Any) -> None:
        """Adds an item to the list that a loop fills."""
        raise NotImplementedError

    # -- what is gone through

    def listed(self, block: Block, value: Any, frame: Frame) -> Any:
        """Returns a list of what can be gone through; a value as it is."""
        raise NotImplementedError

    def as_list(self, block: Block, value: Any, frame: Frame) -> Register:
        """Returns the register of what can be gone through, in an order that Python defines."""
        if isinstance(value, Owned) and value.kind == "set":
            raise NotLowered("the order of a set")
        if isinstance(value, Owned) and value.kind in ("dict", "counter"):
            return self.collect(block, "keys", value)
        return Register(self.register(block, self.listed(block, value, frame)))

    def as_set(self, block: Block, value: Any, frame: Frame) -> Owned:
        """Returns a new set of what can be gone through."""
        if isinstance(value, Owned) and value.kind == "set":
            return Owned("set", value.register, object())
        return Owned("set", self.collect(block, "set", self.as_list(block, value, frame)), object())

    def made_by(self, block: Block, kind: Any, arguments: list[Any], frame: Frame) -> Any:
        """Calls ``list``, ``tuple``, ``set``, ``dict`` or ``Counter`` with what is gone through."""
        name = {"Counter": "counter"}.get(kind.__name__, kind.__name__)
        if not arguments:
            return Known(()) if name == "tuple" else self.owned(name, None)
        if len(arguments) != 1:
            raise NotLowered(f"{kind.__name__} with {len(arguments)} arguments")
        value = arguments[0]
        if name == "set":
            return self.as_set(block, value, frame)
        if name in ("dict", "counter") and isinstance(value, Owned) and value.kind in ("dict", "counter"):
            return self.owned(name, self.raw(block, value))
        items = self.as_list(block, value, frame)
        if name == "tuple":
            return self.collect(block, "tuple", items)
        if name == "dict":
            return self.owned("dict", self.collect(block, "dict", items))
        return self.owned(name, self.collect(block, "counted", items))


_OF_SETS = {"union": "|", "intersection": "&", "difference": "-", "symmetric_difference": "^"}


def frames_of(frame: Frame) -> Iterator[Frame]:
    """Goes through a frame and those of its callers."""
    at: Frame | None = frame
    while at is not None:
        yield at
        at = at.caller


def _mentions(value: Any, identity: object) -> bool:
    """Returns whether a value of the walk holds on to a list, a set or a dict without being it."""
    return any(isinstance(one, Owned) and one.identity is identity for one in within([value]))


def like(value: Any, register: Register) -> Any:
    """Returns what a name stands for whose value has another register."""
    if not isinstance(value, Owned):
        return register
    return Owned(value.kind, register, value.identity, value.is_closed)


def is_alike(value: Any, other: Any) -> bool:
    """Returns whether two values can be one name's behind a loop."""
    if not isinstance(other, Owned):
        return not isinstance(value, Owned) or value.kind == "list"
    return isinstance(value, Owned) and (value.kind, value.is_closed) == (other.kind, other.is_closed)
