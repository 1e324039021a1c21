"""Files that a program ships with its job: where they lie, how they get there, and how archives are unpacked.

All of them lie in one directory of the application, which the driver fills and workers read; on other hosts the worker
that needs a file first fetches it (:mod:`firesteel.offers`). Programs call :class:`SparkFiles`; :func:`add_file` and
:func:`add_archive` serve ``SparkContext.addFile``, ``addPyFile`` and ``addArchive``. An archive may come from anywhere,
so no member of it may leave its folder, neither by its name nor through a link.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from firesteel import _native
from firesteel.errors import FiresteelError

if TYPE_CHECKING:
    from firesteel.context import SparkContext
    from firesteel.offers import Offers

__all__ = ["SparkFiles"]

FETCH_TIMEOUT_SECONDS = 60
"""How long a server of a file that is added by URL may be silent."""

_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ZIP_SUFFIXES = (".zip", ".jar", ".whl", ".egg")


class SparkFiles:
    """Finds files that ``SparkContext.addFile``, ``addPyFile`` and ``addArchive`` have shipped, in the driver and in
    tasks.
    """

    def __init__(self) -> None:
        raise NotImplementedError("Do not construct SparkFiles objects")

    @classmethod
    def get(cls, filename: str) -> str:
        """Returns the path of an added file, by its name.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "factor.txt")
        ...     with open(path, "w") as file:
        ...         _ = file.write("100")
        ...     sc.addFile(path)
        >>> def times_factor(x):
        ...     with open(SparkFiles.get("factor.txt")) as file:
        ...         return x * int(file.read())
        >>> sc.parallelize([1, 2]).map(times_factor).collect()
        [100, 200]
        """
        return os.path.abspath(os.path.join(cls.getRootDirectory(), filename))

    @classmethod
    def getRootDirectory(cls) -> str:
        """Returns the directory that the files are in.

        >>> SparkFiles.get("a.txt") == os.path.join(SparkFiles.getRootDirectory(), "a.txt")
        True
        """
        task = _native.current_task()
        if task is not None:
            return below(task.directory)
        from firesteel.context import SparkContext

        sc = SparkContext._active_spark_context
        if sc is None:
            raise FiresteelError("SparkFiles has no directory: there is no SparkContext; make one first.")
        return root_directory(sc)


def root_directory(sc: SparkContext) -> str:
    """Returns the directory of a context's files, made on first use."""
    directory = below(sc._native.directory)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    return directory


def below(directory: str) -> str:
    """Returns where the files are, below the application's directory on a host."""
    return os.path.join(directory, "userFiles")


def uri_of(path: str) -> str:
    """Returns how an added file is listed: ``file:/a/b`` for paths of this machine, URLs unchanged."""
    return path if _scheme(path) not in ("", "file") else "file:" + os.path.abspath(_local_path(path))


def add_file(sc: SparkContext, path: str, recursive: bool = False) -> str:
    """Copies a file (or, ``recursive``, a directory) into the context's directory; returns the copy's path.

    A file whose name is taken is refused unless it is the same: running tasks could read half of each.
    """
    if _scheme(path) not in ("", "file"):
        return _place(_download(path), os.path.join(root_directory(sc), _name(path)), path)
    source = _local_path(path)
    if not os.path.exists(source):
        raise FileNotFoundError(f"there is no file {path} to add (looked at {source})")
    if os.path.isdir(source) and not recursive:
        raise IsADirectoryError(f"{path} is a directory: addFile(path, recursive=True) adds all that is in it")
    return _place(source, os.path.join(root_directory(sc), os.path.basename(source)), path, keep_source=True)


def add_archive(sc: SparkContext, path: str, offers: Offers | None = None) -> str:
    """Unpacks an archive, ``path`` or ``path#name``, into a folder of that name; returns the folder's path.

    With ``offers``, other hosts get the archive.
    """
    path, _, alias = path.partition("#")
    name = alias or _name(path)
    if name in ("", ".", "..") or os.path.basename(name) != name:
        raise ValueError(f"{name!r} is not the name of a folder to unpack {path} into")
    target = os.path.join(root_directory(sc), name)
    local = _scheme(path) in ("", "file")
    source = _local_path(path) if local else _download(path)
    if not os.path.isfile(source):
        raise FileNotFoundError(f"there is no archive {path} to add (looked at {source})")
    try:
        _unpack_or_compare(source, target, path)
        if offers is not None:
            offers.add_archive(source, path, name)
    finally:
        if not local:
            os.unlink(source)
    return target


def _unpack_or_compare(source: str, target: str, name: str) -> None:
    """Unpacks an archive. A folder that exists stays, and must be the same: tasks may be reading it."""
    if not os.path.lexists(target):
        return unpack(source, target, name)
    with tempfile.TemporaryDirectory(prefix=".comparing-", dir=os.path.dirname(target)) as folder:
        unpack(source, os.path.join(folder, "copy"), name)
        if not _same(os.path.join(folder, "copy"), target):
            raise FiresteelError(
                f"{name} cannot be unpacked into {os.path.basename(target)!r}: an added file or archive with other"
                f" content has that name; write {name}#ANOTHER_NAME"
            )


def unpack(source: str, target: str, name: str) -> None:
    """Unpacks the archive ``source``, whose kind the suffix of ``name`` tells, as the new folder ``target``.

    Unpacks everything or nothing: a bad member, a broken file, a full disk leave no folder behind.
    """
    folder = tempfile.mkdtemp(prefix=".unpacking-", dir=os.path.dirname(target))
    try:
        if name.lower().endswith(_TAR_SUFFIXES):
            _unpack_tar(source, folder)
        elif name.lower().endswith(_ZIP_SUFFIXES):
            _unpack_zip(source, folder)
        else:
            kinds = ", ".join((*_ZIP_SUFFIXES[:2], *_TAR_SUFFIXES))
            raise FiresteelError(f"{name} is not an archive that can be unpacked; its name must end in one of {kinds}")
        os.chmod(folder, 0o755)
        os.rename(folder, target)
    except FiresteelError:
        raise
    except Exception as error:
        raise FiresteelError(f"{name} cannot be unpacked: {type(error).__name__}: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack_tar(source: str, folder: str) -> None:
    import tarfile

    with tarfile.open(source) as archive:
        for member in archive:
            path = _inside(folder, member.name)
            if member.isdir():
                os.makedirs(path, exist_ok=True)
                continue
            _make_room(path)
            if member.issym():
                _link(folder, path, member.linkname, member.name)
            elif member.islnk():
                os.link(_inside(folder, member.linkname), path, follow_symlinks=False)
            elif member.isfile():
                content = archive.extractfile(member)
                assert content is not None, "a plain file has content"
                with content, open(path, "wb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
                os.chmod(path, (member.mode & 0o755) | stat.S_IRUSR | stat.S_IWUSR)
            else:
                raise FiresteelError(f"the archive's member {member.name!r} is a device or a pipe, and is not unpacked")


def _unpack_zip(source: str, folder: str) -> None:
    import zipfile

    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            path = _inside(folder, member.filename)
            mode = member.external_attr >> 16
            if member.is_dir():
                os.makedirs(path, exist_ok=True)
                continue
            _make_room(path)
            if stat.S_ISLNK(mode):
                _link(folder, path, os.fsdecode(archive.read(member)), member.filename)
                continue
            with archive.open(member) as content, open(path, "wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
            os.chmod(path, (mode & 0o755) | stat.S_IRUSR | stat.S_IWUSR if mode else 0o644)


def _inside(folder: str, name: str) -> str:
    """Returns the path of a member; refuses it if it, or a link on the way to it, leads out of the folder."""
    path = os.path.join(folder, name)
    parent, base = os.path.split(path.rstrip("/"))
    real = os.path.join(os.path.realpath(parent), base)
    if os.path.isabs(name) or ".." in name.split("/") or not _is_below(real, folder):
        raise FiresteelError(f"the archive's member {name!r} would land outside of its folder; nothing was unpacked")
    if os.path.islink(real) and not _is_below(os.path.realpath(real), folder):
        raise FiresteelError(f"the archive's member {name!r} is behind a link that leads out of its folder")
    return real


def _is_below(path: str, folder: str) -> bool:
    root = os.path.realpath(folder)
    return path == root or path.startswith(root + os.sep)


def _make_room(path: str) -> None:
    """Prepares the writing of a member: makes its folder, and removes a link or file at its path."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)


def _link(folder: str, path: str, target: str, name: str) -> None:
    """Makes a symbolic link, if its target is within the folder; ``a/..`` is refused since ``a`` may become a link
    later."""
    parts = [part for part in target.split("/") if part not in ("", ".")]
    climbing = [part for part in parts if part == ".."]
    real = os.path.realpath(os.path.join(os.path.dirname(path), target))
    if os.path.isabs(target) or parts[: len(climbing)] != climbing or not _is_below(real, folder):
        raise FiresteelError(
            f"the archive's link {name!r} leads to {target!r}, outside of its folder; nothing was unpacked"
        )
    os.symlink(target, path)


def _place(source: str, target: str, path: str, keep_source: bool = False) -> str:
    """Puts a file or directory where tasks find it, in one step, since workers may look at any moment."""
    try:
        # Adding a file twice is fine; another file must not replace one that running tasks may be reading.
        if os.path.lexists(target):
            if not _same(source, target):
                raise FiresteelError(
                    f"{path} cannot be added: an added file named {os.path.basename(target)!r} with other content is"
                    " there already, and tasks may be reading it; give the new one another name"
                )
            return target
        partial = tempfile.mkdtemp(prefix=".adding-", dir=os.path.dirname(target))
        try:
            copied = os.path.join(partial, "copy")
            (shutil.copytree if os.path.isdir(source) else shutil.copy2)(source, copied)
            os.rename(copied, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return target
    finally:
        if not keep_source:
            os.unlink(source)


def _same(one: str, other: str) -> bool:
    if not os.path.isdir(one) or not os.path.isdir(other):
        return os.path.isfile(one) and os.path.isfile(other) and filecmp.cmp(one, other, shallow=False)
    names = sorted(os.listdir(one))
    return names == sorted(os.listdir(other)) and all(
        _same(os.path.join(one, name), os.path.join(other, name)) for name in names
    )


def _scheme(path: str) -> str:
    scheme, colon, _ = path.partition(":")
    return scheme.lower() if colon and len(scheme) > 1 and scheme.replace("+", "").isalnum() else ""


def _local_path(path: str) -> str:
    if _scheme(path) != "file":
        return os.path.abspath(path)
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(path).path)


def _name(path: str) -> str:
    if _scheme(path) in ("", "file"):
        return os.path.basename(_local_path(path))
    from urllib.parse import urlsplit

    return os.path.basename(urlsplit(path).path)


def _download(path: str) -> str:
    """Downloads a file into a temporary one, and returns its path."""
    if _scheme(path) not in ("http", "https"):
        raise ValueError(
            f"{path} cannot be added: files come from paths of this machine, or from http and https URLs"
        )
    descriptor, local = tempfile.mkstemp(prefix="firesteel-added-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in _pieces(path):
                file.write(piece)
        return local
    except OSError as error:
        os.unlink(local)
        raise FiresteelError(f"{path} cannot be fetched: {error}") from error


def _pieces(address: str) -> Iterator[bytes]:
    from urllib.request import urlopen

    with urlopen(address, timeout=FETCH_TIMEOUT_SECONDS) as answer:
        while piece := answer.read(1 << 20):
            yield piece
