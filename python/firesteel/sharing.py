"""Objects that tasks share: broadcasts, accumulators, files and packages, the checkpoint directory. A part of
:class:`firesteel.SparkContext`; :mod:`firesteel.files` copies and unpacks files.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from firesteel.worker import interpreter

if TYPE_CHECKING:
    from firesteel._native import Context
    from firesteel.accumulators import Accumulator, AccumulatorParam
    from firesteel.broadcast import Broadcast
    from firesteel.context import SparkContext
    from firesteel.offers import Offers

__all__ = ["Sharing"]

T = TypeVar("T")


class Sharing:
    """Adds the methods about shared objects to the context."""

    PACKAGE_EXTENSIONS: Iterable[str] = (".zip", ".egg", ".jar")
    _packages: list[str] = []
    _offers: Offers | None = None
    _workers_may_start = False

    @property
    def _native(self) -> Context:
        raise NotImplementedError

    def _this(self) -> SparkContext:
        return cast("SparkContext", self)

    def _begin_sharing(self, py_files: Sequence[str]) -> None:
        """Prepares the files and packages that workers begin with: these, and those that settings name."""
        from firesteel.files import root_directory
        from firesteel.offers import Offers

        self._files: list[str] = []
        self._archives: list[str] = []
        self._packages_added = 0
        # Packages come before the program's own path, as they do in the driver.
        self._packages = [root_directory(self._this())]
        sys.path.insert(1, self._packages[0])
        self._offers = Offers(self._this()) if self._native.is_on_cluster else None
        self._workers_may_start = False
        for path in [*py_files, *self._listed("spark.submit.pyFiles")]:
            self.addPyFile(path)
        for path in self._listed("spark.files"):
            self.addFile(path, recursive=os.path.isdir(path))
        for path in self._listed("spark.archives"):
            self.addArchive(path)
        self._workers_may_start = True
        self._configure_workers()

    def _listed(self, setting: str) -> list[str]:
        """Returns the paths of a setting that is a list of them, with commas."""
        return [path.strip() for path in (self._this()._conf.get(setting) or "").split(",") if path.strip()]

    def _packages_told(self) -> str:
        """Returns the text by which jobs tell running workers about packages; it differs after each addition."""
        names = ["", *map(os.path.basename, self._packages[1:])]
        return "\n".join([str(self._packages_added), self._offers.list if self._offers else "", *names])

    def _end_sharing(self) -> None:
        for package in self._packages:
            if package in sys.path:
                sys.path.remove(package)

    def _configure_workers(self) -> None:
        """Tells workers that begin from now on to find modules where the driver does, and in added packages."""
        if not self._workers_may_start:
            return
        here = os.getcwd()
        rest = [path or here for path in sys.path if path not in self._packages]
        setting: dict[str, Any] = {"directory": here}
        if self._offers is None:
            setting["sys_path"] = [*self._packages, *rest]
        else:
            # A worker's own Python brings its own modules; each job says where packages are.
            setting["first_on_path"] = [path for path in rest if path not in interpreter.module_folders()]
            setting["environment"] = self._this()._worker_environment()
            setting["files"] = self._offers.list
            setting["python"] = interpreter.chosen(self._this()._conf)
        self._native.set_up_workers(json.dumps(setting))

    def broadcast(self, value: T) -> Broadcast[T]:
        """Sends a value to each executor once, for all tasks to read.

        >>> names = sc.broadcast({1: "one", 2: "two"})
        >>> sc.parallelize([2, 1]).map(lambda n: names.value[n]).collect()
        ['two', 'one']
        """
        from firesteel.broadcast import Broadcast

        return Broadcast(self._this(), value)

    def accumulator(self, value: T, accum_param: AccumulatorParam[T] | None = None) -> Accumulator[T]:
        """Makes a variable that tasks add to and the driver reads. ``accum_param`` says how values other than numbers
        are added.

        >>> errors = sc.accumulator(0)
        >>> sc.range(5).foreach(lambda x: errors.add(1) if x > 2 else None)
        >>> errors.value
        2
        """
        from firesteel import accumulators

        return accumulators.create(self._this(), value, accum_param)

    def addFile(self, path: str, recursive: bool = False) -> None:
        """Ships a file to tasks, or with ``recursive`` a directory; ``SparkFiles.get`` tells them its path.

        >>> import os, tempfile
        >>> from firesteel import SparkFiles
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "greeting.txt")
        ...     with open(path, "w") as file:
        ...         _ = file.write("hello")
        ...     sc.addFile(path)
        >>> sc.parallelize([0]).map(lambda _: open(SparkFiles.get("greeting.txt")).read()).collect()
        ['hello']
        """
        from firesteel import files

        place = files.add_file(self._this(), os.fspath(path), recursive)
        self._native.note_shipped(place)
        if self._offers is not None:
            self._offers.add(place)
        self._note(self._files, files.uri_of(os.fspath(path)))

    @staticmethod
    def _note(listed: list[str], uri: str) -> None:
        if uri not in listed:
            listed.append(uri)

    @property
    def listFiles(self) -> list[str]:
        """Returns where added files came from.

        >>> isinstance(sc.listFiles, list)
        True
        """
        return list(self._files)

    def addPyFile(self, path: str) -> None:
        """Ships a module (a ``.py`` file) or a package (a ``.zip`` or ``.egg`` file) for tasks to import.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "shipped_example.py")
        ...     with open(path, "w") as file:
        ...         _ = file.write("def double(x): return 2 * x")
        ...     sc.addPyFile(path)
        >>> def double(x):
        ...     import shipped_example
        ...     return shipped_example.double(x)
        >>> sc.parallelize([1, 2]).map(double).collect()
        [2, 4]
        """
        from firesteel import files

        place = files.add_file(self._this(), os.fspath(path))
        self._native.note_shipped(place)
        if self._offers is not None:
            self._offers.add(place)
        self._note(self._files, files.uri_of(os.fspath(path)))
        if place.lower().endswith(tuple(self.PACKAGE_EXTENSIONS)) and place not in self._packages:
            self._packages.append(place)
            sys.path.insert(1, place)
            self._configure_workers()
        self._packages_added += 1
        importlib.invalidate_caches()

    def addArchive(self, path: str) -> None:
        """Ships the contents of an archive to tasks, in a directory of its name, or of the name after ``#``.

        >>> import os, tempfile, zipfile
        >>> from firesteel import SparkFiles
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "words.zip")
        ...     with zipfile.ZipFile(path, "w") as archive:
        ...         archive.writestr("a.txt", "hello")
        ...     sc.addArchive(path + "#vocabulary")
        >>> sc.parallelize([0]).map(lambda _: open(SparkFiles.get("vocabulary/a.txt")).read()).collect()
        ['hello']
        """
        from firesteel import files

        self._native.note_shipped(files.add_archive(self._this(), os.fspath(path), self._offers))
        name, hash_sign, alias = os.fspath(path).partition("#")
        self._note(self._archives, files.uri_of(name) + hash_sign + alias)

    @property
    def listArchives(self) -> list[str]:
        """Returns where added archives came from.

        >>> isinstance(sc.listArchives, list)
        True
        """
        return list(self._archives)

    def setCheckpointDir(self, dirName: str) -> None:
        """Sets the directory below which checkpoints are written, in a directory of the application's own.

        >>> import tempfile
        >>> sc.setCheckpointDir(tempfile.mkdtemp())
        """
        self._native.set_checkpoint_dir(os.fspath(dirName))

    def getCheckpointDir(self) -> str | None:
        """Returns where checkpoints are written, as a path with a scheme; None before :meth:`setCheckpointDir`.

        >>> import tempfile
        >>> directory = tempfile.mkdtemp()
        >>> sc.setCheckpointDir(directory)
        >>> sc.getCheckpointDir().startswith(f"file:{directory}")
        True
        """
        from firesteel.files import uri_of

        directory = self._native.checkpoint_dir()
        return None if directory is None else uri_of(directory)
