"""The comparison of tables with Spark (``python/edges``), as far as it can be tried without Spark."""

from __future__ import annotations

import ast
import importlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EDGES = ROOT / "python" / "edges"

#: Other comparisons have modules of the same names.
MODULES = ("cases", "formats", "inputs", "matrix", "outputs", "places", "tables")


@pytest.fixture(scope="module")
def edges() -> Iterator[dict[str, Any]]:
    """The modules of the comparison."""
    before = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    sys.path.insert(0, str(EDGES))
    try:
        yield {name: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(EDGES))
        for name in MODULES:
            sys.modules.pop(name, None)
        sys.modules.update(before)


def test_names_are_of_one_case_each_and_texts_are_programs(edges: dict[str, Any]) -> None:
    cases = edges["matrix"].cases()
    assert [name for name, times in Counter(case.name for case in cases).items() if times > 1] == []
    assert len(cases) >= 150
    for case in cases:
        for text in (edges["tables"].HEAD + case.write, *(text for _, text in case.reads)):
            ast.parse(text)


def test_every_reason_stands_in_the_documentation(edges: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    for known in edges["matrix"].KNOWN:
        assert f"**{known.reason}**" in text, known


def test_programs_say_pyspark_and_the_input_is_always_the_same(edges: dict[str, Any], tmp_path: Path) -> None:
    programs = list((EDGES / "programs").glob("*.py"))
    assert len(programs) >= 10
    for program in programs:
        text = program.read_text(encoding="utf-8")
        assert "from pyspark.sql import" in text and "firesteel" not in text and ".write" in text, program
    for name in ("one", "two"):
        edges["inputs"].make(tmp_path / name)
    assert edges["outputs"].differences(tmp_path / "one", tmp_path / "two") == []


def test_names_and_bytes_are_compared(edges: dict[str, Any], tmp_path: Path) -> None:
    uuid = "0b4ab6a6-4e3f-4c0b-9d1f-{:012d}"
    for number, (side, text) in enumerate({"spark": "a\nb\n", "firesteel": "a\nc\n"}.items()):
        folder = tmp_path / side / "k=1"
        folder.mkdir(parents=True)
        (folder / f"part-00000-{uuid.format(number)}.c000.csv").write_text(text)
        (tmp_path / side / "_SUCCESS").touch()
    (tmp_path / "spark" / "k=1" / ".part-00000.crc").touch()
    differences = edges["outputs"].differences
    (found,) = differences(tmp_path / "spark", tmp_path / "firesteel")
    assert "k=1/part-00000-UUID.c000.csv: line 3" in found and "'b'" in found and "'c'" in found
    (tmp_path / "firesteel" / "_SUCCESS").unlink()
    (found,) = differences(tmp_path / "spark", tmp_path / "firesteel")
    assert found == "names: Spark alone has ['_SUCCESS'], Firesteel alone []"


def test_rows_differ_if_one_of_four_readings_does(edges: dict[str, Any]) -> None:
    different, one, two, failed = edges["matrix"]._different, (True, "x"), (True, "y"), (False, "no")
    assert different([one, one], [one, one]) == [] == different([failed, one], [failed, one])
    assert len(different([one, one], [one, two])) == 1
    assert len(different([one, two], [one, two])) == 1, "Spark reads the two tables differently"
    assert len(different([failed], [one])) == 1
