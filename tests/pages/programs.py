"""The programs that real pages are of: `program.rs`, led by words on its standard input, and a history server.

Nothing here waits for a length of time: a program answers each word, and its tasks wait for files that the test makes.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

# The longest that a program may take for an answer, in seconds: a bound that only a failure reaches.
PATIENCE = 120.0


class ProgramError(Exception):
    """A program did not answer as it should."""


class Lines:
    """What a process says, line by line, from the first one on."""

    def __init__(self, process: subprocess.Popen[str], stream: object) -> None:
        self._process = process
        self._all: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: object) -> None:
        for line in stream:  # type: ignore[attr-defined]
            with self._changed:
                self._all.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait(self, pattern: str, since: int = 0) -> re.Match[str]:
        """Waits for a line in which the pattern is found."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while True:
                for line in self._all[since:]:
                    if found := re.search(pattern, line):
                        return found
                if self._ended or time.monotonic() > deadline:
                    raise ProgramError(f"no line has {pattern!r}; the last ones: {self._all[-5:]}")
                self._changed.wait(1)

    def __len__(self) -> int:
        with self._changed:
            return len(self._all)


class Program:
    """A real program on a master, with its event log in `folder/logs`."""

    def __init__(self, program: str, master: str, folder: Path) -> None:
        self._files = folder / "files"
        for wanted in (folder / "logs", self._files):
            wanted.mkdir(parents=True, exist_ok=True)
        # A held job's names are this program's own.
        self._mark = f"{len(list(folder.glob('log-*')))}"
        self._log = (folder / f"log-{self._mark}").open("w")
        self._process = subprocess.Popen(
            [program, master, str(folder / "logs"), str(self._files)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._said = Lines(self._process, self._process.stdout)
        self.url = self._said.wait(r"^url (http\S+)").group(1).rstrip("/")

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Ends it as it is."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def say(self, words: str) -> str:
        """Has it do something, and returns what it answers."""
        assert self._process.stdin
        since = len(self._said)
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()
        return self._said.wait(rf"^{words.split(' ')[0]}\b ?(.*)", since).group(1)

    def hold(self, name: str, tasks: int) -> None:
        """Begins a job whose tasks wait until they are let go."""
        self.say(f"hold {self._mark}{name} {tasks}")

    def let_go(self, name: str, *tasks: int) -> None:
        """Lets tasks of a held job go on."""
        for task in tasks:
            (self._files / f"{self._mark}{name}-{task}").touch()

    def ended(self, name: str) -> str:
        """Waits until a held job has ended, and returns its answer."""
        return self._said.wait(rf"^ended {self._mark}{name} (.*)").group(1)

    def executors(self) -> list[int]:
        """Returns the processes of its executors."""
        return [int(one.split("=")[1]) for one in self.say("processes").split()]

    def kill_executor(self, process: int) -> None:
        """Ends one of its executors, at once."""
        assert process in self.executors()
        os.kill(process, signal.SIGKILL)


class HistoryServer:
    """`firesteel history` over a folder of logs."""

    def __init__(self, firesteel: str, logs: Path) -> None:
        self._process = subprocess.Popen(
            [firesteel, "history", "--dir", str(logs), "--port", "0", "--update-interval", "1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = Lines(self._process, self._process.stderr)
        self.url = said.wait(r"the history server is at (http://[0-9.:]+)").group(1)

    def __enter__(self) -> HistoryServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
