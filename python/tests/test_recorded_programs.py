"""Random programs answer as PySpark 4.3.0 answered them.

``cargo xtask differential`` runs new ones in both; what it found stays here, with PySpark's answers, for machines
without Java. ``python python/differential --record FILE`` makes the file anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from firesteel import SparkContext

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "differential"))

from answers import evaluate, same  # noqa: E402, the folder is no package
from grammar import Compare  # noqa: E402

RECORDED = [
    json.loads(line)
    for name in ("recorded_programs.jsonl", "recorded_regressions.jsonl")
    if (HERE / name).is_file()
    for line in (HERE / name).read_text(encoding="utf-8").splitlines()
]


@pytest.fixture(scope="module", params=["off", "auto"])
def three_parts(request: pytest.FixtureRequest) -> Iterator[SparkContext]:
    """With the default parallelism that the answers were recorded with, interpreted and natively."""
    from firesteel import SparkConf

    if SparkContext._active_spark_context is not None:
        SparkContext._active_spark_context.stop()
    conf = SparkConf().setMaster("local[2]").setAppName("recorded").set("spark.default.parallelism", "3")
    conf.set("firesteel.python.native", request.param)
    context = SparkContext(conf=conf)
    yield context
    context.stop()


@pytest.mark.parametrize("index", range(len(RECORDED)))
def test_a_recorded_program_gives_the_recorded_answer(index: int, three_parts: SparkContext) -> None:
    recorded: dict[str, Any] = RECORDED[index]
    # Through JSON, as the recorded answer came.
    answer = json.loads(json.dumps(evaluate(recorded["program"], three_parts)))
    assert same(recorded["answer"], answer, Compare[recorded["compare"]]), (
        f"\n{recorded['program']}\nPySpark:   {recorded['answer']}\nFiresteel: {answer}"
    )


def test_there_are_recorded_programs() -> None:
    assert len(RECORDED) >= 100
