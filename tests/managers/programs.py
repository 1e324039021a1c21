"""Programs on cluster managers, run by tests: their answers, and what they should be."""

from __future__ import annotations

import collections
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable
from typing import ClassVar

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
TEXT = ROOT / "docs" / "rdd-guide.md"

#: The longest that anything is waited for: a bound that only a failure reaches.
PATIENCE = 120.0

#: What ``lent hold`` answers: the sum of its records, and how many there were.
ANSWER = [f"answer {sum(range(20_000))}", "counted 20000"]


#: Settings below ``spark.dynamicAllocation`` of a program whose executors come and go within seconds.
DYNAMIC = {
    "enabled": "true",
    "minExecutors": "1",
    "maxExecutors": "3",
    "schedulerBacklogTimeout": "100ms",
    "executorIdleTimeout": "1s",
}

#: Settings below ``spark.excludeOnFailure`` by which one failure ends an executor, and keeps others from its machine.
EXCLUDING = {
    "enabled": "true",
    "application.maxFailedTasksPerExecutor": "1",
    "application.maxFailedExecutorsPerNode": "1",
    "killExcludedExecutors": "true",
}


def built(name: str) -> str:
    """Returns the path of a program of the workspace: ``FIRESTEEL_BUILT`` names its folder, or it is a debug build."""
    folder = pathlib.Path(os.environ.get("FIRESTEEL_BUILT", ROOT / "target" / "debug"))
    return str(folder / name)


def lent() -> str:
    """Returns the path of the Rust program."""
    return built("examples/lent")


def words_of(file: pathlib.Path = TEXT) -> list[str]:
    """Returns the lines that a count of words prints."""
    counts = collections.Counter(file.read_text(encoding="utf-8").split())
    return [f"{word} {counts[word]}" for word in sorted(counts, key=lambda word: word.encode())]


def wait_until(what: str, until: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Waits for a condition."""
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}{Program.told_by_all()}"
        time.sleep(0.05)


class Program:
    """A program that runs."""

    started: ClassVar[list[Program]] = []

    def __init__(self, command: list[str], environment: dict[str, str], folder: pathlib.Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.out = folder / "out"
        self.err = folder / "err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
        self.started.append(self)

    @classmethod
    def told_by_all(cls) -> str:
        """Returns what the programs that have not ended said last: what is waited for may not come because of it."""
        alive = [program for program in cls.started if program.process.poll() is None]
        return "".join(f"\n{program.process.args!r} said:\n{program.said()[-4000:]}" for program in alive)

    def said(self) -> str:
        """Returns what it wrote to standard error so far."""
        return self.err.read_text(errors="replace")

    def ends(self, seconds: float = PATIENCE) -> int:
        """Waits for its end; returns its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it does not end:\n{self.said()}") from None

    def answers(self, expected: list[str]) -> None:
        """Waits for its end, and checks what it printed."""
        code = self.ends()
        assert code == 0, f"exit code {code}:\n{self.said()}"
        assert self.out.read_text(encoding="utf-8").splitlines() == expected, self.said()


def python_words(*options: str) -> list[str]:
    """Returns the command that counts words in Python, with a module of its own and numpy."""
    helper = str(HERE / "words_helper.py")
    submit = [sys.executable, "-m", "firesteel.cli", "submit", *options, "--as-pyspark", "--py-files", helper]
    return [*submit, str(HERE / "words.py"), str(TEXT)]


def python_answer() -> list[str]:
    """Returns what :func:`python_words` prints."""
    lines = words_of()
    return [*lines, f"total {sum(int(line.rpartition(' ')[2]) for line in lines)}"]


def tasks_wait(folder: pathlib.Path, tasks: int) -> None:
    """Waits until all tasks of ``lent hold`` have left their sign."""
    wait_until("all tasks wait", lambda: len(list(folder.glob("task-*"))) == tasks)
