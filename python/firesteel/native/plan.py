"""Finds what of a chain of steps can run in the kernels: from its beginning to the first step that cannot.

Only a beginning can. Behind a function that is interpreted, whatever it does between two records would happen before
more records are computed, and not after.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from types import CellType, FunctionType
from typing import Any

from firesteel.chain import Filter, FlatMap, FlatMapValues, KeyBy, Keys, Map, MapValues, OfRecords, PerRecord, Values
from firesteel.native.effects import NONE, at_risk
from firesteel.native.lowering import Lowered, NotLowered, lower
from firesteel.native.lookups import Contents, Loaded
from firesteel.native.names import Read

__all__ = ["TABLES", "Part", "Plan", "kept_apart", "parts_of", "plan"]

_NAMES: dict[Any, str] = {
    **{Map: "map", Filter: "filter", FlatMap: "flatMap", KeyBy: "keyBy", MapValues: "mapValues"},
    **{FlatMapValues: "flatMapValues", Keys: "keys", Values: "values"},
}

#: The operations whose steps have other names.
_OPERATIONS = {"Numbered": "zipWithIndex", "UniquelyNumbered": "zipWithUniqueId", "as_one_list": "glom"}


@dataclass(frozen=True)
class Part:
    """One step of a chain: what it is, and its program, or why it has none."""

    step: Any
    name: str
    lowered: Lowered | None
    reason: str
    kind: str = "step"
    sink: tuple[Any, ...] = ()
    """What a sink is made of: its kind and programs."""

    @property
    def function(self) -> Any:
        """The user's function in it."""
        if isinstance(self.step, OfRecords):
            return self.step.arguments[-1] if self.step.arguments else None
        return getattr(self.step, "function", None)


@dataclass(frozen=True)
class Plan:
    """The steps that run in the kernels, and what takes their results: a kind of sink, or nothing."""

    begins: int
    ends: int
    programs: tuple[tuple[str, Any], ...]
    sink: str
    sink_parts: tuple[Any, ...]
    reads: tuple[Read | Contents | Loaded, ...]
    generator: Any = None
    """The generator that one of the steps draws random numbers from."""
    may_change: bool = False
    """Whether functions that are interpreted behind could change an array of a record in place."""

    @property
    def goes_on(self) -> bool:
        """Whether what takes the results gives blocks again, behind which kernels can run."""
        return self.sink in TABLES and self.sink != "counts"


def parts_of(steps: Sequence[Any]) -> list[Part]:
    """Returns what each step of a chain is to the kernels."""
    return [_part(step) for step in steps]


def _part(step: Any) -> Part:
    from firesteel.join import Tag
    from firesteel.sources import _Range

    name = _NAMES.get(type(step))
    if type(step) is Tag:
        return Part(step, "mapValues", Lowered(_tagged(step.side), ()), "")
    if name in ("keys", "values"):
        return Part(step, name, Lowered((), ()), "")
    if name is not None:
        return _lowered(step, name, step.function, 1)
    if isinstance(step, _Range):
        return Part(step, "range", Lowered((), ()), "", "range")
    sink = _sink(step)
    if sink is not None:
        return sink
    site = str(getattr(step, "site", "")).partition(" at ")[0]
    inner = getattr(step, "function", step)
    name = getattr(inner, "__name__", type(inner).__name__).strip("_")
    name = site or _OPERATIONS.get(name, name)
    return Part(step, name, None, "gets all records of a partition at once")


def _tagged(side: int) -> tuple[Any, ...]:
    """Returns the program of ``lambda value: (side, value)``."""
    return 1, 3, (), (((1, "const", (side,)), (2, "tuple", (1, 0))), ("return", 2))


#: The kinds of sinks that are tables: to make columns of objects pays for them.
TABLES = frozenset("table combine merged distinct distinct_merged counts groups cogroups placed sorted".split())


#: Those of others for which it pays, too.
_ADDS = ("fold", "aggregate", "first", "stats")

#: The program of a function that gives its argument.
_ITSELF = (1, 1, (), ((), ("return", 0)))


def _sink(step: Any) -> Part | None:
    """Returns the part of a step that adds results up, if the kernels can do that."""
    from firesteel.join import Cogroup
    from firesteel.rdd import actions, numbers, pairs, sorting, transformations
    from firesteel.sampling import PlainSample
    from firesteel.shuffle import combine_locally, distinct_locally, distinct_merged, group_locally, merge_combined
    from firesteel.sorting import identity

    if type(step) is sorting._SortPartition and step.keyfunc is identity:
        return _plain(step, "sort", "sorted")
    if type(step) is Cogroup:
        return replace(_plain(step, "cogroup", "cogroups"), sink=("cogroups", None, (step.sides,)))
    if type(step) is PlainSample and not step.with_replacement and isinstance(step.fraction, (int, float)):
        return _plain(step, "sample", "sampled")
    if type(step) is not OfRecords:
        return None
    if step.function is group_locally:
        return _plain(step, "groupByKey", "placed")
    if step.function is pairs._groups:
        return _plain(step, "groups by key", "groups")
    if step.function is transformations.count_records:
        return _plain(step, "count", "count")
    if step.function is numbers._sum:
        return _plain(step, "sum", "sum")
    if step.function is numbers._stats:
        return _plain(step, "stats", "stats")
    if step.function is distinct_locally:
        return _plain(step, "distinct", "distinct")
    if step.function is distinct_merged:
        return _plain(step, "distinct, merged", "distinct_merged")
    if step.function is pairs._counts:
        return _plain(step, "counts", "counts")
    if step.function is actions._reduced:
        return _merging(step, "reduce", "fold", step.arguments[0])
    if step.function in (actions._smallest, actions._largest):
        return _first(step, step.function is actions._largest)
    if step.function is actions._folded:
        return _merging(step, "fold", "aggregate", step.arguments[0])
    if step.function is combine_locally:
        create, merge = step.arguments
        return _merging(step, "reduceByKey", "table", merge) if create is None else _combining(step, create, merge)
    if step.function is merge_combined:
        return _merging(step, "merging by key", "merged", step.arguments[0])
    return None


def _first(step: Any, is_largest: bool) -> Part:
    """Returns the part of a step that takes the records with the least or greatest keys."""
    wanted, key = step.arguments
    name = "top" if is_largest else "takeOrdered"
    if type(wanted) is not int or not 0 < wanted < 2**31:
        return Part(step, name, None, f"takes {wanted!r} records", "first")
    part = Part(step, name, Lowered(_ITSELF, ()), "", "first") if key is None else _lowered(step, name, key, 1, "first")
    return replace(part, sink=("first", None, (wanted, is_largest)))


def _plain(step: Any, name: str, kind: str) -> Part:
    return Part(step, name, Lowered((), ()), "", kind, (kind,))


def _lowered(step: Any, name: str, function: Any, parameters: int, kind: str = "step") -> Part:
    try:
        return Part(step, name, lower(function, parameters, name.startswith("flatMap")), "", kind)
    except NotLowered as reason:
        return Part(step, name, None, str(reason), kind)


def _merging(step: Any, name: str, kind: str, function: Any, first: tuple[Any, ...] = ()) -> Part:
    from firesteel import _native

    part = _lowered(step, name, function, 2, kind)
    if part.lowered is None:
        return part
    sink = (kind, part.lowered.program, *((first,) if first else ()))
    try:
        _native.KernelSink(*sink)
    except (ValueError, OverflowError):
        place = ""
        if isinstance(function, FunctionType):
            place = f"{function.__code__.co_filename}:{function.__code__.co_firstlineno}: "
        reason = "merges in another way than by +, *, min, max, or one of these for each item of a tuple"
        return Part(step, name, None, f"{place}{reason}", kind)
    return replace(part, sink=sink)


def _combining(step: Any, create: Any, merge: Any) -> Part:
    """Returns the part of a step that makes combinations of another type than the values."""
    from firesteel.native.callables import NotConstant, constant
    from firesteel.rdd.pairs import _FromZero

    name, is_from_zero = "combineByKey", type(create) is _FromZero
    first = _lowered(step, name, create.merge if is_from_zero else create, 2 if is_from_zero else 1, "combine")
    if first.lowered is None:
        return first
    parts: tuple[Any, ...] = (first.lowered.program,)
    if is_from_zero:
        try:
            parts = (constant(create.zero), *parts)
        except NotConstant as reason:
            return Part(step, name, None, f"its zero is {reason}", "combine")
    part = _merging(step, name, "combine", merge, parts)
    if part.lowered is None:
        return part
    reads, acts = (*first.lowered.reads, *part.lowered.reads), first.lowered.acts | part.lowered.acts
    return replace(part, lowered=Lowered(part.lowered.program, reads, None, acts))


def plan(steps: Sequence[Any]) -> Plan | None:
    """Returns what of a chain runs in the kernels; None if that is nothing that would pay.

    >>> from firesteel.chain import Map
    >>> found = plan([Map(lambda x: x + 1, "map"), Map(print, "map")])
    >>> found.begins, found.ends, found.sink
    (0, 1, '')
    """
    parts = parts_of(steps[:2])
    if all(part.lowered is None or part.kind == "range" for part in parts):
        return None  # without a look at the rest: each task asks
    parts = kept_apart([*parts, *parts_of(steps[2:])])
    begins = 1 if parts and parts[0].kind == "range" else 0
    ends = begins
    while ends < len(parts) and parts[ends].kind == "step" and parts[ends].lowered is not None:
        ends += 1
    ends = _end_for(parts, begins, ends)
    ends = _end_before_draws(parts, begins, ends)
    sink = parts[ends] if ends < len(parts) and parts[ends].kind not in ("step", "range") else None
    if sink is not None and sink.lowered is None:
        sink = None
    chosen = [part for part in parts[begins:ends] if part.lowered is not None]
    # Making columns of objects for nothing but a look at them costs more than it saves.
    pays = any(part.lowered is not None and part.lowered.program for part in chosen)
    if not pays and not (sink is not None and (begins == 1 or sink.kind in TABLES or sink.kind in _ADDS)):
        return None
    reads = [read for part in chosen for read in (part.lowered.reads if part.lowered else ())]
    if sink is not None and sink.lowered is not None:
        reads += sink.lowered.reads
    programs = tuple((part.name, part.lowered.program if part.lowered else None) for part in chosen)
    if sink is not None and sink.kind == "first" and sink.lowered is not None:
        programs += (("keyBy", sink.lowered.program),)
    kind, parts_of_sink = ("", ()) if sink is None else (sink.kind, sink.sink)
    generators = [part.lowered.generator for part in chosen if part.lowered is not None and _draws(part)]
    behind = parts[ends + (sink is not None) :]
    may_change = kind in ("", "sampled") and any(map(_functions, behind)) or _changes(parts_of_sink)
    generator = generators[0] if generators else None
    return Plan(begins, ends, programs, kind, parts_of_sink, tuple(reads), generator, may_change)


def kept_apart(parts: list[Part]) -> list[Part]:
    """Leaves those to the interpreter that may change, for a record that is handed back, what others or they read.

    The kernels compute a whole batch before the first of its records is handed back.
    """
    lowered = [part.lowered for part in parts if part.lowered is not None]
    acts = reduce(operator.or_, (one.acts for one in lowered), NONE)
    if not any(at_risk(read, acts) for one in lowered for read in one.reads):
        return parts
    reason = "an `except` that may change what a function of the stage reads"
    return [
        part if part.lowered is None or not part.lowered.acts.may else replace(part, lowered=None, reason=reason)
        for part in parts
    ]


def _changes(program: Any) -> bool:
    """Returns whether a program has an operation such as ``a += b``."""
    return program == "in_place" or isinstance(program, tuple) and any(map(_changes, program))


def _end_for(parts: list[Part], begins: int, ends: int) -> int:
    """Returns where the kernels have to stop so that no later function can change a name that they took for constant.

    A function that is interpreted runs between two records of a batch that the kernels have computed already.
    """
    later = [part for part in parts[ends:] if part.lowered is None]
    if not later:
        return ends
    for at in range(begins, ends):
        lowered = parts[at].lowered
        if lowered is not None and any(_may_change(read, later) for read in lowered.reads):
            return at
    return ends


def _end_before_draws(parts: list[Part], begins: int, ends: int) -> int:
    """Returns where the kernels have to stop so that random numbers are drawn in the order of the interpreter.

    A batch draws its numbers at once. So another function that may draw, or an end that takes only some of the results,
    would find the generator at another point of its stream.
    """
    drawing = [at for at in range(begins, ends) if _draws(parts[at])]
    if not drawing:
        return ends
    sink = parts[ends] if ends < len(parts) else None
    takes_all = sink is not None and sink.kind not in ("step", "range") and sink.lowered is not None
    others = [part for part in parts[ends + 1 :] if part.lowered is None and _functions(part)]
    if len(drawing) > 1 or not takes_all or others:
        return drawing[0]
    return ends


def _draws(part: Part) -> bool:
    return part.lowered is not None and part.lowered.generator is not None


def _may_change(read: Read | Contents | Loaded, later: list[Part]) -> bool:
    """Returns whether a function of later parts could change a name, or what a container holds."""
    if not isinstance(read, Read):
        return not read.is_constant and any(_functions(part) for part in later)
    if read.is_builtin:
        return False
    if isinstance(read.place, CellType):
        return any(_has_cell(_functions(part), read.place) for part in later)
    # What a function of the program does to a module is not known. Functions of Python itself leave it alone.
    return any(_functions(part) for part in later)


def _functions(part: Part) -> list[Any]:
    """Returns the values in a step that may be functions of the program."""
    step = part.step
    values = [*step.arguments] if isinstance(step, OfRecords) else []
    inner = getattr(step, "function", None)
    if isinstance(step, PerRecord) or not isinstance(step, OfRecords):
        values.append(step if inner is None else inner)
    return [value for value in values if callable(value) and type(value).__name__ != "builtin_function_or_method"]


def _has_cell(values: list[Any], cell: CellType) -> bool:
    """Returns whether functions share a captured name, themselves or by what they capture.

    What is no plain function may.
    """
    seen: set[int] = set()
    while values:
        value = values.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if not isinstance(value, FunctionType):
            if callable(value) and not isinstance(value, type):
                return True
            continue
        for other in value.__closure__ or ():
            if other is cell:
                return True
            try:
                values.append(other.cell_contents)
            except ValueError:
                continue
    return False
