"""Commands of ``firesteel`` for clusters: daemons, programs that run in one, and questions about them.

The engine runs the daemons and the commands for a master. This module makes a Python program startable on a worker's
machine: it names an interpreter there, and sends the program's files along.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Sequence

from firesteel import _native
from firesteel.cli import options
from firesteel.cli.executor import memory

#: Commands that the engine's own command line knows, with all their options.
COMMANDS = {name: about for name, about in _native.command_names() if name not in ("submit", "executor")}

#: Settings about the submitting machine, or that are sent in another way.
_NOT_SENT = {
    "spark.master",
    "spark.submit.pyFiles",
    "spark.files",
    "spark.archives",
    "spark.authenticate.secret.file",
    "spark.driver.supervise",
}


def run_native(words: Sequence[str]) -> int:
    """Runs one of :data:`COMMANDS`."""
    # The interpreter would not see Ctrl-C while native code runs.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return 0 if _native.command(["firesteel", *words]) else 1


def is_named(chosen: argparse.Namespace) -> bool:
    """Returns whether the command line, or the environment, says which cluster."""
    return _settings(chosen).get("spark.master", "").startswith(("firesteel://", "spark://", "slurm", "yarn", "k8s://"))


def ask(chosen: argparse.Namespace) -> int:
    """Runs ``submit --kill NAME`` and ``submit --status NAME``."""
    words = ["submit", "--kill", chosen.kill] if chosen.kill else ["submit", "--status", chosen.status]
    found = _settings(chosen)
    words += ["--master", found["spark.master"]]
    if not found["spark.master"].startswith(("firesteel://", "spark://")):
        for key, value in found.items():
            words += ["--conf", f"{key}={value}"] if key not in _NOT_SENT else []
        return run_native(words)
    secret = _secret_file(found)
    return run_native([*words, *(["--secret-file", secret] if secret else ["--insecure"])])


def submit(chosen: argparse.Namespace) -> int:
    """Runs a program in a cluster, and prints the name by which the cluster knows it."""
    found = _settings(chosen)
    files: list[str] = []
    words = ["-m", "firesteel.cli", "submit"]
    for option, paths in (
        ("--py-files", chosen.py_files),
        ("--files", chosen.files),
        ("--archives", chosen.archives),
    ):
        if paths:
            words += [option, ",".join(_sent(path, files) for path in options.split(paths))]
    if chosen.requirements:
        # Built where the program runs: its Python may be another one there.
        words += ["--requirements", _sent(chosen.requirements, files)]
    words += ["--as-pyspark"] if chosen.as_pyspark else []
    words += [_sent(chosen.app, files), *chosen.arguments]
    sent = [word for key, value in found.items() if key not in _NOT_SENT for word in ("--conf", f"{key}={value}")]
    environment = {}
    if not found["spark.master"].startswith(("yarn", "k8s://")):  # they send the settings as secrets
        environment["PYSPARK_SUBMIT_ARGS"] = f"{shlex.join(sent)} pyspark-shell"
    if "PYSPARK_PYTHON" in os.environ:
        environment["PYSPARK_PYTHON"] = os.environ["PYSPARK_PYTHON"]
    try:
        _native.submit_driver(
            master=found["spark.master"],
            secret_file=_secret_file(found),
            program=_python(found),
            arguments=words,
            environment=list(environment.items()),
            files=files,
            cores=int(found.get("spark.driver.cores", "1")),
            memory_mib=memory(found.get("spark.driver.memory", "1g")) >> 20,
            supervise=chosen.supervise,
            settings=[(key, value) for key, value in found.items() if key not in _NOT_SENT],
            dry_run=chosen.dry_run,
            # A pipe would keep the name until the program has ended.
            tell=lambda name: print(name, flush=True),
        )
    except (RuntimeError, ValueError, argparse.ArgumentTypeError) as error:
        print(f"firesteel: {error}", file=sys.stderr)
        return 1
    return 0


def _settings(chosen: argparse.Namespace) -> dict[str, str]:
    """Returns the command line's settings; the master also from where the engine's own commands take it."""
    found = options.settings(chosen)
    if "spark.master" not in found and os.environ.get("FIRESTEEL_MASTER"):
        found["spark.master"] = os.environ["FIRESTEEL_MASTER"]
    return found


def _secret_file(found: dict[str, str]) -> str | None:
    return found.get("spark.authenticate.secret.file") or os.environ.get("FIRESTEEL_SECRET_FILE")


def _python(found: dict[str, str]) -> str:
    """Returns the driver's interpreter, as the workers' machines name it."""
    keys = ("spark.pyspark.driver.python", "spark.pyspark.python")
    chosen = [found.get(key) for key in keys]
    chosen += [os.environ.get(name) for name in ("PYSPARK_DRIVER_PYTHON", "PYSPARK_PYTHON")]
    # An interpreter in an archive is for tasks.
    usable = [one for one in chosen if one and (os.sep not in one or os.path.isabs(one))]
    return usable[0] if usable else sys.executable


def _sent(path: str, files: list[str]) -> str:
    """Sends a file along, and returns the placeholder for its path there. URLs stay unchanged."""
    if path.startswith("local://"):  # it is in the image
        return path.removeprefix("local://")
    path = options.absolute(path)
    bare, mark, name = path.partition("#")
    if "://" in bare:
        return path
    if os.path.isdir(bare):
        raise options.UsageError(f"{bare} is a folder, which cannot be sent to a cluster; pack it as a .zip")
    same = [file for file in files if os.path.basename(file) == os.path.basename(bare)]
    if same and same[0] != bare:
        raise options.UsageError(
            f"{same[0]} and {bare} have the same name, and lie in one directory there; give one of them another name"
        )
    if not same:
        files.append(bare)
    return f"{{file:{os.path.basename(bare)}}}{mark}{name}"
