"""Random programs that make lists, sets, dicts and dataclasses, run by CPython alone, by a chain, and natively, agree.

Agree means what ``native_programs`` means by it. ``test_native_collections.py`` runs some hundreds; by hand,
``python python/tests/native_collections.py --programs 100000`` runs as many as one likes.
"""

from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import native_programs
from native_programs import DIRT, FILE, STRS, Maker, Program, outcome_of, run_by_hand

Kind = Any
Names = dict[str, Kind]


@dataclass(frozen=True)
class Spot:
    """A frozen dataclass with a default and a method."""

    x: Any
    y: Any = 1.5

    def both(self) -> Any:
        """Returns both."""
        return self.x, self.y


@dataclass(frozen=True, slots=True, order=True)
class Slim:
    """A frozen dataclass without a dict."""

    x: Any
    y: Any = "s"


class Fields:
    """The types of a dataclass's fields."""

    def __init__(self, x: Kind, y: Kind, kind: type) -> None:
        self.x, self.y, self.kind = x, y, kind


KEYS = ["len", "str.lower", "lambda w: (len(w), w)", "lambda w: -len(w)", "lambda w: w[::-1]", "lambda w: w[1:] > 'b'"]
KEYS += ["lambda w: int(w)", "None", "lambda w: 7", "lambda w: len(w) / 2"]


class CollectionMaker(Maker):
    """Makes the text of functions that make collections."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.filling_often = rng.choice([0.2, 0.5, 0.9])

    def kind(self, depth: int = 1) -> Kind:
        """Chooses a type of records."""
        if depth and self.rng.random() < 0.2:
            return Fields(super().kind(0), super().kind(0), self.rng.choice([Spot, Spot, Slim]))
        return super().kind(depth)

    def expression(self, kind: Kind, names: Names, depth: int) -> str:
        """Makes an expression of a type."""
        if not isinstance(kind, Fields):
            return super().expression(kind, names, depth)
        whole = [name for name, has in names.items() if has is kind]
        if whole and self.rng.random() < 0.4:
            return self.rng.choice(whole)
        x, y = (self.expression(part, names, depth - 1) for part in (kind.x, kind.y))
        name = kind.kind.__name__
        return self.rng.choice([f"{name}({x}, {y})", f"{name}(y={y}, x={x})", f"{name}({x}, y={y})", f"{name}({x})"])

    def atom(self, kind: Kind, names: Names) -> str:
        """Makes a name, an item of one, or a constant."""
        choices = []
        for name, has in names.items():
            if isinstance(has, Fields):
                choices += [f"{name}.{at}" for at in ("x", "y") if getattr(has, at) == kind]
        if choices and self.rng.random() < 0.7:
            return self.rng.choice(choices)
        others = {name: has for name, has in names.items() if not isinstance(has, (Fields, Held))}
        return super().atom(kind, others)

    def circling(self, kind: Kind, names: Names, depth: int) -> str | None:
        """Makes an expression of a collection, or what others make."""
        if self.rng.random() < 0.4:
            return super().circling(kind, names, depth)
        rng = self.rng
        sub = functools.partial(self.expression, names=names, depth=depth - 1)
        held = lambda of: [name for name, has in names.items() if isinstance(has, Held) and has.of == of]  # noqa: E731
        sets = lambda: rng.choice([*held("set"), f"set({sub('list')})", f"{{w for w in {sub('list')}}}"])  # noqa: E731
        dicts = lambda: rng.choice(  # noqa: E731
            [*held("dict"), f"{{w: len(w) for w in {sub('list')}}}", f"dict(zip({sub('list')}, range(4)))"]
        )
        both = lambda: f"{sets()} {rng.choice(['&', '|', '-', '^'])} {sets()}"  # noqa: E731
        key = lambda: rng.choice(KEYS)  # noqa: E731
        counted = lambda: f"Counter({sub('list')})"  # noqa: E731
        order = lambda: rng.choice(["", ", reverse=True", ", reverse=False"])  # noqa: E731
        pairs = lambda: f"sorted({dicts()}.items(), key=lambda kv: (-kv[1], kv[0]){order()})"  # noqa: E731
        choices: dict[Any, list[Callable[[], str]]] = {
            "int": [
                *(lambda: f"len({sets()})", lambda: f"len({both()})"),
                lambda: f"{dicts()}.get({sub('str')}, {sub('int')})",
                lambda: f"{dicts()}[{sub('str')}]",
                lambda: f"sum({dicts()}.values())",
                lambda: f"sum(map({rng.choice(['len', 'int', 'lambda w: len(w) * 2'])}, {sub('list')}))",
                lambda: f"max(map(len, {sub('list')}), default={sub('int')})",
                lambda: f"len({dicts()})",
                lambda: f"max({counted()}.values())",
                lambda: f"{counted()}.get({sub('str')}, 0)",
                lambda: f"len(tuple({sub('list')}))",
                lambda: f"(lambda a, b: a + b)(*{sub('list')})" if rng.random() < 0.05 else f"len({counted()})",
                lambda: f"{pairs()}[0][1]",
            ],
            "float": [
                lambda: f"max([{sub('float')}, {sub('float')}], key=lambda v: -v)",
                lambda: f"sorted([{sub('float')}, {sub('float')}, 0.5]{order()})[{rng.choice([0, -1])}]",
                lambda: f"math.{rng.choice(['asin', 'acos'])}({sub('float')})",
                lambda: f"len({both()}) / len({both()})",
            ],
            "bool": [
                *(lambda: f"({sub('str')} in {sets()})", lambda: f"({sub('str')} not in {dicts()})"),
                lambda: f"bool({sets()})",
                lambda: f"({sub('int')} in {{{sub('int')}, {sub('int')}}})",
                lambda: f"(not {dicts()})",
            ],
            "str": [
                lambda: f"{rng.choice(['min', 'max'])}({sub('list')}, key={key()})",
                lambda: f"{rng.choice(['min', 'max'])}({sub('list')}, default={sub('str')})",
                lambda: f"{rng.choice(['min', 'max'])}({sub('list')}, key={key()}, default={sub('str')})",
                lambda: f"{rng.choice(['min', 'max'])}({sub('str')}, {sub('str')}, key={key()})",
                lambda: f"{rng.choice(['min', 'max'])}({sets()})",
                lambda: f"tuple({sub('list')})[{rng.choice([0, 1, -1])}]",
                lambda: f"','.join(map({rng.choice(['str', 'str.upper', 'lambda w: w + w'])}, {sub('list')}))",
                lambda: f"{pairs()}[0][0]",
                lambda: f"(lambda d: max(d, key=d.get))({sub('list')})" if rng.random() < 0.05 else f"min({dicts()})",
            ],
            "list": [
                lambda: f"sorted({sub('list')}, key={key()}{order()})",
                lambda: f"sorted({sets()}{order()})",
                lambda: f"list({rng.choice(['map', 'filter'])}(str.strip, {sub('list')}))",
                lambda: f"list(filter({rng.choice(['None', 'len', 'lambda w: w > str(N)'])}, {sub('list')}))",
                lambda: f"[w for w, n in {counted()}.most_common({rng.choice(['', '1', '2', 'None'])})]",
                lambda: f"list({dicts()})",
                lambda: f"[k for k, v in {dicts()}.items() if v > {sub('int')}]",
                lambda: f"({sub('list')} + [{sub('str')}])",
                lambda: f"({sub('list')} if {sub('bool')} else [])",
                lambda: f"sorted({both()})",
                lambda: "list(g(x))" if "x" in names and names["x"] == "str" else f"list({sets()})",
            ],
        }
        return rng.choice(choices[kind])() if kind in choices else None

    def function(self, kind: Kind, gives: Kind) -> tuple[str, Any]:
        """Makes a function, as its text and itself."""
        if self.rng.random() > self.filling_often:
            self.circling_often = max(self.circling_often, 0.3)
            text, function = super().function(kind, gives)
            function.__globals__.update(SCOPE)
            return text, function
        rng, depth = self.rng, self.rng.choice([1, 1, 2])
        text = Filling(self, gives, {"x": kind}, depth).text()
        scope: dict[str, Any] = {**SCOPE, "N": rng.choice([0, 1, 5]), "S": rng.choice(STRS)}
        try:
            exec(native_programs._HELPERS, scope)
            scope.update(native_programs.scope_of(rng))
            exec(compile(text, FILE, "exec"), scope)
        except SyntaxError:  # a nested f-string, before 3.12
            return self.function(kind, gives)
        return text, scope["f"]


class Held:
    """The type of a name that is a set or a dict."""

    def __init__(self, of: str) -> None:
        self.of = of


class Filling:
    """Makes a function that fills collections."""

    def __init__(self, maker: CollectionMaker, gives: Kind, names: Names, depth: int) -> None:
        self.maker, self.gives, self.depth = maker, gives, depth
        self.rng = maker.rng
        self.names = dict(names)
        self.left = 9
        self.is_generator = gives == "list" and self.rng.random() < 0.2

    def of(self, kind: Kind, names: Names, depth: int = 1) -> str:
        """Makes an expression."""
        return self.maker.expression(kind, names, min(depth, self.depth))

    def text(self) -> str:
        """Returns the function's text."""
        rng, names = self.rng, self.names
        lines = ["def f(x):"]
        for name in ("a", "b")[: rng.choice([1, 1, 2])]:
            start = rng.choice(["[]", "[]", f"[{self.of('str', names)}]", self.of("list", names), "list()"])
            lines.append(f"  {name} = {start}")
            names[name] = "list"
        if rng.random() < 0.5:
            lines.append(f"  s = {rng.choice(['set()', 'set(' + self.of('list', names) + ')'])}")
            names["s"] = Held("set")
        if rng.random() < 0.5:
            lines.append(f"  d = {rng.choice(['{}', '{}', 'dict()', '{' + self.of('str', names) + ': 1}'])}")
            names["d"] = Held("dict")
        if rng.random() < 0.3:
            lines.append(f"  n = {self.of('int', names)}")
            names["n"] = "int"
        for _ in range(rng.choice([1, 2, 3])):
            lines += rng.choice([self.loop, self.loop, self.change, self.choice])(names, "  ", False)
        if self.is_generator:
            lines.append(f"  yield {self.of('str', names)}")
        else:
            result = rng.choice(["a", "a", "a + b" if "b" in names else "a"]) if self.gives == "list" else ""
            lines.append(f"  return {result or self.of(self.gives, names, 2)}")
        return "\n".join(lines)

    def block(self, names: Names, indent: str, is_loop: bool) -> list[str]:
        """Makes some statements."""
        lines: list[str] = []
        for _ in range(self.rng.choice([1, 1, 2])):
            makers = [self.change, self.change, self.change, self.choice]
            if self.left > 0:
                makers += [self.loop, self.choice, self.attempt]
            self.left -= 1
            lines += self.rng.choice(makers)(names, indent, is_loop)
        return lines

    def change(self, names: Names, indent: str, is_loop: bool) -> list[str]:
        """Makes a statement that changes something."""
        rng = self.rng
        of = lambda kind: self.of(kind, names)  # noqa: E731
        name = rng.choice([name for name in ("a", "b") if name in names])
        choices: list[Callable[[], str]] = [
            *[lambda: f"{name}.append({of('str')})"] * 6,
            lambda: f"{name} += [{of('str')}]",
            lambda: f"{name}.extend(({of('list')})[:3])",
            lambda: f"{name} = {name} + [{of('str')}]",
            lambda: f"{name} = {rng.choice(['[]', of('list')])}",
            lambda: f"{name}.sort({rng.choice(['', 'key=len', 'reverse=True'])})",
            lambda: f"{name}.reverse()",
            lambda: f"{name}.append({of('int')})" if rng.random() < 0.1 else f"{name}.append({name}[0])",
        ]
        if "b" in names:
            choices += [lambda: "a = b", lambda: "a, b = b, a", lambda: f"t = ({name}, 1)"]
        if "s" in names:
            choices += [lambda: f"s.add({of('str')})"] * 2 + [lambda: f"s |= set({of('list')})"]
            choices += [lambda: f"s.update({of('list')})", lambda: f"s = s - {{{of('str')}}}"]
        if "d" in names:
            key = of("str")
            choices += [lambda: f"d[{key}] = d.get({key}, 0) + 1"] * 2 + [lambda: f"d[{key}] += {of('int')}"]
            choices += [lambda: f"d[{key}] = {of('int')}"]
        if "n" in names:
            choices += [lambda: f"n = min(n + {rng.choice([1, 2])}, 99)"]
        if self.is_generator:
            choices += [lambda: f"yield {of('str')}"] * 8
        if is_loop and rng.random() < 0.15:
            choices = [lambda: rng.choice(["break", "continue", "return" if self.is_generator else "break"])]
        line = rng.choice(choices)()
        if " = " not in line and rng.random() < 0.05:
            line = f"_ = {line}" if not line.startswith(("yield", "break", "continue", "return", "n ")) else line
        try:
            compile(f"def f():\n  for _ in ():\n    {line}", FILE, "exec")
        except SyntaxError:
            line = "pass"
        return [f"{indent}{line}"]

    def choice(self, names: Names, indent: str, is_loop: bool) -> list[str]:
        """Makes a condition."""
        conditions = [self.of("bool", names, 2), self.of("bool", names)]
        if "s" in names:
            conditions += [f"{self.of('str', names)} not in s"] * 2
        if "d" in names:
            conditions += [f"{self.of('str', names)} in d"] * 2
        lines = [f"{indent}if {self.rng.choice(conditions)}:", *self.block(names, indent + "  ", is_loop)]
        if self.rng.random() < 0.3:
            lines += [f"{indent}else:", *self.block(names, indent + "  ", is_loop)]
        return lines

    def loop(self, names: Names, indent: str, is_loop: bool) -> list[str]:
        """Makes a loop."""
        if self.rng.random() < 0.15:
            count = self.maker._variable()
            begin = [f"{indent}{count} = 0", f"{indent}while {count} < {self.rng.choice([1, 3])}:"]
            return [*begin, f"{indent}  {count} += 1", *self.block({**names, count: "int"}, indent + "  ", True)]
        # What goes through a list that it fills never ends.
        others = {name: kind for name, kind in names.items() if name not in ("a", "b")}
        text, target, more = self.maker._iterable(others, min(1, self.depth))
        if self.rng.random() < 0.1:
            text, target, more = f"(w + 'q' for w in {self.of('list', others)})", "w", {"w": "str"}
        elif self.rng.random() < 0.1:
            text, target, more = self.rng.choice(["list(a)", "a[:]", "sorted(a)", "a + ['e']"]), "w", {"w": "str"}
        if "d" in names and self.rng.random() < 0.2:
            text, target, more = "d.items()", "k, v", {"k": "str", "v": "int"}
        lines: list[str] = []
        if self.rng.random() < 0.2:
            lines, text = [f"{indent}it = {text}"], "it"
        return [*lines, f"{indent}for {target} in {text}:", *self.block({**names, **more}, indent + "  ", True)]

    def attempt(self, names: Names, indent: str, is_loop: bool) -> list[str]:
        """Makes a ``try``."""
        risky = self.rng.choice(["a.append(str(int(%s)))", "a.append(%s.split(',')[1])", "a.append(str(9 // len(%s)))"])
        error = self.rng.choice(["ValueError", "IndexError", "ZeroDivisionError", "Exception"])
        lines = [f"{indent}try:", f"{indent}  {risky % self.of('str', names)}", f"{indent}except {error}:"]
        return [*lines, *self.rng.choice([self.change, lambda *_: [f"{indent}  pass"]])(names, indent + "  ", is_loop)]


SCOPE: dict[str, Any] = {"Spot": Spot, "Slim": Slim, "Counter": Counter}
exec(
    compile(
        "def g(s):\n  for w in s.split():\n    if w > 'b':\n      yield w\n    yield w + '!'\n", FILE, "exec"
    ),
    SCOPE,
)


class CollectionProgram(Program):
    """Steps over records, of functions that make collections."""

    makers = CollectionMaker

    def value(self, kind: Kind) -> Any:
        """Chooses a record."""
        if isinstance(kind, Fields):
            return kind.kind(self.value(kind.x), self.value(kind.y))
        return super().value(kind)

    def records(self, kind: Kind) -> list[list[Any]]:
        """Chooses records, some of which may be of other types."""
        lists = super().records(kind)
        for one in lists:
            for at, record in enumerate(one):
                if any(record is dirt for dirt in DIRT) and self.rng.random() < 0.2:
                    one[at] = self.rng.choice([Spot("a", 1), Slim(1), Spot(2.5), Spot([1])])
        return lists


def difference(seed: int, kind: type[Program] = CollectionProgram) -> tuple[str, bool]:
    """Runs a program in all ways. Returns what differs, or nothing, and whether any of it ran natively."""
    program = kind(seed)
    ways = (program.plainly, program.interpreted, program.natively)
    plain, interpreted, natively = (outcome_of(program, way) for way in ways)
    if natively is None:
        return "", False
    if natively != interpreted or plain != interpreted:
        return f"seed {seed}\n{program}\nplain: {plain}\ninterpreted: {interpreted}\nnatively: {natively}\n", True
    return "", True


if __name__ == "__main__":
    run_by_hand(difference, __doc__)
