"""Programs that a signal ends: what they leave behind, and what whoever waits for them is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import PATIENCE_SECONDS

PROGRAM = """
import multiprocessing, os, signal, sys, threading, time
from firesteel import SparkConf, SparkContext
{before}
sc = SparkContext("local[2]", conf=SparkConf().set("spark.local.dir", sys.argv[1]))
kept = sc.parallelize(range(4), 2).map(str).persist()
assert kept.count() == 4
{after}
print("ready", flush=True)
{wait}
"""

SLEEP = "time.sleep(600)"


@contextmanager
def program(local: Path, before: str = "", after: str = "", wait: str = SLEEP) -> Iterator[subprocess.Popen[str]]:
    """A program with a context, once it waits."""
    code = PROGRAM.format(before=before, after=after, wait=wait)
    words = [sys.executable, "-c", code, str(local)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            line = process.stdout.readline()
            assert line == "ready\n", line + process.stderr.read()
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out + err


def names(local: Path) -> list[str]:
    return sorted(os.listdir(local))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("wait", [SLEEP, "sc.range(2, numSlices=2).foreach(lambda _: time.sleep(600))"])
def test_a_program_that_is_told_to_end_leaves_nothing_and_ends_by_the_signal(
    tmp_path: Path, number: int, wait: str
) -> None:
    with program(tmp_path, wait=wait) as process:
        assert len(names(tmp_path)) == 1
        assert end(process, number)[0] == -number
    assert names(tmp_path) == []


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    # Whoever runs tests in the background of a shell has interrupts ignored.
    with program(tmp_path, before="signal.signal(signal.SIGINT, signal.default_int_handler)") as process:
        code, said = end(process, signal.SIGINT)
        assert code != 0 and "KeyboardInterrupt" in said
    assert names(tmp_path) == []


def test_a_program_keeps_its_own_handlers_and_what_it_ignores(tmp_path: Path) -> None:
    before = """
def own(number, frame):
    print("my own", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, own)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
"""
    with program(tmp_path, before=before) as process:
        process.send_signal(signal.SIGHUP)
        assert end(process, signal.SIGTERM) == (7, "my own\n")
    with program(tmp_path, after=before) as process:
        assert end(process, signal.SIGTERM) == (7, "my own\n")


def test_processes_that_a_program_forks_end_at_once_and_end_nothing_of_it(tmp_path: Path) -> None:
    after = """
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
child.start()
child.terminate()
child.join(60)
print(child.exitcode, kept.count(), flush=True)
"""
    code = PROGRAM.format(before="", after=after, wait="")
    words = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.stdout.splitlines()[0] == f"-{int(signal.SIGTERM)} 4", done.stderr


def test_signals_that_come_while_a_process_is_forked_wait_until_they_end_it(tmp_path: Path) -> None:
    before = """
blocked = lambda: signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, [])
# It was there before Firesteel's own, so in the child it comes first.
os.register_at_fork(after_in_child=lambda: print("while", blocked(), flush=True))
"""
    after = """
child = os.fork()
if child == 0:
    print("then", blocked(), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print("parent", blocked(), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, flush=True)
"""
    # Firesteel is imported behind the hook.
    code = "import os, signal" + before + PROGRAM.format(before="", after=after, wait="")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[:3] == ["while True", "then False True", "parent False False"], done.stderr


def test_an_end_that_hangs_is_bounded(tmp_path: Path) -> None:
    after = """
from firesteel import endings
endings.PATIENCE_SECONDS = 0.1
sc.stop = threading.Event().wait
"""
    with program(tmp_path, after=after) as process:
        assert end(process, signal.SIGTERM)[0] == -signal.SIGTERM


def test_a_context_of_another_thread_leaves_signals_alone(tmp_path: Path) -> None:
    before = """
def elsewhere():
    with SparkContext("local[1]") as sc:
        assert sc.range(3).count() == 3
thread = threading.Thread(target=elsewhere)
thread.start()
thread.join()
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
"""
    with program(tmp_path, before=before) as process:
        assert end(process, signal.SIGTERM)[0] == -signal.SIGTERM


def test_what_a_killed_program_left_goes_while_the_next_one_runs(tmp_path: Path) -> None:
    with program(tmp_path) as process:
        left = names(tmp_path)
        assert end(process, signal.SIGKILL)[0] == -signal.SIGKILL
    assert names(tmp_path) == left
    with program(tmp_path) as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(names(tmp_path)) > 1:
            assert time.monotonic() < deadline, names(tmp_path)
            time.sleep(0.01)
        assert names(tmp_path) != left
