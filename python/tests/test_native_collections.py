"""Lists, sets, dicts and dataclasses that functions make, in the kernels: what is answered, and what is handed back."""

import dataclasses
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import native_collections
import native_programs
import pytest
from conftest import MakeContext
from native_collections import Slim, Spot
from test_native import in_both
from test_native_control import natively

from firesteel.chain import Filter, FlatMap, Map
from firesteel.native import NotLowered, lower
from firesteel.native.records import shape_of

LINES = ["to be or not", "", "a", " 7 x 12", "be 3 be", "e u 5", "a,b,a", "3,4,1"]


@pytest.mark.parametrize("first", range(0, 1200, 300))
def test_random_programs_agree(first: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        told = [native_collections.difference(seed) for seed in range(first, first + 300)]
    assert not [text for text, _ in told if text]
    assert sum(is_native for _, is_native in told) > 150
    came, back = native_programs.Watched.figures()
    assert back < came * 0.75


# Lists that a function fills


def appended(s: str) -> list[tuple[str, int]]:
    out = []
    for word in s.split():
        if word != "be":
            out.append((word, len(word)))
    return out


def appended_twice(s: str) -> list[str]:
    out = ["-"]
    for one in s.split():
        for two in s.split(","):
            if one < two:
                out.append(one + two)
    out += [s]
    out.extend(s.split())
    return out


def appended_by_turns(s: str) -> list[int]:
    out, total = [], 0
    for word in s.split():
        total += len(word)
        out.append(total)
        if total > 6:
            break
    return out


def appended_while(s: str) -> list[str]:
    out: list[str] = []
    while s:
        out.append(s[0])
        s = s[1:]
    out.reverse()
    return out


def appended_where_it_can(s: str) -> list[int]:
    out = []
    for word in s.split(","):
        try:
            out.append(int(word))
        except ValueError:
            continue
    return out


def without_repetition(s: str) -> list[str]:
    seen = set()
    out = []
    for word in s.split():
        if word not in seen:
            seen.add(word)
            out.append(word)
    return out


def two_names(s: str) -> list[str]:
    out: list[str] = []
    other = out
    for word in s.split():
        other.append(word)
        if len(word) > 2:
            out = [word]
        else:
            other = out
    return out + ["/"] + other


def sorted_in_place(s: str) -> list[str]:
    words = s.split()
    words.sort(key=len, reverse=True)
    words.append("z")
    return words


def nothing_or_one(s: str) -> list[str]:
    if not s:
        return []
    return [s]


@pytest.mark.parametrize(
    "function",
    [
        *(appended, appended_twice, appended_by_turns, appended_while, appended_where_it_can, without_repetition),
        *(sorted_in_place, nothing_or_one),
    ],
)
def test_lists_that_are_filled(function: Callable[[str], Any]) -> None:
    natively(function, LINES)
    assert in_both([FlatMap(function, "flatMap")], LINES)[1] == 0


def held_by_a_tuple(s: str) -> Any:
    out = [s]
    pair = (out, 1)
    out.append("x")
    return pair


def passed_on(s: str) -> Any:
    out = [s]
    keep(out)
    out.append("x")
    return out


def keep(out: list[str]) -> int:
    return len(out)


def gone_through(s: str) -> Any:
    out = s.split()
    for word in out:
        if len(out) < 9:
            out.append(word)
    return out


@pytest.mark.parametrize("function", [held_by_a_tuple, passed_on, gone_through])
def test_a_list_that_others_hold_is_the_interpreters(function: Callable[[str], Any]) -> None:
    with pytest.raises(NotLowered):
        lower(function)


def test_names_of_one_list_are_one() -> None:
    in_both([Filter(bool, "filter"), Map(lambda s: s, "map")], LINES)
    try:
        lower(two_names)
    except NotLowered:
        return
    in_both([Map(two_names, "map")], LINES)


def test_a_list_that_grows_too_much_is_handed_back() -> None:
    def squares(n: int) -> int:
        out: list[int] = []
        while len(out) < n:
            out.append(len(out) * 2)
        return len(out)

    natively(squares, [3, 5, 0])
    in_both([Map(squares, "map")], [4000] * 300)


def yields_more(s: str) -> Iterator[str]:
    if not s:
        return
    yield s
    for word in s.split():
        if word == "or":
            return
        yield word
        yield word + "!"


def yields_numbers(s: str) -> Iterator[int]:
    try:
        yield int(s)
    except ValueError:
        pass
    total = 0
    for word in s.split():
        total += len(word)
        yield total


@pytest.mark.parametrize("function", [yields_more, yields_numbers])
def test_generator_functions(function: Callable[[str], Any]) -> None:
    assert in_both([FlatMap(function, "flatMap")], [*LINES, "12"])[1] == 0


def with_a_name(s: str) -> int:
    words = (word.lower() for word in s.split())
    return sum(len(word) for word in words if word != "x")


def taken_twice(s: str) -> Any:
    words = (word.lower() for word in s.split())
    return list(words) + list(words)


def test_generators_with_names() -> None:
    natively(with_a_name, LINES)
    with pytest.raises(NotLowered, match="whose items were taken"):
        lower(taken_twice)


# Orders


@pytest.mark.parametrize(
    "function",
    [
        lambda s: sorted(s.split(), key=len),
        lambda s: sorted(s.split(), key=lambda w: (-len(w), w), reverse=True),
        lambda s: sorted(s.split(), key=len, reverse=True),
        lambda s: sorted(((w, len(w)) for w in s.split()), reverse=True),
        lambda s: max(s.split() + ["x"], key=len),
        lambda s: min(s.split(), key=lambda w: w[::-1], default="none"),
        lambda s: max([(len(w), w) for w in s.split()], default=(0, "")),
        lambda s: min(s, s.strip(), key=len),
        lambda s: max(map(len, s.split()), default=-1),
        lambda s: tuple(map(len, (s + " x y").split()[:2])),
        lambda s: list(map(str.upper, s.split())),
        lambda s: list(filter(None, s.split(","))),
        lambda s: list(filter(lambda w: len(w) > 1, s.split())),
        lambda s: ",".join(map(str, [len(s), 2])),
        lambda s: sum(map(len, s.split())),
    ],
)
def test_orders_and_maps(function: Callable[[str], Any]) -> None:
    natively(function, LINES)


def test_tuples_of_lists_have_the_length_that_most_have() -> None:
    natively(lambda s: tuple(s.split(",")), ["a,b", "c,d", "x", "e,f", ""], back=2)
    natively(lambda s: tuple(s.split(",")), ["a,b", "c,d"])


def test_keys_without_an_order_are_the_interpreters() -> None:
    nan = float("nan")
    natively(lambda x: sorted(x.values(), key=lambda v: v) if False else x, ["a"])
    in_both([Map(lambda x: sorted([1.0, x, 0.5], key=lambda v: -v), "map")], [2.0, nan, -0.0, 0.0])
    in_both([Map(lambda x: max([1.0, x, 0.5], key=lambda v: -v), "map")], [2.0, nan, -0.0, 0.0])


# Sets and dicts


def counted(s: str) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for word in s.split():
        counts[word] = counts.get(word, 0) + 1
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def counted_by_hand(s: str) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for word in s:
        if word in counts:
            counts[word] += 1
        else:
            counts[word] = 1
    return list(counts.items())


@pytest.mark.parametrize(
    "function",
    [
        *(counted, counted_by_hand),
        lambda s: len(set(s.split())),
        lambda s: sorted(set(s)),
        lambda s: ("be" in set(s.split()), "x" not in {w for w in s.split()}),
        lambda s: (len(set(s) & set("abc")), len(set(s) | {"q"}), len(set(s) - set("abe")), len(set(s) ^ set("abe"))),
        lambda s: sorted(set(s).union(s.split())),
        lambda s: max(set(s) | {"!"}),
        lambda s: list({w: len(w) for w in s.split()}.items()),
        lambda s: {w: i for i, w in enumerate(s.split())}.get("be", -1),
        lambda s: sum({w: len(w) for w in s.split()}.values()),
        lambda s: Counter(s.split()).most_common(2),
        lambda s: sorted(Counter(s).items()),
        lambda s: {"": "nothing", "a": "one"}.get(s, "more"),
        lambda s: dict(zip(s.split(), s.split(","))).get("be", "no"),
        lambda s: bool(set(s)),
    ],
)
def test_sets_and_dicts(function: Callable[[str], Any]) -> None:
    natively(function, LINES)


def test_the_order_of_a_set_is_the_interpreters() -> None:
    functions: list[Callable[[str], Any]] = [
        *(lambda s: list(set(s)), lambda s: set(s), lambda s: "".join(set(s)), lambda s: [c for c in set(s)]),
        *(lambda s: sorted(set(s), key=len), lambda s: max(set(s), key=len), lambda s: sum(set([len(s)]))),
    ]
    for function in functions:
        with pytest.raises(NotLowered):
            lower(function)


def test_what_is_not_in_a_dict_is_handed_back() -> None:
    (results, raised), back = in_both([Map(lambda s: {w: 1 for w in s.split()}["be"], "map")], ["be", "to be", "or"])
    assert (len(results), raised[0], back) == (2, "KeyError", 1)


# Dataclasses


def test_dataclasses_are_made_and_read() -> None:
    natively(lambda s: Spot(s, y=len(s)), LINES)
    natively(lambda s: Slim(len(s)), LINES)
    natively(lambda p: (p.x, p.y), [Spot(1, "a"), Spot(2, "b")])
    natively(lambda p: Spot(p.y, x) if (x := p.x) > 1 else p, [Slim(1, 1), Slim(2, 2)], back=1)
    natively(lambda p: bool(p), [Spot(0, 0)])
    made, back = in_both([Map(lambda s: Spot(s), "map"), Map(lambda p: p.y, "map")], LINES)
    assert back == 0


def test_a_dataclass_is_no_tuple() -> None:
    functions: tuple[Callable[[Any], Any], ...] = (
        *(lambda p: p[0], lambda p: len(p), lambda p: [v for v in p], lambda p: p == (1, 2), lambda p: p < p),
        *(lambda p: tuple(p), lambda p: len(dict([p, p])), lambda p: dict([p])[1]),
    )
    for function in functions:
        results, back = in_both([Map(function, "map")], [Spot(1, 2), Spot(3, 4)])
        assert back > 0


def test_what_has_no_hash_is_in_no_set_not_even_an_empty_one() -> None:
    in_empty: tuple[Callable[[Any], Any], ...] = (
        lambda s: s.split(",") in set(),
        lambda s: (1, s.split(",")) in set(s.split("no such")[1:]),
    )
    for function in in_empty:
        results, back = in_both([Map(function, "map")], ["a,b", "c"])
        assert back > 0


def test_an_instance_with_more_than_its_fields_is_the_interpreters() -> None:
    more = Spot(1, 2)
    object.__setattr__(more, "z", 3)
    (results, _), back = in_both([Map(lambda p: p, "map")], [Spot(1, 2), more, Spot(3, 4)])
    assert back == 1 and len(results) == 3


@dataclass(frozen=True)
class Checked:
    x: int

    def __post_init__(self) -> None:
        assert self.x


@dataclass(frozen=True)
class Sized:
    x: int

    def __len__(self) -> int:
        return self.x


@dataclass(frozen=True)
class Filled:
    x: list[int] = field(default_factory=list)


@dataclass
class Thawed:
    x: int


@dataclass(frozen=True)
class Child(Spot):
    z: int = 1


@dataclass(frozen=True, init=False)
class Own:
    x: int

    def __init__(self, x: int) -> None:
        object.__setattr__(self, "x", x + 1)


@dataclass(frozen=True)
class Keyword:
    x: int = field(kw_only=True)


def test_classes_that_may_mean_anything_are_the_interpreters() -> None:
    for kind in (Checked, Sized, Filled, Thawed, Child, Own, Keyword):
        assert shape_of(kind) is None, kind
    assert shape_of(Spot) == (("x", "y"), False, True)
    assert shape_of(Slim) == (("x", "y"), False, False)
    assert shape_of(dataclasses.make_dataclass("Made", ["x"], frozen=True)) == (("x",), False, True)


def test_dataclasses_go_through_shuffles_and_caches(fresh_context: MakeContext) -> None:
    sc = fresh_context(settings={"firesteel.python.native": "auto"})
    spots = sc.parallelize(range(100), 4).map(lambda n: Spot(n % 7, n)).cache()
    assert sorted(spots.map(lambda p: (p.x, p.y)).reduceByKey(max).collect())[0] == (0, 98)
    assert spots.map(lambda p: (p, 1)).reduceByKey(lambda a, b: a + b).count() == 100
    assert sorted(spots.keyBy(lambda p: p.x).groupByKey().mapValues(len).collect())[:2] == [(0, 15), (1, 15)]
    assert spots.filter(lambda p: p.y < 2).collect() == [Spot(0, 0), Spot(1, 1)]
