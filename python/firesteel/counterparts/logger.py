"""``pyspark.logger``: a logger whose records are lines of JSON, with the keywords of each call as their context."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from typing import Any, cast

__all__ = ["SPARK_LOG_SCHEMA", "PySparkLogger"]

#: The columns of such lines, as a schema of Spark's.
SPARK_LOG_SCHEMA = (
    "ts TIMESTAMP, level STRING, msg STRING, context map<STRING, STRING>, "
    "exception STRUCT<class STRING, msg STRING, "
    "stacktrace ARRAY<STRUCT<class STRING, method STRING, file STRING, line STRING>>>, logger STRING"
)


class JSONFormatter(logging.Formatter):
    """Makes one line of JSON of a record."""

    default_msec_format = "%s.%03d"

    def __init__(self, ensure_ascii: bool = False) -> None:
        super().__init__()
        self._ensure_ascii = ensure_ascii

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        line: dict[str, object] = {
            "ts": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "logger": record.name,
            "msg": record.getMessage(),
            "context": getattr(record, "context", {}),
        }
        if record.exc_info:
            kind, error, trace = record.exc_info
            line["exception"] = {
                "class": kind.__name__ if kind else "UnknownException",
                "msg": str(error),
                "stacktrace": [
                    {"class": None, "method": frame.name, "file": frame.filename, "line": str(frame.lineno)}
                    for frame in traceback.extract_tb(trace)
                ],
            }
        return json.dumps(line, ensure_ascii=self._ensure_ascii)


class PySparkLogger(logging.Logger):
    """A logger of Python's that writes JSON to standard error, from warnings on, and takes keywords with a message.

    >>> import io
    >>> out = io.StringIO()
    >>> logger = PySparkLogger.getLogger("example")
    >>> logger.addHandler(logging.StreamHandler(out))
    >>> logger.propagate = False
    >>> del logger.handlers[0]
    >>> logger.warning("%d lines left out", 3, path="a.txt")
    >>> line = json.loads(out.getvalue())
    >>> line["level"], line["msg"], line["context"]
    ('WARNING', '3 lines left out', {'path': 'a.txt'})
    """

    def __init__(self, name: str = "PySparkLogger") -> None:
        super().__init__(name, level=logging.WARN)
        self.addHandler(logging.StreamHandler())

    def addHandler(self, hdlr: logging.Handler) -> None:
        """Adds a handler, which writes JSON from now on."""
        hdlr.setFormatter(JSONFormatter())
        super().addHandler(hdlr)

    @staticmethod
    def getLogger(name: str | None = None) -> PySparkLogger:
        """Returns the logger of that name, made if there is none; without a name the root of all loggers."""
        usual = logging.getLoggerClass()
        logging.setLoggerClass(PySparkLogger)
        try:
            return cast(PySparkLogger, logging.getLogger(name))
        finally:
            logging.setLoggerClass(usual)

    def _log(
        self,
        level: int,
        msg: object,
        args: Any,
        exc_info: Any = None,
        extra: Mapping[str, object] | None = None,
        stack_info: bool = False,
        stacklevel: int = 1,
        **context: object,
    ) -> None:
        if extra is not None:
            context["extra"] = extra
        super()._log(level, msg, args, exc_info, {"context": context}, stack_info, stacklevel)
