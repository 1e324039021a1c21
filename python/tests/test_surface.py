"""The surface: every name of ``surface.txt`` is here, with the parameters and defaults that programs write."""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import firesteel

HOMES = [
    "firesteel",
    "firesteel.accumulators",
    "firesteel.profiler",
    "firesteel.rdd",
    "firesteel.resource",
    "firesteel.resultiterable",
    "firesteel.serializers",
    "firesteel.statcounter",
    "firesteel.status",
]
"""Where PySpark has the classes that its package itself does not name."""

INTERNAL = {"RDD", "PipelinedRDD"}
"""Classes that programs meet and do not make: their constructors are our own."""


class Row(NamedTuple):
    """One line: where the name belongs, the name, and its parameters; None for what is not called."""

    owner: str
    name: str
    parameters: str | None

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}" if self.name else self.owner


def rows() -> Iterator[Row]:
    owner = ""
    for line in (Path(__file__).parent / "surface.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        parts = re.fullmatch(r"(\s*)(class |module )?([\w.]+)(?:\((.*)\))?", line)
        assert parts is not None, line
        indented, kind, name, parameters = parts.groups()
        if indented:
            yield Row(owner, name, parameters)
            continue
        owner = name
        yield Row(owner, "", parameters if kind == "class " else None)


ROWS = list(rows())


def found(owner: str) -> Any:
    """The class or module of that name."""
    if owner.startswith("firesteel"):
        return importlib.import_module(owner)
    for home in HOMES:
        thing = getattr(importlib.import_module(home), owner, None)
        if thing is not None:
            return thing
    pytest.fail(f"no module of {', '.join(HOMES)} has {owner}")


def written(function: Any) -> str:
    """The parameters of a function, as the table writes them; annotations are left out."""
    parameters = list(inspect.signature(function).parameters.values())
    if parameters and parameters[0].name in ("self", "cls", "_cls"):
        parameters = parameters[1:]
    pieces = []
    for each in parameters:
        stars = "*" if each.kind is each.VAR_POSITIONAL else "**" if each.kind is each.VAR_KEYWORD else ""
        default = "" if each.default is each.empty else f"={default_text(each.default)}"
        pieces.append(f"{stars}{each.name}{default}")
    return ", ".join(pieces)


def is_as_written(function: Any, row: Row) -> bool:
    pattern = re.escape(row.parameters or "").replace("OBJECT", r"[\w<>]+")
    assert re.fullmatch(pattern, written(function)), f"{row}({written(function)}) should be {row}({row.parameters})"
    return True


def default_text(value: Any) -> str:
    return str(value.__name__) if callable(value) and hasattr(value, "__name__") else repr(value)


def is_set_by_instances(owner: Any, name: str) -> bool:
    """Whether a class says that its instances have the attribute, or assigns it."""
    ours = [each for each in owner.__mro__ if each.__module__.startswith("firesteel")]
    return any(
        name in each.__dict__.get("__annotations__", {})
        or re.search(rf"self\.{name}\b[^=\n]*=[^=]", inspect.getsource(each))
        for each in ours
    )


@pytest.mark.parametrize("row", [row for row in ROWS if row.name], ids=str)
def test_every_name_is_here_with_its_parameters(row: Row) -> None:
    owner = found(row.owner)
    if row.parameters is None:
        assert hasattr(owner, row.name) or is_set_by_instances(owner, row.name)
        return
    if inspect.isclass(owner):
        function = inspect.getattr_static(owner, row.name, None)
        function = getattr(function, "__func__", function)
    else:
        function = getattr(owner, row.name, None)
        function = function.__init__ if inspect.isclass(function) else function
    assert function is not None, f"{row.owner} has no {row.name}"
    assert not isinstance(function, property), f"{row} is called in PySpark, and is a property here"
    assert is_as_written(function, row)


@pytest.mark.parametrize("row", [row for row in ROWS if not row.name], ids=str)
def test_every_class_is_made_as_there(row: Row) -> None:
    owner = found(row.owner)
    if row.parameters is None or row.owner in INTERNAL:
        return
    made = owner.__new__ if hasattr(owner, "_fields") else owner.__init__
    assert is_as_written(made, row)


@pytest.mark.parametrize("name", firesteel.__all__)
def test_every_public_name_explains_itself(name: str) -> None:
    thing = getattr(firesteel, name)
    if inspect.isclass(thing):
        undocumented = [
            key
            for key, value in vars(thing).items()
            if not key.startswith("_") and callable(getattr(thing, key)) and not inspect.getdoc(getattr(thing, key))
        ]
        assert inspect.getdoc(thing) and not undocumented
