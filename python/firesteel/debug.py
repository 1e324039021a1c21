"""Runs the task that failed last again in the driver: in a debugger at a terminal, else showing local variables."""

from __future__ import annotations

import os
import sys
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, TextIO

from firesteel.errors import FiresteelError, bounded_repr

if TYPE_CHECKING:
    from firesteel.context import SparkContext

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep

#: The local variables of a frame that are shown at most.
LOCALS = 50


def debug_last_failure(sc: SparkContext, *, interactive: bool | None = None, out: TextIO | None = None) -> None:
    """Runs the task that failed last again in this process, on the same input, and stops where it fails.

    At a terminal, or in a notebook, ``pdb`` opens in the frame that raised. Elsewhere (``interactive`` is False, or
    not given and standard input is no terminal) the traceback and the local variables of the user's innermost frame are
    written to ``out`` (standard error).

    Raises :class:`~firesteel.errors.FiresteelError` if no task has failed, or its inputs are gone.
    """
    out = out or sys.stderr
    try:
        sc._native.run_last_failure()
    except LookupError as error:
        if _user_frames(error.__traceback__):
            _look(error, interactive, out)
            return
        raise FiresteelError(f"there is no failed task to run again: {error}") from None
    except BaseException as error:  # SystemExit and KeyboardInterrupt of the task are shown, too
        _look(error, interactive, out)
        return
    print("The task succeeded this time: its failure depends on the process, on time, or on chance.", file=out)


def _look(error: BaseException, interactive: bool | None, out: TextIO) -> None:
    """Opens the debugger, or prints traceback and variables."""
    from firesteel.worker.failure import user_traceback

    print(user_traceback(error), file=out)
    frames = _user_frames(error.__traceback__)
    if not frames:
        return
    if interactive if interactive is not None else _someone_is_there():
        import pdb

        print("The task's frames are open: `p name`, `up`, `down`, `where`; `q` to leave.", file=out)
        pdb.post_mortem(frames[0])
        return
    innermost = frames[-1].tb_frame
    code = innermost.f_code
    print(f"Local variables of {code.co_name} ({code.co_filename}:{frames[-1].tb_lineno}):", file=out)
    for line in _locals(innermost):
        print(f"  {line}", file=out)


def _user_frames(trace: TracebackType | None) -> list[TracebackType]:
    """Returns the parts of a traceback that are not in Firesteel."""
    frames = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            frames.append(trace)
        trace = trace.tb_next
    return frames


def _locals(frame: FrameType) -> list[str]:
    """Returns lines ``name = value``, each of bounded length."""
    lines = [f"{name} = {bounded_repr(value)}" for name, value in list(frame.f_locals.items())[:LOCALS]]
    more = len(frame.f_locals) - LOCALS
    return [*lines, f"... and {more} more"] if more > 0 else lines


def _someone_is_there() -> bool:
    """Returns whether a person can type to a debugger."""
    if "ipykernel" in sys.modules:
        return True
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # it is closed
        return False
