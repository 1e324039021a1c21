"""One side of the exchange: a process that runs programs, in contexts with the settings that each asks for.

As a script it is that process: requests come as JSON lines on its standard input, outcomes go back as JSON lines.
An outcome is a pair: whether the program did what it should, and what came of it as text.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import probe

#: Settings of every context. Two slots, and as many partitions as both sides then take by themselves.
ALWAYS = {
    "spark.master": "local[2]",
    "spark.app.name": "interop",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

#: How much of a failure's text is kept.
LONGEST_FAILURE = 300


def serve(package: str) -> None:
    """Answers requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What programs print is no answer.
    os.dup2(2, 1)
    contexts = Contexts(package)
    for line in sys.stdin:
        answers.write(json.dumps(run(json.loads(line), contexts)) + "\n")
        answers.flush()
    contexts.stop()


class Contexts:
    """The one context that there is, made anew when other settings are wanted."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.settings: Any = None
        self.sc: Any = None

    def of(self, settings: list[list[str]]) -> Any:
        """A context with these settings."""
        if self.sc is None or settings != self.settings:
            self.stop()
            if self.package == "pyspark":
                from pyspark import SparkConf, SparkContext
            else:
                from firesteel import SparkConf, SparkContext
            conf = SparkConf().setAll([*ALWAYS.items(), *(tuple(pair) for pair in settings)])
            self.sc, self.settings = SparkContext(conf=conf), settings
            self.sc.setLogLevel("OFF")
        return self.sc

    def stop(self) -> None:
        """Stops it if it is there."""
        if self.sc is not None:
            self.sc.stop()
            self.sc = None


def run(request: Any, contexts: Contexts) -> tuple[bool, str]:
    """Runs a program; its outcome."""
    try:
        # Settings may be refused, which is an outcome as any other.
        names = {**vars(probe), "sc": contexts.of(request["settings"]), "path": request["path"]}
        exec(request["program"], names)  # noqa: S102, the text is our own
        return (True, str(names.get("answer", "")))
    except Exception as error:
        return (False, said(error))


def said(error: Exception) -> str:
    """A failure's text: of Spark's long one the innermost cause."""
    text = str(error)
    of_java = re.findall(r"^(?:Caused by: |: )(\S+(?:Exception|Error)\b[^\n]*)", text, re.MULTILINE)
    of_java = [cause for cause in of_java if "Job aborted" not in cause and "Task failed" not in cause] or of_java
    cause = of_java[-1] if of_java else " ".join(text.split())
    return f"{type(error).__name__}: {cause}"[:LONGEST_FAILURE]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    serve(sys.argv[1])
