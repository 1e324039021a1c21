"""The part of random programs that goes in circles: loops, comprehensions, ``try``, calls by keyword."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

Kind = Any

#: Functions that programs call, above each program's own.
HELPERS = """
def h(a, b=2, *, c=3):
  return a - b * c
def parsed(text, other=-1):
  try:
    return int(text)
  except ValueError:
    return other
def digits(n):
  t = 0
  while n > 0:
    t += n % 10
    n = n // 10
  return t
def shares(n, parts):
  for part in range(1, parts % 4):
    try:
      n = n // (part - 1) + 1
    except ZeroDivisionError:
      continue
  return n % parts
def first(words, than):
  for word in words:
    if word > than:
      return word
  return than
"""

Names = dict[str, Kind]


class Control:
    """Makes the text of what goes in circles, and of ``try``."""

    rng: random.Random
    _variables = 0

    def expression(self, kind: Kind, names: Names, depth: int) -> str:
        """Makes an expression of a type."""
        raise NotImplementedError

    def _variable(self) -> str:
        self._variables += 1
        return f"v{self._variables}"

    def _iterable(self, names: Names, depth: int) -> tuple[str, str, Names]:
        """Makes something to go through: its text, the names of an item, and their types."""
        sub = functools.partial(self.expression, names=names, depth=depth)
        rng, one, two = self.rng, self._variable(), self._variable()
        small = lambda: f"{sub('int')} % {rng.choice([3, 5, 9])}"  # noqa: E731
        choices: list[Callable[[], tuple[str, str, Names]]] = [
            *[lambda: (sub("list"), one, {one: "str"})] * 3,
            lambda: (sub("str"), one, {one: "str"}),
            lambda: (f"({sub('int')}, {sub('int')})", one, {one: "int"}),
            lambda: (f"range({small()})", one, {one: "int"}),
            lambda: (f"range(len({sub('list')}))", one, {one: "int"}),
            lambda: (f"range({rng.choice([-2, 0, 1])}, {small()}, {rng.choice([1, 2, -1])})", one, {one: "int"}),
            lambda: (f"range({small()}, {rng.choice([-3, 0])}, -1)", one, {one: "int"}),
            lambda: (f"enumerate({sub('list')})", f"{one}, {two}", {one: "int", two: "str"}),
            lambda: (f"enumerate({sub('str')}, start={sub('int')})", f"{one}, {two}", {one: "int", two: "str"}),
            lambda: (f"zip({sub('list')}, range({small()}))", f"({one}, {two})", {one: "str", two: "int"}),
            lambda: (f"zip({sub('list')}, {sub('str')})", one, {one: ("str", "str")}),
        ]
        return rng.choice(choices)()

    def _clauses(self, kind: Kind, names: Names, depth: int) -> str:
        """Makes the inside of a comprehension."""
        names, clauses = dict(names), []
        for _ in range(self.rng.choice([1, 1, 1, 1, 2])):
            text, target, more = self._iterable(names, depth - 1)
            names.update(more)
            clauses.append(f"for {target} in {text}")
            for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2])):
                clauses.append(f"if {self.expression('bool', names, depth - 1)}")
        return f"{self.expression(kind, names, depth)} {' '.join(clauses)}"

    def circling(self, kind: Kind, names: Names, depth: int) -> str | None:
        """Makes an expression with a comprehension, a generator or a call by keyword; None of types that have none."""
        rng = self.rng
        sub = functools.partial(self.expression, names=names, depth=depth - 1)
        clauses = functools.partial(self._clauses, names=names, depth=depth - 1)
        shaped = lambda of: rng.choice([f"({clauses(of)})", f"[{clauses(of)}]"])  # noqa: E731
        choices: dict[Any, list[Callable[[], str]]] = {
            "int": [
                lambda: f"sum({shaped('int')})",
                lambda: f"len([{clauses(rng.choice(['int', 'str', 'float', ('int', 'str')]))}])",
                lambda: f"{rng.choice(['min', 'max'])}({shaped('int')})",
                lambda: f"sum({shaped('bool')})",
                lambda: f"h({sub('int')}, {rng.choice(['b', 'c'])}={sub('int')})",
                lambda: f"h(b={sub('int')}, a={sub('int')})",
                lambda: f"parsed({sub('str')})",
                lambda: f"parsed({sub('str')}, other={sub('int')})",
                lambda: f"digits({sub('int')})",
                lambda: f"shares({sub('int')}, {sub('int')})",
                lambda: f"int({sub('str')}, {rng.choice(['16', '2', '36', 'base=8'])})",
            ],
            "float": [
                lambda: f"sum({shaped('float')})",
                lambda: f"{rng.choice(['min', 'max'])}({shaped('float')})",
                lambda: f"round({sub('float')}, {rng.choice(['0', '1', '2', 'ndigits=3'])})",
            ],
            "bool": [lambda: f"{rng.choice(['any', 'all'])}({shaped(rng.choice(['bool', 'bool', 'str', 'int']))})"],
            "str": [
                lambda: f"{rng.choice(['', ',', '-'])!r}.join({shaped('str')})",
                lambda: f"{rng.choice(['min', 'max'])}({shaped('str')})",
                lambda: f"first({sub('list')}, than={sub('str')})",
            ],
            "list": [
                *[lambda: f"[{clauses('str')}]"] * 3,
                lambda: f"list({clauses('str')})",
                lambda: f"list({sub('str')})",
                lambda: f"{sub('str')}.split({rng.choice(['sep=', ''])}',', maxsplit={rng.choice([0, 1, 2, -1])})",
                lambda: f"{sub('str')}.split(maxsplit=-1)",
            ],
        }
        return rng.choice(choices[kind])() if kind in choices else None

    def gone_through(self, names: Names, depth: int) -> str:
        """Makes what has items and is no list: a generator, or whatever loops go through."""
        if self.rng.random() < 0.5:
            return f"({self._clauses('str', names, depth)})"
        return self._iterable(names, depth)[0]

    def circles(self, gives: Kind, names: Names, depth: int) -> str:
        """Makes a function with loops and ``try``."""
        names = dict(names)
        lines = ["def f(x):"]
        self._state = self.rng.sample(["int", "str", "float", "int", "bool", "list"], self.rng.choice([1, 2, 3]))
        for at, kind in enumerate(self._state):
            lines.append(f"  s{at} = {self.expression(kind, names, depth - 1)}")
            names[f"s{at}"] = kind
        self._gives = gives
        self._left = 8
        for _ in range(self.rng.choice([1, 1, 2])):
            maker = self.rng.choice([self._for, self._for, self._while, self._try])
            lines += maker(names, depth, "  ", False)
        lines.append(f"  return {self.expression(gives, names, depth)}")
        return "\n".join(lines)

    def _statements(self, names: Names, depth: int, indent: str, is_loop: bool) -> list[str]:
        """Makes some statements of a block."""
        lines: list[str] = []
        names = dict(names)
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            makers = [self._set, self._set, self._set, self._if, self._if]
            if self._left > 0 and depth > 0:
                makers += [self._for, self._while, self._try, self._try]
            self._left -= 1
            lines += self.rng.choice(makers)(names, depth - 1, indent, is_loop)
        return lines

    def _set(self, names: Names, depth: int, indent: str, is_loop: bool) -> list[str]:
        at = self.rng.randrange(len(self._state))
        kind = self._state[at]
        operators = {"int": ["+=", "-=", "=", "%=", "|="], "str": ["+=", "="], "float": ["+=", "*=", "="]}
        operator = self.rng.choice(operators.get(kind, ["="]))
        if self.rng.random() < 0.1 and len(self._state) > 1:
            other = (at + 1) % len(self._state)
            if self._state[other] == kind:
                return [f"{indent}s{at}, s{other} = s{other}, s{at}"]
        value = self.expression(kind, names, depth)
        # Bounded, since what a turn doubles is beyond all memory after some turns.
        bounded = {"int": f"max(-(2 ** 62), min(2 ** 62, {value}))", "str": f"({value})[:9]", "list": f"({value})[:4]"}
        if operator == "=" or kind == "str":
            value = bounded.get(kind, value)
        elif operator == "+=":
            # Which fails for the bytes among dirty records: doubled, they would be beyond it, too.
            value = f"({value}) - 0"
        return [f"{indent}s{at} {operator} {value}"]

    def _leave(self, names: Names, depth: int, indent: str, is_loop: bool) -> list[str]:
        ways = ["break", "continue", "return"] if is_loop else ["return"]
        way = self.rng.choice(ways)
        return [f"{indent}{way}" + (f" {self.expression(self._gives, names, depth)}" if way == "return" else "")]

    def _if(self, names: Names, depth: int, indent: str, is_loop: bool) -> list[str]:
        lines = [f"{indent}if {self.expression('bool', names, depth)}:"]
        some = self.rng.choice([self._set, self._leave, self._leave])
        lines += some(names, depth, indent + "  ", is_loop)
        if self.rng.random() < 0.3:
            lines += [f"{indent}else:", *self._set(names, depth, indent + "  ", is_loop)]
        return lines

    def _for(self, names: Names, depth: int, indent: str, is_loop: bool) -> list[str]:
        text, target, more = self._iterable(names, depth)
        lines = [f"{indent}for {target} in {text}:"]
        lines += self._statements({**names, **more}, depth, indent + "  ", True)
        return lines + self._else(names, depth, indent, is_loop)

    def _while(self, names: Names, depth: int, indent: str, is_loop: bool) -> list[str]:
        count = self._variable()
        condition = self.rng.choice(["True", self.expression("bool", names, depth)])
        lines = [f"{indent}{count} = 0"]
        if condition == "True":
            lines += [f"{indent}while True:", f"{indent}  {count} += 1", f"{indent}  if {count} > 4:"]
            lines += [f"{indent}    {self.rng.choice(['break', 'break', 'return ' + self._returned(names, depth)])}"]
        else:
            most = self.rng.choice([1, 3, 7])
            lines += [f"{indent}while {count} < {most} and {condition}:", f"{indent}  {count} += 1"]
        lines += self._statements({**names, count: "int"}, depth, indent + "  ", True)
        return lines + self._else(names, depth, indent, is_loop)

    def _returned(self, names: Names, depth: int) -> str:
        return self.expression(self._gives, names, depth)

    def _else(self, names: Names, depth: int, indent: str, is_loop: bool) -> list[str]:
        if self.rng.random() > 0.15:
            return []
        return [f"{indent}else:", *self._set(names, depth, indent + "  ", is_loop)]

    def _try(self, names: Names, depth: int, indent: str, is_loop: bool) -> list[str]:
        rng = self.rng
        sub = functools.partial(self.expression, names=names, depth=depth)
        choices = {
            "int": [
                *(f"int({sub('str')})", f"int({sub('str')}) + 1"),
                f"{sub('int')} {rng.choice(['//', '%'])} {sub('int')}",
            ],
            "float": [f"float({sub('str')})", f"{sub('float')} / {sub('float')}", f"{sub('int')} / {sub('int')}"],
            "str": [f"{sub('list')}[{rng.choice([0, 1, 2, -1, -2])}]", f"{sub('str')}[{rng.choice([0, 1, -2])}]"],
        }
        at = rng.randrange(len(self._state))
        risky = rng.choice(choices.get(self._state[at], [self.expression(self._state[at], names, depth)]))
        if self._state[at] == "str" and rng.random() < 0.3:
            names = {**names}
            lines = [f"{indent}try:", f"{indent}  s{at}, {self._variable()} = {sub('list')}"]
        else:
            lines = [f"{indent}try:", f"{indent}  s{at} = {risky}"]
        if rng.random() < 0.3:
            lines += self._set(names, depth, indent + "  ", is_loop)
        kinds = ["ValueError", "IndexError", "ZeroDivisionError", "Exception", "(ValueError, IndexError)", ""]
        kinds += ["ArithmeticError", "LookupError", "KeyError"]
        for kind in rng.sample(kinds, rng.choice([1, 1, 2])):
            if not kind and lines[-1].strip().startswith("except"):
                continue
            lines.append(f"{indent}except {kind}".rstrip() + (" as error:" if kind and rng.random() < 0.2 else ":"))
            some = rng.choice([self._set, self._set, self._leave, self._nothing, self._raise])
            lines += some(names, depth, indent + "  ", is_loop)
            if not kind:
                break
        if rng.random() < 0.1:
            lines += [f"{indent}else:", *self._set(names, depth, indent + "  ", is_loop)]
        if rng.random() < 0.1:
            lines += [f"{indent}finally:", *self._set(names, depth, indent + "  ", is_loop)]
        return lines

    def _nothing(self, names: Names, depth: int, indent: str, is_loop: bool) -> list[str]:
        return [f"{indent}pass"]

    def _raise(self, names: Names, depth: int, indent: str, is_loop: bool) -> list[str]:
        errors = ["", " KeyError('k')", f" ValueError({self._returned(names, depth)})"]
        return [f"{indent}raise{self.rng.choice(errors)}"]
