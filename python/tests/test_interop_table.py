"""The table of Hadoop's formats beside Spark (``python/interop``), as far as it can be tried without Spark."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "python" / "interop"))

import probe  # noqa: E402
import reading  # noqa: E402
import verdicts  # noqa: E402
import writing  # noqa: E402
from case import Case  # noqa: E402
from verdicts import Known, Outcome, Row, Verdict, verdict  # noqa: E402

GENERATORS = (
    *(writing.sequences, writing.asked_classes, writing.lines, writing.options, writing.others),
    *(reading.encodings, reading.listings, reading.settings, reading.sequence_files, reading.writables),
)
CASES = [case for generate in GENERATORS for case in generate()]

ONE = Outcome(True, "1 records: 1")
TWO = Outcome(True, "1 records: 2")
NONE = Outcome(False, "JobError: x.gz: this is no gzip")


def test_names_are_of_one_case_each() -> None:
    assert [name for name, times in Counter(case.name for case in CASES).items() if times > 1] == []
    assert len(CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_programs_are_programs(case: Case) -> None:
    assert case.write is not None or case.files
    for text in (case.write or "", *(text for _, text in case.reads)):
        ast.parse(text)


def test_every_reason_stands_in_the_documentation() -> None:
    text = (ROOT / "docs" / "storage.md").read_text(encoding="utf-8")
    for known in verdicts.KNOWN:
        assert f"**{known.reason}.**" in text, known


def test_rows_are_equal_only_if_all_four_outcomes_are() -> None:
    assert verdict(Row("a", (ONE, ONE), (ONE, ONE))) == (Verdict.EQUAL, "")
    assert verdict(Row("a", (ONE, TWO), (ONE, TWO))) == (Verdict.DIFFERENT, "")
    assert verdict(Row("a", (ONE,), (NONE,))) == (Verdict.DIFFERENT, "")
    assert verdict(Row("a", (NONE,), (ONE,))) == (Verdict.DIFFERENT, "")


def test_a_refusal_must_be_meant() -> None:
    other = Outcome(False, "Py4JJavaError: java.io.IOException: not a gzip file")
    assert verdict(Row("a", (other,), (NONE,))) == (Verdict.REFUSED, "")
    accident = Outcome(False, "JobError: thread panicked at 'called unwrap'")
    assert verdict(Row("a", (other,), (accident,))) == (Verdict.DIFFERENT, "")


def test_what_is_known_says_what_both_sides_say(monkeypatch: pytest.MonkeyPatch) -> None:
    better = Known("Cut files are told", "file/* > textFile", "^1 records", "^refused: .*gzip")
    monkeypatch.setattr(verdicts, "KNOWN", (better,))
    assert verdict(Row("file/a > textFile", (ONE,), (NONE,))) == (Verdict.BETTER, "Cut files are told")
    assert verdict(Row("file/a > hadoopFile", (ONE,), (NONE,))) == (Verdict.DIFFERENT, "")
    assert verdict(Row("file/a > textFile", (ONE,), (TWO,))) == (Verdict.DIFFERENT, "")
    assert verdicts.unused([Row("file/a > hadoopFile", (ONE,), (NONE,))]) == [better]


def test_what_a_job_left_is_looked_at(tmp_path: Path) -> None:
    assert probe.written(str(tmp_path / "none")) == "nothing"
    assert probe.written(str(tmp_path)) == "an empty folder"
    head = b"SEQ\x06" + bytes([20]) + b"org.apache.hadoop.io" + bytes([3]) + b"abc" + b"\x01\x01" + bytes([1]) + b"c"
    (tmp_path / "part-00000").write_bytes(head)
    (tmp_path / "part-00001").write_bytes(b"a\n")
    (tmp_path / ".part-00001.crc").write_bytes(b"x")
    assert probe.written(str(tmp_path)) == (
        "part-00000<version 6 org.apache.hadoop.io abc BLOCK c> part-00001<b'a\\n'>"
    )
