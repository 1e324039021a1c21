"""The few Java classes that programs and libraries reach for by ``sc._jvm``: properties, processors, Log4j's loggers.

There is no JVM: each class here does in Python what such a program wants of it. Any other name is refused with a
sentence (:data:`_INSTEAD`), as an AttributeError, so that ``hasattr`` and ``getattr`` with a default work.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any, NoReturn

from firesteel.conf import SYSTEM_PROPERTIES

__all__ = ["View"]

_SPARK = "see the methods of SparkContext, RDD and SparkConf, which lead into no JVM"

#: What to use in the place of packages that programs ask for most, by the beginning of the name.
_INSTEAD = {
    "org.apache.hadoop": "paths of s3a://, gs://, abfss:// and hdfs:// are given to textFile and its like as they are,"
    " with spark.hadoop.<key> in the SparkConf; to list or delete files, use a library such as fsspec or pyarrow.fs",
    "org.apache.spark.sql": "there is no SQL engine of the JVM; RDDs have map, filter and the operations by key",
    "org.apache.spark": _SPARK,
    "java.util": "use Python's own lists and dictionaries",
    "java": "use Python's own library",
}


def _refuse(path: str) -> NoReturn:
    begins = next((name for name in _INSTEAD if path == name or path.startswith(f"{name}.")), None)
    instead = _INSTEAD.get(begins or "", "call a Python library that does the same")
    raise AttributeError(f"'_jvm' of the SparkContext has no {path}: there is no JVM, and no class of it; {instead}")


class _Named:
    """Something with a Java name, which its other names are told with."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        _refuse(f"{self._path}.{name}" if self._path else name)


class View(_Named):
    """Stands where PySpark's context has all packages of the JVM.

    >>> sc._jvm.java.lang.Runtime.getRuntime().availableProcessors() >= 1
    True
    >>> sc._jvm.org.apache.log4j.LogManager.getLogger("org").setLevel(sc._jvm.org.apache.log4j.Level.OFF)
    >>> sc._jvm.org.apache.hadoop.fs.Path
    Traceback (most recent call last):
        ...
    AttributeError: '_jvm' of the SparkContext has no org.apache.hadoop: there is no JVM, ...
    """

    def __init__(self) -> None:
        super().__init__("")
        self.System, self.Runtime = _System("System"), _Runtime("Runtime")
        self.java = _Named("java")
        self.java.__dict__["lang"] = _Named("java.lang")
        self.java.__dict__["lang"].__dict__.update(System=self.System, Runtime=self.Runtime)
        self.org = _Named("org")
        apache = self.org.__dict__["apache"] = _Named("org.apache")
        apache.__dict__["log4j"] = _Log4j("org.apache.log4j")
        newer = apache.__dict__["logging"] = _Named("org.apache.logging")
        newer.__dict__["log4j"] = _Log4j("org.apache.logging.log4j")


class _System(_Named):
    """``java.lang.System``, with the properties of :meth:`firesteel.SparkContext.setSystemProperty`."""

    def getProperty(self, key: str, default: str | None = None) -> str | None:
        """Returns a property."""
        return SYSTEM_PROPERTIES.get(key, default)

    def setProperty(self, key: str, value: str) -> str | None:
        """Sets a property; returns what it was."""
        before = SYSTEM_PROPERTIES.get(key)
        SYSTEM_PROPERTIES[key] = str(value)
        return before

    def clearProperty(self, key: str) -> str | None:
        """Removes a property; returns what it was."""
        return SYSTEM_PROPERTIES.pop(key, None)

    def getenv(self, name: str) -> str | None:
        """Returns a variable of the environment."""
        return os.environ.get(name)

    def currentTimeMillis(self) -> int:
        """Returns the milliseconds since 1970."""
        return time.time_ns() // 1_000_000


class _Runtime(_Named):
    """``java.lang.Runtime``."""

    def getRuntime(self) -> _Runtime:
        """Returns itself: there is one for a process."""
        return self

    def availableProcessors(self) -> int:
        """Returns the number of processors that this process may use."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Levels(_Named):
    """Log4j's levels: each is its name."""

    OFF, FATAL, ERROR, WARN, INFO, DEBUG, TRACE, ALL = "OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"

    def toLevel(self, name: str) -> str:
        """Returns a level by its name."""
        return name.upper()


class _Log4j(_Named):
    """The package of Log4j 1 or 2: managers that give loggers, and levels."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.Level = _Levels(f"{path}.Level")
        self.LogManager = self.Logger = _Loggers(f"{path}.LogManager")


class _Loggers(_Named):
    def getLogger(self, name: Any = "") -> _Logger:
        """Returns a logger by its name."""
        return _Logger(str(name))

    def getRootLogger(self) -> _Logger:
        """Returns the logger that is above all others."""
        return _Logger("")


#: Log4j's levels that Python's ``logging`` has under other names, or not at all.
_LEVELS = {"OFF": logging.CRITICAL + 10, "FATAL": logging.CRITICAL, "WARN": logging.WARNING, "TRACE": 5, "ALL": 1}

#: Loggers whose level is that of Spark itself: here the engine's.
_ENGINE = ("", "org", "org.apache", "org.apache.spark")


class _Logger(_Named):
    """A logger: what is logged goes to Python's logger of the same name; Spark's own levels become the engine's."""

    def __init__(self, name: str) -> None:
        super().__init__(f"logger {name}".rstrip())
        self._logger = logging.getLogger(name or "root")
        self._is_engine = name in _ENGINE

    def setLevel(self, level: str) -> None:
        """Sets the level from now on."""
        if self._is_engine:
            from firesteel import _native

            _native.set_log_level(str(level))
        else:
            self._logger.setLevel(_LEVELS.get(level, level))

    def getName(self) -> str:
        """Returns the name."""
        return self._logger.name

    def trace(self, message: object) -> None:
        """Logs below the level of debugging."""
        self._logger.log(_LEVELS["TRACE"], "%s", message)

    def debug(self, message: object) -> None:
        """Logs what helps in debugging."""
        self._logger.debug("%s", message)

    def info(self, message: object) -> None:
        """Logs what happens."""
        self._logger.info("%s", message)

    def warn(self, message: object) -> None:
        """Logs a warning."""
        self._logger.warning("%s", message)

    def error(self, message: object) -> None:
        """Logs an error."""
        self._logger.error("%s", message)

    def fatal(self, message: object) -> None:
        """Logs the worst of errors."""
        self._logger.critical("%s", message)
