"""What people are told of functions that are interpreted: what stands in the way, at which of their own lines."""

import json
import re
import sys
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest
from conftest import MakeContext

from firesteel.chain import Chain, FlatMap, Keys, Map
from firesteel.native import values
from firesteel.native.explaining import explained
from firesteel.native.plan import parts_of
from firesteel.native.records import fields_of


def reason(function: Callable[..., Any]) -> str:
    """What is said of a function, behind its file."""
    part = parts_of([FlatMap(function, "flatMap")])[0]
    assert part.lowered is None
    return part.reason.removeprefix(f"{__file__}:")


def line_of(function: Callable[..., Any], below: int = 0) -> int:
    return function.__code__.co_firstlineno + below


def opens(x: Any) -> Any:
    with x:
        return 1


def matches(x: Any) -> Any:
    match x:
        case (a, _):
            return a
        case {"a": b}:
            return b
    return 0


def makes_a_class(x: Any) -> Any:
    class Made:
        pass

    return Made


def yields_from(x: Any) -> Any:
    yield from x


@pytest.mark.parametrize(
    ("function", "below", "what"),
    [
        (opens, 1, "with"),
        (matches, 2, "a pattern of this kind"),
        (makes_a_class, 1, "a class within it"),
        (yields_from, 0, "yield from"),
        (lambda x: ~x, 0, "the operator ~"),
        (lambda x: +x, 0, "the operator +"),
    ],
)
def test_what_stands_in_the_way_is_said_in_words(function: Callable[..., Any], below: int, what: str) -> None:
    assert reason(function) == f"{line_of(function, below)}: {what}"


@pytest.mark.skipif(sys.version_info < (3, 14), reason="there are none yet")
def test_templates_are_named() -> None:
    names: dict[str, Any] = {}
    exec(compile("def function(x):\n  return t'{x} of {x:>5}'", __file__, "exec"), names)
    assert reason(names["function"]) == '2: a template, as of t"..."'


def test_bytecode_of_a_later_python_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its instructions may do something else than those of the same names did."""
    monkeypatch.setattr(values, "NEWEST", (3, 9))
    monkeypatch.setattr(values, "_READ", {})
    assert "bytecode of a Python later than 3.9" in reason(lambda x: x + 1)
    assert reason(len).endswith("of which nothing is known")


def helped(text: str) -> Any:
    return json.loads(text)


def test_what_a_library_does_is_said_at_the_programs_line() -> None:
    """Its own lines mean nothing to who reads of them, but may tell what it would take."""
    said = reason(lambda x: helped(x))
    assert said.startswith(f"{line_of(helped, 1)}: a call of json.loads ({json.__file__}:"), said
    found = lambda x: re.findall(r"[0-9]+", x)  # noqa: E731
    said = reason(found)
    # What stands in the way is in a function that this one calls in its turn.
    assert said.startswith(f"{line_of(found)}: a call of re.findall ({re.__file__}:"), said
    assert said.count("a call") <= 2, said


def told(*steps: Any) -> list[str]:
    """What is said of each step of a chain, without the file that functions are in."""
    lines = explained([Chain(list(steps), "here")], "auto").splitlines()[2:]
    return [re.sub(r" at \S+:\d+|\S+:\d+: ", "", line).strip() for line in lines]


LIMITS = [1, 2]


def test_a_step_that_could_run_natively_has_its_reason() -> None:
    dumped, added = Map(json.dumps, "map at here"), Map(lambda x: x + 1, "map at here")
    could = "it could run natively, but"
    behind = f"{could} stands behind the `map` of its stage that is interpreted"
    assert told(added, dumped, added, Keys())[2:] == [
        f"is interpreted: {name}: {behind}" for name in ("map <lambda>", "keys")
    ]
    changed = f"{could} the `map` behind it, which is interpreted, could change a name or a table that it reads"
    assert told(Map(lambda x: LIMITS[x], "map at here"), dumped)[0] == f"is interpreted: map <lambda>: {changed}"
    assert told(Keys()) == [f"is interpreted: keys: {could} alone it would gain nothing"]


def test_steps_have_the_names_of_their_operations(
    fresh_context: MakeContext, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = fresh_context().parallelize(range(4), 2)
    for made, name in ((numbers.zipWithIndex(), "zipWithIndex"), (numbers.glom(), "glom")):
        made.explain()
        assert f"is interpreted: {name}: gets all records of a partition at once" in capsys.readouterr().out
    numbers.zipWithUniqueId().explain()
    assert "is interpreted: zipWithUniqueId: gets all records" in capsys.readouterr().out


def test_a_named_tuple_is_plain_with_what_any_version_gives_its_class() -> None:
    pair = namedtuple("pair", "key value")
    for name in ("__annotate_func__", "__classdictcell__", "__static_attributes__"):
        setattr(pair, name, None)
    assert fields_of(pair) == ("key", "value")
