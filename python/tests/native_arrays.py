"""Random programs over numpy's arrays, run by CPython alone, by a chain in the interpreter, and natively, agree.

Agree means what ``native_programs`` means by it, and for values of numpy's: the same type, the same type of items, the
same bytes, the same warnings; and that no program finds its records changed that did not change them.
``test_native_arrays.py`` runs some hundreds; by hand, ``python python/tests/native_arrays.py --programs 100000`` runs
as many as one likes.
"""

from __future__ import annotations

import functools
import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from native_programs import FILE, Program, exact, outcome_of, run_by_hand

from firesteel.chain import Filter, FlatMap, Map, MapValues, OfRecords
from firesteel.rdd import actions, transformations
from firesteel.shuffle import combine_locally, merge_combined

ITEMS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, 0.1, 1e-5, 1e16, -1e16, 1e300, 5e-324]
EXTREME = [float("inf"), float("-inf"), float("nan"), -1e308]

HELPERS = """
def closest(p, centers):
    best = 0
    least = float("+inf")
    for i in range(len(centers)):
        distance = np.sum((p - centers[i]) ** 2)
        if distance < least:
            least = distance
            best = i
    return best
"""

Kind = Any  # "array", "number" (of numpy's), "float", "int", "str", "truth" (of numpy's), or a tuple of kinds


class Maker:
    """Makes the text of functions of arrays."""

    def __init__(self, rng: random.Random, length: int) -> None:
        self.rng = rng
        self.length = length

    def expression(self, kind: Kind, names: dict[str, Kind], depth: int) -> str:
        """Makes an expression of a type."""
        if isinstance(kind, tuple):
            return f"({', '.join(self.expression(part, names, depth - 1) for part in kind)},)"
        if depth <= 0:
            return self.atom(kind, names)
        if self.rng.random() < 0.07:
            sides = [self.expression(kind, names, depth - 1) for _ in range(2)]
            return f"({sides[0]} if {self.expression('truth', names, depth - 1)} else {sides[1]})"
        if kind == "str":
            return self.atom(kind, names)
        makers = {"array": self.array, "number": self.number, "float": self.float, "int": self.int}
        return {**makers, "truth": self.truth}[kind](names, depth)

    def atom(self, kind: Kind, names: dict[str, Kind]) -> str:
        """Makes a name, an item of one, or a constant."""
        choices = [name for name, has in names.items() if has == kind] * 3
        for name, has in names.items():
            if isinstance(has, tuple):
                choices += [f"{name}[{at}]" for at, part in enumerate(has) if part == kind] * 2
                for at, part in enumerate(has):
                    if isinstance(part, tuple):
                        choices += [f"{name}[{at}][{inner}]" for inner, of in enumerate(part) if of == kind] * 2
        if choices and self.rng.random() < 0.85:
            return self.rng.choice(choices)
        items = ", ".join(repr(self.rng.choice(ITEMS)) for _ in range(self.length))
        return {
            "array": lambda: self.rng.choice([f"np.array([{items}])", "V", "C[0]", f"np.zeros({self.length})"]),
            "number": lambda: self.rng.choice(["F", "V[0]", "np.sum(V)"]),
            "float": lambda: repr(self.rng.choice(ITEMS)),
            "int": lambda: repr(self.rng.choice([0, 1, 2, -3, 7, 2**53 + 1])),
            "truth": lambda: "(F < 0.5)",
            "str": lambda: repr("1.5,2,x"),
        }[kind]()

    def array(self, names: dict[str, Kind], depth: int) -> str:
        """Makes an array."""
        sub = functools.partial(self.expression, names=names, depth=depth - 1)
        rng = self.rng
        any_number = lambda: sub(rng.choice(["number", "float", "int"]))  # noqa: E731
        texts = [name for name, has in names.items() if has == "str"]
        return rng.choice(
            [
                *[lambda: f"({sub('array')} {rng.choice('+-*/')} {sub('array')})"] * 3,
                *[lambda: f"({sub('array')} {rng.choice('+-*/')} {any_number()})"] * 2,
                lambda: f"({any_number()} {rng.choice('+-*/')} {sub('array')})",
                lambda: f"({sub('array')} ** 2)",
                lambda: f"({sub('array')} ** {rng.choice(['3', '0.5', '2.0'])})",
                lambda: f"(-{sub('array')})",
                lambda: f"abs({sub('array')})",
                lambda: f"np.sqrt({sub('array')})",
                lambda: f"np.array([{sub('float')}, {sub('float')}])",
                lambda: f"np.array([{sub('number')} for i in range({rng.choice([0, 1, self.length])})])",
                lambda: f"np.array([float(v) for v in {rng.choice(texts or ['S'])}.split(',')])",
                lambda: f"C[{sub('int')}]",
                lambda: f"np.exp({sub('array')} * {rng.choice(['0.01', '-1.0'])})",
                lambda: f"np.{rng.choice(['log', 'log2', 'log10', 'log1p'])}(abs({sub('array')}) + 0.5)",
                lambda: f"np.{rng.choice(['tanh', 'expm1', 'log', 'abs', 'sin', 'cos'])}({sub('array')})",
                lambda: f"np.{rng.choice(['maximum', 'minimum'])}({sub('array')}, {sub('array')})",
                lambda: f"np.{rng.choice(['maximum', 'minimum'])}({any_number()}, {sub('array')})",
                *[lambda: f"{sub('array')}[{rng.choice(['1:', ':-1', '1:-1', '-2:', ':2', ':', '5:', '::2'])}]"] * 2,
                lambda: f"np.{rng.choice(['array', 'asarray'])}([{sub('float')} for v in {sub('array')}])",
                lambda: f"np.array([v * 0.5 for v in {sub('array')}])",
                lambda: f"np.array([{sub('int')}, {sub('int')}], dtype={rng.choice(['float', 'np.float64'])})",
                lambda: f"np.array([{sub('float')}], {rng.choice(['float', 'int', 'dtype=float'])})",
                lambda: self.atom("array", names),
            ]
        )()

    def number(self, names: dict[str, Kind], depth: int) -> str:
        """Makes one of numpy's floats."""
        sub = functools.partial(self.expression, names=names, depth=depth - 1)
        rng = self.rng
        any_number = lambda: sub(rng.choice(["number", "float", "int"]))  # noqa: E731
        return rng.choice(
            [
                *[lambda: f"np.sum({sub('array')})"] * 3,
                lambda: f"{sub('array')}.sum()",
                lambda: f"{sub('array')}[{rng.choice(['0', '-1', '1', sub('int')])}]",
                lambda: f"({sub('number')} {rng.choice('+-*/')} {sub(rng.choice(['number', 'float', 'int']))})",
                lambda: f"({sub(rng.choice(['float', 'int']))} {rng.choice('+-*/')} {sub('number')})",
                lambda: f"({sub('number')} {rng.choice(['**', '//', '%'])} {sub('float')})",
                lambda: f"(-{sub('number')})",
                lambda: f"abs({sub('number')})",
                lambda: f"np.sqrt({sub('number')})",
                *[lambda: f"np.dot({sub('array')}, {sub('array')})"] * 2,
                *[lambda: f"{self.atom('array', names)}.dot({sub('array')})"] * 2,
                lambda: f"({sub('array')} @ {sub('array')})",
                lambda: f"np.{rng.choice(['linalg.norm', 'mean', 'max', 'min'])}({sub('array')})",
                lambda: f"{rng.choice(['sum', 'max'])}({sub('array')})",
                lambda: f"{sub('array')}.{rng.choice(['max', 'min', 'mean', 'sum'])}()",
                lambda: f"sum(v * v for v in {sub('array')})",
                lambda: f"sum(v * u for v, u in zip({sub('array')}, {sub('array')}))",
                lambda: f"np.exp({sub(rng.choice(['number', 'float', 'int']))} * 0.1)",
                lambda: f"(1 / (1 + np.exp(-{sub('number')})))",
                lambda: f"np.{rng.choice(['log', 'tanh', 'abs', 'log1p'])}({any_number()})",
                lambda: f"np.{rng.choice(['maximum', 'minimum'])}({any_number()}, {any_number()})",
                lambda: self.atom("number", names),
            ]
        )()

    def float(self, names: dict[str, Kind], depth: int) -> str:
        """Makes one of Python's floats."""
        sub = functools.partial(self.expression, names=names, depth=depth - 1)
        return self.rng.choice(
            [
                lambda: f"float({sub('number')})",
                lambda: f"math.sqrt({sub('number')})",
                lambda: f"math.{self.rng.choice(['exp', 'log', 'floor', 'fabs'])}({sub('number')})",
                lambda: f"({sub('float')} {self.rng.choice('+-*/')} {sub('float')})",
                lambda: self.atom("float", names),
            ]
        )()

    def int(self, names: dict[str, Kind], depth: int) -> str:
        """Makes a whole number."""
        sub = functools.partial(self.expression, names=names, depth=depth - 1)
        return self.rng.choice(
            [
                lambda: f"closest({sub('array')}, C)",
                lambda: f"len({sub('array')})",
                lambda: "len(C)",
                lambda: f"int({sub('number')})",
                lambda: f"({sub('int')} + {sub('int')})",
                lambda: self.atom("int", names),
            ]
        )()

    def truth(self, names: dict[str, Kind], depth: int) -> str:
        """Makes a truth value of numpy's, or one that may be."""
        sub = functools.partial(self.expression, names=names, depth=depth - 1)
        other = lambda: sub(self.rng.choice(["number", "float", "int"]))  # noqa: E731
        return self.rng.choice(
            [
                lambda: f"({sub('number')} {self.rng.choice(['<', '<=', '==', '!=', '>', '>='])} {other()})",
                lambda: f"({other()} {self.rng.choice(['<', '>='])} {sub('number')})",
                lambda: f"(not {sub('truth')})",
                lambda: f"({sub('truth')} {self.rng.choice(['and', 'or'])} {sub('truth')})",
                lambda: f"({sub('number')} in (1.0, 0.0))",
                lambda: self.atom("truth", names),
            ]
        )()

    def function(self, kind: Kind, gives: Kind, scope: dict[str, Any]) -> tuple[str, Any]:
        """Makes a function, as its text and itself."""
        rng, depth = self.rng, self.rng.choice([1, 2, 2, 3])
        names: dict[str, Kind] = {"x": kind}
        lines = ["def f(x):"]
        if rng.random() < 0.4:
            of = rng.choice(["array", "array", "number", "float"])
            lines.append(f"  a = {self.expression(of, names, depth - 1)}")
            names["a"] = of
            if rng.random() < 0.4:
                other = self.expression(rng.choice([of, "float"]), names, depth - 1)
                lines.append(f"  a {rng.choice('+-*/')}= {other}")
        if rng.random() < 0.2:
            lines.append(f"  b = {self.expression('array', names, 0)}")
            lines.append(f"  for i in range({rng.choice(['2', 'len(C)'])}):")
            lines.append(f"    b = b {rng.choice('+-')} {rng.choice(['C[i]', 'i', 'b', 'b * 0.5'])}")
            names["b"] = "array"
        if rng.random() < 0.1:
            lines.append(f"  c = {self.expression('number', names, 0)}")
            lines.append(f"  for v in {self.expression('array', names, 1)}:")
            lines.append(f"    c = {rng.choice(['c + v', 'c * 0.5 - v', 'max(c, v)', 'v if v > c else c'])}")
            names["c"] = "number"
        if rng.random() < 0.2:
            lines.append(f"  if {self.expression('truth', names, depth - 1)}:")
            lines.append(f"    return {self.expression(gives, names, depth - 1)}")
        lines.append(f"  return {self.expression(gives, names, depth)}")
        text = "\n".join(lines)
        own = dict(scope)
        exec(compile(HELPERS + text, FILE, "exec"), own)
        return text, own["f"]


class ArrayProgram(Program):
    """Steps over arrays."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.length = rng.choice([0, 1, 2, 3, 3, 8, 9, 17, 130])
        self.array_maker = Maker(rng, self.length)
        self.texts: list[str] = []
        self.steps: list[Any] = []
        self.extremes = rng.choice([0.0, 0.0, 0.0, 0.02])
        centers = [self.value("array") for _ in range(rng.choice([1, 2, 4]))]
        self.scope = {"np": np, "math": __import__("math"), "C": centers, "V": self.value("array"), "S": "1,2.5"}
        self.scope["F"] = np.float64(rng.choice(ITEMS))
        kinds: list[Kind] = ["array", "array", ("int", "array"), ("int", ("array", "int")), "str", "int"]
        kinds.append(("int", "number"))
        kind = rng.choice(kinds)
        self.lists = self.records(kind)
        for _ in range(rng.choice([1, 1, 2, 3])):
            kind = self.add_step(kind)
        self.add_sink(kind)

    def value(self, kind: Kind) -> Any:
        """Chooses a record."""
        rng = self.rng
        if isinstance(kind, tuple):
            return tuple(self.value(part) for part in kind)

        def item() -> float:
            if rng.random() < self.extremes:
                return rng.choice(EXTREME)
            return rng.choice([rng.choice(ITEMS[:9]), rng.gauss(0, 3)])

        def text() -> str:
            if rng.random() < 0.1:
                return rng.choice(["", "x", "1,,2"])
            return ",".join(repr(item()) for _ in range(length))

        length = self.length if rng.random() < 0.97 else rng.choice([0, 1, 2])
        values: dict[str, Callable[[], Any]] = {
            "array": lambda: np.array([item() for _ in range(length)], dtype=float),
            "number": lambda: np.float64(item()),
            "int": lambda: rng.choice([0, 1, 2, 3, -1]),
            "str": text,
        }
        return values[kind]()

    def dirt(self) -> Any:
        """Chooses a record that is no array of one dimension of floats, or one of an unusual kind."""
        base = np.array([1.5, -2.0, 3.25, 4.0])
        frozen = base.copy()
        frozen.flags.writeable = False
        return self.rng.choice(
            [
                *(None, 1.5, [1.0, 2.0], base.reshape(2, 2), base.astype("float32"), np.array([1, 2, 3]), base[::2]),
                *(base[::-1], frozen, np.array(1.5), np.array(["a"]), base.astype(">f8"), np.float32(2)),
                *(np.array([1.0, None]), np.ma.array(base), base[1:], np.int64(3), (1, base)),
                *(base.reshape(4, 1), np.bool_(True)),
            ]
        )

    def records(self, kind: Kind) -> list[list[Any]]:
        """Chooses records, some of which may be of other types."""
        dirty = self.rng.choice([0.0, 0.0, 0.05, 0.3])
        counts = [self.rng.choice([0, 1, 3, 10, 25]) for _ in range(self.rng.choice([1, 2, 3]))]
        one = lambda: self.dirt() if self.rng.random() < dirty else self.value(kind)  # noqa: E731
        return [[one() for _ in range(count)] for count in counts]

    def add_step(self, kind: Kind) -> Kind:
        """Adds a step; returns the type of what it gives."""
        rng = self.rng
        is_pair = isinstance(kind, tuple)
        name = rng.choice(["map", "map", "map", "map", "filter", "flatMap"] + ["mapValues"] * 2 * is_pair)
        of = kind[1] if name == "mapValues" else kind
        pairs: list[Kind] = [("int", "array"), ("int", ("array", "int")), ("array", "array")]
        gives: Kind = rng.choice(["array", "number", "truth", "float", "int", *pairs])
        if name == "filter":
            gives = "truth"
        if name == "flatMap":
            gives = rng.choice([("number", "number"), ("float", "float"), ("array", "array")])
        text, function = self.array_maker.function(of, gives, self.scope)
        self.texts.append(f"{name}: {text}")
        step: Any = {"map": Map, "filter": Filter, "flatMap": FlatMap, "mapValues": MapValues}[name]
        self.steps.append(step(function, f"{name} at here"))
        if name == "filter":
            return kind
        if name == "mapValues":
            return (kind[0], gives)
        return gives[0] if name == "flatMap" else gives

    def add_sink(self, kind: Kind) -> None:
        """Adds what becomes of the results."""

        def in_place(a: Any, b: Any) -> Any:
            a += b
            return a

        merges: list[tuple[str, Any]] = [("a + b", lambda a, b: a + b), ("a * b", lambda a, b: a * b)]
        merges += [("parts", lambda a, b: (a[0] + b[0], a[1] + b[1])), ("b", lambda a, b: b), ("in place", in_place)]
        text, merge = self.rng.choice(merges)
        if kind == ("int", ("array", "int")):
            text, merge = merges[2]
        sinks: list[tuple[str, Any]] = [("count", OfRecords(transformations.count_records))]
        sinks += [(f"reduce {text}", OfRecords(actions._reduced, merge))] * 3
        if isinstance(kind, tuple):
            sinks += [(f"reduceByKey {text}", OfRecords(combine_locally, None, merge))] * 6
            sinks += [(f"merge {text}", OfRecords(merge_combined, merge))] * 3
        if self.rng.random() < 0.5:
            text, sink = self.rng.choice(sinks)
            self.texts.append(text)
            self.steps.append(sink)

    def __str__(self) -> str:
        known = {name: value for name, value in self.scope.items() if name in "CVFS"}
        return super().__str__() + f"\nwith {known!r}"


def outcome_with_warnings(program: ArrayProgram, run: Callable[[], Iterator[Any] | None]) -> Any:
    """Returns what a run gives, what it leaves behind of its records, and what it says."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = outcome_of(program, run)
    return None if found is None else (found, [(one.category.__name__, str(one.message)) for one in said])


def difference(seed: int) -> tuple[str, bool]:
    """Runs a program in all ways. Returns what differs, or nothing, and whether any of it ran natively."""
    program = ArrayProgram(seed)
    captured = exact([program.scope["C"], program.scope["V"]])
    natively = outcome_with_warnings(program, program.natively)
    if natively is None:
        return "", False
    held = exact([program.scope["C"], program.scope["V"]]) == captured
    # What a program does to the arrays that it captures is seen by its next run.
    again = ArrayProgram(seed)
    interpreted = outcome_with_warnings(again, again.interpreted)
    held = held or exact([again.scope["C"], again.scope["V"]]) != captured
    again = ArrayProgram(seed)
    plain = outcome_with_warnings(again, again.plainly)
    if natively != interpreted or plain != interpreted or not held:
        return f"seed {seed}\n{program}\nplain: {plain}\ninterpreted: {interpreted}\nnatively: {natively}\n", True
    return "", True


if __name__ == "__main__":
    run_by_hand(difference, __doc__)
