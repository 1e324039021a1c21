"""Files of the program on a host that does not see the driver's disk: the first worker that needs one fetches it.

:mod:`firesteel.offers` offers them. A file comes under the hash of its contents, which is checked on the way. It
appears under its name whole; archives are unpacked here, and none of their members leaves its folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from firesteel import _native, files
from firesteel.errors import FiresteelError

__all__ = ["fetch"]


def fetch(listed: str, root: str) -> None:
    """Fetches all files of a list, which is named by its hash, into the directory ``root``."""
    os.makedirs(root, mode=0o700, exist_ok=True)
    with _alone(root):
        folder = tempfile.mkdtemp(prefix=".arriving-", dir=root)
        try:
            path = os.path.join(folder, "list")
            _native.fetch_file(listed, path)
            with open(path, encoding="utf-8") as file:
                entries = json.load(file)
            for entry in entries:
                _bring(entry, root, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(root: str) -> Iterator[None]:
    """Holds a lock, so that no other process of the host fetches files into a directory."""
    with open(f"{root}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bring(entry: dict[str, Any], root: str, folder: str) -> None:
    name = entry["name"]
    if name in ("", ".", "..") or os.path.basename(name) != name:
        raise FiresteelError(f"{name!r} is not the name of a file")
    target = os.path.join(root, name)
    # The driver refuses another file of that name.
    if os.path.lexists(target):
        return
    path = os.path.join(folder, "file")
    _native.fetch_file(entry["hash"], path)
    if "unpack" in entry:
        files.unpack(path, target, entry["unpack"])
        os.unlink(path)
    else:
        os.chmod(path, entry["mode"])
        os.rename(path, target)
