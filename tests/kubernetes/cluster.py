"""A real Kubernetes on this machine, for tests: etcd and the API server, and with `--node` all that runs pods.

`python3 tests/kubernetes/cluster.py [--node] [--cache FOLDER]` builds what it needs once, starts it on loopback, and
prints one line of JSON: `kubeconfig` (an administrator's), `server`, `directory`, and with a node its name, the
`socket` of containerd and the folder `logs` of pods. It ends, with all that it has started, at the end of its input or
at SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

import node
from api import Api, wait_until
from binaries import VERSION, Missing, installed, programs
from certificates import Authority
from processes import Processes, ProcessEnded, free_ports

ROOT = Path(__file__).resolve().parents[2]


class Cluster:
    """The processes of a cluster, below a directory."""

    def __init__(self, directory: Path, cache: Path, with_node: bool) -> None:
        needed = ["etcd", "openssl"] + (["containerd", "runc", "ctr", "busybox"] if with_node else [])
        self._installed = installed(*needed)
        others = ["kube-scheduler", "kube-controller-manager", "kubelet"] if with_node else []
        self._programs = programs(cache, ["kube-apiserver", *others])
        self.directory = directory
        self.processes = Processes(directory / "logs")
        self.authority = Authority(directory / "certificates")
        self.node = node.Node(directory / "node", self.processes) if with_node else None

    def start(self) -> dict[str, str]:
        """Starts all; returns what the caller needs to know."""
        self._accounts = self.authority.service_account_key()
        client, peer, port = free_ports(3)
        self._start_store(client, peer)
        server = f"https://127.0.0.1:{port}"
        admin = self.authority.client("admin", "/O=system:masters/CN=admin", server)
        self._start_server(client, port)
        api = Api(admin)

        def is_ready() -> bool:
            self.processes.check()
            return bool(api.ask("GET", "/readyz")[1] == "ok")

        wait_until("the API server", is_ready)
        known = {"kubeconfig": str(admin), "server": server, "directory": str(self.directory)}
        if self.node is None:
            wait_until("the namespace default", lambda: api.ask("GET", "/api/v1/namespaces/default")[0] == 200)
            api.must("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
            return known
        self._start_controllers(admin)
        kubelet = self.authority.client("kubelet", f"/O=system:nodes/CN=system:node:{node.NAME}", server)
        self.node.start(self._programs["kubelet"], kubelet, api)
        wait_until(
            "the service account default",
            lambda: api.ask("GET", "/api/v1/namespaces/default/serviceaccounts/default")[0] == 200,
        )
        logs = str(self.directory / "node" / "pod-logs")
        return {**known, "node": node.NAME, "socket": self.node.socket, "logs": logs}

    def stop(self) -> None:
        """Ends all."""
        if self.node is not None:
            self.node.stop()
        self.processes.end_all()

    def _start_store(self, client: int, peer: int) -> None:
        url, peer_url = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        self.processes.start(
            "etcd", self._installed["etcd"], "--data-dir", self.directory / "etcd", "--unsafe-no-fsync",
            "--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer_url,
            "--initial-advertise-peer-urls", peer_url, "--initial-cluster", f"default={peer_url}",
        )  # fmt: skip

    def _start_server(self, store: int, port: int) -> None:
        names = "IP:127.0.0.1,DNS:localhost,IP:10.0.0.1,DNS:kubernetes.default.svc"
        certificate, key = self.authority.sign("server", "/CN=kube-apiserver", "serverAuth", names)
        private, public = self._accounts
        self.processes.start(
            "kube-apiserver", self._programs["kube-apiserver"], f"--etcd-servers=http://127.0.0.1:{store}",
            "--bind-address=127.0.0.1", f"--secure-port={port}", "--advertise-address=127.0.0.1",
            f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}",
            f"--client-ca-file={self.authority.certificate}", f"--service-account-key-file={public}",
            f"--service-account-signing-key-file={private}", "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=RBAC,Node", "--service-cluster-ip-range=10.0.0.0/24",
            "--endpoint-reconciler-type=none", f"--cert-dir={self.directory / 'certificates'}",
        )  # fmt: skip

    def _start_controllers(self, admin: Path) -> None:
        common = [f"--kubeconfig={admin}", "--leader-elect=false", "--secure-port=0"]
        self.processes.start("kube-scheduler", self._programs["kube-scheduler"], *common)
        self.processes.start(
            "kube-controller-manager", self._programs["kube-controller-manager"], *common,
            "--use-service-account-credentials=true", f"--service-account-private-key-file={self._accounts[0]}",
            f"--root-ca-file={self.authority.certificate}",
        )  # fmt: skip


def main() -> int:
    """Runs until the input ends, or SIGTERM comes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache", type=Path, default=ROOT / "target" / f"kubernetes-{VERSION}", help="built programs")
    parser.add_argument("--directory", type=Path, help="logs and files; kept. When not given: a new one, removed")
    parser.add_argument("--node", action="store_true", help="start a scheduler, controllers and a node, too")
    options = parser.parse_args()
    over = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        over.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    directory = options.directory or Path(tempfile.mkdtemp(prefix="firesteel-kubernetes-"))
    directory.mkdir(parents=True, exist_ok=True)
    cluster = None
    try:
        cluster = Cluster(directory, options.cache, options.node)
        print(json.dumps(cluster.start()), flush=True)

        def read() -> None:
            while os.read(0, 4096):
                continue
            over.set()

        threading.Thread(target=read, daemon=True).start()
        while not over.wait(1):
            cluster.processes.check()
    except Missing as missing:
        print(f"{missing}", file=sys.stderr)
        return 3
    except (ProcessEnded, RuntimeError) as error:
        print(f"{error}\nlogs: {directory}/logs", file=sys.stderr)
        return 1
    finally:
        if cluster is not None:
            cluster.stop()
        if options.directory is None:
            shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
