"""Listeners: objects of the program that are told what happens in the application, in order.

The engine's own thread writes the events that somebody wants into a bounded queue, as lines of an event log; a thread
of Python's (:class:`Listeners`) takes them in batches and calls the listeners. So jobs never wait for a listener: one
that is too slow misses events, and a warning says how many.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from firesteel import _native

if TYPE_CHECKING:
    from firesteel.conf import SparkConf

__all__ = ["Event", "SparkListener"]

BATCH = 1_000
"""The most events that the thread takes at a time."""

LOOK_SECONDS = 1.0
"""The most seconds that the thread waits for events before it looks whether anybody wants them still."""

DRAIN_SECONDS = 10.0
"""The most seconds that ``stop`` waits for listeners to be told of what had happened."""

PREFIX = "SparkListener"

_EXTRA = ("spark.extraListeners", "firesteel.extra_listeners")
_CAPACITY = (
    "spark.scheduler.listenerbus.eventqueue.capacity",
    "firesteel.scheduler.listenerbus.eventqueue.capacity",
)
_DEFAULT_CAPACITY = 100_000


class Event(dict[str, Any]):
    """An event, or a part of one: a dictionary with Spark's names for its keys, as event logs have them. A key can also
    be read as an attribute, with any case and without spaces: ``event.stageInfo.stageId``.

    >>> event = Event({"Event": "SparkListenerJobEnd", "Job ID": 3})
    >>> event["Job ID"], event.jobId, event.job_id
    (3, 3, 3)
    """

    def __getattr__(self, name: str) -> Any:
        wanted = _plain(name)
        for key, value in self.items():
            if _plain(key) == wanted:
                return value
        raise AttributeError(f"the event has no {name}; it has {', '.join(map(repr, self))}")


class SparkListener:
    """A listener: override the methods for the events that you want to be told of, and give an object to
    :meth:`firesteel.SparkContext.addSparkListener`. Any other object with some of these methods will do.

    >>> class Ends(SparkListener):
    ...     def onJobEnd(self, jobEnd):
    ...         print("job", jobEnd.jobId, jobEnd.jobResult.result)
    >>> Ends().onJobEnd(Event({"Job ID": 0, "Job Result": Event({"Result": "JobSucceeded"})}))
    job 0 JobSucceeded
    """

    def onApplicationStart(self, applicationStart: Event) -> None:
        """The application has begun. Only listeners of ``spark.extraListeners`` are there by then."""

    def onApplicationEnd(self, applicationEnd: Event) -> None:
        """The application has ended."""

    def onEnvironmentUpdate(self, environmentUpdate: Event) -> None:
        """The application's settings are known."""

    def onResourceProfileAdded(self, event: Event) -> None:
        """Tasks and executors have a further profile of resources."""

    def onJobStart(self, jobStart: Event) -> None:
        """A job was submitted."""

    def onJobEnd(self, jobEnd: Event) -> None:
        """A job has ended."""

    def onStageSubmitted(self, stageSubmitted: Event) -> None:
        """An attempt at a stage begins."""

    def onStageCompleted(self, stageCompleted: Event) -> None:
        """An attempt at a stage has ended."""

    def onTaskStart(self, taskStart: Event) -> None:
        """A task was sent to an executor."""

    def onTaskGettingResult(self, taskGettingResult: Event) -> None:
        """The driver fetches the result of a task."""

    def onTaskEnd(self, taskEnd: Event) -> None:
        """A task has ended."""

    def onExecutorAdded(self, executorAdded: Event) -> None:
        """An executor has registered."""

    def onExecutorRemoved(self, executorRemoved: Event) -> None:
        """An executor is gone."""

    def onExecutorExcluded(self, executorExcluded: Event) -> None:
        """An executor gets no tasks for a time."""

    def onExecutorUnexcluded(self, executorUnexcluded: Event) -> None:
        """An executor gets tasks again."""

    def onExecutorExcludedForStage(self, executorExcludedForStage: Event) -> None:
        """An executor gets no more tasks of a stage attempt."""

    def onNodeExcluded(self, nodeExcluded: Event) -> None:
        """No executor of a host gets tasks for a time."""

    def onNodeExcludedForStage(self, nodeExcludedForStage: Event) -> None:
        """No executor of a host gets tasks of a stage attempt any more."""

    def onNodeUnexcluded(self, nodeUnexcluded: Event) -> None:
        """The executors of a host get tasks again."""

    def onExecutorMetricsUpdate(self, executorMetricsUpdate: Event) -> None:
        """An executor has told of its memory."""

    def onStageExecutorMetrics(self, executorMetrics: Event) -> None:
        """The most memory that an executor had in a stage is known."""

    def onBlockManagerAdded(self, blockManagerAdded: Event) -> None:
        """An executor has memory for blocks."""

    def onBlockManagerRemoved(self, blockManagerRemoved: Event) -> None:
        """An executor's memory for blocks is gone."""

    def onBlockUpdated(self, blockUpdated: Event) -> None:
        """A cached partition came, went, or changed its place."""

    def onUnpersistRDD(self, unpersistRDD: Event) -> None:
        """An RDD is not persisted any more."""

    def onOtherEvent(self, event: Event) -> None:
        """Something else has happened."""


_METHODS = {
    f"{PREFIX}{name.removeprefix('on')}": name
    for name in vars(SparkListener)
    if name.startswith("on") and name != "onOtherEvent"
}
"""The method for each event, by the event's name."""

_OTHERS = {f"{PREFIX}LogStart"}
"""The events that have no method of their own."""


class Listeners:
    """The listeners of one context, and the thread that calls them while there are any."""

    def __init__(self, capacity: int) -> None:
        self._lock = threading.Lock()
        self._lines = _native.EventLines(capacity)
        self._listeners: list[Any] = []
        self._thread: threading.Thread | None = None
        self._is_attached = False
        self._blamed: set[int] = set()

    def at_start(self, conf: SparkConf) -> _native.EventLines | None:
        """Makes the listeners that settings name; returns what the engine must fill for them from its beginning."""
        names = ",".join(conf.get(key) or "" for key in _EXTRA)
        for name in filter(None, map(str.strip, names.split(","))):
            self._listeners.append(made(name, conf))
        if not self._listeners:
            return None
        self._is_attached = True
        self._want()
        return self._lines

    def begin(self) -> None:
        """Begins to tell the listeners that settings named, now that there is an engine."""
        with self._lock:
            if self._listeners:
                self._begin()

    def add(self, listener: object, engine: _native.Context) -> None:
        """Adds a listener, which is told of what happens from now on."""
        if not _wanted(listener):
            methods = ", ".join(sorted({*_METHODS.values(), "onOtherEvent"}))
            raise TypeError(f"{listener!r} is no listener: it overrides none of the methods {methods}")
        with self._lock:
            self._listeners.append(listener)
            self._begin()
            if not self._is_attached:
                self._is_attached = True
                engine.add_event_lines(self._lines)

    def remove(self, listener: object) -> None:
        """Removes a listener; one that is not there is not an error."""
        with self._lock:
            self._listeners = [each for each in self._listeners if each is not listener]
            self._want()

    def finish(self) -> None:
        """Waits until listeners have been told of all that happened, but not without end. The engine has stopped."""
        thread = self._thread
        if thread is None or not self._is_attached or thread is threading.current_thread():
            return
        thread.join(DRAIN_SECONDS)
        if thread.is_alive():
            print(
                f"firesteel: a listener has not returned for {DRAIN_SECONDS:.0f} s, and is left behind", file=sys.stderr
            )

    def _want(self) -> None:
        self._lines.want(set().union(*map(_wanted, self._listeners)))

    def _begin(self) -> None:
        self._want()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="firesteel-python-listeners", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (taken := self._lines.take(BATCH, LOOK_SECONDS)) is not None:
            lines, dropped = taken
            if dropped:
                print(
                    f"firesteel: listeners in Python are too slow: {dropped} events were dropped. {_CAPACITY[0]} is "
                    "the number of events that may wait",
                    file=sys.stderr,
                )
            for line in lines:
                self._tell(json.loads(line, object_hook=Event))

    def _tell(self, event: Event) -> None:
        # Spark's logs have some events by the whole names of their classes.
        name = _METHODS.get(event["Event"].rpartition(".")[2], "onOtherEvent")
        for listener in tuple(self._listeners):
            method = _method(listener, name)
            if method is None:
                continue
            try:
                method(event)
            except Exception:
                if id(listener) not in self._blamed:
                    self._blamed.add(id(listener))
                    print(
                        f"firesteel: the listener {_name(listener)} failed in {name}, and is told of later events all "
                        f"the same; this is said once:\n{traceback.format_exc()}",
                        file=sys.stderr,
                        end="",
                    )


def listeners_of(conf: SparkConf) -> Listeners:
    """Returns the place for a context's listeners."""
    capacity = next((value for value in map(conf.get, _CAPACITY) if value), None)
    try:
        return Listeners(int(capacity or _DEFAULT_CAPACITY))
    except ValueError:
        return Listeners(_DEFAULT_CAPACITY)  # The engine refuses it, and says why.


def without_listeners(settings: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns the engine's settings without that of listeners, which are made here.

    >>> without_listeners([("firesteel.extra_listeners", "mine.Ends"), ("firesteel.ui.port", "0")])
    [('firesteel.ui.port', '0')]
    """
    return [(key, value) for key, value in settings if key not in _EXTRA]


def made(name: str, conf: SparkConf) -> object:
    """Makes the listener whose class is ``module.Class``. The class is given the settings, if it takes an argument.

    >>> made("firesteel.listener.SparkListener", None).__class__.__name__
    'SparkListener'
    >>> made("no.such.Thing", None)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: spark.extraListeners names no.such.Thing, which cannot be made: ModuleNotFoundError: ...
    """
    try:
        module, _, attribute = name.rpartition(".")
        found = getattr(importlib.import_module(module or "__main__"), attribute)
        return found(conf) if _takes_settings(found) else found()
    except Exception as error:
        raise ValueError(
            f"spark.extraListeners names {name}, which cannot be made: {type(error).__name__}: {error}"
        ) from error


def _takes_settings(found: Any) -> bool:
    """Returns whether a class is made with the settings, as Spark makes listeners if their constructor takes a
    ``SparkConf``.
    """
    import inspect

    try:
        inspect.signature(found).bind()
        return False
    except TypeError:
        return True


def _wanted(listener: object) -> set[str]:
    """Returns the names of the events that a listener wants: those whose methods it has of its own."""
    wanted = {event for event, name in _METHODS.items() if _method(listener, name) is not None}
    return wanted | _OTHERS if _method(listener, "onOtherEvent") is not None else wanted


def _method(listener: object, name: str) -> Callable[[Event], object] | None:
    """Returns a listener's method; None if it has none, or one that does nothing."""
    method = getattr(listener, name, None)
    if method is None or getattr(method, "__func__", None) is getattr(SparkListener, name):
        return None
    return method if callable(method) else None


def _name(listener: object) -> str:
    kind = type(listener)
    return f"{kind.__module__}.{kind.__qualname__}"


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
