"""Images without a registry: a tar file with one layer, for `ctr images import`.

`cluster.py` makes the image of pods' sandboxes, `run.py` one with a program of ours and the libraries that it loads.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

# The applets that commands of containers need.
APPLETS = ["sh", "sleep", "cat", "ls", "true", "false", "env"]


# What a Python in an image has no use for.
UNUSED = {"__pycache__", "test", "tests", "idlelib", "ensurepip", "tkinter", "lib2to3", "pip"}


def write(path: Path, name: str, files: dict[str, Path], entrypoint: list[str], trees: Sequence[Path] = ()) -> None:
    """Writes the image `name`: busybox, `files` by their places in it, and the folders `trees` where they are here."""
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
        for tree in trees:
            tar.add(tree, str(tree).lstrip("/"), filter=_used)
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


def with_python(python: Path) -> tuple[dict[str, Path], list[Path]]:
    """Returns the files and folders of an image with a virtual environment, which has the same path there: it, the
    interpreter and the library of modules that it was made from, and all that these are linked to.
    """
    ask = "import os, sys, sysconfig; print(os.path.realpath(sys.executable), sysconfig.get_path('stdlib'))"
    interpreter, library = subprocess.check_output([str(python), "-c", ask], text=True).split()
    environment = python.parent.parent
    # Without the packages of the Python that the environment was made from.
    trees = [one for one in Path(library).iterdir() if one.name != "site-packages"] + [environment]
    # The link in the environment may lead there by others.
    files = {os.readlink(python): Path(interpreter)} if python.is_symlink() else {}
    for one in [Path(interpreter), *(one for tree in trees for one in tree.rglob("*.so*"))]:
        files.update(with_libraries(str(one), one))
    # Where it is in a folder, it comes with that.
    return {place: file for place, file in files.items() if not any(map(Path(place).is_relative_to, trees))}, trees


def load(socket: str, path: Path) -> None:
    """Gives containerd an image."""
    words = ["ctr", "--address", socket, "--namespace", "k8s.io", "images", "import"]
    words += ["--snapshotter", "native", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ctr: {done.stderr.strip()}")


def _used(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(entry.name).name in UNUSED else entry


def _text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text)
    tar.addfile(entry, io.BytesIO(text.encode()))
