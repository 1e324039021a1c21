"""Keys of every kind: each operation brings equal ones together, in one process and in several.

`cargo xtask test` runs this file once more on a local cluster, where two servers fork workers, so that addresses
differ. On `local[2]` they do not; that hashes are the same all the same is seen with interpreters that start by
themselves.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import ipaddress
import json
import logging
import os
import pathlib
import re
import subprocess
import sys
import typing
import uuid
from collections import namedtuple
from collections.abc import Callable, Iterable
from operator import add
from typing import Any

import pytest
from firesteel import errors
from firesteel.rdd import portable_hash

if typing.TYPE_CHECKING:
    from firesteel import SparkContext

numpy: Any = pytest.importorskip("numpy")


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: Any
    b: Any = None


@dataclasses.dataclass(frozen=True)
class Outer:
    inner: Frozen
    kind: type


class OwnHash:
    """Its hash is one of a tuple with None in it."""

    def __init__(self, a: Any) -> None:
        self.a = a

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnHash) and self.a == other.a

    def __hash__(self) -> int:
        return hash((self.a, None))


class Inherited(OwnHash):
    """Its hash is the parent's, called by name."""

    def __hash__(self) -> int:
        return super().__hash__() ^ 1


class Caseless(str):
    """Text that is equal whatever its case."""

    def __eq__(self, other: object) -> bool:
        return str(self).lower() == str(other).lower()

    def __hash__(self) -> int:
        return hash(str(self).lower())


class Word(str):
    """Text as other text is, with a hash by another way."""

    def __hash__(self) -> int:
        return str.__hash__(self)


class Pair(tuple):  # type: ignore[type-arg]
    """A tuple as others are, with a hash by another way."""

    def __hash__(self) -> int:
        return tuple.__hash__(self)


class Caselessly(typing.NamedTuple):
    word: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Caselessly) and self.word.lower() == other.word.lower()

    def __hash__(self) -> int:
        return hash(self.word.lower())


class Named(typing.NamedTuple):
    a: Any
    b: Any


Point = namedtuple("Point", "x y")


class Colour(enum.Enum):
    RED = None
    BLUE = 2


class Number(enum.IntEnum):
    ONE = 1


class Letter(str, enum.Enum):
    A = "a"


class Flags(enum.Flag):
    P = 1
    Q = 2


class Meta(type):
    pass


class Made(metaclass=Meta):
    pass


class One:
    """Has one object, which its copies are, too."""

    def __reduce__(self) -> str:
        return "THE_ONE"


THE_ONE = One()

#: What makes a key anew, and nothing that is equal to what the others make.
KEYS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "int": lambda: 10**30,
    "text": lambda: "ä" * 3,
    "bytes": lambda: b"abc",
    "float": lambda: 0.5,
    "complex": lambda: complex(1, 2),
    "ellipsis": lambda: ...,
    "tuple": lambda: (None, ("a", None), 1.0),
    "frozenset": lambda: frozenset([None, (None, 2), "x"]),
    "namedtuple": lambda: Point(None, 1),
    "NamedTuple": lambda: Named(None, frozenset([None])),
    "an own equality of tuples": lambda: Caselessly("Abc"),
    "dataclass": lambda: Frozen(1, None),
    "dataclasses within each other": lambda: Outer(Frozen((None, Frozen(None))), Frozen),
    "a dataclass in a frozenset": lambda: frozenset([Frozen(None), None]),
    "own hash": lambda: OwnHash(1),
    "inherited hash": lambda: Inherited("x"),
    "own hash in a dataclass": lambda: Frozen(OwnHash(None), Colour.RED),
    "class of the interpreter": lambda: int,
    "class of the program": lambda: Frozen,
    "class with a metaclass": lambda: Made,
    "class of a library": lambda: numpy.int64,
    "generic": lambda: list[int],
    "union": lambda: int | None,
    "optional": lambda: typing.Optional[int],
    "function": lambda: os.path.join,
    "builtin": lambda: len,
    "method of a class": lambda: str.upper,
    "method of a module's object": lambda: numpy.random.RandomState,
    "module": lambda: json,
    "enum": lambda: Colour.RED,
    "flags": lambda: Flags.P | Flags.Q,
    "an object that is its copy": lambda: THE_ONE,
    "logger": lambda: logging.getLogger("keys"),
    "date": lambda: datetime.date(2024, 2, 29),
    "datetime": lambda: datetime.datetime(2024, 2, 29, 1, tzinfo=datetime.timezone.utc),
    "time": lambda: datetime.time(1, 2, tzinfo=datetime.timezone.utc),
    "timedelta": lambda: datetime.timedelta(days=1),
    "timezone": lambda: datetime.timezone(datetime.timedelta(hours=1)),
    "uuid": lambda: uuid.UUID(int=7),
    "path": lambda: pathlib.PurePosixPath("a/b"),
    "empty range": lambda: range(0),
    "range of one": lambda: range(3, 4),
    "range": lambda: range(1, 10, 3),
    "decimal": lambda: decimal.Decimal("0.1"),
    "fraction": lambda: fractions.Fraction(1, 3),
    "pattern": lambda: re.compile("a+"),
    "address": lambda: ipaddress.ip_address("::1"),
    "dtype": lambda: numpy.dtype("i4"),
    "datetime of numpy": lambda: numpy.datetime64("2024-02-29"),
}

#: Keys that are equal, though of several types.
EQUAL: dict[str, Callable[[], list[Any]]] = {
    "one": lambda: [1, 1.0, True, complex(1, 0), decimal.Decimal("1.00"), fractions.Fraction(1), Number.ONE],
    # Decimals raise when they are compared with integers of NumPy.
    "one of NumPy": lambda: [
        *(1, 1.0, True, Number.ONE, complex(1, 0)),
        *(numpy.int64(1), numpy.uint8(1), numpy.float32(1), numpy.float64(1), numpy.bool_(True)),
    ],
    "zero": lambda: [0, 0.0, -0.0, False, complex(-0.0, 0), decimal.Decimal("-0"), numpy.float64(-0.0)],
    "half": lambda: [0.5, decimal.Decimal("0.5"), fractions.Fraction(1, 2), numpy.float16(0.5)],
    "text": lambda: ["a", Letter.A, Word("a"), numpy.str_("a")],
    "caseless": lambda: [Caseless("Abc"), Caseless("aBC"), Caseless("abc")],
    "bytes": lambda: [b"a", numpy.bytes_(b"a")],
    "tuples": lambda: [(1, None), Point(1.0, None), Named(True, None)],
    "tuples of text": lambda: [("a", (None,)), (Word("a"), (None,)), (Letter.A, (None,))],
    "tuples with an own hash": lambda: [(1, None), Pair((1, None)), Pair((1.0, None))],
    "named tuples, caseless": lambda: [Caselessly("A"), Caselessly("a")],
    "dataclasses": lambda: [Frozen(1, (None, 0.0)), Frozen(True, (None, -0.0)), Frozen(numpy.int64(1), (None, 0))],
    "ranges": lambda: [range(0), range(5, 1), range(0, 0, 7)],
    "paths": lambda: [pathlib.PurePosixPath("a/b"), pathlib.PurePosixPath("a//b/")],
    "times": lambda: [
        datetime.datetime(2024, 1, 1, 1, tzinfo=datetime.timezone.utc),
        datetime.datetime(2024, 1, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
    ],
}

TIMES = 8


def together(sc: SparkContext, make: Callable[[], Any]) -> Any:
    """Pairs with equal keys, each made anew in its task."""
    return sc.parallelize(range(TIMES), 4).map(lambda i: (make(), i))


def one(pairs: Iterable[Any]) -> Any:
    """The value of the only pair."""
    [(_, value)] = pairs
    return value


def operations(pairs: Any) -> dict[str, Any]:
    """What each operation by key makes of pairs that all have the same key."""
    partial: Any = (0, lambda n, _: n + 1, add)
    ones = pairs.mapValues(lambda _: 1)
    other = pairs.map(lambda pair: (pair[0], None)).filter(lambda pair: True)
    keys = pairs.keys()
    placed = pairs.partitionBy(4)
    return {
        "reduceByKey": one(ones.reduceByKey(add, 4).collect()),
        "groupByKey": one(pairs.groupByKey(4).mapValues(len).collect()),
        "combineByKey": one(pairs.combineByKey(lambda _: 1, partial[1], add, 4).collect()),
        "aggregateByKey": one(pairs.aggregateByKey(*partial, 4).collect()),
        "foldByKey": one(ones.foldByKey(0, add, 4).collect()),
        "groupBy": one(keys.groupBy(lambda key: key, 4).mapValues(len).collect()),
        "partitionBy": sorted(placed.glom().map(len).collect()),
        "countByKey": one(pairs.countByKey().items()),
        "countByValue": one(keys.countByValue().items()),
        "reduceByKeyLocally": one(ones.reduceByKeyLocally(add).items()),
        "distinct": keys.distinct(4).count(),
        "countApproxDistinct": keys.countApproxDistinct(),
        "subtract": keys.subtract(other.keys(), 4).count(),
        "subtractByKey": pairs.subtractByKey(other, 4).count(),
        "intersection": keys.intersection(other.keys()).count(),
        "join": pairs.join(other, 4).count(),
        "leftOuterJoin": pairs.leftOuterJoin(other.filter(lambda pair: False), 4).count(),
        "rightOuterJoin": pairs.rightOuterJoin(other, 4).count(),
        "fullOuterJoin": pairs.fullOuterJoin(other, 4).count(),
        "cogroup": [len(side) for side in one(pairs.cogroup(other, 4).collect())],
        "groupWith": [len(side) for side in one(pairs.groupWith(other, other).collect())],
    }


EXPECTED = {
    **dict.fromkeys(("reduceByKey", "groupByKey", "combineByKey", "aggregateByKey", "foldByKey", "groupBy"), TIMES),
    "partitionBy": [0, 0, 0, TIMES],
    **dict.fromkeys(("countByKey", "countByValue", "reduceByKeyLocally"), TIMES),
    **dict.fromkeys(("distinct", "countApproxDistinct", "intersection"), 1),
    **dict.fromkeys(("subtract", "subtractByKey"), 0),
    "join": TIMES * TIMES,
    "leftOuterJoin": TIMES,
    "rightOuterJoin": TIMES * TIMES,
    "fullOuterJoin": TIMES * TIMES,
    "cogroup": [TIMES] * 2,
    "groupWith": [TIMES] * 3,
}


@pytest.mark.parametrize(
    "name", ["tuple", "dataclasses within each other", "own hash", "class of the program", "enum", "empty range"]
)
def test_each_operation_brings_equal_keys_together(sc: SparkContext, name: str) -> None:
    pairs = together(sc, KEYS[name])
    found = operations(pairs)
    assert found == EXPECTED
    key = KEYS[name]()
    assert sorted(pairs.lookup(key)) == sorted(pairs.partitionBy(4).lookup(key)) == list(range(TIMES))


@pytest.mark.parametrize("name", KEYS)
def test_equal_keys_of_each_type_come_together(sc: SparkContext, name: str) -> None:
    pairs = together(sc, KEYS[name])
    assert one(pairs.groupByKey(4).mapValues(sorted).collect()) == list(range(TIMES))
    assert sorted(pairs.partitionBy(4).glom().map(len).collect()) == [0, 0, 0, TIMES]


@pytest.mark.parametrize("name", EQUAL)
def test_equal_keys_of_several_types_come_together(sc: SparkContext, name: str) -> None:
    make = EQUAL[name]
    count = len(make())
    # Of equal keys the first is the one that is placed: in each partition another.
    turned = sc.parallelize(range(count), count).flatMap(lambda i: [(key, 1) for key in (make() * 2)[i : i + count]])
    assert one(turned.groupByKey(4).mapValues(len).collect()) == count * count
    assert one(turned.reduceByKey(add, 4).collect()) == count * count


def test_nan_is_equal_to_nothing_and_lies_in_one_place(sc: SparkContext) -> None:
    nan = float("nan")
    makers = [lambda: nan, lambda: decimal.Decimal("nan"), lambda: complex(0, nan), lambda: numpy.float32("nan")]
    for make in [*makers, lambda: numpy.datetime64("NaT"), lambda: (nan, None), lambda: Frozen(nan)]:
        pairs = sc.parallelize(range(8), 4).map(lambda i: (make(), i))
        assert sorted(pairs.partitionBy(4).glom().map(len).collect()) == [0, 0, 0, 8]


def test_interpreters_that_start_by_themselves_place_alike() -> None:
    """Also where the tests run on one server's workers. The second has been given other addresses."""
    first, second = hashes_elsewhere(0), hashes_elsewhere(12_345)
    assert first == second and len(first) == len(KEYS)


def hashes_elsewhere(room: int) -> dict[str, int]:
    program = (
        "import sys, json; room = [bytearray(100) for _ in range(int(sys.argv[2]))]; sys.path.insert(0, sys.argv[1])\n"
        "from firesteel import keys; keys.install(); import test_keys as t\n"
        "print(json.dumps({name: t.portable_hash(make()) for name, make in t.KEYS.items()}))"
    )
    words = [sys.executable, "-c", program, str(pathlib.Path(__file__).parent), str(room)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True, timeout=60)
    hashes: dict[str, int] = json.loads(done.stdout)
    return hashes


def test_places_are_pysparks_where_it_promises_them(sc: SparkContext) -> None:
    assert portable_hash(None) == 0 and portable_hash((None, 1)) & 0xFFFFFFFF == 219750521
    placed = sc.parallelize([(5, 0), (None, 0), ((None, 1), 0)]).partitionBy(4).glom().collect()
    assert [[key for key, _ in part] for part in placed] == [[None], [5, (None, 1)], [], []]


def test_workers_hash_as_ever_what_has_no_address_in_it(sc: SparkContext) -> None:
    numbers = [1, 2.5, 10**20, decimal.Decimal("1.5"), fractions.Fraction(1, 3)]
    values = [*numbers, (1, (2, 3)), frozenset([1, 2])]
    assert sc.parallelize(values, 2).map(hash).collect() == [hash(value) for value in values]
    plain = sc.parallelize([object], 1).map(lambda kind: isinstance(hash(kind()), int))
    assert plain.collect() == [True], "an object can be hashed in a task, only not placed"
    with pytest.raises(errors.JobError, match="unhashable type: 'list'"):
        sc.parallelize([[1]], 1).map(hash).collect()
