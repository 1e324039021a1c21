"""Exceptions that a program can catch and a person can read.

A job that fails raises :class:`JobError`; forbidden uses raise one of the others. The engine describes a failure as a
dictionary, and :func:`from_failure` makes the exception of it: the user's own traceback first, then one line that says
what failed and where, then the record. ``firesteel.worker.failure`` describes exceptions in workers;
``firesteel.as_pyspark`` gives these classes the names that PySpark programs know.
"""

from __future__ import annotations

import pickle
import re
import reprlib
import signal as signals
from collections.abc import Mapping
from typing import Any

#: The most characters that are shown of a record, or of a variable's value.
REPR_CHARACTERS = 500


#: An error condition of Spark's in a text, such as ``[CONTEXT_ONLY_VALID_ON_DRIVER]``.
_CONDITION = re.compile(r"(?:^|\s)\[([A-Z]+(?:_[A-Z]+)+(?:\.[A-Z]+(?:_[A-Z]+)*)?)\] ")


class FiresteelError(RuntimeError):
    """The base of all exceptions of Firesteel's own.

    >>> issubclass(JobError, FiresteelError)
    True
    """

    def getCondition(self) -> str | None:
        """Returns the name by which PySpark's documentation and programs know the mistake; None if it has none.

        >>> FiresteelError("[CONTEXT_ONLY_VALID_ON_DRIVER] The SparkContext lives in the driver only.").getCondition()
        'CONTEXT_ONLY_VALID_ON_DRIVER'
        """
        found = _CONDITION.search(str(self))
        return found[1] if found else None

    def getErrorClass(self) -> str | None:
        """Returns what :meth:`getCondition` returns, under its older name."""
        return self.getCondition()

    def getMessage(self) -> str:
        """Returns the text."""
        return str(self)

    def getMessageParameters(self) -> dict[str, str]:
        """Returns nothing: the text names the values."""
        return {}

    def getSqlState(self) -> None:
        """Returns None always: there is no SQL here."""


class PicklingError(FiresteelError, pickle.PicklingError):
    """A function or a record that cannot be sent to another process. The text gives the path that leads to it."""


class ClosureError(FiresteelError):
    """A function changes what it captured, and the setting ``firesteel.python.closures`` is ``error``."""


class ClosureWarning(UserWarning):
    """A function changes what it captured. Each executor changes its own copy; the driver's stays as it was."""


class MissingModuleError(FiresteelError, ImportError):
    """An executor cannot import a module that a function names. The text says how to ship it."""

    def __init__(self, message: str = "", name: str | None = None) -> None:
        super().__init__(message)
        self.msg = message
        self.name = name


class PythonVersionError(FiresteelError):
    """A worker runs another minor version of Python than the driver; functions cannot travel between these."""


class UnplaceableKeyError(FiresteelError, TypeError):
    """A key that other processes would hash differently, or that is equal to no copy of itself."""


class ParseError(FiresteelError):
    """A text that cannot be read, such as the description of a schema. The text says where, and what was expected."""


class JobError(FiresteelError):
    """A job that failed. Where user code raised, the original exception is the ``__cause__``.

    ``kind`` is one of ``python`` (user code raised), ``lost`` (a worker died), ``fetch`` (outputs of another stage were
    gone), ``operation`` (the engine could not carry out an operation, such as reading a file), ``cancelled`` and
    ``other``. Unknown facts about a failure are None.

    Of a worker that died, ``signal`` or ``exit_code`` says how, ``memory`` how many bytes it held at most,
    ``oom_kills`` how many processes of its control group the kernel killed meanwhile for want of memory, ``place`` the
    line of the program that ran, and ``stack`` its calls, innermost first. Each way to die has a class of its own.

    >>> error = from_failure({"kind": "cancelled", "message": "job 3 was cancelled: too slow", "job": 3})
    >>> error.kind, error.job
    ('cancelled', 3)
    """

    job: int | None
    stage: int | None
    partition: int | None
    attempt: int | None
    record: str | None
    operation: str | None
    task_traceback: str | None
    executor: str | None
    kind: str
    signal: int | None
    exit_code: int | None
    memory: int | None
    oom_kills: int | None
    place: str | None
    stack: str | None

    def __init__(
        self,
        message: str = "",
        *,
        kind: str = "other",
        job: int | None = None,
        stage: int | None = None,
        partition: int | None = None,
        attempt: int | None = None,
        record: str | None = None,
        operation: str | None = None,
        task_traceback: str | None = None,
        executor: str | None = None,
        signal: int | None = None,
        exit_code: int | None = None,
        memory: int | None = None,
        oom_kills: int | None = None,
        place: str | None = None,
        stack: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.job = job
        self.stage = stage
        self.partition = partition
        self.attempt = attempt
        self.record = record
        self.operation = operation
        self.task_traceback = task_traceback
        self.executor = executor
        self.signal = signal
        self.exit_code = exit_code
        self.memory = memory
        self.oom_kills = oom_kills
        self.place = place
        self.stack = stack

    def getCondition(self) -> None:
        """Returns None always: a failed job has the text of the user's exception, whatever is in brackets there."""

    @property
    def java_exception(self) -> JavaException:
        """Gives what programs ask of a ``Py4JJavaError``: ``e.java_exception.getMessage()``, ``.toString()``."""
        return JavaException(self)

    @property
    def desc(self) -> str:
        """The text, by the name that some PySpark programs use."""
        return str(self)


class WorkerCrashedError(JobError):
    """A worker died of a fault in native code, such as a segmentation fault; ``stack`` is where."""


class WorkerOutOfMemoryError(JobError):
    """A task wanted more memory than there was: the kernel killed its worker, or Python raised ``MemoryError``."""


class WorkerExitedError(JobError):
    """The code of a task ended its worker, as ``os._exit`` does; ``exit_code`` is the code."""


class WorkerKilledError(JobError):
    """A signal ended a worker, and is not known to have come from the kernel for want of memory."""


class TaskHungError(JobError):
    """A task had not ended after the time that ``spark.python.hung.failAfter`` allows; ``stack`` is where it was."""


class WorkerImportError(JobError):
    """A task could not import what its function needs; the ``__cause__`` is the ImportError."""


class JavaException:
    """The few methods of a Java exception that PySpark programs call when they look at a failed job."""

    def __init__(self, error: JobError) -> None:
        self._error = error

    def getMessage(self) -> str:
        """Returns the text of the error."""
        return str(self._error)

    def getLocalizedMessage(self) -> str:
        """Returns the text of the error."""
        return str(self._error)

    def toString(self) -> str:
        """Returns the class that Spark's driver would name, and the text."""
        return f"org.apache.spark.SparkException: {self._error}"

    def getCause(self) -> None:
        """Returns None always: the cause is the ``__cause__`` of the Python exception."""

    def getStackTrace(self) -> list[Any]:
        """Returns an empty list always: there is no Java."""
        return []

    def __str__(self) -> str:
        return self.toString()


class _BoundedRepr(reprlib.Repr):
    """Limits ``repr`` to the beginning of large collections, so that it takes no time on large records."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 5
        self.maxtuple = self.maxlist = self.maxdict = self.maxset = self.maxfrozenset = self.maxdeque = (
            self.maxarray
        ) = 20
        self.maxstring = self.maxother = 200
        self.maxlong = 100

    def repr_bytes(self, value: bytes, level: int) -> str:
        """Returns the beginning of long bytes, with their length."""
        if len(value) <= self.maxstring:
            return repr(value)
        return f"{value[: self.maxstring]!r}... ({len(value)} bytes)"

    repr_bytearray = repr_bytes

    def repr_str(self, value: str, level: int) -> str:
        """Returns the beginning of a long string, with its length."""
        if len(value) <= self.maxstring:
            return repr(value)
        return f"{value[: self.maxstring]!r}... ({len(value)} characters)"


_BOUNDED = _BoundedRepr()


def bounded_repr(value: object) -> str:
    """Returns the ``repr`` of a value, cut to :data:`REPR_CHARACTERS` characters, even if the class's own fails.

    >>> bounded_repr(["a"] * 3)
    "['a', 'a', 'a']"
    >>> len(bounded_repr("x" * 1_000_000)) < REPR_CHARACTERS
    True
    """
    try:
        text = _BOUNDED.repr(value)
    except (
        BaseException
    ) as error:  # a user's class may raise anything here, and must not hide the failure itself
        return f"<{type(value).__qualname__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= REPR_CHARACTERS else text[: REPR_CHARACTERS - 3] + "..."


def from_failure(details: Mapping[str, Any]) -> BaseException:
    """Returns the exception of a failed job, from the engine's description of the failure.

    ``details`` has ``kind``, ``message``, and where known ``traceback`` (of user code), ``exception`` (as
    ``firesteel.worker.failure`` pickled it), ``job``, ``stage``, ``partition``, ``attempt`` (from 0), ``attempts`` (how
    many are allowed), ``record`` (its bounded repr), ``site`` (as ``map at app.py:12``), ``executor``; and of a worker
    that died ``end`` (the class of its end), ``signal`` (number or name), ``code``, ``memory`` (bytes that it held at
    most), ``last_memory`` (a text about it and the processes beside it), ``oom_kills``, ``place``, ``stack`` and
    ``stack_memory`` (bytes that it held then; None at its end).

    >>> print(from_failure({"kind": "python", "message": "ValueError: no", "partition": 3, "site": "map at app.py:12"}))
    ValueError: no
    in task for partition 3 of "map at app.py:12"
    """
    kind = details.get("kind") or "other"
    traceback = _with_source(details.get("traceback") or "")
    cause = _original(details.get("exception"))
    number = _signal_number(details.get("signal"))
    error = _class(kind, details, cause)(
        _text(kind, details, traceback),
        kind=kind,
        **{name: details.get(name) for name in ("job", "stage", "partition", "attempt", "record", "executor")},
        **{name: details.get(name) for name in ("memory", "oom_kills", "place", "stack")},
        operation=details.get("site"),
        task_traceback=traceback or None,
        signal=number,
        exit_code=details.get("code"),
    )
    error.__cause__ = cause
    return error


def _class(kind: str, details: Mapping[str, Any], cause: BaseException | None) -> type[JobError]:
    """Returns the class of the exception of a failed job."""
    if kind == "lost":
        return _ENDS.get(details.get("end") or "", JobError)
    if isinstance(cause, ImportError):
        return WorkerImportError
    return WorkerOutOfMemoryError if isinstance(cause, MemoryError) else JobError


_ENDS: dict[str, type[JobError]] = {
    "crashed": WorkerCrashedError,
    "out of memory": WorkerOutOfMemoryError,
    "exited": WorkerExitedError,
    "hung": TaskHungError,
    "killed": WorkerKilledError,
    "did not stop": WorkerKilledError,
}
"""The classes of the ends of workers, by the engine's names of them."""


def _text(kind: str, details: Mapping[str, Any], traceback: str) -> str:
    """Joins the parts of the text, each on lines of its own."""
    message = (details.get("message") or "").rstrip()
    if kind == "lost":
        parts = [_worker_died(details, message), _where(details), _stack(details)]
    else:
        parts = [traceback.rstrip() or message or "the job failed", _where(details)]
    if details.get("record"):
        parts.append(f"the record was: {details['record']}")
    if kind == "lost":
        parts.append(_what_to_do(details.get("end"), _signal_name(details.get("signal"))))
    return "\n".join(part for part in parts if part)


def _where(details: Mapping[str, Any]) -> str:
    """Returns ``in task for partition 3 of "map at app.py:12" (attempt 2 of 4, executor ...)``, as far as known."""
    partition, site = details.get("partition"), details.get("site")
    if partition is None and not site:
        return ""
    where = f"in task for partition {partition}" if partition is not None else "in the job"
    if site:
        where += f' of "{site}"'
    attempt, attempts, executor = details.get("attempt"), details.get("attempts"), details.get("executor")
    remarks = []
    if attempt is not None:
        remarks.append(f"attempt {attempt + 1}" + (f" of {attempts}" if attempts else ""))
    if executor not in (None, ""):
        remarks.append(f"executor {executor}")
    return f"{where} ({', '.join(remarks)})" if remarks else where


def _signal_name(signal: object) -> str | None:
    """Returns ``SIGKILL`` for 9 or for ``SIGKILL``."""
    if signal in (None, 0, ""):
        return None
    try:
        return signals.Signals(int(str(signal))).name
    except ValueError:
        return str(signal)


def _signal_number(signal: object) -> int | None:
    """Returns 9 for 9 or for ``SIGKILL``."""
    name = _signal_name(signal)
    number = getattr(signals, name, None) if name else None
    return int(number) if number is not None else None


def _worker_died(details: Mapping[str, Any], message: str) -> str:
    """Says how a worker died, as far as known: in one sentence."""
    text = "the worker process of the task died"
    place = f" in {details['place']}" if details.get("place") else ""
    name, end = _signal_name(details.get("signal")), details.get("end")
    if end == "hung":
        # The engine's words, which have the time, end where memory begins.
        text += f"{place}: {message.partition(' while it ran ')[0]}"
    elif name is None and details.get("code") is not None:
        text += f"{place}: its process exited with code {details['code']}"
    elif name is None:
        return text + (f": {message}" if message else "")
    else:
        text += f"{place}: killed by {name}"
        number = _signal_number(name)
        if number:
            # Programs look for the system's own words, such as "Segmentation fault".
            text += f" (signal {number}: {signals.strsignal(number)})"
        if end == "out of memory":
            text += " by the kernel, which was out of memory"
    return text + _memory(details) + _kills(details, name)


def _kills(details: Mapping[str, Any], name: str | None) -> str:
    """Says what the control group counts, of a worker that was killed by SIGKILL."""
    kills = details.get("oom_kills")
    if name != "SIGKILL" or kills is None or details.get("end") == "hung":
        return ""
    how = f"grew by {kills}" if kills else "did not grow"
    return f"; its control group's oom_kill count {how} meanwhile"


def _memory(details: Mapping[str, Any]) -> str:
    """Says what the worker held, and the processes beside it."""
    memory = details.get("memory")
    if not memory:
        return ""
    if details.get("last_memory"):
        return f"; {details['last_memory']}"
    return f"; it held {_size(int(memory))} of memory at most"


def _stack(details: Mapping[str, Any]) -> str:
    """Shows where the worker's code stood."""
    stack = (details.get("stack") or "").rstrip()
    if not stack:
        return ""
    held = details.get("stack_memory")
    when = f"when it held {_size(int(held))}" if held else "when it ended"
    return f"its calls {when}, innermost first:\n{stack}"


def _what_to_do(end: str | None, name: str | None) -> str:
    """Says why a process mostly dies in this way, and what helps."""
    less = (
        "Hold less in one task: more partitions (`repartition`, or a partition count for the shuffle), iterators"
        " instead of lists in mapPartitions; or fewer tasks at once, with a master such as local[1]."
    )
    if end == "hung":
        return (
            "What to do: give calls that wait (for a network, a lock, another program) a time limit of their own, or"
            " let tasks take longer, by spark.python.hung.failAfter."
        )
    if end == "out of memory":
        return f"What to do: {less} Or give the control group (container, service) more memory."
    if name == "SIGKILL":
        return (
            "What to do: unless a person sent SIGKILL, it mostly comes from the kernel's out-of-memory killer (`dmesg`"
            f" shows it). {less}"
        )
    if name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT"):
        return (
            "What to do: this is a crash in native code, mostly in an extension module that the function calls, or a"
            " very deep recursion. Look at the innermost calls above; another version of that module may help."
        )
    if name is not None:
        return (
            "What to do: find out who sent the signal (a batch system, a limit such as `ulimit -t`, another program)."
        )
    return (
        "What to do: the process ended itself; look for os._exit, or for a library that calls exit, in the task's code."
        " Raise an exception instead."
    )


def _size(count: int) -> str:
    """Returns ``3.2 GiB`` for a number of bytes."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def _original(pickled: bytes | None) -> BaseException | None:
    """Returns the exception that user code raised, if it can be loaded here."""
    if not pickled:
        return None
    from firesteel.worker import failure

    return failure.load_exception(pickled)


def _with_source(traceback: str) -> str:
    """Adds to a traceback the source lines that a worker could not see: those of shells and notebooks."""
    if 'File "<' not in traceback:
        return traceback
    import linecache

    lines = traceback.splitlines(keepends=True)
    shown: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""]):
        shown.append(line)
        frame = re.match(r'^(\s*)File "(<[^"]+>)", line (\d+), in ', line)
        if frame and not following.startswith(frame[1] + "  "):
            source = linecache.getline(frame[2], int(frame[3])).strip()
            if source:
                shown.append(f"{frame[1]}  {source}\n")
    return "".join(shown)
