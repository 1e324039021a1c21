"""Random programs over typed records, run by CPython alone, by a chain in the interpreter, and natively, agree.

Agree means: the same values of the same types in the same order, floats bit by bit, and at the same place the same
exception with the same message, raised at the same lines of the program. ``test_native.py`` runs some thousands;
by hand, ``python python/tests/native_programs.py --programs 100000 --seed 1`` runs as many as one likes, and prints the
programs that differ.
"""

from __future__ import annotations

import argparse
import copy
import functools
import itertools
import operator
import random
import struct
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from native_calls import Calls, Named, Pair, scope_of
from native_control import HELPERS, Control

from firesteel.chain import Chain, Filter, FlatMap, FlatMapValues, KeyBy, Keys, Map, MapValues, OfRecords, Values
from firesteel.native import running
from firesteel.native.plan import plan
from firesteel.rdd import actions, numbers, transformations
from firesteel.shuffle import combine_locally, merge_combined
from firesteel.statcounter import StatCounter

FILE = "<program>"
_HELPERS = compile(HELPERS, FILE, "exec")

INTS = [0, 1, -1, 2, 3, -3, 7, 10, 255, -256, 10**6, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 0.1, 1e-5, 1e15, 1e16, 1e22, 1e300, -1e308, 5e-324]
FLOATS += [9007199254740993.0, 1801514316094494.25, float("inf"), float("-inf"), float("nan")]
STRS = ["", "a", "b", "abc", "A b", " x ", "a,b", ",", "a,b,,c", "to be or not", "12", " 7\n", "-5", "1_0"]
STRS += ["3.5", "1e3", "x1", "0x1", "inf", "nan", "True", "Z", "zz"]
STRS += ["it's", '"', "a\nb\r\nc", "\x0bq", "-7", "ab ab ab", "aaa", "%", "{}"]
STRS += ["é", "ß", "İI", "ﬁ", "日本 語", "a\u2003b", "a\x1cb", "\x1f", "12\x00", "１２", "😀a", "\x85"]
DIRT = [None, 2**70, -(2**80), "12", 1, 1.5, True, (), ("a",), ("a", 1), ["a"], b"a", "\ud800", frozenset([1])]
DIRT += [Pair("a", 1), Pair(2.5, "b")]

Kind = Any  # "int", "float", "bool", "str", "list" (of str), or a tuple of kinds


class Maker(Control, Calls):
    """Makes the text of functions whose parameters have known types."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.circling_often = rng.choice([0.0, 0.1, 0.3])

    def expression(self, kind: Kind, names: dict[str, Kind], depth: int) -> str:
        """Makes an expression of a type."""
        if isinstance(kind, tuple):
            whole = [name for name, has in names.items() if has == kind]
            if whole and self.rng.random() < 0.5:
                return self.rng.choice(whole)
            items = ", ".join(self.expression(part, names, depth - 1) for part in kind)
            if isinstance(kind, Named):
                return f"Pair({items})" if self.rng.random() < 0.9 else f"Point({items})"
            return f"({items},)"
        if depth <= 0:
            return self.atom(kind, names)
        if self.rng.random() < 0.08:
            condition = self.expression("bool", names, depth - 1)
            sides = [self.expression(kind, names, depth - 1) for _ in range(2)]
            return f"({sides[0]} if {condition} else {sides[1]})"
        if self.rng.random() < 0.05:
            sides = [self.expression(kind, names, depth - 1) for _ in range(2)]
            return f"({sides[0]} {self.rng.choice(['and', 'or'])} {sides[1]})"
        circling = self.circling(kind, names, depth) if self.rng.random() < self.circling_often else None
        if circling is not None:
            return circling
        makers = {"int": self.int, "float": self.float, "bool": self.bool, "str": self.str, "list": self.list}
        if self.rng.random() < 0.3:
            makers = {"int": self.more_int, "float": self.more_float, "bool": self.more_bool, "str": self.more_str}
            makers["list"] = self.more_list
        return makers[kind](names, depth - 1)

    def atom(self, kind: Kind, names: dict[str, Kind]) -> str:
        """Makes a name, an item of one, or a constant."""
        choices = []
        for name, has in names.items():
            if has == kind:
                choices += [name] * 3
            elif isinstance(has, tuple):
                places = [at for at, part in enumerate(has) if part == kind]
                choices += [f"{name}[{at}]" for at in places] + [f"{name}[{at - len(has)}]" for at in places]
                if isinstance(has, Named):
                    choices += [f"{name}.{('key', 'value')[at]}" for at in places] * 2
        if choices and self.rng.random() < 0.75:
            return self.rng.choice(choices)
        if kind == "list":
            return f"{self.atom('str', names)}.split({self.rng.choice(['', repr(','), repr(','), repr('b')])})"
        finite = [value for value in FLOATS if abs(value) < float("inf")]
        values = {"int": INTS[:11], "float": finite, "bool": [True, False], "str": STRS}
        value = self.rng.choice(values[kind])
        return f"({value!r})" if kind in ("int", "float") else repr(value)

    def int(self, names: dict[str, Kind], depth: int) -> str:
        """Makes a whole number."""
        sub = functools.partial(self.expression, names=names, depth=depth)
        rng = self.rng
        return rng.choice(
            [
                lambda: f"({sub('int')} {rng.choice(['+', '-', '*', '//', '%', '&', '|', '^'])} {sub('int')})",
                lambda: f"({sub('int')} {rng.choice(['+', '-', '*', '//', '%'])} {sub('int')})",
                lambda: f"({sub('int')} {rng.choice(['<<', '>>', '**'])} {rng.choice([0, 1, 2, 5])})",
                lambda: f"({sub('int')} + {sub('bool')})",
                lambda: f"(-{sub('int')})",
                lambda: f"abs({sub('int')})",
                lambda: f"len({sub(rng.choice(['str', 'list']))})",
                lambda: f"int({sub(rng.choice(['str', 'float', 'int', 'bool']))})",
                lambda: f"round({sub('float')})",
                lambda: f"{rng.choice(['min', 'max'])}({sub('int')}, {sub('int')})",
                lambda: f"{sub('str')}.find({sub('str')})",
                lambda: f"{sub('str')}.count({rng.choice(['a', 'b', ',', ' '])!r})",
                lambda: self.atom("int", names),
            ]
        )()

    def float(self, names: dict[str, Kind], depth: int) -> str:
        """Makes a floating-point number."""
        sub = functools.partial(self.expression, names=names, depth=depth)
        rng = self.rng
        operators = ["+", "-", "*", "/", "//", "%"]
        return rng.choice(
            [
                lambda: f"({sub('float')} {rng.choice(operators)} {sub(rng.choice(['float', 'int']))})",
                lambda: f"({sub('int')} {rng.choice(operators)} {sub('float')})",
                lambda: f"({sub('int')} / {sub('int')})",
                lambda: f"float({sub(rng.choice(['str', 'float', 'int', 'bool']))})",
                lambda: f"(-{sub('float')})",
                lambda: f"abs({sub('float')})",
                lambda: f"{rng.choice(['min', 'max'])}({sub('float')}, {sub('float')})",
                lambda: self.atom("float", names),
            ]
        )()

    def bool(self, names: dict[str, Kind], depth: int) -> str:
        """Makes a truth value."""
        sub = functools.partial(self.expression, names=names, depth=depth)
        rng = self.rng
        comparisons = ["<", "<=", "==", "!=", ">", ">="]
        number = lambda: sub(rng.choice(["int", "float", "bool", "int"]))  # noqa: E731
        return rng.choice(
            [
                lambda: f"({number()} {rng.choice(comparisons)} {number()})",
                lambda: f"({sub('int')} {rng.choice(comparisons)} {sub('int')} {rng.choice(comparisons)} {sub('int')})",
                lambda: f"({sub('str')} {rng.choice(comparisons)} {sub('str')})",
                lambda: f"({sub('str')} {rng.choice(['==', '!='])} {sub('int')})",
                lambda: f"({sub('bool')} {rng.choice(['and', 'or', '&', '|', '^'])} {sub('bool')})",
                lambda: f"(not {sub(rng.choice(['int', 'str', 'float', 'list', 'bool']))})",
                lambda: f"bool({sub(rng.choice(['int', 'str', 'float', 'list']))})",
                lambda: f"({sub('str')} {rng.choice(['in', 'not in'])} {sub('str')})",
                lambda: f"({sub('str')} in {tuple(rng.sample(STRS, 2))!r})",
                lambda: f"({sub('int')} {rng.choice(['in', 'not in'])} {set(rng.sample(INTS, 2))!r})",
                lambda: f"({sub('str')} is {rng.choice(['', 'not '])}None)",
                lambda: f"{sub('str')}.{rng.choice(['starts', 'ends'])}with({rng.choice(['a', ('a', ' ')])!r})",
                lambda: f"{sub('str')}.is{rng.choice(['digit', 'alpha', 'alnum', 'space', 'upper', 'lower'])}()",
                lambda: self.atom("bool", names),
            ]
        )()

    def str(self, names: dict[str, Kind], depth: int) -> str:
        """Makes a text."""
        sub = functools.partial(self.expression, names=names, depth=depth)
        rng = self.rng
        bound = lambda: rng.choice(["", "1", "-1", "2", "-3", "100", sub("int")])  # noqa: E731
        spaces = lambda: rng.choice(["", "", repr("a "), "None"])  # noqa: E731
        return rng.choice(
            [
                lambda: f"({sub('str')} + {sub('str')})",
                lambda: f"{sub('str')}.{rng.choice(['strip', 'lstrip', 'rstrip'])}({spaces()})",
                lambda: f"{sub('str')}.{rng.choice(['lower', 'upper'])}()",
                lambda: f"{sub('str')}.replace({rng.choice(['a', ' ', 'b,', 'é'])!r}, {sub('str')})",
                lambda: f"{sub('str')}[{rng.choice(['0', '-1', '1', sub('int')])}]",
                lambda: f"{sub('str')}[{bound()}:{bound()}]",
                lambda: f"{sub('list')}[{rng.choice(['0', '-1', '1', sub('int')])}]",
                lambda: f"str({sub(rng.choice(['int', 'float', 'bool', 'str']))})",
                lambda: f"f'{{{sub('int')}}}-{{{sub('float')}}}{{{sub('bool')}}}'".replace("'-'", "-"),
                lambda: f"{rng.choice([',', '', 'é'])!r}.join({sub('list')})",
                lambda: f"{rng.choice(['min', 'max'])}({sub('str')}, {sub('str')})",
                lambda: self.atom("str", names),
            ]
        )()

    def list(self, names: dict[str, Kind], depth: int) -> str:
        """Makes a list of texts."""
        sub = functools.partial(self.expression, names=names, depth=depth)
        separators = ["", "", repr(","), repr(" "), repr(",") + ", 1", "None"]
        return self.rng.choice(
            [
                lambda: f"{sub('str')}.split({self.rng.choice(separators)})",
                lambda: f"[{sub('str')}, {sub('str')}]",
                lambda: f"{sub('list')}[{self.rng.choice(['1:', ':1', '-2:', ':'])}]",
            ]
        )()

    def kind(self, depth: int = 1) -> Kind:
        """Chooses a type of records."""
        if depth and self.rng.random() < 0.4:
            if self.rng.random() < 0.2:
                return Named((self.kind(0), self.kind(0)))
            return tuple(self.kind(0) for _ in range(self.rng.choice([2, 2, 2, 3])))
        return self.rng.choice(["int", "int", "float", "str", "str", "bool"])

    def function(self, kind: Kind, gives: Kind) -> tuple[str, Any]:
        """Makes a function, as its text and itself."""
        rng, depth = self.rng, self.rng.choice([1, 1, 2, 2, 3])
        names = {"x": kind, **{name: of for name, of in (("N", "int"), ("S", "str")) if rng.random() < 0.3}}
        if gives == "list" and rng.random() < self.circling_often:
            text = f"f = lambda x: {self.gone_through(names, depth)}"
        elif rng.random() < self.circling_often:
            text = self.circles(gives, names, depth)
        elif rng.random() < 0.6:
            text = f"f = lambda x: (\n {self.expression(gives, names, depth)}\n)"
        else:
            text = self.statements(kind, gives, names, depth)
        scope: dict[str, Any] = {"N": rng.choice(INTS), "S": rng.choice(STRS), **scope_of(rng)}
        try:
            exec(_HELPERS, scope)
            exec(compile(text, FILE, "exec"), scope)
        except SyntaxError:  # a nested f-string, before 3.12
            return self.function(kind, gives)
        used = [f"{name}={value!r}" for name, value in scope.items() if name != "f" and name in text]
        return f"{text}  # {', '.join(used)}", scope["f"]

    def statements(self, kind: Kind, gives: Kind, names: dict[str, Kind], depth: int) -> str:
        """Makes a function of several lines."""
        lines = ["def f(x):"]
        names = dict(names)
        if isinstance(kind, tuple) and self.rng.random() < 0.6:
            parts = [f"p{at}" for at in range(len(kind))]
            lines.append(f"  {', '.join(parts)} = x")
            names.update(zip(parts, kind))
        for name in self.rng.sample(["a", "b"], self.rng.choice([0, 1, 2])):
            of = self.kind(0)
            lines.append(f"  {name} = {self.expression(of, names, depth - 1)}")
            names[name] = of
        if self.rng.random() < 0.5:
            lines.append(f"  if {self.expression('bool', names, depth - 1)}:")
            if self.rng.random() < 0.5:
                name = self.rng.choice(sorted(names))
                lines.append(f"    {name} = {self.expression(names[name], names, depth - 1)}")
                names["x"] = kind
            else:
                lines.append(f"    return {self.expression(gives, names, depth - 1)}")
        lines.append(f"  return {self.expression(gives, names, depth)}")
        return "\n".join(lines)


#: Pairs of functions that combine values by key.
COMBINING: list[tuple[Any, Any]] = [
    *((lambda v: (v, 1), lambda a, v: (a[0] + v, a[1] + 1)), (lambda v: v, lambda a, v: v + a)),
    *((lambda v: (v, v), lambda a, v: (a[0] + v, max(a[1], v))), (lambda v: 0, lambda a, v: a + len(v))),
]


class Program:
    """Steps over records."""

    makers: type[Maker] = Maker

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.maker = self.makers(self.rng)
        self.texts: list[str] = []
        kind = self.maker.kind()
        self.lists = self.records(kind)
        self.steps: list[Any] = []
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            kind = self.add_step(kind)
        self.add_sink(kind)

    def value(self, kind: Kind) -> Any:
        """Chooses a record."""
        if isinstance(kind, tuple):
            values = [self.value(part) for part in kind]
            return Pair(*values) if isinstance(kind, Named) else tuple(values)
        small = self.rng.random() < 0.6
        values = {"int": INTS[:8] if small else INTS, "float": FLOATS, "bool": [True, False], "str": STRS}
        return self.rng.choice(values[kind])

    def records(self, kind: Kind) -> list[list[Any]]:
        """Chooses records, some of which may be of other types."""
        dirty = self.rng.choice([0.0, 0.0, 0.0, 0.05, 0.3])
        lists = []
        for _ in range(self.rng.choice([1, 2, 3])):
            count = self.rng.choice([0, 1, 3, 10, 25])
            one = [self.rng.choice(DIRT) if self.rng.random() < dirty else self.value(kind) for _ in range(count)]
            lists.append(one)
        return lists

    def add_step(self, kind: Kind) -> Kind:
        """Adds a step; returns the type of what it gives."""
        is_pair = isinstance(kind, tuple) and len(kind) == 2
        name = self.rng.choice(
            ["map", "map", "map", "filter", "filter", "flatMap", "keyBy"]
            + ["mapValues", "flatMapValues", "keys", "values"] * is_pair
        )
        if name in ("keys", "values"):
            self.steps.append(Keys() if name == "keys" else Values())
            self.texts.append(name)
            return kind[name == "values"]
        of = kind[1] if "Values" in name else kind
        gives: Kind = {"filter": "bool"}.get(name, self.maker.kind())
        if name.startswith("flatMap"):
            one = self.maker.kind(0)
            gives = self.rng.choice(["list", (one, one)])
        if name == "map" and self.rng.random() < 0.1 and of == "str":
            function: Any = self.rng.choice([str.lower, str.strip, len, str.upper, str.split, int, str])
            text, gives = repr(function), {len: "int", int: "int", str.split: "list"}.get(function, "str")
        elif name in ("map", "keyBy") and self.rng.random() < 0.1 and isinstance(of, tuple):
            function = operator.itemgetter(0)
            text, gives = "itemgetter(0)", of[0]
        else:
            text, function = self.maker.function(of, gives)
        self.texts.append(f"{name}: {text}")
        classes: dict[str, Callable[[Any, str], Any]] = {
            **{"map": Map, "filter": Filter, "flatMap": FlatMap, "keyBy": KeyBy, "mapValues": MapValues},
            "flatMapValues": FlatMapValues,
        }
        self.steps.append(classes[name](function, f"{name} at here"))
        item = ("str" if gives == "list" else gives[0]) if name.startswith("flatMap") else gives
        results = {"filter": kind, "keyBy": (gives, kind)}
        if "Values" in name:
            return (kind[0], item)
        return results.get(name, item)

    def add_sink(self, kind: Kind) -> None:
        """Adds what becomes of the results."""
        merges: list[Any] = [("add", operator.add), ("min", min), ("max", max), ("a + b", lambda a, b: a + b)]
        merges += [("a * b", lambda a, b: a * b), ("max(a, b)", lambda a, b: max(a, b)), ("b", lambda a, b: b)]
        merges += [("parts", lambda a, b: (a[0] + b[0], max(a[1], b[1]))), ("a - b", lambda a, b: a - b)]
        text, merge = self.rng.choice(merges)
        sinks: list[tuple[str, Any]] = [("count", OfRecords(transformations.count_records))]
        sinks += [("sum", OfRecords(numbers._sum)), (f"reduce {text}", OfRecords(actions._reduced, merge))]
        if isinstance(kind, tuple) and len(kind) == 2:
            sinks += [(f"reduceByKey {text}", OfRecords(combine_locally, None, merge))] * 3
            sinks += [(f"merge {text}", OfRecords(merge_combined, merge))]
            sinks += [("combine", OfRecords(combine_locally, *self.rng.choice(COMBINING)))] * 2
        zero = self.rng.choice([0, 0.0, -0.0, True, "", (0, 0.0), (0, 0)])
        step = self.rng.choice([merge, COMBINING[0][1], COMBINING[2][1]])
        sinks += [("stats", OfRecords(numbers._stats)), (f"fold {zero!r}", OfRecords(actions._folded, step, zero))]
        if self.rng.random() < 0.5:
            text, sink = self.rng.choice(sinks)
            self.texts.append(text)
            self.steps.append(sink)
        elif self.rng.random() < 0.2:
            self.texts.append("an interpreted step")
            self.steps.append(Map(lambda x: [x, print][:1], "map at here"))

    def __str__(self) -> str:
        return "\n".join([*self.texts, f"records: {self.lists!r}"])

    def plainly(self) -> Iterator[Any]:
        """Runs the program with nothing of Firesteel's but the sinks."""
        records: Any = itertools.chain.from_iterable(self.lists)
        for step in self.steps:
            records = _plain(step, records)
        yield from records

    def interpreted(self) -> Iterator[Any]:
        """Runs the program as a chain."""
        yield from Chain(self.steps, "here")(0, itertools.chain.from_iterable(self.lists))

    def natively(self) -> Iterator[Any] | None:
        """Runs the program in the kernels; None if nothing of it can be."""
        found = plan(self.steps)
        return None if found is None else running.over(Chain(self.steps, "here"), found, 0, iter(self.lists))


class Watched(running.Ran):
    """A run whose figures are added up: the records that came, and those that were handed back."""

    runs: list[Any] = []

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.runs.append(self.run)

    @classmethod
    def figures(cls) -> tuple[int, int]:
        """Takes the figures."""
        came, back = (sum(part) for part in zip((0, 0), *(run.figures for run in cls.runs)))
        cls.runs.clear()
        return came, back


running.Ran = Watched  # type: ignore[misc]


def _plain(step: Any, records: Any) -> Any:
    function = getattr(step, "function", None)
    match step:
        case Map():
            return (function(record) for record in records)
        case Filter():
            return (record for record in records if function(record))
        case FlatMap():
            return (item for record in records for item in function(record))
        case KeyBy() | MapValues() | FlatMapValues():
            return step.over(records)
        case Keys():
            return (record[0] for record in records)
        case Values():
            return (record[1] for record in records)
    return step(0, records)


def exact(value: Any) -> Any:
    """Returns a value so that two are equal only if they are the same, with their types.

    >>> exact(0.0) == exact(-0.0), exact(1) == exact(True)
    (False, False)
    """
    if type(value) is float:
        return "float", "nan" if value != value else struct.pack("d", value)
    if type(value).__module__.startswith("numpy"):
        return _exact_of_numpy(value)
    if type(value) is StatCounter:
        return "StatCounter", exact(list(vars(value).values()))
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [exact(item) for item in value]
    return type(value).__name__, repr(value)


def _exact_of_numpy(value: Any) -> Any:
    dtype = value.dtype.str
    if dtype == "|O":  # whose bytes are addresses
        return type(value).__name__, dtype, repr(value)
    flags = getattr(value, "flags", None)
    is_plain = flags is None or value.ndim != 1 or bool(flags.carray)
    return type(value).__name__, dtype, value.shape, value.tobytes(), is_plain


def outcome(run: Callable[[], Iterator[Any] | None]) -> tuple[list[Any], Any] | None:
    """Returns what a run gives, and what it raises, with the lines of the program at which it does."""
    given: list[Any] = []
    try:
        results = run()
        if results is None:
            return None
        for result in results:
            given.append(exact(result))
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [(frame.name, frame.lineno) for frame in frames if frame.filename in (FILE, __file__)]
        lines = [line for line in lines if line[0] in ("f", "<lambda>")]
        return given, (type(error).__name__, str(error), lines)
    return given, None


def outcome_of(program: Program, run: Callable[[], Iterator[Any] | None]) -> Any:
    """Returns what a run gives, and what it leaves behind of its records: it has its own, since it may change lists."""
    before, own = program.lists, copy.deepcopy(program.lists)
    program.lists = own
    found = outcome(run)
    program.lists = before
    return None if found is None else (found, exact(own))


def difference(seed: int) -> tuple[str, bool]:
    """Runs a program in all ways. Returns what differs, or nothing, and whether any of it ran natively."""
    program = Program(seed)
    ways = (program.plainly, program.interpreted, program.natively)
    plain, interpreted, natively = (outcome_of(program, way) for way in ways)
    if natively is None or plain == interpreted == natively:
        return "", natively is not None
    return f"seed {seed}\n{program}\nplain: {plain}\ninterpreted: {interpreted}\nnatively: {natively}\n", True


def run_by_hand(difference: Callable[[int], tuple[str, bool]], about: str | None) -> None:
    """Runs so many programs as the command line says, each of another seed, and prints what differs."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    ran = differ = came = back = 0
    warnings.simplefilter("ignore", SyntaxWarning)
    for seed in range(options.seed, options.seed + options.programs):
        text, is_native = difference(seed)
        ran += is_native
        figures = Watched.figures()
        came, back = came + figures[0], back + figures[1]
        if text:
            differ += 1
            print(text, flush=True)
    print(f"{options.programs} programs, {ran} of them natively; {differ} differ")
    print(f"{came} records, {back} of them handed back")
    raise SystemExit(bool(differ))


if __name__ == "__main__":
    run_by_hand(difference, __doc__)
