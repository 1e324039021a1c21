"""Random functions whose lists, dicts, sets and generators have several names, run by CPython alone, by a chain, and
natively, agree.

They give objects second names, put them into tuples, capture them in inner functions, hand them to other functions, and
change them in place in between, so that what is kept as a value where CPython has one object shows. Agree means what
``native_programs`` means by it. ``test_native_names.py`` runs some hundreds; by hand,
``python python/tests/native_aliases.py --programs 100000`` runs as many as one likes.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import native_collections
import native_programs
from native_collections import SCOPE, CollectionMaker, CollectionProgram
from native_programs import FILE, STRS, run_by_hand

Kind = Any

_HELPERS = """
def grow(l, w):
  l += [w]
def grown(l, w):
  l = l + [w]
  return l
def same(l):
  return l
def put(l, w):
  l.append(w)
  return l
def held(l):
  return (l, l)
def first(l, w='none'):
  for v in l:
    return v
  return w
def note(d, k):
  d[k] = d.get(k, 0) + 1
  return d
def pairs(l):
  for w in l:
    yield w, len(w)
def words(l):
  for w in l:
    if w > 'b':
      yield w + '!'
"""

LISTS = ("a", "b", "c")
DICTS = ("d", "e")
SETS = ("s", "r")
GENERATORS = ("g", "h")
KINDS = ("list", "dict", "set", "generator", "pair", "inner")
#: How often a statement takes a name of a kind that it is not for, and how often one is made that the kernels know not.
ASTRAY = 0.01


class Aliasing:
    """Makes one function, statement by statement."""

    def __init__(self, maker: CollectionMaker, kind: Kind, gives: Kind) -> None:
        self.rng = maker.rng
        self.maker, self.gives = maker, gives
        self.record = {"x": kind}
        self.names: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self.words: list[str] = []
        self.circles = 0
        #: How often an object may get another name: where it has many, little of a function runs natively.
        self.second_names = self.rng.choice([0, 1, 1, 2, 5])
        kinds = [(), ("generator",), ("generator", "inner"), ("dict",), ("set", "dict"), ("pair",)]
        self.kinds: tuple[str, ...] = self.rng.choice(kinds)

    def text(self) -> str:
        """Returns the function's text."""
        lines = ["def f(x):"]
        for name in LISTS[: self.rng.choice([1, 2, 2, 3])]:
            lines.append(f"  {name} = {self.rng.choice([self.fresh(), self.list()])}")
            self.names["list"].append(name)
        for kind, names in (("dict", DICTS), ("set", SETS)):
            if kind in self.kinds:
                name = names[0]
                lines.append(f"  {name} = {self.fresh_of(kind)}")
                self.names[kind].append(name)
        for _ in range(self.rng.choice([2, 4, 6, 9])):
            lines += self.statement("  ", 2)
        return "\n".join([*lines, *self.result()])

    def result(self) -> list[str]:
        """Makes the end: what all names hold is looked at."""
        rng = self.rng
        told = [rng.choice(["','.join({})", "str(len({}))"]).format(name) for name in self.names["list"]]
        told += [f"','.join(sorted({name}))" for name in self.names["set"]]
        told += [f"','.join({name})" for name in self.names["dict"]]
        told += [f"str(sum({name}.values()))" for name in self.names["dict"] if rng.random() < 0.5]
        told += [f"'-'.join({name})" for name in self.names["generator"] if rng.random() < 0.7]
        told += [f"','.join({name}[0])" for name in self.names["pair"]]
        told += [f"str({name}('a'))" for name in self.names["inner"] if rng.random() < 0.7]
        rng.shuffle(told)
        if self.gives == "list":
            choice = [f"[{', '.join(told)}]", self.one("list"), f"{self.one('list')} + [{', '.join(told)}]"]
            return [f"  return {rng.choice(choice)}"]
        if self.gives == "str":
            return [f"  return {' + '.join(told)}"]
        if self.gives == "int":
            return [f"  return {' + '.join(f'len({text})' for text in told)}"]
        value = self.maker.expression(self.gives, self.record, 1)
        if rng.random() < 0.5:
            return [f"  if {rng.choice(told)} > 'b':", f"    return {value}", f"  return {value}"]
        return [f"  return {value}"]

    def one(self, kind: str) -> str:
        """Chooses a name of a kind; one of any kind, now and then."""
        if self.rng.random() < ASTRAY:
            kind = self.rng.choice(list(self.names))
        return self.rng.choice(self.names[kind] or self.names["list"])

    def again(self) -> bool:
        """Returns whether an object may get another name now."""
        self.second_names -= 1
        return self.second_names >= 0

    def rarely(self, *texts: str) -> list[str]:
        """Returns texts that the kernels do not know, now and then."""
        return list(texts) if self.rng.random() < ASTRAY else []

    def word(self) -> str:
        """Makes a text."""
        if self.words and self.rng.random() < 0.5:
            return self.rng.choice(self.words)
        if self.rng.random() < 0.3:
            return self.rng.choice(["'q'", "'a'", "'zz'", "S"])
        return self.maker.expression("str", self.record, self.rng.choice([0, 0, 1]))

    def number(self) -> str:
        """Makes a whole number."""
        return self.rng.choice([f"len({self.word()})", "1", "2", "N", f"len({self.one('list')})"])

    def fresh(self) -> str:
        """Makes a new list."""
        return self.rng.choice(["[]", "[]", "list()", f"[{self.word()}]", f"[{self.word()}, {self.word()}]"])

    def list(self) -> str:
        """Makes a list, of other names where there are some."""
        if not self.names["list"] or self.rng.random() < 0.3:
            return self.maker.expression("list", self.record, 1)
        name, other = self.one("list"), self.one("list")
        choices = [f"list({name})", f"{name}[:]", f"{name}.copy()", f"sorted({name})", f"{name} + []"]
        choices += [f"{name} + {other}", f"[w for w in {name}]", f"grown({name}, {self.word()})", f"{name} * 2"]
        choices += [f"list(filter(None, {name}))", f"[{self.word()} for w in {name}]", f"list(words({name}))"]
        choices += [f"list(map(str.upper, {name}))"]
        choices += self.rarely(f"list({self.one('dict')})", f"list({self.one('set')})")
        if self.names["generator"]:
            choices += [f"list({self.one('generator')})"] * 4
        if self.again():
            choices = [name] * 4 + [f"same({name})", f"put({name}, {self.word()})", f"held({name})[1]"]
            choices += [f"{name} or {other}", f"({name} if {self.condition()} else {other})", f"[{name}, {other}][0]"]
        return self.rng.choice(choices)

    def fresh_of(self, kind: str) -> str:
        """Makes a dict or a set."""
        name, word = self.one("list"), self.word()
        if kind == "set":
            return self.rng.choice(["set()", f"set({name})", f"{{{word}}}", f"{{w for w in {name}}}"])
        choices = ["{}", "{}", "dict()", f"{{{word}: 1}}", f"{{w: len(w) for w in {name}}}", f"Counter({name})"]
        return self.rng.choice([*choices, f"dict(zip({name}, range(3)))", f"dict(pairs({name}))"])

    def generator(self) -> str:
        """Makes an iterator over a name."""
        name, other = self.one("list"), self.one(self.rng.choice(["list", "generator"]))
        choices = [f"(w + 'q' for w in {name})", f"(w for w in {name} if w in {other})", f"map(str.upper, {name})"]
        choices += [f"filter(None, {name})", f"words({name})", *self.rarely(f"iter({name})", f"reversed({name})")]
        choices += [f"(v for v, w in zip({name}, {other}))", f"map(lambda w: w + {self.word()}, {name})"]
        choices += [f"(w for w in {self.one('generator')})", f"(u for u, n in pairs({name}))"]
        choices += [self.one("generator")] * self.again()
        return self.rng.choice(choices)

    def condition(self) -> str:
        """Makes a condition."""
        name, word = self.one("list"), self.word()
        choices = [f"{word} in {name}", f"len({name}) > {self.rng.choice([1, 2, 3])}", name, f"not {name}"]
        choices += [f"{name} == {self.one('list')}", f"{word} > 'b'", f"{word} in {self.one('set')}"]
        choices += [f"{word} in {self.one('dict')}"]
        choices += [f"any(w > 'b' for w in {self.one('generator')})"]
        choices += self.rarely(f"{name} is {self.one('list')}")
        return self.rng.choice(choices)

    def statement(self, indent: str, depth: int) -> list[str]:
        """Makes a statement, which may have others in it."""
        rng = self.rng
        if depth and rng.random() < 0.3:
            return rng.choice([self.loop, self.loop, self.choice, self.attempt])(indent, depth)
        makers = [self.change] * 5 + [self.rename] * 3
        makers += [self.make_generator, self.use_generator, self.use_generator] * ("generator" in self.kinds)
        makers += [self.hold] * 2 * ("pair" in self.kinds) + [self.define] * 2 * ("inner" in self.kinds)
        makers += [self.change_dict] * 3 * bool(self.names["dict"]) + [self.change_set] * 3 * bool(self.names["set"])
        line = rng.choice(makers)()
        try:
            compile(f"def f():\n  for _ in ():\n    {line}", FILE, "exec")
        except SyntaxError:
            line = "pass"
        return [f"{indent}{line}"]

    def block(self, indent: str, depth: int) -> list[str]:
        """Makes some statements. Names that are new in it are not known behind it, mostly."""
        known = {kind: list(names) for kind, names in self.names.items()}
        lines = [line for _ in range(self.rng.choice([1, 1, 2, 3])) for line in self.statement(indent, depth - 1)]
        if self.rng.random() < 0.8:
            self.names = known
        return lines

    def change(self) -> str:
        """Makes a change of a list."""
        name, other, word = self.one("list"), self.one("list"), self.word()
        choices = [f"{name}.append({word})"] * 5 + [f"{name} += [{word}]"] * 3 + [f"{name} += {other}[:2]"]
        choices += [f"{name}.extend([{word}])", f"{name}.extend({other}[:2])", f"{name}.sort()", f"{name}.reverse()"]
        choices += [f"{name} = {name} + [{word}]", f"{name} = {self.fresh()}", f"{name}.extend(w for w in {other}[:2])"]
        choices += [f"grow({name}, {word})", f"put({name}, {word})"] * self.again()
        choices += self.rarely(f"{name}.sort(key=len)", f"{name}.insert(0, {word})", f"{name}.pop()")
        choices += self.rarely(f"{name}.clear()", f"del {name}[0]", f"{name}[0] = {word}")
        choices += [f"{name} += ({word},)", f"{name} += words({other}[:2])"]
        # No more than a few: a list that takes what is read from itself never ends.
        choices += [f"{name}.extend(v for v, w in zip({self.one('generator')}, range(4)))"]
        return self.rng.choice(choices)

    def change_dict(self) -> str:
        """Makes a change of a dict."""
        name, other, word = self.one("dict"), self.one("dict"), self.word()
        choices = [f"{name}[{word}] = {self.number()}", f"{name}[{word}] = {name}.get({word}, 0) + 1"] * 2
        choices += [f"{name}[{word}] += 1", f"{name}.update({other})", f"{name} |= {other}"]
        choices += [f"{name}.update({{{word}: 5}})"]
        choices += [f"note({name}, {word})"] * self.again()
        choices += self.rarely(f"{name}.setdefault({word}, 3)", f"{name}.pop({word}, None)")
        return self.rng.choice(choices)

    def change_set(self) -> str:
        """Makes a change of a set."""
        name, other, word = self.one("set"), self.one("set"), self.word()
        choices = [f"{name}.add({word})"] * 2 + [f"{name} |= {other}", f"{name}.update({self.one('list')})"]
        choices += [f"{name} = {name} | {{{word}}}", f"{name}.discard({word})", f"{name} -= {{{word}}}"]
        return self.rng.choice([*choices, f"{name} &= {other}"])

    def named(self, kind: str, names: tuple[str, ...]) -> str:
        """Chooses a name for an object of a kind, which may be in use, and notes it."""
        name = self.rng.choice(names)
        if name not in self.names[kind]:
            self.names[kind].append(name)
        return name

    def rename(self) -> str:
        """Gives an object another name."""
        rng = self.rng
        draw = rng.random()
        if draw < 0.15 and self.names["dict"]:
            other = self.one("dict")
            text = rng.choice([f"dict({other})", f"{other}.copy()", f"Counter({other})"])
            text = rng.choice([other, other, f"note({other}, 'n')"]) if self.again() else text
            return f"{self.named('dict', DICTS)} = {text}"
        if draw < 0.3 and self.names["set"]:
            other = self.one("set")
            text = rng.choice([f"set({other})", f"{other} | set()", *[other] * 2 * self.again()])
            return f"{self.named('set', SETS)} = {text}"
        if draw < 0.4 and len(self.names["list"]) > 1:
            name, other = rng.sample(self.names["list"], 2)
            return f"{name}, {other} = {other}, {name}"
        if draw < 0.5 and self.again():
            value = self.list()
            return f"{self.named('list', LISTS)} = {self.named('list', LISTS)} = {value}"
        value = self.list()
        return f"{self.named('list', LISTS)} = {value}"

    def hold(self) -> str:
        """Puts lists into a tuple, or takes them out of it."""
        if self.names["pair"] and self.rng.random() < 0.6:
            pair = self.one("pair")
            if self.rng.random() < 0.3:
                return f"{self.named('list', LISTS)}, {self.named('list', LISTS)} = {pair}"
            if self.rng.random() < 0.4:
                return f"{pair}[{self.rng.choice([0, 1])}].append({self.word()})"
            return f"{self.named('list', LISTS)} = {pair}[{self.rng.choice([0, 1, -1])}]"
        value = self.rng.choice([f"({self.one('list')}, {self.one('list')})", f"held({self.one('list')})"])
        return f"{self.named('pair', ('t', 'u'))} = {value}"

    def define(self) -> str:
        """Makes an inner function, or calls one."""
        if self.names["inner"] and self.rng.random() < 0.5:
            return f"{self.one('list')}.append(str({self.one('inner')}({self.word()})))"
        name, word = self.one("list"), self.word()
        bodies = [f"w in {name}", f"len({name})", f"w + ','.join({name})", f"{name}.append(w)", f"first({name}, w)"]
        bodies += [f"{word} + w", f"sorted({name} + [w])[0]", f"len({self.one('dict')})"]
        bodies += [f"','.join({self.one('generator')})"]
        bodies += [f"[v for v in {name} if v != w]"]
        default = self.rng.choice(["", "", "", f", l={name}"])
        body = self.rng.choice(bodies) if not default else f"len(l) + len({name})"
        return f"{self.named('inner', ('k', 'm'))} = lambda w{default}: {body}"

    def make_generator(self) -> str:
        """Makes a generator under a name."""
        value = self.generator()
        return f"{self.named('generator', GENERATORS)} = {value}"

    def use_generator(self) -> str:
        """Reads a generator, or part of it."""
        if not self.names["generator"]:
            return self.make_generator()
        generator, other, name = self.one("generator"), self.one("generator"), self.one("list")
        choices = [f"{name}.extend(list({generator}))", f"{name}.append(next({generator}, 'end'))"]
        choices += [f"{name} += list({generator})"]
        choices += [f"{name}.append(first({generator}))", f"{name} = list({generator})"]
        choices += [f"{name} = sorted({generator})"]
        choices += [f"{name} = [v + w for v, w in zip({generator}, {other})]", f"{name} = [w for w in {generator}]"]
        choices += [f"{name}.append(str('q' in {generator}))"]
        choices += [f"{name}.append(str(sum(1 for _ in {generator})))", f"{name}.append('.'.join({generator}))"]
        choices += [f"{name}.append(max({generator}, default='none'))"]
        choices += [f"{name} = list(map(str.strip, {generator}))", f"{generator} = {other}"]
        return self.rng.choice(choices)

    def loop(self, indent: str, depth: int) -> list[str]:
        """Makes a loop. It goes over a copy, or over what is at most a few: a list that its loop fills never ends."""
        self.circles += 1
        name, generator = self.one("list"), self.one("generator")
        target = f"w{self.circles}"
        choices = [f"{name}[:3]", f"list({name})[:3]", f"sorted({name})[:3]", f"(S, {self.word()})", f"('p', 'q')"]
        if self.names["generator"] and self.rng.random() < 0.3:
            choices = [f"[w for w, _ in zip({generator}, range(3))]"]
        begin = f"{indent}for {target} in {self.rng.choice(choices)}:"
        self.words.append(target)
        lines = [begin, *self.block(indent + "  ", depth)]
        if self.rng.random() < 0.2:
            lines.append(f"{indent}  if {self.condition()}: {self.rng.choice(['break', 'continue'])}")
            lines += self.block(indent + "  ", depth)
        if self.rng.random() < 0.7:
            self.words.remove(target)
        return lines

    def choice(self, indent: str, depth: int) -> list[str]:
        """Makes a condition with what depends on it."""
        lines = [f"{indent}if {self.condition()}:", *self.block(indent + "  ", depth)]
        if self.rng.random() < 0.4:
            lines += [f"{indent}else:", *self.block(indent + "  ", depth)]
        return lines

    def attempt(self, indent: str, depth: int) -> list[str]:
        """Makes a ``try`` in which something changes before it fails."""
        risky = self.rng.choice(["{0}.append(str(int({1})))", "{0}.append({1}[0])", "{0} += [{1}.split(',')[1]]"])
        lines = [f"{indent}try:", *self.block(indent + "  ", depth)]
        lines.append(f"{indent}  {risky.format(self.one('list'), self.word())}")
        error = self.rng.choice(["ValueError", "IndexError", "Exception"])
        return [*lines, f"{indent}except {error}:", *self.block(indent + "  ", depth)]


class AliasMaker(CollectionMaker):
    """Makes the text of functions whose objects have several names."""

    def function(self, kind: Kind, gives: Kind) -> tuple[str, Any]:
        """Makes a function, as its text and itself."""
        rng = self.rng
        if rng.random() < 0.1:
            return super().function(kind, gives)
        scope: dict[str, Any] = {**SCOPE, "N": rng.choice([0, 1, 5]), "S": rng.choice(STRS)}
        exec(native_programs._HELPERS, scope)
        scope.update(native_programs.scope_of(rng))
        exec(_COMPILED, scope)
        text = Aliasing(self, kind, gives).text()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of `is` with a text
                exec(compile(text, FILE, "exec"), scope)
        except SyntaxError:  # a nested f-string, before 3.12
            return self.function(kind, gives)
        return text, scope["f"]


_COMPILED = compile(_HELPERS, FILE, "exec")


class AliasProgram(CollectionProgram):
    """Steps over records, of functions whose objects have several names."""

    makers: Callable[[random.Random], Any] = AliasMaker


def difference(seed: int) -> tuple[str, bool]:
    """Runs a program in all ways. Returns what differs, or nothing, and whether any of it ran natively."""
    return native_collections.difference(seed, AliasProgram)


if __name__ == "__main__":
    run_by_hand(difference, __doc__)
