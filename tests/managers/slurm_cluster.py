"""A real Slurm of Debian's packages on this machine: one controller, and nodes that are daemons of one host.

``python slurm_cluster.py DIR`` starts one, prints the path of its configuration, and ends it at the end of input.
Everything listens on loopback, runs in a folder of its own, and is ended by its process id.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

NODES = 2
CORES = 2
MEMORY = 3000

_CONFIGURATION = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={dir}/munge.sock
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
ReturnToService=2
MpiDefault=none
KillWait=5
MinJobAge=300
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmctldPort={controller}
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool-%n
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd-%n.pid
SlurmctldLogFile={dir}/slurmctld.log
SlurmdLogFile={dir}/slurmd-%n.log
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=small Nodes=n1 MaxNodes=1 MaxTime=5 State=UP
"""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _program(name: str) -> str:
    for folder in (*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/usr/bin"):
        if os.access(path := os.path.join(folder, name), os.X_OK):
            return path
    raise SystemExit(f"{name} is missing: apt-get install slurm-wlm munge")


class Slurm:
    """A running cluster."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        for name in [name for name in self.environment if name.startswith("SLURM_") and name != "SLURM_CONF"]:
            del self.environment[name]

    def start(self) -> None:
        """Starts all daemons, and waits until jobs can run."""
        (self.folder / "state").mkdir(parents=True)
        (self.folder / "key").write_bytes(secrets.token_bytes(128))
        (self.folder / "key").chmod(0o600)
        host = socket.gethostname().split(".")[0]
        nodes = "\n".join(
            f"NodeName=n{n} NodeHostname={host} NodeAddr=127.0.0.1 Port={_free_port()} CPUs={CORES} RealMemory={MEMORY}"
            for n in range(1, NODES + 1)
        )
        user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
        text = _CONFIGURATION.format(host=host, user=user, dir=self.folder, controller=_free_port(), nodes=nodes)
        (self.folder / "slurm.conf").write_text(text)
        conf = str(self.folder / "slurm.conf")
        paths = [f"--{name}={self.folder}/munge.{end}" for name, end in (("pid-file", "pid"), ("seed-file", "seed"))]
        munge = [_program("munged"), "--foreground", "--force", f"--socket={self.folder}/munge.sock", *paths]
        self._begin(*munge, f"--key-file={self.folder}/key")
        self._wait("munged listens", lambda: (self.folder / "munge.sock").exists())
        self._begin(_program("slurmctld"), "-D", "-f", conf)
        for n in range(1, NODES + 1):
            self._begin(_program("slurmd"), "-D", "-N", f"n{n}", "-f", conf)
        self._wait("nodes are idle", lambda: self._states() == f"{NODES} idle")

    def _states(self) -> str:
        return self.run("sinfo", "-h", "-p", "main", "-o", "%D %T", check=False)

    def _begin(self, *command: str) -> None:
        log = (self.folder / f"{os.path.basename(command[0])}.out").open("ab")
        daemon = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        self.daemons.append(daemon)

    def _wait(self, what: str, until: object, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not until():  # type: ignore[operator]
            ended = [daemon.args for daemon in self.daemons if daemon.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.log"))
                raise RuntimeError(f"Slurm does not come so far that {what}; ended: {ended}\n{logs}")
            time.sleep(0.1)

    def run(self, *command: str, check: bool = True) -> str:
        """Runs one of Slurm's commands, and returns what it prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stderr}")
        return done.stdout.strip()

    def jobs(self) -> list[tuple[str, str, str]]:
        """Returns number, state and node of all jobs that have not ended."""
        lines = self.run("squeue", "-h", "-o", "%i|%T|%N").splitlines()
        return [(job, state, node) for job, state, node in (line.split("|") for line in lines)]

    def is_idle(self) -> bool:
        """Returns whether no job is there, and all nodes are free."""
        return not self.jobs() and self.run("sinfo", "-h", "-p", "main", "-o", "%T") == "idle"

    def stop(self) -> None:
        """Cancels what runs, and ends all daemons."""
        self.run("scancel", "--state=RUNNING", check=False)
        self.run("scancel", "--state=PENDING", check=False)
        deadline = time.monotonic() + 20
        while self.jobs() and time.monotonic() < deadline:
            time.sleep(0.1)
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


@contextlib.contextmanager
def running(folder: pathlib.Path) -> Iterator[Slurm]:
    """A Slurm in a folder, which is ended afterwards."""
    cluster = Slurm(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        with contextlib.suppress(Exception):
            cluster.stop()


if __name__ == "__main__":
    with running(pathlib.Path(sys.argv[1]).absolute()) as started:
        print(started.environment["SLURM_CONF"], flush=True)
        sys.stdin.read()
