"""Images without a registry: a tar file with one layer, for `ctr images import`.

`cluster.py` makes the image of pods' sandboxes, `run.py` one with a program of ours and the libraries that it loads.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

# The applets that commands of containers need.
APPLETS = ["sh", "sleep", "cat", "ls", "true", "false", "env"]


def write(path: Path, name: str, files: dict[str, Path], entrypoint: list[str]) -> None:
    """Writes the image `name`: busybox, and `files` by their places in it."""
    layer = io.BytesIO()
    busybox = Path(subprocess.check_output(["sh", "-c", "command -v busybox"], text=True).strip())
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for folder in ("tmp", "etc", "proc", "sys", "dev", "var", "var/run"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        for place, file in {"bin/busybox": busybox, **files}.items():
            entry = tarfile.TarInfo(place.lstrip("/"))
            entry.size, entry.mode = file.stat().st_size, 0o755
            with file.open("rb") as opened:
                tar.addfile(entry, opened)
        for applet in APPLETS:
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        _text(tar, "etc/passwd", "root:x:0:0::/:/bin/sh\n")
    content = layer.getvalue()
    config = json.dumps({
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": entrypoint, "Env": ["PATH=/bin:/usr/bin"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(content).hexdigest()]},
    })  # fmt: skip
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("layer.tar")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
        _text(tar, "config.json", config)
        _text(tar, "manifest.json", json.dumps(manifest))


def with_libraries(place: str, program: Path) -> dict[str, Path]:
    """Returns the files of an image with a program: it, and what it is linked to, where it looks for that."""
    files = {place: program}
    for line in subprocess.check_output(["ldd", str(program)], text=True).splitlines():
        library = next((word for word in line.split() if word.startswith("/")), None)
        if library is not None:
            files[library] = Path(library).resolve()
    return files


def load(socket: str, path: Path) -> None:
    """Gives containerd an image."""
    words = ["ctr", "--address", socket, "--namespace", "k8s.io", "images", "import"]
    words += ["--snapshotter", "native", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ctr: {done.stderr.strip()}")


def _text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text)
    tar.addfile(entry, io.BytesIO(text.encode()))
