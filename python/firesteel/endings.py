"""Stops the context before a signal ends the program, so that no files and workers are left behind.

Ctrl-C raises ``KeyboardInterrupt``, and the interpreter's own end stops the context. SIGTERM and SIGHUP would end the
process at once. Here they first stop the context, in a bounded time, and then end the process as they would have: the
parent process sees the same signal. A program with handlers of its own keeps them, whenever it installs them; so does
one that ignores a signal, as under ``nohup``.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

__all__ = ["watch"]

SIGNALS = (signal.SIGTERM, signal.SIGHUP)

PATIENCE_SECONDS = 10.0
"""The longest that stopping a context may take: the interrupted code may hold its locks."""


def watch() -> None:
    """Makes these signals stop the context first, unless the program handles or ignores them.

    Python allows this in the main thread only. Files of a context that another thread makes are removed by the next
    program.

    >>> import signal
    >>> signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    False
    """
    global _process
    if threading.current_thread() is not threading.main_thread():
        return
    _process = os.getpid()
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    # A second signal ends the process at once.
    signal.signal(number, signal.SIG_DFL)
    if os.getpid() == _process:
        # In another thread: this one may have been interrupted anywhere, also where it holds a lock.
        stopping = threading.Thread(target=_stop, name="firesteel-end", daemon=True)
        stopping.start()
        stopping.join(PATIENCE_SECONDS)
    os.kill(os.getpid(), number)


def _stop() -> None:
    from firesteel.context import SparkContext

    context = SparkContext._active_spark_context
    if context is None:
        return
    try:
        # Another driver may take the application up again.
        context._end(failed=True)
    except Exception as error:
        print(f"firesteel: the context did not stop in order: {error}", file=sys.stderr)


# A forked process has no context of its own, and ends at once on these signals. A signal that arrives before its
# handlers are reset would be lost, so signals are blocked until then.


def _before_fork() -> None:
    ours = [number for number in SIGNALS if signal.getsignal(number) is _end]
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, ours)


def _after_in_parent() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _after_in_child() -> None:
    for number in SIGNALS:
        if signal.getsignal(number) is _end:
            signal.signal(number, signal.SIG_DFL)
    _after_in_parent()


_forking = threading.local()
_process = 0
"""The process whose context these signals stop."""

os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
