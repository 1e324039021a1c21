"""A real node for a cluster of tests: containerd, and a kubelet with control groups, files and ports of its own.

`cluster.py` starts it. Pods use the machine's own network: they are meant to have `hostNetwork: true`.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import images
from api import Api, wait_until
from processes import Processes, free_ports

NAME = "node-1"

PAUSE = "localhost/pause:test"

CONTROLLERS = Path("/sys/fs/cgroup")


class Node:
    """The processes of a node, below a directory."""

    def __init__(self, directory: Path, processes: Processes) -> None:
        self.directory, self.processes = directory, processes
        self.socket = str(directory / "containerd.sock")
        self.group = f"firesteel-kubernetes-{directory.name}"

    def start(self, kubelet: Path, kubeconfig: Path, api: Api) -> None:
        """Starts it, and waits until it takes pods."""
        self.directory.mkdir()
        self._start_containerd()
        _make_groups(self.group)
        port, healthz = free_ports(2)
        config = self.directory / "kubelet.json"
        config.write_text(json.dumps(self._kubelet_config(port, healthz)))
        self.processes.start(
            "kubelet", kubelet, "--config", config, "--kubeconfig", kubeconfig, "--hostname-override", NAME,
            "--root-dir", self.directory / "kubelet", "--cert-dir", self.directory / "pki", "--node-ip", "127.0.0.1",
        )  # fmt: skip

        def is_ready() -> bool:
            self.processes.check()
            conditions = api.get(f"/api/v1/nodes/{NAME}")["status"].get("conditions", [])
            return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

        wait_until("the node", is_ready)

        def is_untainted() -> bool:
            # A node at an address of loopback keeps the taint with which it registers.
            patch = {"spec": {"taints": None}}
            api.must("PATCH", f"/api/v1/nodes/{NAME}", patch, "application/merge-patch+json")
            return not api.get(f"/api/v1/nodes/{NAME}")["spec"].get("taints")

        wait_until("a node without taints", is_untainted)

    def stop(self) -> None:
        """Ends its processes and containers, and removes its control groups and mounts."""
        self.processes.end("kubelet")
        for task in self._ctr("tasks", "list", "--quiet").split():
            self._ctr("tasks", "delete", "--force", task)
        for container in self._ctr("containers", "list", "--quiet").split():
            self._ctr("containers", "delete", container)
        self.processes.end("containerd")
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for place in sorted((one for one in mounts if one.startswith(f"{self.directory}/")), reverse=True):
            subprocess.run(["umount", place], check=False, capture_output=True)
        _remove_groups(self.group)

    def _ctr(self, *words: str) -> str:
        command = ["ctr", "--address", self.socket, "--namespace", "k8s.io", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout

    def _start_containerd(self) -> None:
        networks = self.directory / "cni"
        networks.mkdir()
        (networks / "10-loopback.conflist").write_text(
            json.dumps({"cniVersion": "0.4.0", "name": "loopback", "plugins": [{"type": "loopback"}]})
        )
        config = self.directory / "containerd.toml"
        # Without `restrict_oom_score_adj` no sandbox starts where a process may not lower its own score.
        config.write_text(f"""
version = 2
root = "{self.directory}/containerd"
state = "{self.directory}/containerd-state"
[grpc]
address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
restrict_oom_score_adj = true
sandbox_image = "{PAUSE}"
stream_server_address = "127.0.0.1"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{networks}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
""")
        self.processes.start("containerd", "containerd", "--config", config)

        def answers() -> bool:
            self.processes.check()
            return "Version" in self._ctr("version")

        wait_until("containerd", answers)
        pause = self.directory / "pause.tar"
        images.write(pause, PAUSE, {}, ["/bin/sleep", "1000000"])
        images.load(self.socket, pause)

    def _kubelet_config(self, port: int, healthz: int) -> dict[str, object]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": "127.0.0.1",
            "port": port,
            "healthzPort": healthz,
            "readOnlyPort": 0,
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.group}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "enforceNodeAllocatable": [],
            "localStorageCapacityIsolation": False,
            "podLogsDir": f"{self.directory}/pod-logs",
            "resolvConf": "",
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "evictionHard": {"memory.available": "1Mi"},
            "imageGCHighThresholdPercent": 100,
            "serializeImagePulls": False,
            "nodeStatusUpdateFrequency": "2s",
            "registerWithTaints": [],
        }


def _make_groups(name: str) -> None:
    """Makes a control group in each controller; those of CPUs are born without any."""
    for controller in (one for one in CONTROLLERS.iterdir() if one.is_dir() and one.name != "unified"):
        group = controller / name
        group.mkdir(exist_ok=True)
        if controller.name == "cpuset":
            for file in ("cpuset.cpus", "cpuset.mems"):
                (group / file).write_text((controller / file).read_text())


def _remove_groups(name: str) -> None:
    for controller in (one for one in CONTROLLERS.iterdir() if one.is_dir()):
        groups = [controller / name, *(controller / name).rglob("*/")]
        for group in sorted(groups, key=lambda path: len(path.parts), reverse=True):
            try:
                group.rmdir()
            except OSError:
                # A process that is about to end still has it; an empty group costs nothing.
                continue
