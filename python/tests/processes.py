"""Runs a program for a test: bounded, and where it does not end, with the stacks of its threads in the error."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

PATIENCE_SECONDS = 60.0


def run(
    words: Sequence[str], *, stdin: str = "", environment: Mapping[str, str] | None = None, cwd: Any = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command; AssertionError with what it printed, and where it was, if it does not end in time."""
    variables = {**(os.environ if environment is None else environment), "PYTHONFAULTHANDLER": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=variables, cwd=cwd) as process:
        try:
            out, err = process.communicate(stdin, timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # faulthandler writes the stacks
            try:
                out, err = process.communicate(timeout=PATIENCE_SECONDS)
            finally:
                process.kill()
            raise AssertionError(f"{words} did not end; it printed {out!r} and {err}") from None
        return subprocess.CompletedProcess(words, process.returncode, out, err)
