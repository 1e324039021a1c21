"""The server from which workers are forked: a process without threads that has imported what all of them need.

The driver starts it, with a socket for standard input, and sends lines of JSON: what workers are to know, and, each
with one end of a new socket, to fork one. The server tells when a worker ends and of what. It ends, with its workers,
when the driver closes the socket or is gone.
"""

import gc
import io
import json
import os
import random
import select
import signal
import socket
import sys
from typing import Any, NoReturn

from firesteel import _native, keys

# What workers import in their first task, imported once for all of them.
from firesteel import rdd as _rdd  # noqa: F401
from firesteel import worker as _worker  # noqa: F401
from firesteel.worker import failure as _failure  # noqa: F401
from firesteel.worker import limits

_LINE = 1 << 20
COLLECT_EVERY = (50_000, 20, 50)
"""After how many new objects the youngest are looked through for cycles, and after how many rounds of that the
older.
"""


def main() -> NoReturn:
    """Serves until the driver is gone."""
    control = socket.socket(fileno=os.dup(0))
    _point_standard_input_at(os.open(os.devnull, os.O_RDONLY))
    _point_standard_output_at_errors()
    # Ctrl-C is for the program; it says what is to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.environ.get("FIRESTEEL_AS_PYSPARK") == "1":
        from firesteel import as_pyspark

        as_pyspark.install()
    keys.install()
    gc.collect()
    # Objects that stay are not touched by collections in workers, so their pages stay shared.
    gc.freeze()
    # Tasks make many objects and few cycles: looking for cycles every 700 objects, as is Python's habit, can take
    # longer than the work itself.
    gc.set_threshold(*COLLECT_EVERY)
    _Server(control).serve()
    os._exit(0)


def _point_standard_input_at(descriptor: int) -> None:
    os.dup2(descriptor, 0)
    os.close(descriptor)


def _point_standard_output_at_errors() -> None:
    """What tasks print, and programs that they start, is not in the program's own output, which may be a file of data.

    It is the descriptor that is another one, so that native code cannot miss it; workers inherit it.
    """
    os.dup2(2, 1)
    # A worker that is killed has shown the lines that it printed before.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


class _Server:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        # By the descriptor that becomes readable when the process ends.
        self._workers: dict[int, int] = {}
        self._setting: dict[str, Any] = {}
        self._received = b""
        self._sockets: list[int] = []

    def serve(self) -> None:
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._workers:
                    self._tell_end(descriptor)
                elif not self._hear():
                    self._end_all()
                    return

    def _hear(self) -> bool:
        """Takes what the driver says; False when it is gone."""
        try:
            data, sockets, _, _ = socket.recv_fds(self._control, _LINE, 8)
        except OSError:
            return False
        self._sockets.extend(sockets)
        if not data:
            return False
        self._received += data
        while b"\n" in self._received:
            line, self._received = self._received.split(b"\n", 1)
            word = json.loads(line)
            if word.get("setting") is not None:
                self._setting = word["setting"]
            if word["fork"]:
                self._fork(self._sockets.pop(0))
        return True

    def _fork(self, connection: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        process = os.fork()
        if process == 0:
            self._become_worker(connection)
        os.close(connection)
        descriptor = os.pidfd_open(process)
        self._workers[descriptor] = process
        self._poll.register(descriptor, select.POLLIN)

    def _become_worker(self, connection: int) -> NoReturn:
        code = 1
        try:
            self._control.close()
            for descriptor in self._workers:
                os.close(descriptor)
            _point_standard_input_at(connection)
            _apply(self._setting)
            limits.limit_as_told()
            random.seed()
            _native.work()
            code = 0
        except BaseException:  # A worker that cannot even begin says why, and its end says the rest.
            import traceback

            traceback.print_exc()
        finally:
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)

    def _tell_end(self, descriptor: int) -> None:
        process = self._workers.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        _, status, usage = os.wait4(process, 0)
        end = {
            "exited": process,
            "code": os.waitstatus_to_exitcode(status),
            "peak": usage.ru_maxrss * 1024,
        }
        try:
            self._control.sendall(json.dumps(end).encode() + b"\n")
        except OSError:
            # The driver is gone; the next word from it will be its end.
            pass

    def _end_all(self) -> None:
        for process in self._workers.values():
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for process in self._workers.values():
            os.waitpid(process, 0)


def _apply(setting: dict[str, Any]) -> None:
    """Makes modules and files be found where the program finds them."""
    if setting.get("sys_path"):
        sys.path[:] = setting["sys_path"]
    first = [path for path in setting.get("first_on_path", ()) if os.path.exists(path)]
    sys.path[:] = [*first, *(path for path in sys.path if path not in first)]
    os.environ.update(setting.get("environment", {}))
    directory = setting.get("directory")
    if directory:
        try:
            os.chdir(directory)
        except OSError as error:
            if "first_on_path" in setting:
                return  # another host; the agent has chosen a directory there
            print(f"firesteel: a worker cannot go to {directory}: {error}", file=sys.stderr)
