"""Tells people which functions run natively, and why others do not; and the setting that switches it on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

from firesteel.chain import Chain, PerRecord
from firesteel.errors import FiresteelError
from firesteel.native.plan import Part, kept_apart, parts_of, plan

if TYPE_CHECKING:
    from firesteel.conf import SparkConf

__all__ = ["MODES", "SETTING", "explained", "mode_of", "require"]

SETTING = "firesteel.python.native"
MODES = ("off", "auto", "require")

MOST_CHAINS = 20
"""The most chains that an RDD remembers of those before it, to explain them."""


def mode_of(conf: SparkConf) -> str:
    """Returns how the setting is set.

    >>> from firesteel import SparkConf
    >>> mode_of(SparkConf(False)), mode_of(SparkConf(False).set("firesteel.python.native", "off"))
    ('auto', 'off')
    """
    value = conf.get(SETTING, None)
    mode = (value or "auto").strip().lower()
    if mode not in MODES:
        raise ValueError(f"{SETTING} is {value!r}; it can be {', '.join(MODES[:-1])} or {MODES[-1]}")
    return mode


def explained(chains: Iterable[Chain], mode: str) -> str:
    """Returns what is to be said of chains, the first at the top.

    >>> from firesteel.chain import Map
    >>> print(explained([Chain([Map(len, "map at app.py:3")], "map at app.py:3")], "auto"))
    firesteel.python.native = auto
    map at app.py:3
      runs natively: map len
    """
    lines = [f"{SETTING} = {mode}" + (": nothing runs natively; this is what would" if mode == "off" else "")]
    for chain in chains:
        lines.append(chain.site or "an action")
        lines += _lines(kept_apart(parts_of(chain.steps)), _native(chain.steps))
    return "\n".join(lines)


def _lines(parts: Sequence[Part], native: set[int]) -> Iterator[str]:
    """Returns a line for each step of a chain. A step behind one that is interpreted is, too."""
    before = ""
    for at, part in enumerate(parts):
        what = part.name if part.function is None else f"{part.name} {_name(part.function)}"
        if at in native:
            yield f"  runs natively: {what}"
            continue
        reason = part.reason if part.lowered is None else _obstacle(parts, at, before)
        yield f"  is interpreted: {what}: {reason}"
        if part.lowered is None or part.lowered.reads or part.lowered.generator is not None:
            before = before or part.name


def _obstacle(parts: Sequence[Part], at: int, before: str) -> str:
    """Returns why a step with a program does not run natively; ``before`` is the first interpreted step before it."""
    lowered = parts[at].lowered
    if lowered is not None and lowered.generator is not None:
        return "it draws random numbers, so all it gives must go into a `reduce`, a `sum` or the like"
    if before:
        return f"it could run natively, but stands behind the `{before}` of its stage that is interpreted"
    behind = next((part.name for part in parts[at + 1 :] if part.lowered is None), "")
    if behind and lowered is not None and lowered.reads:
        change = "which is interpreted, could change a name or a table that it reads"
        return f"it could run natively, but the `{behind}` behind it, {change}"
    return "it could run natively, but alone it would gain nothing"


def _native(steps: Sequence[Any]) -> set[int]:
    """Returns the positions of the steps that run natively, also behind what gives blocks again."""
    positions: set[int] = set()
    begin = 0
    while begin < len(steps):
        found = plan(steps[begin:])
        if found is None or begin > 0 and found.begins:
            break
        end = begin + found.ends + bool(found.sink)
        positions.update(range(begin, end))
        if not found.goes_on:
            break
        begin = end
    return positions


def _name(function: Any) -> str:
    name = getattr(function, "__name__", None) or type(function).__name__
    if isinstance(function, FunctionType):
        return f"{name} at {function.__code__.co_filename}:{function.__code__.co_firstlineno}"
    return str(name)


def require(steps: Sequence[Any]) -> None:
    """Raises an error, with the same words, for the last of some steps if its function cannot be lowered."""
    part = parts_of(steps[-1:])[0]
    is_users = isinstance(part.step, PerRecord) or isinstance(part.function, FunctionType)
    if part.lowered is not None or not is_users or _is_ours(part.function):
        return
    raise FiresteelError(
        f"{SETTING} is `require`, and {part.name} {_name(part.function)} cannot run natively: {part.reason}. Write the"
        " function in another way (docs/python-native.md says what can be lowered), or set it to `auto`."
    )


def _is_ours(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).partition(".")[0] == "firesteel"
