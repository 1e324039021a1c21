"""One side: a process that runs programs and pieces of code as they come, in PySpark, or in Firesteel in its place.

Requests come as JSON lines on its standard input, outcomes go back as JSON lines: whether it did what it should, and
what it printed or answered, or how it failed. On both sides the code says ``pyspark``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import runpy
import sys
from typing import Any

#: How much of a failure's text is kept.
LONGEST_FAILURE = 400


def serve(package: str) -> None:
    """Answers requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What processes print that are started here is no answer.
    os.dup2(2, 1)
    if package == "firesteel":
        from firesteel import as_pyspark

        as_pyspark.install()
    for line in sys.stdin:
        answers.write(json.dumps(outcome(json.loads(line))) + "\n")
        answers.flush()


def outcome(request: Any) -> tuple[bool, str]:
    """Runs a program with its arguments, or code with names; what it printed, or what ``answer`` is then."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            if "program" in request:
                sys.argv = [request["program"], *request["arguments"]]
                runpy.run_path(request["program"], run_name="__main__")
                return True, printed.getvalue()
            return True, str(answer(request))
    except Exception as error:
        return False, said(error)


def answer(request: Any) -> Any:
    """Runs code in the session that stays from one request to the next."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("edges").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    names = {"spark": spark, "sc": spark.sparkContext, "told": told, "said": said, **request["names"]}
    exec(request["code"], names)  # noqa: S102, the text is our own
    return names.get("answer", "")


def told(frame: Any) -> str:
    """A frame as text: its schema, and its rows, sorted, since files of one table have no order."""
    return "\n".join([json.dumps(json.loads(frame.schema.json())), *sorted(map(repr, frame.collect()))])


def said(error: Exception) -> str:
    """A failure's text: of Spark's long one the innermost cause."""
    text = str(error)
    of_java = re.findall(r"^(?:Caused by: |: )(\S+(?:Exception|Error)\b[^\n]*)", text, re.MULTILINE)
    of_java = [cause for cause in of_java if "Job aborted" not in cause and "Task failed" not in cause] or of_java
    cause = of_java[-1] if of_java else " ".join(text.split())
    return f"{type(error).__name__}: {cause}"[:LONGEST_FAILURE]


if __name__ == "__main__":
    serve(sys.argv[1])
