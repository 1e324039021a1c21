"""One side of the comparison: a process that runs programs as they come, in PySpark or in Firesteel.

As a script it is that process: programs come as JSON lines on its standard input, answers go back as JSON lines.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from answers import FAILED, evaluate

#: How long one program may take before its side counts as hanging.
SECONDS = 120.0


class Side:
    """A process that answers; it is started again when a program ends or hangs it."""

    def __init__(
        self, package: str, master: str = "local[2]", script: Path = Path(__file__), native: str = "off"
    ) -> None:
        self.package = package
        self.master = master
        self.native = native
        self.script = script
        self.process: subprocess.Popen[bytes] | None = None
        self.log = tempfile.TemporaryFile()

    def answer(self, request: Any) -> Any:
        """What the program gives there: its text, or what else the side's script takes."""
        process = self.process or self._start()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(SECONDS) else None
        if not line:
            self.stop()
            return (FAILED, "no answer in time" if line is None else "the end of the process")
        return json.loads(line)

    def _start(self) -> subprocess.Popen[bytes]:
        environment = dict(os.environ, PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
        environment["PYTHONWARNINGS"] = "ignore"
        if self.package == "pyspark":
            environment["PYTHONHASHSEED"] = "0"
        self.process = subprocess.Popen(
            [sys.executable, str(self.script), self.package, self.master, self.native],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            start_new_session=True,
        )
        return self.process

    def stop(self) -> None:
        """Ends the process and what it started."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()
            self.process = None


def serve(package: str, master: str, native: str) -> None:
    """Answers programs until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What programs print is no answer.
    os.dup2(2, 1)
    if package == "pyspark":
        from pyspark import SparkConf, SparkContext
    else:
        from firesteel import SparkConf, SparkContext
    conf = SparkConf().setMaster(master).setAppName("differential").set("spark.ui.enabled", "false")
    conf.set("spark.default.parallelism", "3").set("spark.ui.showConsoleProgress", "false")
    if package == "firesteel":
        conf.set("firesteel.python.native", native)
    sc = SparkContext(conf=conf)
    sc.setLogLevel("OFF")
    for line in sys.stdin:
        answers.write(json.dumps(evaluate(json.loads(line), sc)) + "\n")
        answers.flush()
    sc.stop()


if __name__ == "__main__":
    serve(*sys.argv[1:])
