"""``pyspark.testing.utils``: the base classes of tests that want a context, for tests written with ``unittest``."""

from __future__ import annotations

import sys
import unittest
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

from firesteel.conf import SparkConf
from firesteel.context import SparkContext

__all__ = ["PySparkBaseTestCase", "PySparkTestCase", "QuietTest", "ReusedPySparkTestCase"]


class QuietTest(nullcontext[None]):
    """A block whose failures are expected. The engine logs nothing there that a test would hide."""

    def __init__(self, sc: SparkContext) -> None:
        super().__init__()


class PySparkBaseTestCase(unittest.TestCase):
    """What all of them are."""


class PySparkTestCase(PySparkBaseTestCase):
    """Tests that have a context each, as ``self.sc``."""

    def setUp(self) -> None:
        """Makes the context."""
        self._old_sys_path = list(sys.path)
        self.sc = SparkContext("local[4]", type(self).__name__)

    def tearDown(self) -> None:
        """Stops it."""
        self.sc.stop()
        sys.path = self._old_sys_path


class ReusedPySparkTestCase(PySparkBaseTestCase):
    """Tests that share one context, as ``self.sc``; ``conf`` and ``master`` say of what kind."""

    sc: ClassVar[SparkContext]

    @classmethod
    def conf(cls) -> SparkConf:
        """Returns the settings."""
        return SparkConf()

    @classmethod
    def master(cls) -> str:
        """Returns where tasks run."""
        return "local[4]"

    @classmethod
    def setUpClass(cls) -> None:
        """Makes the context."""
        super().setUpClass()
        cls.sc = SparkContext(cls.master(), cls.__name__, conf=cls.conf())

    @classmethod
    def tearDownClass(cls) -> None:
        """Stops it."""
        cls.sc.stop()
        super().tearDownClass()

    def quiet(self) -> AbstractContextManager[None]:
        """Returns a block whose failures are expected."""
        return QuietTest(self.sc)
