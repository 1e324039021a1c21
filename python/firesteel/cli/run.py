"""Runs a program in this process as ``python app.py`` would: as ``__main__``, with its own arguments and folder.

Tracebacks begin at the program's own first line.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import zipfile
from collections.abc import Sequence
from types import CodeType, ModuleType, TracebackType

from firesteel import _native
from firesteel.errors import FiresteelError

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

#: The exit code after Ctrl-C: 128 and the signal's number, as in shells.
INTERRUPTED = 130


def run_as_pyspark(words: Sequence[str]) -> int:
    """Runs ``python -m firesteel.as_pyspark app.py ...``; returns the exit code."""
    if not words or words[0] in ("-h", "--help"):
        print(
            "usage: python -m firesteel.as_pyspark app.py [argument ...]\n\nRuns a program whose imports say pyspark."
        )
        return 0 if words else 2
    from firesteel import as_pyspark

    as_pyspark.install()
    return run_program(words[0], words[1:])


def run_program(path: str, arguments: Sequence[str]) -> int:
    """Runs a program; returns the exit code that Python would."""
    try:
        code = _code(path)
    except OSError as error:
        print(f"firesteel: cannot read the program {path}: {error.strerror or error}", file=sys.stderr)
        return 2
    except SyntaxError as error:
        sys.excepthook(type(error), error.with_traceback(None), None)
        return 1
    module = new_main(path)
    sys.argv = [path, *arguments]
    begins_itself = os.path.isdir(path) or zipfile.is_zipfile(path)
    set_own_folder(path if begins_itself else os.path.dirname(os.path.abspath(path)))
    codes = [1]
    # Registered before the program registers anything: so its context, which ends with the process if the program does
    # not stop it, has ended by then.
    atexit.register(lambda: _has_ended(codes[-1]))
    codes.append(_run(code, module))
    return codes[-1]


def _has_ended(code: int) -> None:
    """Tells the cluster manager, if the process is its application's master, how the program ended."""
    # People read the program's log as soon as the manager says that it has ended, so all of it is written first.
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    _native.program_ended(code == 0)


def set_own_folder(folder: str) -> None:
    """Puts the program's own folder in the place of the folder of the command that runs it."""
    if getattr(sys.flags, "safe_path", False):  # then the command's folder is not in the path
        sys.path.insert(0, folder)
    else:
        sys.path[0] = folder


def new_main(path: str | None) -> ModuleType:
    """Makes a module ``__main__`` in the place of the command's own."""
    module = ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    if path is not None:
        module.__file__ = os.path.abspath(path)
    sys.modules["__main__"] = module
    return module


def _code(path: str) -> CodeType:
    """Returns a program's code; for a folder or a zip file that of its ``__main__.py``."""
    if os.path.isdir(path):
        path = os.path.join(path, "__main__.py")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            try:
                source = archive.read("__main__.py")
            except KeyError:
                raise FileNotFoundError(2, "it has no __main__.py") from None
        return compile(source, os.path.join(path, "__main__.py"), "exec", dont_inherit=True)
    with open(path, "rb") as file:
        return compile(file.read(), os.path.abspath(path), "exec", dont_inherit=True)


def _run(code: CodeType, module: ModuleType) -> int:
    try:
        exec(code, module.__dict__)  # noqa: S102 - it is the program
    except SystemExit as error:
        code_of_exit = exit_code(error)
        if code_of_exit != 0:
            sys.last_value = error
        return code_of_exit
    except BaseException as error:
        # As Python does before it shows one: what ends with the process can see that the program has failed.
        sys.last_type, sys.last_value = type(error), error
        show(error)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    return 0


def show(error: BaseException) -> None:
    """Prints an uncaught error, as Python does, but from the program's own first line on."""
    trace = users_part(error)
    sys.excepthook(type(error), error.with_traceback(trace), trace)


def exit_code(error: SystemExit) -> int:
    """Returns the exit code that Python makes of the argument of ``sys.exit``."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    print(error.code, file=sys.stderr)
    return 1


def users_part(error: BaseException) -> TracebackType | None:
    """Returns an error's traceback from the first frame on that is not Firesteel's.

    If Firesteel raised it on purpose, its own frames below add nothing either, and are left out.
    """
    whole = error.__traceback__
    frames = []
    trace = whole
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    mine = [not frame.tb_frame.f_code.co_filename.startswith(_PACKAGE) for frame in frames]
    if True not in mine:
        return whole
    if not isinstance(error, (FiresteelError, KeyboardInterrupt)):
        return frames[mine.index(True)]
    kept: TracebackType | None = None
    for frame, is_mine in zip(reversed(frames), reversed(mine)):
        if is_mine:
            kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return kept
