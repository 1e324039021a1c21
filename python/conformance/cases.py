"""Finds PySpark's own docstring examples in its installed sources, without importing or copying anything of it.

A *case* is one docstring with its examples: a class, a method, a function or a module. Sources are parsed, never run;
what an example may use by bare name (the imports and definitions at the top of its module) is gathered here too, as
source lines that the child process resolves against the package under test.
"""

from __future__ import annotations

import ast
import doctest
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Module:
    """A module of PySpark whose examples are run, and what its own test run gives to them."""

    name: str
    master: str | None = None
    spark: bool = False
    options: int = doctest.ELLIPSIS
    checkpoints: bool = False


#: The core modules: those that RDD programs see, with the masters that PySpark's own runs of these examples use.
MODULES = [
    Module("core.rdd", master="local[4]", checkpoints=True),
    Module("core.context", master="local[4]"),
    Module("core.broadcast", master="local[4]", spark=True, options=0),
    Module("core.files", master="local[2]"),
    Module("accumulators", master="local"),
    Module("conf"),
    Module("profiler", options=0),
    Module("resource.profile", master="local[4]", options=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE),
    Module("serializers", options=0),
    Module("shuffle", options=0),
    Module("sql.types", master="local[2]", spark=True, options=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE),
    Module("statcounter", master="local", options=doctest.ELLIPSIS),
    Module("taskcontext", master="local[2]", spark=True),
    Module("util", master="local[4]", options=0),
]


@dataclass
class Case:
    """One docstring: where it stands, and its text."""

    module: str
    name: str
    text: str
    line: int
    examples: list[doctest.Example] = field(default_factory=list)


def pyspark_home() -> Path:
    """The folder of the installed PySpark."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise SystemExit("conformance: pyspark is not installed in this environment")
    return Path(spec.origin).parent


def source_of(module: str, home: Path) -> ast.Module:
    """A module's source, parsed."""
    path = home / (module.replace(".", "/") + ".py")
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def cases_of(module: str, home: Path) -> list[Case]:
    """All docstrings of a module that hold examples, in the order of the source."""
    parser = doctest.DocTestParser()
    found = []
    for name, node in _named(source_of(module, home), ""):
        text = ast.get_docstring(node, clean=False)
        examples = parser.get_examples(text) if text else []
        if text and examples:
            line = 1 if isinstance(node, ast.Module) else node.lineno
            found.append(Case(module, name, text, line, examples))
    return found


_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _named(node: _Documented, name: str) -> Iterator[tuple[str, _Documented]]:
    yield name, node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    for child in node.body:
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _named(child, f"{name}.{child.name}" if name else child.name)


@dataclass(frozen=True)
class TopLevel:
    """What a module's examples may call by bare name."""

    imports: list[str]
    definitions: list[str]


def top_level(module: str, home: Path) -> TopLevel:
    """The import statements of a module, and the names that it defines."""
    imports, definitions = [], []
    for node in source_of(module, home).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.append(ast.unparse(node))
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            definitions.append(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            definitions.extend(target.id for target in targets if isinstance(target, ast.Name))
    return TopLevel(imports, definitions)
