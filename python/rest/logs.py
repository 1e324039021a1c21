"""Writes the logs that both servers are to show: of Spark, of Firesteel's Python API, and of a program in Rust."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent.parent / "tests" / "pages"))

from programs import Program  # noqa: E402

#: The runs: a master, and settings.
RUNS = [
    ("local[2,3]", []),
    ("local-cluster[2,1,1024]", []),
    ("local[2]", ["spark.eventLog.rolling.enabled=true", "spark.eventLog.compress=true"]),
]

#: How Spark runs the program, and how Firesteel does.
SIDES = {"Spark": [sys.executable], "Firesteel": [sys.executable, "-m", "firesteel.as_pyspark"]}


def write_logs(folder: Path, seen: Path | None) -> None:
    """Have all programs run, one after another."""
    for side, python in SIDES.items():
        command = [*python, str(HERE / "program.py"), str(folder)]
        for master, settings in RUNS:
            print(f"{side} runs the program: {master} {' '.join(settings)}", flush=True)
            log = folder / f"{side}-{master}.log"
            with log.open("w") as output:
                ended = subprocess.run([*command, master, *settings], stdout=output, stderr=output, check=False)
            if ended.returncode != 0:
                raise SystemExit(f"{side} ended with {ended.returncode}:\n{log.read_text()[-3000:]}")
        print(f"{side} runs the program, and is killed", flush=True)
        kill_when_ready([*command, "local[2]", "hold"])
    if seen:
        in_rust(str(seen), folder)


def kill_when_ready(command: list[str]) -> None:
    """Run a program until it says that it is ready, and kill it with all that it started."""
    held = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        for line in held.stdout:
            if line.strip() == "ready":
                break
        else:
            raise SystemExit(f"{command} ended before it was ready")
    finally:
        # With its JVM, or its workers, which are in the same group.
        os.killpg(held.pid, signal.SIGKILL)
        held.wait()


def in_rust(seen: str, folder: Path) -> None:
    """Have a program in Rust run: it ends, loses an executor, is killed."""
    print("a program in Rust runs: local[2], and to its end", flush=True)
    with Program(seen, "local[2]", folder) as program:
        program.say("finish")
        program.say("fail")
        program.say("stop")
    print("a program in Rust runs: on a cluster, and loses an executor", flush=True)
    with Program(seen, "local-cluster[2,1,512]", folder) as program:
        program.say("finish")
        program.hold("lossy", 6)
        program.let_go("lossy", 0)
        program.kill_executor(program.executors()[0])
        program.let_go("lossy", *range(6))
        program.ended("lossy")
        program.say("stop")
    print("a program in Rust runs: local[2], and is killed", flush=True)
    with Program(seen, "local[2]", folder) as program:
        program.say("finish")
        program.hold("cut", 4)
        program.let_go("cut", 0)
