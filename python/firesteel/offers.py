"""Files that a program ships, offered to hosts that do not see the driver's disk.

The driver keeps a copy of each under the hash of its contents, and a list of all of them, which is itself such a
file. A job names the list by its hash; workers that run the job's tasks fetch the files that their host lacks
(``firesteel.worker.arrivals``).
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firesteel.context import SparkContext

__all__ = ["Offers"]


class Offers:
    """The files that a context offers."""

    def __init__(self, sc: SparkContext) -> None:
        self._native = sc._native
        self._folder = os.path.join(sc._native.directory, "offered")
        self._entries: dict[str, dict[str, object]] = {}
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        #: The hash of the list; empty where the list is.
        self.list = ""

    def add(self, path: str) -> None:
        """Offers a file, or all files of a directory, under its name. It must not change afterwards."""
        name = os.path.basename(path)
        if os.path.isdir(path):
            packed = os.path.join(self._folder, f"{name}.tar")
            with tarfile.open(packed, "w") as tree:
                tree.add(path, arcname=".")
            self._offer(name, packed, unpack=".tar")
        else:
            self._offer(name, path, mode=os.stat(path).st_mode & 0o777)

    def add_archive(self, source: str, path: str, name: str) -> None:
        """Offers a copy of the archive ``source``, whose kind the suffix of ``path`` tells, to be unpacked by a
        name."""
        if name not in self._entries:
            copy = os.path.join(self._folder, f"{name}.archive")
            shutil.copyfile(source, copy)
            self._offer(name, copy, unpack=path.rpartition("/")[2])

    def _offer(self, name: str, path: str, **more: object) -> None:
        self._entries[name] = {"name": name, "hash": self._native.offer_file(path), **more}
        listed = os.path.join(self._folder, f".list-{len(self._entries)}")
        with open(listed, "w", encoding="utf-8") as file:
            json.dump(list(self._entries.values()), file)
        self.list = self._native.offer_file(listed)
