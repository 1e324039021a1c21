"""Keys that other processes would place otherwise: refused by each operation, in one process and in several alike.

`cargo xtask test` runs this file once more on a local cluster.
"""

from __future__ import annotations

import dataclasses
import os
import re
import time
import typing
from collections.abc import Callable
from functools import cached_property, partial
from operator import add
from typing import Any

import pytest
from firesteel import errors, trial

if typing.TYPE_CHECKING:
    from firesteel import SparkContext


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: Any


class OwnHash:
    def __init__(self, a: Any) -> None:
        self.a = a

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnHash) and self.a == other.a

    def __hash__(self) -> int:
        return hash((self.a, None))


class Remembering(OwnHash):
    """Its hash is made once, and pickled with it."""

    def __hash__(self) -> int:
        if "kept" not in self.__dict__:
            self.kept = hash((self.a, None))
        return self.kept


class RememberingToo(OwnHash):
    @cached_property
    def kept(self) -> int:
        return hash((self.a, None))

    def __hash__(self) -> int:
        return self.kept


def together(sc: SparkContext, make: Callable[[], Any]) -> Any:
    """Pairs with keys that are made in their tasks."""
    return sc.parallelize(range(8), 4).map(lambda i: (make(), i))


class Plain:
    """Equal only to itself."""


class ByAddress:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByAddress)

    def __hash__(self) -> int:
        return id(self)


class ByAnothersAddress(ByAddress):
    def __hash__(self) -> int:
        return address_of(self)


def address_of(value: object) -> int:
    return id(value)


class AsObjectsAre(ByAddress):
    __hash__ = object.__hash__


class ByItsParts(ByAddress):
    """Calls by name what is of C, and does not pass by our ``hash``."""

    def __hash__(self) -> int:
        return (Plain, None).__hash__()


class WithAnObject(ByAddress):
    def __hash__(self) -> int:
        return hash(("a", Plain()))


def local_function() -> Callable[[], None]:
    def inner() -> None:
        pass

    return inner


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "object": (lambda: Plain(), r"a key of type test_keys_refused\.Plain cannot be placed: it defines no `__eq__`"),
    "bare object": (lambda: object(), "a key of type object cannot be placed: it defines no `__eq__`"),
    "object in a tuple": (lambda: (1, (Plain(),)), r"a key of type test_keys_refused\.Plain cannot be placed"),
    "object in a dataclass": (lambda: Frozen(Plain()), "Frozen cannot be placed: its `__hash__` uses a value that"),
    "object in a hash": (lambda: WithAnObject(), r"WithAnObject cannot be placed: its `__hash__` uses a value"),
    "lambda": (lambda: lambda: 1, r"a key of type function cannot be placed.*f\.__name__"),
    "function of a function": (local_function, "local_function.<locals>.inner cannot be imported by its name"),
    "method": (lambda: [].append, "builtin_function_or_method cannot be placed"),
    "method of an object": (lambda: Plain().__eq__, "cannot be placed"),
    "partial": (lambda: partial(print), r"functools\.partial cannot be placed"),
    "address": (lambda: ByAddress(), "ByAddress cannot be placed: its hash is .* in another"),
    "address from a function": (lambda: ByAnothersAddress(), "ByAnothersAddress cannot be placed: its hash is"),
    "address in a dataclass": (lambda: Frozen(ByAddress()), "ByAddress cannot be placed: its hash is"),
    "hash of objects": (lambda: AsObjectsAre(), "AsObjectsAre cannot be placed: its hash is .* in another"),
    "hash of C": (lambda: ByItsParts(), "ByItsParts cannot be placed: its hash is .* in another"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_others_would_place_otherwise_is_refused(sc: SparkContext, name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises(errors.JobError, match=re.compile(words, re.DOTALL)) as failed:
        together(sc, make).groupByKey(4).count()
    assert isinstance(failed.value.__cause__, errors.UnplaceableKeyError)
    assert "as the key" in str(failed.value), "it says what to do"


@pytest.mark.parametrize(
    "operation",
    [
        lambda pairs: pairs.reduceByKey(add),
        lambda pairs: pairs.partitionBy(2),
        lambda pairs: pairs.countByKey(),
        lambda pairs: pairs.keys().countByValue(),
        lambda pairs: pairs.reduceByKeyLocally(add),
        lambda pairs: pairs.keys().distinct(),
        lambda pairs: pairs.keys().countApproxDistinct(),
        lambda pairs: pairs.keys().subtract(pairs.keys()),
        lambda pairs: pairs.keys().intersection(pairs.keys()),
        lambda pairs: pairs.join(pairs),
        lambda pairs: pairs.subtractByKey(pairs),
        lambda pairs: pairs.cogroup(pairs),
        lambda pairs: pairs.lookup(Plain()),
        lambda pairs: pairs.partitionBy(2, hash),
        lambda pairs: pairs.partitionBy(2, lambda key: hash((key, 1))),
    ],
)
def test_each_operation_refuses(sc: SparkContext, operation: Callable[[Any], Any]) -> None:
    with pytest.raises(errors.JobError, match=r"Plain cannot be placed") as failed:
        made = operation(together(sc, Plain))
        made.count()
    assert isinstance(failed.value.__cause__, errors.UnplaceableKeyError)


def test_an_unplaceable_key_that_comes_late_is_refused(sc: SparkContext) -> None:
    """What its hash has in it shows in its shape, wherever it comes."""
    pairs = sc.parallelize(range(40), 1).map(lambda i: (Shaped(ByAddress() if i == 38 else i), 1))
    with pytest.raises(errors.JobError, match="cannot be placed"):
        pairs.reduceByKey(add, 2).count()


class Shaped(OwnHash):
    def __hash__(self) -> int:
        return self.a.__hash__()  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", [Remembering, RememberingToo])
def test_a_hash_that_came_along_is_refused(sc: SparkContext, kind: type) -> None:
    fresh = [(kind("x"), 1), (kind("x"), 1)]
    assert sc.parallelize(fresh, 2).reduceByKey(add, 2).values().collect() == [2]
    hashed = kind("x")
    hash(hashed)
    with pytest.raises(errors.JobError, match="it remembers its hash"):
        sc.parallelize([(hashed, 1), (kind("x"), 1)], 2).reduceByKey(add, 2).collect()


class Unpickled:
    """A key that another process gets as what a function gives there."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.called = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.called


def test_a_trial_that_fails_is_told_and_the_next_works(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trial.hash_elsewhere((1, "a")) == trial.hash_elsewhere((1, "a"))
    with pytest.raises(errors.FiresteelError, match=r"Unpickled has the same hash .* it raises ValueError"):
        trial.hash_elsewhere(Unpickled(int, "x"))
    with pytest.raises(errors.FiresteelError, match="did not answer: it ended"):
        trial.hash_elsewhere(Unpickled(os._exit, 3))
    assert trial.hash_elsewhere(Unpickled(int, "5")) == 5
    monkeypatch.setattr(trial, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(errors.FiresteelError, match=r"it took more than 0\.2 seconds"):
        trial.hash_elsewhere(Unpickled(time.sleep, 3600))
    assert trial._other is None, "who does not answer is ended"
