"""Single tables, written by both sides and read by both: all types, formats, codecs, directories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True)
class Case:
    name: str
    write: str
    reads: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Known:
    reason: str
    rows: str
    found: str


KNOWN: tuple[Known, ...] = ()
seen: set[Known] = set()


def cases() -> list[Case]:
    return []


def rows(cases: list[Case], both: Callable[..., list[tuple[bool, str]]], root: Path) -> Iterator[tuple[str, list[str]]]:
    yield from ()


def reason_for(name: str, found: list[str]) -> str:
    return ""
