"""Reports functions that change what they captured, when they are handed over.

An executor works on a copy of every value that a function names, so ``total += x`` and ``results.append(x)`` change
nothing in the driver. ``firesteel.bytecode`` finds such code; this module words the report: what will happen, and what
to write instead. The setting ``firesteel.python.closures`` is ``warn`` (the default; once for each place), ``error``
or ``off``.
"""

from __future__ import annotations

import functools
import warnings
from collections import Counter, deque
from collections.abc import Iterator
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from firesteel.errors import ClosureError, ClosureWarning

if TYPE_CHECKING:
    from firesteel.bytecode import Finding
    from firesteel.context import SparkContext

#: The setting, with its values.
SETTING = "firesteel.python.closures"
MODES = ("warn", "error", "off")

_registry: dict[Any, Any] = {}  # which warnings were shown, as the module ``warnings`` records it


def check(function: Any, *, operation: str, site: str, sc: SparkContext | None) -> None:
    """Looks at a function that was given to ``operation`` at ``site`` (as ``map at app.py:12``).

    Warns by :class:`~firesteel.errors.ClosureWarning` for each place where it changes something captured, or raises
    :class:`~firesteel.errors.ClosureError` for the first, as the setting says. A callable without bytecode passes.

    >>> import warnings
    >>> results = []
    >>> with warnings.catch_warnings(record=True) as shown:
    ...     check(results.append, operation="foreach", site="foreach at app.py:3", sc=None)
    >>> shown[0].category.__name__
    'ClosureWarning'
    """
    if (getattr(function, "__module__", None) or "").startswith("firesteel."):
        return
    mode = _mode(sc)
    if mode == "off":
        return
    for finding in _findings(function, site):
        if _is_meant(finding.value):
            continue
        text = _text(finding, operation, site)
        if mode == "error":
            raise ClosureError(f"{finding.file}:{finding.line}: {text}")
        warnings.warn_explicit(text, ClosureWarning, finding.file, finding.line, registry=_registry)


def _mode(sc: SparkContext | None) -> str:
    """Returns the setting's value, under Firesteel's or Spark's name."""
    conf = getattr(sc, "_conf", None)
    value = None
    if conf is not None:
        value = conf.get(SETTING, None) or conf.get(SETTING.replace("firesteel", "spark", 1), None)
    mode = (value or "warn").strip().lower()
    if mode not in MODES:
        raise ValueError(f"{SETTING} is {value!r}; it can be {', '.join(MODES[:-1])} or {MODES[-1]}")
    return mode


def _findings(function: Any, site: str) -> Iterator[Finding]:
    """Yields the findings in any callable."""
    from firesteel import bytecode

    bound: dict[str, Any] = {}
    while isinstance(function, functools.partial):
        bound = {**_bound_by(function), **bound}
        function = function.func
    if bytecode.is_bound_mutator(function):
        file, line = _place(site)
        yield bytecode.Finding(file, line, "", "call", "", "", function.__name__, function.__self__)
        return
    if not isinstance(function, (FunctionType, MethodType)) and not isinstance(function, type):
        function = getattr(function, "__call__", None)  # noqa: B004 - an object with such a method
    if isinstance(function, MethodType):
        owner, function = function.__self__, function.__func__
        if isinstance(function, FunctionType) and function.__code__.co_argcount:
            bound = {function.__code__.co_varnames[0]: owner, **bound}
    if not isinstance(function, FunctionType) or bytecode.is_of_library(function.__module__):
        return
    try:
        found = list(bytecode.findings(function, bound))
    except Exception:  # bytecode of an unknown Python must not keep a program from running
        return
    yield from found


def _bound_by(function: functools.partial[Any]) -> dict[str, Any]:
    """Returns the parameters that a partial gives values."""
    values = dict(function.keywords)
    code = getattr(function.func, "__code__", None)
    if code is not None:
        values.update(zip(code.co_varnames[: code.co_argcount], function.args))
    return values


def _place(site: str) -> tuple[str, int]:
    """Returns file and line of ``map at app.py:12``."""
    file, _, line = site.rpartition(" at ")[2].rpartition(":")
    return (file, int(line)) if line.isdigit() else (site, 0)


def _is_meant(value: object) -> bool:
    """Returns whether a value is made for being changed by executors: an accumulator, or a collection of such."""
    if isinstance(value, dict):
        return any(_is_accumulator(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_is_accumulator(item) for item in value[:100])
    return _is_accumulator(value)


def _is_accumulator(value: object) -> bool:
    return any(
        kind.__name__ == "Accumulator" and kind.__module__.startswith("firesteel.") for kind in type(value).__mro__
    )


# The sentences.


def _text(finding: Finding, operation: str, site: str) -> str:
    """Says what is changed, where, what will happen, and what to write instead."""
    thing, name = _thing(finding)
    function = {"<lambda>": "a lambda", "": "the function"}.get(finding.function, finding.function)
    given = f"given to {site}" if site.startswith(operation) else f"given to {operation} at {site}"
    return (
        f"{_change(finding)} in {function} ({given}) changes {thing}. Tasks run in other processes, and each executor"
        f" changes its own copy: {name} in the driver stays as it was. {_instead(finding)} (If each process is meant"
        f" to keep something for itself, set {SETTING} to off.)"
    )


def _thing(finding: Finding) -> tuple[str, str]:
    """Returns ``the global list results`` and ``results``."""
    kind = "" if type(finding.value).__name__ in ("_Unset", "NoneType") else f"{type(finding.value).__name__} "
    if not finding.path:
        return f"a {kind}of the driver's", f"the {kind.strip()}"
    scope = f"{finding.scope} " if finding.scope else ""
    return f"the {scope}{kind}`{finding.path}`", f"`{finding.path}`"


def _change(finding: Finding) -> str:
    path = finding.path
    if finding.what == "call":
        return (
            f"`{path}.{finding.method}(...)`" if path and not path.endswith(finding.method) else f"`{finding.method}`"
        )
    if finding.what == "item":
        return f"`{path}[...] = ...`"
    if finding.what == "delete":
        return f"`del {path}`"
    return f"`{path} = ...`" if finding.what == "assign" else f"`{path} += ...`"


def _instead(finding: Finding) -> str:
    """Says what to write instead, by the kind of value."""
    value = finding.value
    if isinstance(value, Counter):
        return "Use `countByValue()`, `reduceByKey`, `aggregate`, or `sc.accumulator`."
    if isinstance(value, dict):
        return "Use `reduceByKey`, `aggregate` or `collectAsMap()`; or `sc.accumulator` for counts."
    if isinstance(value, set):
        return "Use `distinct().collect()`, `aggregate` with a set, or `sc.accumulator` for counts."
    if isinstance(value, (list, deque, bytearray)):
        return "Return the values (`map`, `flatMap`) and `collect()` them; or use `aggregate`, `sc.accumulator`."
    if isinstance(value, (int, float, complex)) and finding.what in ("augment", "attribute"):
        return "Use `reduce`, `sum()`, `count()` or `aggregate`; or `total = sc.accumulator(0)` and `total.add(x)`."
    return "Return the values that the driver needs, and use `reduce`, `aggregate`, or `sc.accumulator`."
