"""The server from which workers are forked: a process without threads that has imported the modules they all need.

The driver starts it, with a socket for standard input, and sends lines of JSON: settings for workers, and requests to
fork one, each with one end of a new socket and a file for stacks. The server reports when a worker ends, and how. It
ends, with its workers, when the driver closes the socket or is gone.
"""

import faulthandler
import gc
import io
import json
import os
import random
import select
import signal
import socket
import sys
from types import FrameType
from typing import Any, NoReturn

from firesteel import _native, keys

# Modules that workers import in their first task, imported once for all of them.
from firesteel import rdd as _rdd  # noqa: F401
from firesteel import worker as _worker  # noqa: F401
from firesteel.worker import failure as _failure  # noqa: F401
from firesteel.worker import limits

_LINE = 1 << 20
_end = os._exit
_CALLS = 100
_CANNOT_BEGIN = b"Cannot begin: "
_ASK_FAULT_HANDLER = 16
"""The signal SIGSTKFLT, of which Python knows the name only since 3.11."""
COLLECT_EVERY = (50_000, 20, 50)
"""The numbers of new objects, and of rounds, after which the cycle collector looks at the youngest and at older
objects.
"""


def main() -> NoReturn:
    """Serves until the driver is gone."""
    control = socket.socket(fileno=os.dup(0))
    _point_standard_input_at(os.open(os.devnull, os.O_RDONLY))
    _point_standard_output_at_errors()
    # Ctrl-C is for the driver, which ends the server.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.environ.pop("FIRESTEEL_NOTICE", ""):
        # The agent's manager sends it to all processes of the agent, as a notice. A handler, since programs that tasks
        # start would inherit that it is ignored.
        signal.signal(signal.SIGTERM, lambda *_: None)
    if os.environ.get("FIRESTEEL_AS_PYSPARK") == "1":
        from firesteel import as_pyspark

        as_pyspark.install()
    keys.install()
    gc.collect()
    # Collections in workers do not touch objects that stay, so their pages stay shared.
    gc.freeze()
    # Tasks make many objects and few cycles: looking for cycles every 700 objects, Python's default, can take longer
    # than the work itself.
    gc.set_threshold(*COLLECT_EVERY)
    _Server(control).serve()
    os._exit(0)


def _point_standard_input_at(descriptor: int) -> None:
    os.dup2(descriptor, 0)
    os.close(descriptor)


def _point_standard_output_at_errors() -> None:
    """Sends the output of tasks, and of programs that they start, to standard error: standard output may be a data
    file.

    The descriptor itself is changed, so that native code follows; workers inherit it.
    """
    os.dup2(2, 1)
    # Line by line, so that a killed worker has shown the lines that it printed before.
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
                    self._report_end(descriptor)
                elif not self._receive():
                    self._end_all()
                    return

    def _receive(self) -> bool:
        """Receives messages of the driver; returns False when the driver is gone."""
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
            message = json.loads(line)
            if message.get("setting") is not None:
                self._setting = message["setting"]
            if message["fork"]:
                self._fork(self._sockets.pop(0), self._sockets.pop(0))
        return True

    def _fork(self, connection: int, stacks: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        process = os.fork()
        if process == 0:
            self._become_worker(connection, stacks)
        os.close(connection)
        os.close(stacks)
        descriptor = os.pidfd_open(process)
        self._workers[descriptor] = process
        self._poll.register(descriptor, select.POLLIN)

    def _become_worker(self, connection: int, stacks: int) -> NoReturn:
        code = 1
        try:
            _tell_stacks(stacks)
            self._control.close()
            for descriptor in self._workers:
                os.close(descriptor)
            _point_standard_input_at(connection)
            _apply(self._setting)
            limits.limit_as_told()
            random.seed()
            _native.work()
            code = 0
        except BaseException:  # A worker that cannot even begin prints why; its end is reported as any other.
            import traceback

            traceback.print_exc()
            os.write(stacks, _CANNOT_BEGIN + traceback.format_exc(limit=0).encode("utf-8", "backslashreplace"))
        finally:
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                _end(code)

    def _report_end(self, descriptor: int) -> None:
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
            # The driver is gone; reading from it will end the server.
            pass

    def _end_all(self) -> None:
        for process in self._workers.values():
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for process in self._workers.values():
            os.waitpid(process, 0)


def _tell_stacks(file: int) -> None:
    """Has this process write where its code stands: at a fault, at a call of ``os._exit``, and when its parent asks.

    The parent reads the file, also when this process is gone. It asks by a signal that nobody uses, at which Python
    itself writes, between two steps of the program. Only if there is no answer it asks the fault handler, which works
    in the midst of native code, and could stumble over calls that are just being made.
    """
    worker = os.getpid()

    def tell(number: int, frame: FrameType | None) -> None:
        calls: list[str] = []
        while frame is not None and len(calls) < _CALLS:
            code = frame.f_code
            calls.append(f'  File "{code.co_filename}", line {frame.f_lineno} in {code.co_name}\n')
            frame = frame.f_back
        text = "Stack (most recent call first):\n" + "".join(calls) + ("  ...\n" if frame is not None else "")
        os.write(file, text.encode("utf-8", "backslashreplace"))

    def tell_and_end(status: int) -> NoReturn:
        """Ends the process at once, as ``os._exit`` does; that of a worker tells where."""
        if os.getpid() == worker:
            faulthandler.dump_traceback(file, all_threads=False)
        _end(status)

    os.set_inheritable(file, False)
    faulthandler.enable(file, all_threads=True)
    faulthandler.register(_ASK_FAULT_HANDLER, file, all_threads=False)
    signal.signal(signal.SIGURG, tell)
    # Native code that waits goes on, instead of failing because it was interrupted.
    signal.siginterrupt(signal.SIGURG, False)
    os._exit = tell_and_end


def _apply(setting: dict[str, Any]) -> None:
    """Makes workers find modules and files where the program does."""
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
                return  # another host, where the agent has chosen a directory
            print(f"firesteel: a worker cannot change to the directory {directory}: {error}", file=sys.stderr)
