"""Answers of programs as plain data, and whether two are the same.

An answer is a value of builtin types, or the failure that came instead. Numbers may differ in the last digits, since
both sides may add in another order.
"""

from __future__ import annotations

import builtins
import math
import re
from typing import Any

from grammar import Compare

#: Marks a failure among answers.
FAILED = "failed with"


def evaluate(text: str, sc: Any) -> Any:
    """Runs a program; its answer as plain data."""
    names: dict[str, Any] = {"sc": sc, "__name__": "__main__"}
    try:
        exec(text, names)  # noqa: S102, the text is our own grammar's
        return plain(names["answer"])
    except Exception as error:
        return (FAILED, kind_of(error))


def kind_of(error: BaseException) -> str:
    """What went wrong, as far as both sides can say the same: the builtin exception in user code or in the driver.

    PySpark's own exceptions are builtin ones, too, or come from its engine; that one's text holds the task's traceback.
    """
    if error.__cause__ is not None and type(error.__cause__).__name__ != "PicklingError":
        return builtin(type(error.__cause__))
    if type(error).__name__ in ("Py4JJavaError", "JobError", "PythonException"):
        raised = re.findall(r"^(?:\w+\.)*(\w+(?:Error|Exception|Iteration|Exit))\b", str(error), re.MULTILINE)
        named = [name for name in raised if name in BUILTIN]
        return named[-1] if named else "the engine's error"
    return builtin(type(error))


#: Names of all builtin exceptions.
BUILTIN = {name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)}

#: What PySpark's engine refuses and Firesteel's Python face does.
ALIKE = {"IllegalArgumentException": "ValueError", "UnsupportedOperationException": "NotImplementedError"}


def builtin(kind: type[BaseException]) -> str:
    """The nearest builtin kind of an exception."""
    names = [base.__name__ for base in kind.__mro__ if base.__name__ in BUILTIN]
    return ALIKE.get(kind.__name__, names[0] if names else kind.__name__)


def plain(value: Any) -> Any:
    """Builtin types only: what both sides and a file can hold."""
    if isinstance(value, dict):
        return {"dict": sorted(([plain(key), plain(one)] for key, one in value.items()), key=repr)}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        return value.item()
    return value


def same(left: Any, right: Any, compare: Compare) -> bool:
    """Whether two answers agree as far as they must."""
    if is_failure(left) or is_failure(right):
        return bool(is_failure(left) and is_failure(right) and list(left) == list(right))
    if compare is Compare.EQUAL:
        return close(left, right)
    if compare is Compare.PLACED:
        return len(left) == len(right) and all(close(bag(a), bag(b)) for a, b in zip(left, right, strict=True))
    if compare is Compare.SORTED and not close([pair[0] for pair in left], [pair[0] for pair in right]):
        return False
    return close(bag(left), bag(right))


def is_failure(answer: Any) -> bool:
    """Whether an answer stands for a failure."""
    return isinstance(answer, (list, tuple)) and len(answer) == 2 and answer[0] == FAILED


def bag(records: list[Any]) -> list[Any]:
    """Records in an order that depends on nothing but them."""
    return sorted(records, key=repr)


def close(left: Any, right: Any) -> bool:
    """Equal, but for the last digits of floating-point numbers."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(close(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(close(left[key], right[key]) for key in left)
    if isinstance(left, float) and isinstance(right, float):
        return (math.isnan(left) and math.isnan(right)) or math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return bool(type(left) is type(right) and left == right)
