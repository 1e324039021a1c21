"""``RDD.pipe``: sends the records of a partition through an external program, as lines.

Writing and reading take turns on the task's own thread, as the program is ready for either: records are computed on
that thread (they may need their task), and neither side is gathered.
"""

from __future__ import annotations

import os
import select
import shlex
from collections.abc import Iterable, Iterator
from itertools import islice
from subprocess import PIPE, Popen
from typing import Any

from firesteel.errors import FiresteelError

__all__ = ["Pipe"]

PIECE = 64 << 10
"""Bytes that are read at once: the capacity of a pipe of Linux."""
BATCH = 100
"""Records that are written together."""


class Pipe:
    """Runs a command for each partition, and yields the lines that it prints."""

    def __init__(self, command: str, env: dict[str, str], check: bool) -> None:
        self.command = command
        self.env = env
        self.check = check

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterator[str]:
        words = shlex.split(self.command)
        try:
            process = Popen(words, env=self.env, stdin=PIPE, stdout=PIPE, bufsize=0)
        except OSError as error:
            raise FiresteelError(f"pipe: the command {words!r} cannot be run: {error}") from error
        return self._lines(process, iter(records))

    def _lines(self, process: Popen[bytes], records: Iterator[Any]) -> Iterator[str]:
        try:
            begun = b""
            for piece in _through(process, records):
                *whole, begun = (begun + piece).split(b"\n")
                for line in whole:
                    yield line.decode("utf-8")
            if begun:
                yield begun.decode("utf-8")
            status = process.wait()
            if self.check and status:
                raise FiresteelError(f"pipe: the command {self.command!r} exited with status {status}.")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            for end in (process.stdin, process.stdout):
                if end is not None:
                    end.close()


def _through(process: Popen[bytes], records: Iterator[Any]) -> Iterator[bytes]:
    """Yields the program's output, in parts, while records are written to it."""
    assert process.stdin is not None and process.stdout is not None
    to, out = process.stdin.fileno(), process.stdout.fileno()
    os.set_blocking(to, False)
    waiting = memoryview(b"")
    writing = True
    while True:
        readable, writable, _ = select.select([out], [to] if writing else [], [])
        if writable:
            waiting = waiting or memoryview(b"".join(map(_line, islice(records, BATCH))))
            writing = bool(waiting)
            try:
                waiting = waiting[os.write(to, waiting) :]
            except BrokenPipeError:
                writing = False  # the program has read enough
            if not writing:
                process.stdin.close()
        if readable:
            piece = os.read(out, PIECE)
            if not piece:
                return
            yield piece


def _line(record: Any) -> bytes:
    return (str(record).rstrip("\n") + "\n").encode("utf-8")
