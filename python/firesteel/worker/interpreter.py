"""The workers' Python, if ``PYSPARK_PYTHON`` names one: asked for its version before it is given work.

A Python of another minor version cannot load the functions, nor import the standard library on the driver's path. So it
is refused when the context starts, with the reason, and not by the first failure.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from firesteel.errors import FiresteelError, PythonVersionError

if TYPE_CHECKING:
    from firesteel.conf import SparkConf

__all__ = ["check", "chosen", "module_folders"]

#: The variable that names the Python of the workers, as in PySpark. Not set: the driver's own.
VARIABLE = "PYSPARK_PYTHON"

#: The setting that does the same, and is stronger.
SETTING = "spark.pyspark.python"

#: How long a Python may take to print its version.
PATIENCE_SECONDS = 60.0

_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


def check(conf: SparkConf, is_shipped: bool = False) -> None:
    """Raises an error that says what to do if the workers' Python does not start, or is of another minor version.

    A Python that may be in an archive, on another host, is left to tasks, which check it.

    >>> from firesteel import SparkConf
    >>> check(SparkConf(loadDefaults=False))
    """
    program = chosen(conf)
    if program is None or is_shipped and not os.path.isabs(program):
        return
    source = SETTING if conf.get(SETTING) else VARIABLE
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    theirs = _version_of(program, source)
    if theirs != ours:
        raise PythonVersionError(
            f"the driver runs Python {ours} ({sys.executable}), and its workers would run Python {theirs}, since"
            f" {source} is {program!r}: functions cannot travel between minor versions. Take {source} out of the"
            f" {'settings' if source == SETTING else 'environment'}, so that workers run the driver's Python, or let it"
            " name a Python of the same minor version."
        )


def chosen(conf: SparkConf) -> str | None:
    """Returns the Python that a program wants for its workers; None for that of the starting process."""
    program = conf.get(SETTING) or os.environ.get(VARIABLE)
    return None if not program or _is_this(program) else program


#: The program of an agent's interpreter on this machine: it finds modules where the driver does.
_AGENT_HERE = (
    "import sys, json\nsys.path[:] = json.loads(sys.argv[1])\nfrom firesteel.worker.agent import main\nmain()"
)


def agent(conf: SparkConf, is_here: bool) -> list[str]:
    """Returns the arguments that start an agent: here with the program's own Python, elsewhere with that host's."""
    if is_here:
        return [sys.executable, "-c", _AGENT_HERE, json.dumps(sys.path)]
    program = chosen(conf)
    # A Python in an archive is for workers; another one fetches the archive.
    is_shipped = program is not None and os.sep in program and not os.path.isabs(program)
    return [sys.executable if program is None or is_shipped else program, "-m", "firesteel.worker.agent"]


@functools.cache
def module_folders() -> frozenset[str]:
    """Returns the folders of modules that come with this Python or were installed for it. Another has its own."""
    import site
    import sysconfig

    standard = sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")
    found = {*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages()}
    found.update(os.path.join(place, "lib-dynload") for place in standard)
    ending = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    return frozenset({*found, *(path for path in sys.path if os.path.basename(path) == ending)})


def _is_this(program: str) -> bool:
    """Returns whether the program is the Python that runs here."""
    found = shutil.which(program)
    if found is None:
        return False
    # Pythons of several environments are links to one program, but each has its packages by where it lies.
    same_place = os.path.realpath(os.path.dirname(found)) == os.path.realpath(os.path.dirname(sys.executable))
    return same_place and os.path.realpath(found) == os.path.realpath(sys.executable)


def _version_of(program: str, source: str) -> str:
    try:
        done = subprocess.run([program, "-c", _ASK], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FiresteelError(f"{source} is {program!r}, and this Python does not start: {why}") from None
    if done.returncode != 0:
        raise FiresteelError(
            f"{source} is {program!r}, and this Python does not start: it ended with {done.returncode}"
            f" and said {done.stderr.strip()[:300]!r}"
        )
    return done.stdout.strip()
