"""Looks for every public name of PySpark's core modules: is it here, or refused with a sentence that says what to use?

PySpark's names are read from its sources: classes, functions and variables at the top of each module. As a script it
prints one line of JSON; `names` runs it in a process of its own.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cases import pyspark_home

#: Folders that are no part of the core: each is a library of its own, or holds no modules.
_NOT_CORE = frozenset(
    "sql ml mllib pandas streaming pipelines testing cloudpickle examples python data jars bin sbin licenses messages"
    " __pycache__".split()
)


@dataclass
class Names:
    """How many names are here, how many are refused in a sentence, and which are neither."""

    here: int = 0
    refused: int = 0
    neither: list[str] = field(default_factory=list)


def names() -> Names:
    """Looks in another process, in which ``pyspark`` means Firesteel."""
    environment = dict(os.environ, PYTHONWARNINGS="ignore")
    ended = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, timeout=120)
    if ended.returncode != 0:
        return Names(neither=[f"could not be looked for: {ended.stderr.strip()[-600:]}"])
    return Names(**json.loads(ended.stdout.splitlines()[-1]))


def modules(home: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yields the core's modules, by their names after ``pyspark.``."""
    for path in sorted(home.rglob("*.py")):
        parts = path.relative_to(home).with_suffix("").parts
        if parts[0] not in _NOT_CORE and "__pycache__" not in parts:
            name = ".".join(parts).removesuffix("__init__").removesuffix(".")
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def defined(tree: ast.Module) -> Iterator[str]:
    """Yields the public names that a module defines; variables of types aside."""
    for node in tree.body:
        found: list[str] = []
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found = [node.name]
        elif isinstance(node, ast.Assign) and not _is_of_types(node.value):
            found = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found = [node.target.id]
        yield from (name for name in found if not name.startswith("_"))


def _is_of_types(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "TypeVar"


def look(home: Path) -> Names:
    """Sorts all names."""
    found = Names()
    for module, tree in modules(home):
        for name in dict.fromkeys(defined(tree)):
            error = _touch(module, name)
            if error is None:
                found.here += 1
            elif "; " in error or ": " in error.partition("has no attribute")[2]:
                found.refused += 1
            else:
                found.neither.append(f"{module}.{name}".lstrip("."))
    return found


def _touch(module: str, name: str) -> str | None:
    try:
        getattr(importlib.import_module(f"pyspark.{module}".rstrip(".")), name)
    except (AttributeError, ImportError) as error:
        return str(error)
    return None


if __name__ == "__main__":
    _home = pyspark_home()
    importlib.import_module("firesteel.as_pyspark").install()
    print(json.dumps(vars(look(_home))))
