"""How the program ends, as far as what ends with it can know.

An interpreter that ends by an exception notes it (``sys.last_value``), but for ``SystemExit``: the functions of
``atexit`` are not told of the code of ``sys.exit``. Where that matters, ``sys.exit`` raises an exception that knows
whether anything has caught it.
"""

from __future__ import annotations

import sys
import threading
from typing import NoReturn

#: The codes of the exits that nothing has caught. There is one at most, which ends the interpreter.
_codes: list[object] = []


class _Exit(SystemExit):
    """An exit that the program has asked for."""

    def __del__(self) -> None:
        # Where something has caught it, that is still running; the interpreter's own end is in no function.
        if sys._getframe().f_back is None:
            _codes.append(self.code)


_Exit.__name__ = _Exit.__qualname__ = "SystemExit"
_Exit.__module__ = "builtins"


def _exit(status: object = None, /) -> NoReturn:
    """Exit the interpreter by raising SystemExit(status)."""
    # A thread's exit ends the thread alone.
    is_main = threading.current_thread() is threading.main_thread()
    raise _Exit(status) if is_main else SystemExit(status)


def watch() -> None:
    """From now on the code of ``sys.exit`` is seen."""
    setattr(sys, "exit", _exit)  # noqa: B010 - a type checker knows the function that it was


def is_failure(error: BaseException | None) -> bool:
    """Whether a program that ends with an exception has failed."""
    return error is not None and not (isinstance(error, SystemExit) and error.code in (None, 0))


def has_failed() -> bool:
    """Whether the program has failed whose interpreter is ending."""
    ended_by_exit = any(code not in (None, 0) for code in _codes)
    return ended_by_exit or is_failure(getattr(sys, "last_value", None))
