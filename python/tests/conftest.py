"""What all Python tests share: a context of two slots, and contexts with settings of their own.

Making a context is cheap but not free, so tests that want nothing special share one (`sc`). There is one context at a
time in a process: a test that wants its own (`fresh_context`) has the shared one stopped, and the next test starts it
again.

The variable `FIRESTEEL_TEST_MASTER` puts another master in the place of `local[2]`, as `local-cluster[2,1,1024]`, and
`FIRESTEEL_TEST_SETTINGS` adds settings, as `spark.shuffle.service.enabled=false`, with spaces between them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from firesteel import SparkConf, SparkContext

# Whoever runs the tests in the background of a shell has interrupts ignored, and so had every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The same for whoever runs them so that they outlive a terminal.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

MakeContext = Callable[..., SparkContext]

MASTER = os.environ.get("FIRESTEEL_TEST_MASTER") or "local[2]"
SETTINGS = [tuple(pair.split("=", 1)) for pair in os.environ.get("FIRESTEEL_TEST_SETTINGS", "").split()]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "once: takes long, and is the same in all versions of Python")


class _Shared:
    """The context that tests share, while it runs."""

    def __init__(self) -> None:
        self.context: SparkContext | None = None

    def get(self) -> SparkContext:
        if self.context is None or SparkContext._active_spark_context is not self.context:
            self.stop()
            conf = SparkConf().setMaster(MASTER).setAppName("tests").setAll(SETTINGS)
            self.context = SparkContext(conf=conf)
        return self.context

    def stop(self) -> None:
        context, self.context = self.context, None
        active = SparkContext._active_spark_context
        for one in (context, active):
            if one is not None:
                one.stop()


@pytest.fixture(scope="session")
def _shared() -> Iterator[_Shared]:
    shared = _Shared()
    yield shared
    shared.stop()


@pytest.fixture
def sc(_shared: _Shared) -> SparkContext:
    """A context `local[2]` that all tests share: leave it as it was."""
    return _shared.get()


@pytest.fixture
def fresh_context(_shared: _Shared) -> Iterator[MakeContext]:
    """Makes a context of the test's own: ``fresh_context("local[1]", {"spark.task.maxFailures": "1"})``."""
    _shared.stop()

    def make(master: str = MASTER, settings: dict[str, Any] | None = None, **more: Any) -> SparkContext:
        conf = SparkConf().setMaster(master).setAppName("fresh").setAll(SETTINGS)
        for key, value in (settings or {}).items():
            conf.set(key, str(value))
        return SparkContext(conf=conf, **more)

    yield make
    _shared.stop()
