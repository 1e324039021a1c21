"""Single tables, written by both sides and read by both: all types, formats, codecs, directories.

Each side writes, then each side reads what itself and what the other has written. All must read the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import formats
import places
from cases import Case
from outputs import names
from tables import HEAD

Outcomes = list[tuple[bool, str]]

GENERATORS = (formats.parquet, formats.texts, places.directories, places.codecs, places.schemas)


@dataclass(frozen=True)
class Known:
    """A difference that is wanted: the reason, rows by the pattern of their names, and what is in what was found."""

    reason: str
    rows: str
    found: str


ENCODINGS = "Text is written in UTF-8; CSV in ISO-8859-1 and US-ASCII, too"

#: What differs on purpose. Each reason stands in docs/python.md.
KNOWN = (
    Known("Parquet has the codecs snappy, zstd, gzip and none", "parquet/codec lz4_raw > write", "no codec"),
    Known(ENCODINGS, "csv/option utf16 > write", "encoding"),
    Known(ENCODINGS, "json/option utf16 > write", "encoding"),
    Known("Intervals are stored in Parquet and JSON only", "csv/daytime > write", "UNSUPPORTED_DATA_TYPE"),
    Known("A row of one null is an empty line of CSV", "csv/*days > text", "Row(value='')"),
    Known("A row of one null is an empty line of CSV", "csv/option * > text", "Row(value='')"),
    Known("Text is compressed by zstd, too", "codecs/* zstd > write", "CODEC_NOT_AVAILABLE"),
    Known("A table without files has no columns of directories", "directories/two > nothing", '"name": "a"'),
)

#: Those that a row has confirmed.
seen: set[Known] = set()


def reason_for(name: str, found: list[str]) -> str:
    """The reason why a row may differ so; nothing if there is none."""
    for known in KNOWN:
        if fnmatchcase(name, known.rows) and any(known.found in each for each in found):
            seen.add(known)
            return known.reason
    return ""


def cases() -> list[Case]:
    """All cases, in their order."""
    return [case for generate in GENERATORS for case in generate()]


def rows(cases: list[Case], both: Callable[[object, object], Outcomes], root: Path) -> Iterator[tuple[str, list[str]]]:
    """The name of each row, and where the two sides differ."""
    for number, case in enumerate(cases):
        paths = [str(root / package / str(number) / "out") for package in ("spark", "firesteel")]
        for path in paths:
            Path(path).parent.mkdir(parents=True)
        wrote = both(*({"code": HEAD + case.write, "names": {"path": path}} for path in paths))
        good = [outcome[0] for outcome in wrote]
        if case.by_spark:
            paths = paths[:1]
        elif good[0] != good[1]:
            yield f"{case.name} > write", [f"Spark: {_shown(wrote[0])}", f"Firesteel: {_shown(wrote[1])}"]
            continue
        elif (theirs := names(Path(paths[0]))) != (ours := names(Path(paths[1]))):
            yield f"{case.name} > names", [f"Spark: {theirs}", f"Firesteel: {ours}"]
        if not good[0]:
            yield f"{case.name} > write", [] if case.by_spark is False else [f"Spark: {wrote[0][1]}"]
            continue
        request = {"code": HEAD + _READ, "names": {"paths": paths, "reads": case.reads}}
        of_spark, of_firesteel = both(request, request)
        if not of_spark[0] or not of_firesteel[0]:
            yield f"{case.name} > read", [of_spark[1], of_firesteel[1]]
            continue
        answers = zip(json.loads(of_spark[1]), json.loads(of_firesteel[1]), strict=True)
        for (name, _), (theirs, ours) in zip(case.reads, answers, strict=True):
            yield f"{case.name} > {name}", _different(theirs, ours)


_READ = """
import json
def read(path, text):
    try:
        return [True, told(eval(text))]
    except Exception as error:
        return [False, said(error)]
answer = json.dumps([[read(path, text) for path in paths] for _, text in reads])
"""


def _different(theirs: Outcomes, ours: Outcomes) -> list[str]:
    """What differs in what Spark and Firesteel read, each of what Spark and what Firesteel wrote."""
    found = []
    for whose, their, our in zip(("Spark's", "Firesteel's"), theirs, ours):
        if their[0] != our[0] or (their[0] and their[1] != our[1]):
            found.append(f"of {whose}: {_lines(their, our)}")
    if len(theirs) > 1 and theirs[0][0] and theirs[0][1] != theirs[1][1]:
        found.append(f"Spark reads Firesteel's files otherwise than its own: {_lines(theirs[0], theirs[1])}")
    return found


def _lines(one: tuple[bool, str], other: tuple[bool, str]) -> str:
    """The lines that only one of two has."""
    if not one[0] or not other[0]:
        return f"\n        {_shown(one)}\n        {_shown(other)}"
    first, second = one[1].splitlines(), other[1].splitlines()
    only = [line for line in first if line not in second], [line for line in second if line not in first]
    return "".join(f"\n      {sign} {line}" for sign, lines in zip("-+", only) for line in lines[:6])


def _shown(outcome: tuple[bool, str]) -> str:
    return outcome[1].replace("\n", " ")[:240] if outcome[0] else f"fails: {outcome[1][:240]}"
