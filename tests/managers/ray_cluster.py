"""A real Ray on this machine: a head, and further nodes, each with a loopback address of its own.

``python ray_cluster.py DIR`` starts two nodes, prints the address of the head and that for clients, and ends them at
the end of input. It runs in a folder of its own, and is ended by its process ids. The Python that runs this has the
library ``ray``.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

CPUS = 2
MEMORY = 4 << 30
OBJECT_STORE = 100_000_000

HEAD = "127.0.0.2"
"""Not 127.0.0.1, which Ray replaces by an address that others reach."""


def _free_port(address: str) -> int:
    with socket.socket() as listener:
        listener.bind((address, 0))
        port: int = listener.getsockname()[1]
        return port


def processes() -> dict[int, tuple[int, int, str]]:
    """Returns parent, process group and command line of each process."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if fields[0] != "Z":
                    found[int(entry.name)] = int(fields[1]), int(fields[2]), words
    return found


class Node:
    """A node: the process that started it, and all of its session."""

    def __init__(self, address: str, starter: subprocess.Popen[bytes]) -> None:
        self.address = address
        self.starter = starter

    def _processes(self) -> list[int]:
        """Returns all processes below the starter, and those that lost their parents but have its session."""
        found = []
        for process in processes():
            with contextlib.suppress(OSError):
                if os.getsid(process) == self.starter.pid:
                    found.append(process)
        return found

    def kill(self) -> None:
        """Ends it at once, as when a machine loses its power."""
        for _ in range(50):
            here = self._processes()
            for process in here:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if not here:
                break
            self.starter.poll()
            time.sleep(0.1)
        self.starter.wait(10)

    def drain(self) -> None:
        """Ends it as an administrator does, with a notice of Ray's to what runs there."""
        self.starter.send_signal(signal.SIGTERM)


class Ray:
    """A running cluster."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.nodes: list[Node] = []
        self.port = _free_port(HEAD)
        self.client_port = _free_port(HEAD)
        self.environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
        for name in ("RAY_ADDRESS", "RAY_JOB_ID", "RAY_TMPDIR"):
            self.environment.pop(name, None)

    @property
    def address(self) -> str:
        """The head's address, for programs on this machine: `RAY_ADDRESS`."""
        return f"{HEAD}:{self.port}"

    def start(self, nodes: int) -> None:
        """Starts the head and further nodes, and waits until they know each other."""
        head = [f"--port={self.port}", f"--ray-client-server-port={self.client_port}", f"--temp-dir={self.folder}/t"]
        self._begin(HEAD, "--head", *head, "--include-dashboard=false")
        self._wait("the head runs", lambda: "Ray runtime started" in self._log(HEAD))
        for _ in range(nodes - 1):
            self.add_node()

    def add_node(self, wait: bool = True) -> Node:
        """Starts one node more, and waits until it has joined."""
        address = f"127.0.0.{3 + len(self.nodes)}"
        node = self._begin(address, f"--address={self.address}")
        if wait:
            self._wait(f"{address} has joined", lambda: "Ray runtime started" in self._log(address))
        return node

    def _begin(self, address: str, *options: str) -> Node:
        common = ["--block", "--disable-usage-stats"] if "--head" in options else ["--block"]
        sizes = [f"--num-cpus={CPUS}", f"--memory={MEMORY}", f"--object-store-memory={OBJECT_STORE}"]
        ray = os.path.join(os.path.dirname(sys.executable), "ray")
        with (self.folder / f"{address}.log").open("wb") as log:
            starter = subprocess.Popen(
                [ray, "start", *common, f"--node-ip-address={address}", *sizes, *options],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.nodes.append(Node(address, starter))
        return self.nodes[-1]

    def _log(self, address: str) -> str:
        return (self.folder / f"{address}.log").read_text(errors="replace")

    def _wait(self, what: str, until: Callable[[], bool], seconds: float = 120.0) -> None:
        deadline = time.monotonic() + seconds
        while not until():
            ended = [node.address for node in self.nodes[-1:] if node.starter.poll() is not None]
            if ended or time.monotonic() > deadline:
                log = self._log(self.nodes[-1].address)
                raise RuntimeError(f"Ray does not come so far that {what}:\n{log[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends all nodes, the head last."""
        for node in reversed(self.nodes):
            node.kill()


@contextlib.contextmanager
def running(folder: pathlib.Path, nodes: int = 2) -> Iterator[Ray]:
    """A Ray in a folder, which is ended afterwards. The folder's path must be short: sockets lie below it."""
    cluster = Ray(folder)
    try:
        cluster.start(nodes)
        yield cluster
    finally:
        cluster.stop()


if __name__ == "__main__":
    with running(pathlib.Path(sys.argv[1]).absolute()) as started:
        print(started.address, f"ray://{HEAD}:{started.client_port}", flush=True)
        sys.stdin.read()
