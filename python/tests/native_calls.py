"""More expressions for ``native_programs``: calls of ``math``, lookups in tables, formats, more methods of texts."""

from __future__ import annotations

import functools
import math
import random
from collections import namedtuple
from typing import Any, NamedTuple

from firesteel.broadcast import Broadcast

#: Keys, beside those of records, and what stands behind them.
WORDS = ["", "a", "b", "abc", "x1", "12", "é", "zz", "True"]
PLACES = [0, 1, -1, 2, 3, 7, 10, 255, 2**63 - 1, 2**70]

FORMATS_OF_INTS = ["", "d", "5", "05d", ",", "+d", " d", ">8", "*<8", "^9", "x", "X", "o", "b", "_", ".2f", "e", "g"]
FORMATS_OF_INTS += ["%", "é>+6", "<06", "=+8", "0=8", "10.3f", "-,d", "#x", "c", "s", ".3", "012,", "n"]
FORMATS_OF_FLOATS = ["", ".2f", ".0f", "8.3f", "+.1e", "g", ".3g", ".10g", ",.2f", "%", ".1%", "010.2f", "*^12", ","]
FORMATS_OF_FLOATS += ["<12.4e", "_.3f", ".17g", ".15f", "=+12", "d", ".3", "0=12.1f", "020,.1f", " f"]
FORMATS_OF_STRS = ["", "s", ">10", "^5", "<3", "*>6", ".2", "-^7.1", "05", "d", "=5", "é<4s"]
PERCENTS_OF_INTS = ["%d", "%5d", "%-5d|", "%05d", "%+d", "% i", "%x", "%s", "%r", "%.2f", "%e", "%g", "%X%%"]
PERCENTS_OF_INTS += ["%6s", "%o"]
PERCENTS_OF_FLOATS = ["%f", "%.2f", "%8.1f", "%-9.3e|", "%g", "%s", "%r", "%+.0f", "%010.2f", "%d", "%.3s"]
PERCENTS_OF_STRS = ["%s", "%r", "%5s", "%-5s|", "%.2s", "%4.1s", "%d"]


class Point(NamedTuple):
    """A named tuple with a default, and a method."""

    x: Any
    y: Any = 1.5

    def both(self) -> Any:
        """Returns both."""
        return self.x, self.y


Pair = namedtuple("Pair", "key value")


class Named(tuple[Any, ...]):
    """The types of a pair's items."""


def scope_of(rng: random.Random) -> dict[str, Any]:
    """Chooses the globals of a program."""
    count = rng.choice([0, 3, len(WORDS)])
    words = rng.sample(WORDS, count)
    places = rng.sample(PLACES, min(count, len(PLACES)))
    broadcast: Broadcast[Any] = Broadcast()
    broadcast._value = {word: at / 2 for at, word in enumerate(words)}
    dirty = {place: rng.choice([1, 2, 3, 1.5, None, "a", True]) for place in places}
    return {
        **{"math": math, "NUMBER_OF": {word: at for at, word in enumerate(words)}, "WORD_OF": dict(zip(places, WORDS))},
        **{"PAIR_OF": {place: (place % 5, str(place)) for place in places}, "SETTINGS": {"a": 2, "b": ["x", "y"]}},
        **{"DIRTY": dirty, "KNOWN": set(words), "PRIMES": frozenset([2, 3, 5, 7, 11, 13, 17, 19, 23, 29])},
        **{"NAMES": WORDS[:5], "B": broadcast},
        **{"NUMBER_AT": {(word, place): at for at, (word, place) in enumerate(zip(words, places))}},
        **{"Pair": Pair, "Point": Point, "ORIGIN": Point(rng.choice([0, 2.5, "o"]))},
    }


class Calls:
    """The part of a maker of expressions that makes these."""

    rng: random.Random

    def expression(self, kind: Any, names: dict[str, Any], depth: int) -> str:
        """Makes an expression of a type."""
        raise NotImplementedError

    def more_int(self, names: dict[str, Any], depth: int) -> str:
        """Makes a whole number."""
        sub = functools.partial(self.expression, names=names, depth=depth)
        rng = self.rng
        key = rng.choice(WORDS)
        return rng.choice(
            [
                lambda: f"math.{rng.choice(['floor', 'ceil', 'trunc'])}({sub(rng.choice(['float', 'int']))})",
                lambda: f"math.gcd({sub('int')}, {sub('int')})",
                lambda: f"divmod({sub('int')}, {sub('int')})[{rng.choice([0, 1])}]",
                lambda: f"sum(({sub('int')}, {sub('bool')}, {sub('int')}))",
                lambda: f"{rng.choice(['min', 'max'])}([{sub('int')}, {sub('int')}])",
                lambda: f"sum([{sub('int')}, {sub('int')}])",
                lambda: f"sorted(({sub('int')}, {sub('int')}))[0]",
                lambda: f"ord({sub('str')})",
                lambda: f"{sub('str')}.{rng.choice(['index', 'rindex', 'rfind'])}({rng.choice(['a', ' ', ''])!r})",
                lambda: f"round({sub('int')}, {rng.choice([0, 1, 2])})",
                lambda: f"NUMBER_OF[{sub('str')}]",
                lambda: f"NUMBER_OF.get({sub('str')}, {sub('int')})",
                lambda: f"DIRTY[{sub('int')}]",
                lambda: f"DIRTY.get({sub('int')}, 7)",
                lambda: f"NUMBER_AT.get(({sub('str')}, {sub(rng.choice(['int', 'int', 'bool', 'float']))}), 7)",
                lambda: f"NUMBER_AT[{self.expression(('str', 'int'), names, depth)}]",
                lambda: f"PAIR_OF[{sub('int')}][0]",
                lambda: f"PAIR_OF.get({sub('int')}, (0, ''))[0]",
                lambda: f"(v if (v := NUMBER_OF.get({sub('str')})) is not None else {sub('int')})",
                lambda: f"(NUMBER_OF[{key!r}] if {key!r} in NUMBER_OF else -1)",
                lambda: "SETTINGS['a']",
                lambda: f"Point({sub('int')}, {sub('str')}).{rng.choice(['x', 'x', 'y', 'z'])}",
                lambda: f"len(Pair({sub('str')}, {sub('int')}))",
                lambda: "ORIGIN.x",
            ]
        )()

    def more_float(self, names: dict[str, Any], depth: int) -> str:
        """Makes a floating-point number."""
        sub = functools.partial(self.expression, names=names, depth=depth)
        rng = self.rng
        number = lambda: sub(rng.choice(["float", "float", "float", "int"]))  # noqa: E731
        one = ["sqrt", "fabs", "log", "log2", "log10", "exp", "sin", "cos", "tan", "atan", "degrees", "radians"]
        one += ["hypot"]
        return rng.choice(
            [
                lambda: f"math.{rng.choice(one)}({number()})",
                lambda: f"math.{rng.choice(one)}({number()})",
                lambda: f"math.{rng.choice(['pow', 'atan2', 'fmod', 'copysign', 'log'])}({number()}, {number()})",
                lambda: f"({sub('float')} ** {rng.choice([2, 2, 3, 0.5, -1])})",
                lambda: f"({sub('float')} * math.{rng.choice(['pi', 'e', 'inf', 'nan'])})",
                lambda: f"round({sub('float')}, {rng.choice([0, 1, 2, 2, 5, -1, 30])})",
                lambda: f"divmod({sub('float')}, {number()})[{rng.choice([0, 1])}]",
                lambda: f"{rng.choice(['min', 'max'])}([{sub('float')}, {sub('float')}, {sub('float')}])",
                lambda: f"B.value[{sub('str')}]",
                lambda: f"B.value.get({sub('str')}, {sub('float')})",
            ]
        )()

    def more_bool(self, names: dict[str, Any], depth: int) -> str:
        """Makes a truth value."""
        sub = functools.partial(self.expression, names=names, depth=depth)
        rng = self.rng
        few = [(rng.choice(WORDS), rng.choice(PLACES[:8])) for _ in range(rng.choice([1, 2, 3]))]
        pairs = lambda: repr(rng.choice([tuple, set])(few))  # noqa: E731
        return rng.choice(
            [
                lambda: f"math.{rng.choice(['isnan', 'isinf', 'isfinite'])}({sub(rng.choice(['float', 'int']))})",
                lambda: f"({sub('str')} {rng.choice(['in', 'not in'])} {rng.choice(['NUMBER_OF', 'KNOWN', 'NAMES'])})",
                lambda: f"({sub('int')} {rng.choice(['in', 'not in'])} {rng.choice(['WORD_OF', 'PRIMES', 'DIRTY'])})",
                lambda: f"({sub(rng.choice(['bool', 'str']))} in PRIMES)",
                lambda: f"({sub('str')} in B.value)",
                lambda: f"({self.expression(('str', 'int'), names, depth)} {rng.choice(['in', 'not in'])} {pairs()})",
                lambda: f"(WORD_OF.get({sub('int')}) is None)",
                lambda: f"{sub('str')}.is{rng.choice(['numeric', 'decimal', 'ascii'])}()",
            ]
        )()

    def more_str(self, names: dict[str, Any], depth: int) -> str:
        """Makes a text."""
        sub = functools.partial(self.expression, names=names, depth=depth)
        rng = self.rng
        by = rng.choice(["','", "' '", "'a'", "''", "'ab'"])
        step = lambda: rng.choice([-1, 2, -3])  # noqa: E731
        fill = lambda: rng.choice(["", "", ", '*'", ", 'é'"])  # noqa: E731
        return rng.choice(
            [
                lambda: self.formatted(names, depth),
                lambda: self.formatted(names, depth),
                lambda: f"{sub('str')}.{rng.choice(['title', 'capitalize', 'swapcase'])}()",
                lambda: f"{sub('str')}.{rng.choice(['ljust', 'rjust', 'center'])}({rng.choice([0, 4, 5])}{fill()})",
                lambda: f"{sub('str')}.zfill({rng.choice([3, 6, sub('int') + ' % 9'])})",
                lambda: f"{sub('str')}.remove{rng.choice(['prefix', 'suffix'])}({rng.choice(['a', 'b', '', ','])!r})",
                lambda: f"{sub('str')}.{rng.choice(['', 'r'])}partition({by})[{rng.choice([0, 1, 2])}]",
                lambda: f"({sub('str')} * {rng.choice(['3', '0', '-1', '(' + sub('int') + ' % 5)'])})",
                lambda: f"{sub('str')}[{rng.choice(['', '1', '-2', '9'])}:{rng.choice(['', '2', '-9'])}:{step()}]",
                lambda: f"chr({sub('int')})",
                lambda: f"repr({sub(rng.choice(['int', 'float', 'str', 'bool']))})",
                lambda: f"{rng.choice(['min', 'max'])}({sub('list')})",
                lambda: f"sorted({sub('list')})[{rng.choice([0, -1])}]",
                lambda: f"WORD_OF[{sub('int')}]",
                lambda: f"WORD_OF.get({sub('int')}, {sub('str')})",
                lambda: f"PAIR_OF[{sub('int')}][1]",
                lambda: f"NAMES[{sub('int')}]",
                lambda: f"SETTINGS['b'][{rng.choice(['0', '-1', sub('int')])}]",
            ]
        )()

    def formatted(self, names: dict[str, Any], depth: int) -> str:
        """Makes a value in a format."""
        rng = self.rng
        kind = rng.choice(["int", "float", "str", "bool"])
        value = self.expression(kind, names, depth)
        formats = {"float": FORMATS_OF_FLOATS, "str": FORMATS_OF_STRS}.get(kind, FORMATS_OF_INTS)
        places = {"float": PERCENTS_OF_FLOATS, "str": PERCENTS_OF_STRS}.get(kind, PERCENTS_OF_INTS)
        text = rng.choice(formats)
        conversion = rng.choice(["", "", "", "!r", "!s"])
        other = self.expression("str", names, depth - 1)
        return rng.choice(
            [
                lambda: f'f"<{{{value}{conversion}:{text}}}>"',
                lambda: f"format({value}, {text!r})",
                lambda: f"'<{{{conversion}:{text}}}>{{}}'.format({value}, {other})",
                lambda: f"'{{1}}{{0:{text}}}{{{{}}}}'.format({value}, {other})",
                lambda: f"({'<' + rng.choice(places) + '>'!r} % ({value},))",
                lambda: f"({rng.choice(places)!r} % {value})",
                lambda: f"({rng.choice(places) + '-' + rng.choice(PERCENTS_OF_STRS)!r} % ({value}, {other}))",
            ]
        )()

    def more_list(self, names: dict[str, Any], depth: int) -> str:
        """Makes a list of texts."""
        sub = functools.partial(self.expression, names=names, depth=depth)
        rng = self.rng
        right = ["", "None", repr(","), repr(",") + ", 1", repr("a") + ", 2"]
        return rng.choice(
            [
                lambda: f"{sub('str')}.splitlines()",
                lambda: f"{sub('str')}.split(None, {rng.choice([0, 1, 2, -1])})",
                lambda: f"{sub('str')}.split(' ', {rng.choice([0, 1, 2, -1])})",
                lambda: f"{sub('str')}.rsplit({rng.choice(right)})",
                lambda: f"sorted({sub('list')})",
                lambda: f"sorted(({sub('str')}, {sub('str')}))",
                lambda: f"{sub('list')}[{rng.choice(['::-1', '::2', '1::3', '-1:0:-2'])}]",
            ]
        )()
