"""Builds the real programs of Kubernetes from Go modules, once, into a cache outside the tree.

`cluster.py` calls `programs`. The four programs are 100 MB each, and take ten minutes of two cores; etcd, containerd
and runc come from the system's packages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "1.34.3"

PROGRAMS = ["kube-apiserver", "kube-scheduler", "kube-controller-manager", "kubelet"]

# The modules that Kubernetes develops in its own tree: each release of them has the same number behind `v0.`.
STAGED = """
api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap code-generator
component-base component-helpers controller-manager cri-api cri-client csi-translation-lib dynamic-resource-allocation
endpointslice externaljwt kms kube-aggregator kube-controller-manager kube-proxy kube-scheduler kubectl kubelet metrics
mount-utils pod-security-admission sample-apiserver sample-cli-plugin sample-controller
""".split()

# What comes from the system: the program, and the package of Debian that has it.
INSTALLED = {
    "etcd": "etcd-server",
    "containerd": "containerd",
    "runc": "runc",
    "ctr": "containerd",
    "busybox": "busybox-static",
    "openssl": "openssl",
}


class Missing(Exception):
    """A program that this machine does not have: which, and what to install."""


def installed(*names: str) -> dict[str, str]:
    """Returns the paths of programs of the system."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/go/bin"])
    found = {name: shutil.which(name, path=places) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        packages = sorted({INSTALLED.get(name, name) for name in missing})
        raise Missing(f"there is no {', '.join(missing)}: install {' '.join(packages)}")
    return {name: path for name, path in found.items() if path is not None}


def programs(cache: Path, wanted: list[str]) -> dict[str, Path]:
    """Returns the paths of the wanted programs; those that are not in the cache are built first."""
    made = {name: cache / "bin" / name for name in wanted}
    missing = [name for name, path in made.items() if not path.is_file()]
    if missing:
        _build(cache, missing)
    return made


def _build(cache: Path, names: list[str]) -> None:
    go = installed("go")["go"]
    source, programs = cache / "source", cache / "bin"
    source.mkdir(parents=True, exist_ok=True)
    programs.mkdir(parents=True, exist_ok=True)
    replaced = "".join(f"\tk8s.io/{name} => k8s.io/{name} v0{VERSION[1:]}\n" for name in STAGED)
    head = f"module firesteel.test/kubernetes\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v{VERSION}\n\n"
    (source / "go.mod").write_text(f"{head}replace (\n{replaced})\n")
    imports = "".join(f'\t_ "k8s.io/kubernetes/cmd/{name}/app"\n' for name in PROGRAMS)
    (source / "tools.go").write_text(f"package tools\n\nimport (\n{imports})\n")
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}

    def run(*words: str) -> None:
        subprocess.run([go, *words], cwd=source, env=environment, stdout=sys.stderr, check=True)

    print("fetching the modules of Kubernetes ...", file=sys.stderr)
    run("mod", "tidy")
    for name in names:
        print(f"building {name} ...", file=sys.stderr)
        # Under another name until it is whole.
        part = programs / f"{name}.part"
        run("build", "-ldflags=-s -w", "-o", str(part), f"k8s.io/kubernetes/cmd/{name}")
        part.rename(programs / name)
