"""Loads functions: the other end of ``firesteel.pickling.dump_function``.

Each task loads its function anew, although loaded ones could be cached: so captured values are as they were in the
driver at the beginning of every task, whichever worker runs it, and however often. Only the check of its modules is
skipped the second time.
"""

from __future__ import annotations

import os
import pickle
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any

from firesteel.errors import MissingModuleError, PythonVersionError
from firesteel.worker import modules, packages

#: The header of shipped functions. The bytecode of a function is only valid for the minor version that made it.
_MARK = b"firesteel function 1, python "
HEADER = _MARK + f"{sys.version_info.major}.{sys.version_info.minor}\n".encode()


def load_function(data: bytes) -> Callable[..., Any]:
    """Loads a function that the driver sent.

    Raises :class:`~firesteel.errors.PythonVersionError` for a function of another minor version of Python, and
    :class:`~firesteel.errors.MissingModuleError` where a module that it needs is not here.

    >>> from firesteel.pickling import dump_function
    >>> load_function(dump_function(lambda x: x + 1, operation="map", sc=None).data)(41)
    42
    """
    if not data.startswith(HEADER):
        raise _foreign(data)
    packages.see()
    body = data.index(b"\n", len(HEADER)) + 1
    if body > len(HEADER) + 1:
        modules.check(data[len(HEADER) : body - 1])
    try:
        function: Callable[..., Any] = pickle.loads(memoryview(data)[body:])
    except (ImportError, AttributeError) as error:
        raise MissingModuleError(_cannot_load(error)) from error
    except (Exception, SystemExit) as error:
        raise MissingModuleError(_fails_on_import(error)) from error
    return function


def process() -> str:
    """Returns this process's name for people: ``executor on host (process 123)``."""
    return f"executor on {socket.gethostname()} (process {os.getpid()})"


def _foreign(data: bytes) -> Exception:
    """Returns the error for bytes that this Python did not make."""
    if not data.startswith(_MARK):
        return PythonVersionError(
            f"the {process()} got a function in an unknown format; driver and workers must"
            f" have the same Firesteel"
        )
    theirs = data[len(_MARK) : data.index(b"\n")].decode()
    ours = ".".join(map(str, sys.version_info[:3]))
    return PythonVersionError(
        f"the driver runs Python {theirs}, and the {process()} runs Python {ours} ({sys.executable}): functions"
        f" cannot travel between minor versions. Give the workers a Python {theirs}, as by PYSPARK_PYTHON, or"
        f" start the driver with {ours}."
    )


def _fails_on_import(error: BaseException) -> str:
    """Says why a function cannot be loaded if code raises on the way: mostly the top level of a module."""
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.name == "<module>"]
    what = f"importing {places[-1].filename} there" if places else "what it holds"
    return (
        f"the {process()} cannot load the function of this stage: {what} raises {type(error).__name__}. What a module"
        " does when it is imported, it does in every executor, too; move what only the driver can do into a function."
    )


def _cannot_load(error: BaseException) -> str:
    """Says why a function cannot be loaded, though the modules that it names are here."""
    top = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if top and not modules.is_here(top):
        files = [frame.filename for frame in traceback.extract_tb(error.__traceback__) if frame.name == "<module>"]
        who = f"{os.path.basename(files[-1])} imports" if files else "the function of this stage needs"
        return f"the {process()} has no module {top}, which {who}. {modules.how_to_ship(top)}"
    return (
        f"the {process()} cannot load the function of this stage: {error}. A module here is another one than the"
        " driver's: an older version of it, or one of the same name earlier in sys.path. Ship the driver's with"
        ' sc.addPyFile("x.py"), or with --py-files.'
    )
