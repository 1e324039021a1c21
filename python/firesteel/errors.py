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
    many are allowed), ``record`` (its bounded repr), ``site`` (as ``map at app.py:12``), ``executor``, ``signal``
    (number or name) and ``memory`` (bytes that a worker held when it died).

    >>> print(from_failure({"kind": "python", "message": "ValueError: no", "partition": 3, "site": "map at app.py:12"}))
    ValueError: no
    in task for partition 3 of "map at app.py:12"
    """
    kind = details.get("kind") or "other"
    traceback = _with_source(details.get("traceback") or "")
    error = JobError(
        _text(kind, details, traceback),
        kind=kind,
        **{name: details.get(name) for name in ("job", "stage", "partition", "attempt", "record", "executor")},
        operation=details.get("site"),
        task_traceback=traceback or None,
    )
    error.__cause__ = _original(details.get("exception"))
    return error


def _text(kind: str, details: Mapping[str, Any], traceback: str) -> str:
    """Joins the parts of the text, each on lines of its own."""
    message = (details.get("message") or "").rstrip()
    if kind == "lost":
        parts = [_worker_died(details, message), _where(details)]
    else:
        parts = [traceback.rstrip() or message or "the job failed", _where(details)]
    if details.get("record"):
        parts.append(f"the record was: {details['record']}")
    if kind == "lost":
        parts.append(_what_to_do(_signal_name(details.get("signal"))))
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


def _worker_died(details: Mapping[str, Any], message: str) -> str:
    """Says how a worker died, as far as known."""
    name = _signal_name(details.get("signal"))
    if name is None:
        return "the worker process of the task died" + (f": {message}" if message else "")
    number = getattr(signals, name, None)
    text = f"the worker process of the task died: killed by {name}"
    if number:
        # Programs look for the system's own words, such as "Segmentation fault".
        text += f" (signal {int(number)}: {signals.strsignal(number)})"
    memory = details.get("memory")
    return text + (f"; it held {_size(int(memory))} of memory at most" if memory else "")


def _what_to_do(name: str | None) -> str:
    """Says why a process mostly dies in this way, and what helps."""
    if name == "SIGKILL":
        return (
            "What to do: unless a person sent SIGKILL, it mostly comes from the kernel's out-of-memory killer (`dmesg`"
            " shows it). Hold less in one task: more partitions (`repartition`, or a partition count for the shuffle),"
            " iterators instead of lists in mapPartitions; or fewer tasks at once, with a master such as local[2]."
        )
    if name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT"):
        return (
            "What to do: this is a crash in native code, mostly in an extension module that the function calls, or a"
            " very deep recursion. Set PYTHONFAULTHANDLER=1 to see the Python stack of the crash on standard error."
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
