"""Compares the public surface: does every public name of PySpark's core exist here, and take the same parameters?

PySpark's side is read from its sources, ours by looking at the objects. As a script: prints one line of JSON for each
name that is missing or differs, and one with the count; `surface` runs it in a process of its own.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cases import pyspark_home, source_of

#: Classes and functions that programs import, by module.
PUBLIC = {
    "core.rdd": ["RDD", "RDDBarrier", "portable_hash"],
    "core.context": ["SparkContext"],
    "core.broadcast": ["Broadcast"],
    "core.files": ["SparkFiles"],
    "core.status": ["StatusTracker", "SparkJobInfo", "SparkStageInfo", "SparkExecutorInfo"],
    "accumulators": ["Accumulator", "AccumulatorParam", "AddingAccumulatorParam"],
    "conf": ["SparkConf"],
    "profiler": ["Profiler", "BasicProfiler"],
    "resource.information": ["ResourceInformation"],
    "resource.profile": ["ResourceProfile", "ResourceProfileBuilder"],
    "resource.requests": [
        "ExecutorResourceRequest",
        "ExecutorResourceRequests",
        "TaskResourceRequest",
        "TaskResourceRequests",
    ],
    "resultiterable": ["ResultIterable"],
    "serializers": ["MarshalSerializer", "CPickleSerializer", "CloudPickleSerializer", "PickleSerializer"],
    "statcounter": ["StatCounter"],
    "storagelevel": ["StorageLevel"],
    "taskcontext": ["TaskContext", "BarrierTaskContext", "BarrierTaskInfo"],
    "util": ["InheritableThread", "inheritable_thread_target"],
}

#: What is a name of PySpark's and cannot be one of ours, and why.
NOT_OURS = {
    "core.context.SparkContext.__init__": "takes handles of py4j",
    "core.rdd.RDD.__init__": "takes handles of py4j",
}


def surface(reference: bool) -> tuple[int, list[str]]:
    """How many names were compared, and a sentence for each that is missing or differs."""
    words = [sys.executable, __file__, "reference" if reference else "firesteel"]
    environment = dict(os.environ, PYTHONWARNINGS="ignore")
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
    if ended.returncode != 0:
        return 0, [f"could not be compared: {ended.stderr.strip()[-600:]}"]
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    return sum(line.get("count", 0) for line in lines), [line["differs"] for line in lines if "differs" in line]


def compare(home: Path) -> Iterator[dict[str, Any]]:
    """One line for each name that differs, then the count."""
    count = 0
    for module, names in PUBLIC.items():
        tree = source_of(module, home)
        for node in tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name in names:
                for name, wanted in declared(node):
                    count += 1
                    trouble = look(module, name, wanted)
                    if trouble and f"{module}.{name}" not in NOT_OURS:
                        yield {"differs": f"{module}.{name}: {trouble}"}
    yield {"count": count}


Parameters = list[str] | None


def declared(node: ast.ClassDef | ast.FunctionDef) -> Iterator[tuple[str, Parameters]]:
    """A class, its public methods and properties, or a function; with parameters where it is called."""
    if isinstance(node, ast.FunctionDef):
        yield node.name, parameters_of(node.args)
        return
    yield node.name, None
    overloads = set()
    for method in node.body:
        if not isinstance(method, ast.FunctionDef) or (method.name.startswith("_") and method.name != "__init__"):
            continue
        marks = [ast.unparse(mark) for mark in method.decorator_list]
        if "overload" in marks:
            overloads.add(method.name)
            continue
        is_property = any("property" in mark or mark.endswith(".setter") for mark in marks)
        yield f"{node.name}.{method.name}", None if is_property else parameters_of(method.args)


def parameters_of(arguments: ast.arguments) -> list[str]:
    """`name`, or `name=` where there is a default, `*name` and `**name`, in order; without `self` and `cls`."""
    plain = arguments.posonlyargs + arguments.args
    bare = len(plain) - len(arguments.defaults)
    made = [one.arg + ("=" if index >= bare else "") for index, one in enumerate(plain)]
    if arguments.vararg:
        made.append("*" + arguments.vararg.arg)
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        made.append(one.arg + ("=" if default is not None else ""))
    if arguments.kwarg:
        made.append("**" + arguments.kwarg.arg)
    return [name for name in made if name not in ("self", "cls")]


def look(module: str, name: str, wanted: Parameters) -> str | None:
    """What is wrong with ours, if anything is."""
    try:
        found: Any = importlib.import_module(f"pyspark.{module}")
    except ImportError as error:
        return f"there is no such module: {error}"
    for part in name.split("."):
        if not hasattr(found, part):
            return "missing"
        found = inspect.getattr_static(found, part) if inspect.isclass(found) else getattr(found, part)
        found = getattr(found, "__func__", found)
    if wanted is None or not callable(found):
        return None
    got = [text for text in map(_shown, inspect.signature(found).parameters.values()) if text not in ("self", "cls")]
    # More parameters with defaults do no harm to a program.
    extra = got[len(wanted) :]
    if got[: len(wanted)] == wanted and all(one.endswith("=") or one.startswith("*") for one in extra):
        return None
    return f"takes ({', '.join(got)}), not ({', '.join(wanted)})"


def _shown(parameter: inspect.Parameter) -> str:
    stars = ""
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        stars = "*"
    elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
        stars = "**"
    return stars + parameter.name + ("=" if parameter.default is not inspect.Parameter.empty else "")


if __name__ == "__main__":
    _home = pyspark_home()
    if sys.argv[1] != "reference":
        importlib.import_module("firesteel.as_pyspark").install()
    for _line in compare(_home):
        print(json.dumps(_line))
