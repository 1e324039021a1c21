"""Calls, tables and formats in the kernels: bits and digits are CPython's, a table that changes is looked at again."""

import math
import operator
import random
import re
import struct
from collections import defaultdict, namedtuple
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from conftest import MakeContext
from test_native import in_both

from firesteel.broadcast import Broadcast
from firesteel.chain import Chain, FlatMap, Keys, Map, MapValues, OfRecords
from firesteel.native import NotLowered, lower, lookups
from firesteel.native.plan import plan
from firesteel.native.running import over
from firesteel.shuffle import combine_locally


def floats() -> list[float]:
    """Returns floats of all sizes, and such as stand between two decimal numbers."""
    generator = random.Random(7)
    made = [struct.unpack("d", generator.randbytes(8))[0] for _ in range(4000)]
    made += [generator.uniform(-10, 10) for _ in range(4000)]
    made += [generator.randrange(-(10**6), 10**6) / 2 ** generator.randrange(12) for _ in range(4000)]
    return [value for value in made if value == value]


def answered(function: Callable[[Any], Any], values: list[Any]) -> int:
    """Runs a function over the values that it does not fail for; returns how many the kernels answered for."""
    kept = []
    for value in values:
        try:
            function(value)
        except (ArithmeticError, ValueError):
            continue
        kept.append(value)
    _, back = in_both([Map(function, "map")], kept)
    return len(kept) - back


# Bits and digits


@pytest.mark.parametrize(
    "function",
    [
        *(math.sqrt, math.fabs, math.log, math.log2, math.log10, math.exp, math.sin, math.cos, math.tan, math.atan),
        *(math.degrees, math.radians, math.floor, math.ceil, math.trunc, math.isnan, math.isinf, math.isfinite),
        *(lambda x: math.pow(x, 3), lambda x: math.pow(1.5, x), lambda x: math.log(x, 3), lambda x: x**2),
        *(lambda x: math.atan2(x, 1.5), lambda x: math.fmod(x, 3.7), lambda x: x**0.5, lambda x: x**-1.5),
        *(lambda x: round(x, 2), lambda x: round(x, 0), lambda x: round(x, 7), lambda x: divmod(x, 0.7)),
    ],
)
def test_the_bits_are_those_of_the_interpreter(function: Callable[[float], Any]) -> None:
    assert answered(function, floats()) > 4000


@pytest.mark.parametrize(
    "text", [".2f", ".0f", "e", ".3e", "g", ".12g", ".17g", ".1%", ",.2f", "+012.3f", "*^30", ">25", ",", "_.4f"]
)
def test_the_digits_are_those_of_the_interpreter(text: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"f = lambda x: f'{{x:{text}}}'", scope)
    assert answered(scope["f"], floats()) > 11_000


def test_percent_and_format_are_those_of_the_interpreter() -> None:
    assert answered(lambda x: "%5.1f|%-12.3e|%g|%+d%%" % (x, x, x, 7), floats()) > 11_000
    assert answered(lambda x: "{:.3g} {!r:>25} {}".format(x, x, x), floats()) > 11_000
    in_both([Map(lambda x: "%s-%05d" % x, "map")], [("a", 1), ("é", -2), ("b", True), ("c", 1.5), 3])
    in_both([Map(lambda x: "%d" % x, "map")], [1, (2,), 3.5, "a", (1, 2), None])


@pytest.mark.parametrize("text", ["-", "-5", "-s", "-.3s", "-05", "+5", " 5", "-5d", "-8.2f", "-x", "-,"])
def test_the_sign_of_a_format_is_for_numbers_only(text: str) -> None:
    for function in (lambda x: "{}".format(format(x, text)), eval(f"lambda x: f'{{x!s:{text}}}'")):
        for values in (["a", "b"], [1, -1, 0], [1.5, -0.0], [True, False], ["a", 1, 2.5, None]):
            in_both([Map(function, "map")], values)


def test_int_reads_no_more_digits_than_python_may_be_told_to_refuse() -> None:
    """The limit is one of ``sys.set_int_max_str_digits``, and zeros in front count."""
    texts = ["0" * many + "1" for many in (10, 638, 639, 640, 700, 4299, 4300, 4301)]
    for function in (int, lambda s: int(s, 10), lambda s: int(s, 36), lambda s: int(s, 2), lambda s: int(str(s))):
        for text in texts:
            in_both([Map(function, "map")], [text])


def test_what_the_type_str_has_takes_a_text_first() -> None:
    pattern = re.compile(",")
    functions: list[Callable[[Any], Any]] = [lambda x: str.split(x, maxsplit=","), lambda x: str.split(x, sep=",")]
    for function in (*functions, lambda x: str.split(x, ","), lambda x: str.split(pattern, x)):
        if plan([Map(function, "map")]) is not None:
            in_both([Map(function, "map")], ["a,b", ""])


@pytest.mark.parametrize("key", ["a", slice(0, 2), None, 1.5])
def test_an_itemgetter_of_no_position_is_interpreted_and_told(key: Any, fresh_context: MakeContext) -> None:
    getter = operator.itemgetter(key)
    assert plan([Map(getter, "map")]) is None
    with pytest.raises(NotLowered, match="itemgetter of something else than positions"):
        lower(getter)
    sc = fresh_context(settings={"firesteel.python.native": "auto", "spark.task.maxFailures": "1"})
    rows = sc.parallelize(["abcd"] * 3, 2).map(lambda s: s + "x").map(lambda s: s if type(key) is slice else {key: s})
    assert rows.map(getter).collect() == [getter("abcdx") if type(key) is slice else "abcdx"] * 3


@pytest.mark.parametrize(
    "function",
    [
        *(lambda s: s.title(), lambda s: s.capitalize(), lambda s: s.swapcase(), lambda s: s.splitlines()),
        *(lambda s: s.split(None, 1), lambda s: s.center(7, "*"), lambda s: s.zfill(5), lambda s: f"{s:é^6.3}"),
        *(lambda s: s.partition(" "), lambda s: s.rpartition("b"), lambda s: s[::-1], lambda s: s[-1:0:-2], repr),
        *(lambda s: s.isnumeric(), lambda s: s.isdecimal(), lambda s: s.isascii(), lambda s: s.rfind(" ")),
    ],
)
def test_texts_with_any_code_point(function: Callable[[str], Any]) -> None:
    points = [*range(0x3100), *range(0xD7F0, 0xD810), *range(0xFE00, 0x10100), 0x10FFFF]
    in_both([Map(function, "map")], [f"a{chr(point)}b {chr(point)}" for point in points])
    in_both([Map(function, "map")], [chr(point) for point in points])


# Tables


def test_what_is_not_in_a_table_is_the_interpreters() -> None:
    number_of = {"a": 1, "b": 2}
    (results, raised), back = in_both([Map(lambda s: number_of[s], "map")], ["a", "b", "c", "a"])
    assert (len(results), raised[0], back) == (2, "KeyError", 1)
    _, back = in_both([Map(lambda s: number_of.get(s, 0) + (s in number_of), "map")], ["a", "b", "c", "a"])
    assert back == 0
    _, back = in_both([Map(lambda s: number_of.get(s), "map")], ["a", "b", "c", "a"])
    assert back == 1
    in_both([Map(lambda s: s in number_of, "map")], [1, None, 2.0])
    in_both([Map(lambda n: n in SEEN, "map")], [1, True, 4, "a"])


def test_keys_can_be_tuples() -> None:
    number_at = {("a", 1): 1, ("ab", 1): 2, ("a", 2**70): 3, ("é", 0): 4}
    (results, _), back = in_both(
        [Map(lambda key: number_at.get(key, 0), "map")], [("a", 1), ("ab", 1), ("b", 1), ("é", 0), ("é", 1)]
    )
    assert ([value for _, value in results], back) == (["1", "2", "0", "4", "0"], 0)
    in_both([Map(lambda x: number_at[x, True], "map")], ["a", "ab"])
    in_both([Map(lambda x: (x, 1.0) in number_at, "map")], ["a", "b"])
    in_both([Map(lambda x: (x, 1, 1) in number_at, "map")], ["a", "b"])


def test_a_table_that_changes_is_looked_at_again() -> None:
    word_of = {1: "one", 2: "two"}

    def changing(change: Callable[[], Any]) -> Iterator[list[int]]:
        yield [1, 2]
        change()
        yield [1, 2]

    def same_size() -> None:
        word_of[2] = "TWO"

    steps = [Map(lambda n: word_of[n], "map")]
    found = plan(steps)
    assert found is not None
    assert list(over(Chain(steps), found, 0, changing(same_size))) == ["one", "two", "one", "TWO"]
    found = plan(steps)
    assert found is not None
    changed = over(Chain(steps), found, 0, changing(lambda: word_of.pop(2)))
    assert [next(changed) for _ in range(3)] == ["one", "TWO", "one"]
    with pytest.raises(KeyError):
        next(changed)


def test_a_large_table_is_compared_once_for_as_many_records() -> None:
    table = dict.fromkeys(range(3 * lookups.BATCH), 1)
    contents = lookups.Contents(table, False)
    assert contents.holds()
    table[0] = 2
    assert [contents.holds() for _ in range(3)] == [True, True, False]
    table[-1] = 2
    assert not contents.holds()


def test_a_later_function_that_could_change_a_table_keeps_its_readers_in_the_interpreter() -> None:
    table, constant, broadcast = {1: 2}, (5, 6), Broadcast[Any]()
    broadcast._value = {1: 2}
    later: Any = Map(lambda x: {x}, "map")
    assert plan([Map(lambda x: table[x], "map")]) is not None
    assert plan([Map(lambda x: table[x], "map"), later]) is None
    assert plan([Map(lambda x: constant[x], "map"), later]) is not None
    assert plan([Map(lambda x: broadcast.value[x], "map"), later]) is not None


def test_a_broadcast_that_is_not_at_hand_any_more_is_read_again() -> None:
    broadcast = Broadcast[Any]()
    broadcast._value = {1: "one"}
    steps = [Map(lambda n: broadcast.value.get(n, "none"), "map")]

    def reloading() -> Iterator[list[int]]:
        yield [1, 2]
        broadcast._value = {1: "ONE"}
        yield [1, 2]

    found = plan(steps)
    assert found is not None
    assert list(over(Chain(steps), found, 0, reloading())) == ["one", "none", "ONE", "none"]


def test_the_table_of_a_broadcast_is_made_once_and_goes_with_it() -> None:
    # Other tests may have left some that are held by what is collected later.
    others = len(lookups._worker._tables)
    broadcast = Broadcast[Any]()
    broadcast._value = {1: "one"}

    def tables(function: Any) -> list[Any]:
        return [instruction[2][0] for instruction in lower(function).program[-1][0] if instruction[1] == "looked_up"]

    first, second = (tables(lambda n: broadcast.value[n]) for _ in range(2))
    assert len(first) == 1 and first[0] is second[0]
    broadcast._value[1] = "ONE"
    assert tables(lambda n: broadcast.value[n])[0] is not first[0]
    assert len(lookups._worker._tables) <= others + 1
    made = set(lookups._worker._tables)
    del broadcast
    lower(lambda n: n)
    assert len(set(lookups._worker._tables) & made) < len(made)


def test_broadcasts_give_the_same(fresh_context: MakeContext) -> None:
    sc = fresh_context(settings={"firesteel.python.native": "require"})
    names = sc.broadcast({at: f"n{at}" for at in range(100)})
    told = sc.range(0, 10_000, numSlices=3).map(lambda n: names.value.get(n % 150, "?")).filter(lambda s: s != "?")
    assert told.count() == sum(n % 150 < 100 for n in range(10_000))
    assert told.take(2) == ["n0", "n1"]


# Named tuples


Pair = namedtuple("Pair", "key value")


class Point(NamedTuple):
    x: float
    y: float = 0.5

    def norm(self) -> float:
        return self.x + self.y


class Odd(NamedTuple):
    x: int

    def __len__(self) -> int:
        return 7


def test_pairs_are_looked_up_among_constants() -> None:
    pairs = [("a", 1), ("a", 2), ("b", 1), ("c", True)]
    for function in (
        lambda p: p in (("a", 1), ("b", 2)),
        lambda p: p not in {("a", 1), ("c", 1)},
        lambda p: (p[0], p[1] + 1) in {("a", 2)},
    ):
        assert in_both([Map(function, "map")], pairs[:3])[1] == 0
        in_both([Map(function, "map")], [*pairs, None, ("a",), ("a", 1.0), Pair("a", 1), (["a"], 1)])


def test_named_tuples_stay_what_they_are() -> None:
    pairs = [Pair("a", 1), Pair("b", 2), ("c", 3), Pair("d", "x"), Pair("e", None)]
    (results, _), back = in_both([Map(lambda p: Pair(p.value, p.key), "map")], pairs[:2] + pairs[3:])
    assert (results[0][0], back) == ("Pair", 2)
    assert in_both([Map(lambda p: Point(p, p).x if p > 1 else Point(p).y, "map")], [1.0, 2.0])[1] == 0
    assert in_both([Map(lambda p: (p, len(p), bool(p)), "map"), Keys()], [Point(1.0), Point(2.0, 3.0)])[1] == 0
    in_both([MapValues(lambda v: v + 1, "mapValues")], [Pair("a", 1), Pair("b", "x")])
    in_both([FlatMap(lambda p: p, "flatMap")], [Point(1.0), Point(2.0, 3.0)])
    in_both([Map(lambda p: p + (1,), "map")], [Pair("a", 1)])
    in_both([Map(lambda p: (p == ("a", 1), str(p)), "map")], [Pair("a", 1)])
    in_both([Map(lambda p: p, "map"), OfRecords(combine_locally, None, operator.add)], [Pair("a", 1), Pair("a", 2)])


def test_named_tuples_come_back_from_workers(fresh_context: MakeContext) -> None:
    sc = fresh_context(settings={"firesteel.python.native": "require"})
    made = sc.parallelize([Pair("a", 1), Pair("b", 2)], 2).map(lambda p: Point(p.value)).collect()
    assert (made, {type(one) for one in made}) == ([(1, 0.5), (2, 0.5)], {Point})


def test_named_tuples_with_ways_of_their_own_are_the_interpreters() -> None:
    assert in_both([Map(lambda p: len(p), "map")], [Odd(1), Odd(2)])[1] == 2
    with pytest.raises(NotLowered, match="a call of .*Odd"):
        lower(lambda x: Odd(x))
    with pytest.raises(NotLowered, match="the method norm"):
        lower(lambda p: p.norm())


def test_an_attribute_that_is_not_there_is_missed() -> None:
    def looks(p: Any) -> int:
        p.z
        return 1

    (results, raised), _ = in_both([Map(looks, "map")], [Pair("a", 1)])
    assert (results, raised[0]) == ([], "AttributeError")
    assert in_both([Map(lambda x: x + ORIGIN.x, "map")], [1, 2])[1] == 0


ORIGIN = Point(2, 3)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: defaultdict(int)[x], "a call of collections.defaultdict"),
        (lambda x: COUNTS[x], "of type defaultdict"),
        (lambda x: x in MIXED, "keys that are neither all int nor all str"),
        (lambda x: LISTS[x], "values of several types"),
        (lambda x: LARGE[x], "a table of 20001 entries, more than 20000, that is not broadcast"),
        (lambda x: math.hypot(x, 1), "a call of math.hypot"),
        (lambda x: f"{x:012,}", "the format '012,'"),
        (lambda x: f"{x!a}", "the conversion !a"),
        (lambda x: "%*d" % (x, 1), "the format '%"),
        (lambda x: "{a}".format(x), "the field {a} in a format"),
        (lambda x: "{} {1}".format(x, x), "both {} and {0}"),
        (lambda x: f"{x:{x}}", "a format that is computed"),
        (lambda x: "abc"[:: int(x)], "a step that is no constant"),
    ],
)
def test_what_cannot_be_lowered_says_why(function: Any, reason: str) -> None:
    with pytest.raises(NotLowered, match=reason.replace("*", r"\*").replace("{", r"\{")):
        lower(function)


SEEN = {1, 2, 3}
COUNTS: dict[int, int] = defaultdict(int)
MIXED = {1: 1, "a": 1}
LARGE = dict.fromkeys(range(lookups.MOST_ENTRIES + 1), 1)
LISTS = {1: [1], 2: [2]}
