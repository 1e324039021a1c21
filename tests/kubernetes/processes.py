"""Processes of a cluster of tests: each with a log, ended by its id, and by the end of its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
from pathlib import Path

PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Has this process killed when its parent ends; to be called between fork and exec."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Processes:
    """The processes that were started, and a folder for what they say."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self._started: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, *words: str | Path, path: str = "") -> subprocess.Popen[bytes]:
        """Starts a process; `path` is where it looks for other programs, too."""
        environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin" + path}
        with (self.logs / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(word) for word in words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                preexec_fn=die_with_parent,
            )
        self._started.append((name, process))
        return process

    def check(self) -> None:
        """Raises an error if one has ended."""
        for name, process in self._started:
            if process.poll() is not None:
                last = (self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-5:]
                raise ProcessEnded(f"{name} ended with {process.returncode}: " + " / ".join(last))

    def end(self, name: str) -> None:
        """Ends one, and waits for it."""
        for other, process in self._started:
            if other == name and process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def end_all(self) -> None:
        """Ends all, the last started first."""
        for name, _ in reversed(self._started):
            self.end(name)


class ProcessEnded(Exception):
    """A process that should run has ended."""


def free_ports(count: int) -> list[int]:
    """Returns ports of loopback that nobody has."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
