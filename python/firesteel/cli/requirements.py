"""``submit --requirements FILE``: the packages of a program as an environment, which is built once and shipped to
executors.

An environment is known by what it is made of: the file (and those that it names), this Python and this platform. It
lies in the user's cache, as an archive for executors, which unpack it once a host, and unpacked for the program itself.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from dataclasses import dataclass

from firesteel.cli.options import UsageError
from firesteel.conf import is_cluster

#: Options of a requirements file that name another one.
_INCLUDES = ("-r", "--requirement", "-c", "--constraint")


@dataclass(frozen=True)
class Environment:
    """A Python environment with a program's packages."""

    #: The archive that executors unpack.
    archive: str
    #: The folder in which it lies on this machine.
    folder: str
    #: The name of the folder into which executors unpack it.
    name: str

    @property
    def packages(self) -> str:
        """The folder of its packages, for the program itself."""
        return str(next(pathlib.Path(self.folder).glob("lib/python*/site-packages")))

    def python(self, master: str) -> str:
        """Returns its interpreter as executors of a master find it: on this machine, or where they have unpacked it."""
        return f"./{self.name}/bin/python" if is_cluster(master) else f"{self.folder}/bin/python"


def environment_of(path: str) -> Environment:
    """Returns the environment of a requirements file, or of a ``uv.lock``; builds it if it is not there.

    Raises UsageError if there is no such file, or its packages cannot be installed.
    """
    source = pathlib.Path(path).absolute()
    if not source.is_file():
        raise UsageError(f"there is no file {path} of requirements (in {os.getcwd()})")
    if source.name == "uv.lock":
        source = _exported(source)
    parts = _contents(source)
    about = (sys.implementation.cache_tag, sys.version.split()[0], sysconfig.get_platform())
    key = hashlib.sha256("\0".join([*about, *parts]).encode()).hexdigest()[:16]
    folder = _cache()
    archive, unpacked = folder / f"{key}.tar.gz", folder / key
    if not (archive.is_file() and unpacked.is_dir()):
        _build(source, folder, archive, unpacked)
    return Environment(str(archive), str(unpacked), f"environment-{key}")


def _cache() -> pathlib.Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = pathlib.Path(base) / "firesteel" / "environments"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _contents(source: pathlib.Path) -> list[str]:
    """Returns what a requirements file says, and those that it names, and the files of packages in them."""
    text = source.read_text(encoding="utf-8")
    parts = [text]
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        for word in words:
            path = word.partition("=")[2] if word.startswith("--") else word
            named = (source.parent / path).resolve()
            if not named.is_file() or named == source.resolve():
                continue
            if words[0].partition("=")[0] in _INCLUDES:
                parts += _contents(named)
            else:
                parts.append(hashlib.sha256(named.read_bytes()).hexdigest())
    return parts


def _exported(lock: pathlib.Path) -> pathlib.Path:
    """Returns a ``uv.lock`` as a file of requirements with their hashes."""
    if shutil.which("uv") is None:
        raise UsageError(f"{lock} is read by `uv`, which is not on the path: install it, or give a requirements file")
    words = ["uv", "export", "--frozen", "--no-dev", "--no-emit-project", "--format", "requirements-txt"]
    done = subprocess.run(words, cwd=lock.parent, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UsageError(f"{lock} cannot be read: {done.stderr.strip()}")
    text = "".join(line for line in done.stdout.splitlines(keepends=True) if not line.startswith("#"))
    path = _cache() / f"uv-{hashlib.sha256(text.encode()).hexdigest()[:16]}.txt"
    path.write_text(text, encoding="utf-8")
    return path


def _build(source: pathlib.Path, folder: pathlib.Path, archive: pathlib.Path, unpacked: pathlib.Path) -> None:
    """Builds an environment. Each of its two forms gets its name when it is whole."""
    print(f"firesteel: builds an environment of {source}, once; it is kept in {folder}", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=folder, prefix="building-") as building:
        fresh = pathlib.Path(building) / "environment"
        # With copies: links that lead out of an archive are not unpacked.
        _run([sys.executable, "-m", "venv", "--copies", str(fresh)], source)
        pip = [str(fresh / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--requirement", str(source)], source)
        packed = pathlib.Path(building) / "packed.tar.gz"
        with tarfile.open(packed, "w:gz", compresslevel=1) as tar:
            for entry in sorted(fresh.iterdir()):
                tar.add(entry, entry.name)
        # Another process that was faster has made the same.
        if not unpacked.exists():
            os.rename(fresh, unpacked)
        os.replace(packed, archive)


def _run(command: list[str], source: pathlib.Path) -> None:
    done = subprocess.run(command, cwd=source.parent, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise UsageError(f"the packages of {source} cannot be installed:\n  " + "\n  ".join(said[-10:]))
