"""Runs every module's examples in a process of its own, bounded in time, and gathers what they report.

A process that ends or hangs amid an example costs that docstring only: the next process goes on after it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases import Case, cases_of
from reasons import differs_for_good, needs_jvm

#: How long one docstring may take; the longest in real PySpark takes eight seconds.
CASE_SECONDS = 90.0


@dataclass
class Outcome:
    """What became of one docstring."""

    case: Case
    examples: int
    passed: int
    skipped: int
    differences: list[str]

    @property
    def is_whole(self) -> bool:
        """Whether all examples passed (those that the docstring itself skips aside)."""
        return self.passed + self.skipped == self.examples

    @property
    def jvm(self) -> str | None:
        """Why it needs a JVM, if it does."""
        return needs_jvm(self.source)

    @property
    def for_good(self) -> str | None:
        """Why it will always differ, if it will."""
        return differs_for_good(self.source + self.wants)

    @property
    def source(self) -> str:
        """The code of its examples."""
        return "".join(example.source for example in self.case.examples)

    @property
    def wants(self) -> str:
        """What its examples want printed."""
        return "".join(example.want for example in self.case.examples)


def run_module(module: str, home: Path, reference: bool, master: str | None) -> list[Outcome]:
    """All docstrings of a module, in order."""
    cases = cases_of(module, home)
    outcomes: list[Outcome] = []
    while len(outcomes) < len(cases):
        lines, end = _run_child(module, len(outcomes), home, reference, master)
        for line in lines:
            if "index" in line:
                case = cases[line["index"]]
                outcomes.append(Outcome(case, line["examples"], line["passed"], line["skipped"], line["differences"]))
        if len(outcomes) < len(cases):
            case = cases[len(outcomes)]
            outcomes.append(Outcome(case, len(case.examples), 0, 0, [end]))
    return outcomes


def _run_child(
    module: str, first: int, home: Path, reference: bool, master: str | None
) -> tuple[list[dict[str, Any]], str]:
    """Its report, and how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        report, log = Path(folder) / "report", Path(folder) / "log"
        report.touch()
        words = [module, str(first), str(home), str(report), "reference" if reference else "firesteel", master or ""]
        environment = dict(os.environ, PYSPARK_PYTHON=sys.executable, PYTHONWARNINGS="ignore")
        # Some examples show sets of strings.
        environment["PYTHONHASHSEED"] = "0"
        if reference:
            environment.update(SPARK_LOCAL_IP="127.0.0.1", SPARK_TESTING="1")
        with log.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent / "child.py"), *words],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            how = _wait(child, report)
        lines = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
        said = log.read_text(encoding="utf-8", errors="replace").strip()[-1500:]
        return lines, f"{how}; it said: {said}"


def _wait(child: subprocess.Popen[bytes], report: Path) -> str:
    """Until the child ends, or says nothing for too long."""
    seen, since = -1, time.monotonic()
    while child.poll() is None:
        size = report.stat().st_size
        if size != seen:
            seen, since = size, time.monotonic()
        elif time.monotonic() - since > CASE_SECONDS:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return f"never ended: it was stopped after {CASE_SECONDS:.0f} s"
        time.sleep(0.05)
    return f"the process ended with {child.returncode}"
