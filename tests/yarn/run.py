"""Runs real programs on a real YARN: what is counted, what is lost, what is refused and why, and that nothing is left.

`run.py WORD_COUNT SEEN FIRESTEEL [--jars DIR] [--only NAME]`: the example programs `word_count` and `seen`, and the
command `firesteel`, built. The cluster runs on this machine, and its files lie in a temporary directory.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cluster import JARS, Cluster

# The most seconds for what a busy machine does in one.
PATIENCE = 120

TEXT = "to be or not to be\nthat is the question\n" * 50


def until(what: str, condition: Callable[[], Any]) -> Any:
    """Waits until a condition holds; returns what it gave."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not in {PATIENCE} s: {what}")
        time.sleep(0.1)
    return found


class Yarn:
    """A cluster, and the programs that run on it."""

    def __init__(self, cluster: Cluster, folder: Path, programs: list[str]) -> None:
        self.cluster, self.folder = cluster, folder
        self.word_count, self.seen, self.firesteel = (os.path.abspath(path) for path in programs)
        self.staging = folder / "staging"
        self.staging.mkdir()

    def environment(self, settings: dict[str, str]) -> dict[str, str]:
        """Returns the variables of a program."""
        own = {
            "spark.yarn.stagingDir": str(self.staging),
            "spark.yarn.scheduler.heartbeat.interval-ms": "500",
            "spark.executor.memory": "128m",
            "spark.executor.memoryOverhead": "128m",
            "spark.ui.port": "0",
            "spark.log.level": "INFO",
        }
        return {
            **os.environ,
            "HADOOP_CONF_DIR": str(self.cluster.dir / "rm/conf"),
            "FIRESTEEL_MASTER": "yarn",
            "FIRESTEEL_SETTINGS": json.dumps(own | settings),
        }

    def count(self, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Counts the words of a file, and returns what the program said."""
        text = self.folder / "text"
        text.write_text(TEXT)
        return subprocess.run(
            [self.word_count, str(text), "--top", "100"], env=self.environment(settings), timeout=PATIENCE,
            capture_output=True, text=True, check=False)

    def submit(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs `firesteel submit` with the master `yarn`."""
        environment = self.environment({})
        settings = json.loads(environment.pop("FIRESTEEL_SETTINGS"))
        options = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
        return subprocess.run(
            [self.firesteel, "submit", "--master", "yarn", *options, *words], env=environment, timeout=PATIENCE,
            capture_output=True, text=True, check=False)

    def applications(self) -> list[dict[str, Any]]:
        """Returns YARN's list of applications, the newest first."""
        _, value = self.cluster.rest("cluster/apps")
        found: list[dict[str, Any]] = (value.get("apps") or {}).get("app", [])
        return sorted(found, key=lambda one: str(one["id"]), reverse=True)

    def check_clean(self) -> None:
        """Checks that no container, process or file of an application is left."""
        until("no application runs", lambda: all(one["state"] in ("FINISHED", "FAILED", "KILLED")
                                                  for one in self.applications()))
        until("no node has a container", lambda: all(one["numContainers"] == 0 for one in self.nodes()))
        left = [str(path) for path in self.staging.glob("*/.firesteelStaging/*")]
        assert not left, left
        until("no agent is left", lambda: not self.agents())

    def nodes(self) -> list[dict[str, Any]]:
        """Returns YARN's list of nodes."""
        found: list[dict[str, Any]] = self.cluster.rest("cluster/nodes")[1]["nodes"]["node"]
        return found

    def agents(self) -> list[int]:
        """Returns the ids of processes that work in directories of this cluster's containers."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and str(self.cluster.dir) in os.readlink(entry / "cwd"):
                    if "appcache" in os.readlink(entry / "cwd"):
                        found.append(int(entry.name))
        return found

    @contextlib.contextmanager
    def program(self, settings: dict[str, str]) -> Iterator[Program]:
        """Starts a program that does what it is told; ends it whatever happens."""
        with tempfile.TemporaryDirectory(dir=self.folder) as files:
            running = Program(self.seen, Path(files), self.environment(settings))
            try:
                yield running
            finally:
                running.end()


class Program:
    """The example `seen`, which does what it is told."""

    def __init__(self, program: str, files: Path, environment: dict[str, str]) -> None:
        self.files = files
        (files / "logs").mkdir()
        self.errors = (files / "stderr").open("w+")
        self.process = subprocess.Popen(
            [program, "yarn", str(files / "logs"), str(files)], env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.errors, text=True, bufsize=1)

    def tell(self, text: str) -> None:
        """Tells it what to do."""
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")

    def hear(self, word: str) -> str:
        """Returns the rest of its next line that begins with a word."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return line.removeprefix(word).strip()
        raise AssertionError(f"it ended without `{word}`: {self.said()}")

    def release(self, name: str, tasks: int) -> None:
        """Lets the tasks of a job go on."""
        for task in range(tasks):
            (self.files / f"{name}-{task}").touch()

    def processes(self) -> dict[str, int]:
        """Returns the ids of its executors' processes."""
        self.tell("processes")
        return {name: int(number) for name, number in (one.split("=") for one in self.hear("processes").split())}

    def said(self) -> str:
        """Returns what it wrote to standard error."""
        return Path(self.errors.name).read_text()

    def end(self) -> None:
        """Ends it: it has the time to clean up."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self.errors.close()


def words_are_counted(yarn: Yarn) -> None:
    """A program counts words in containers; YARN knows it by its name, queue and tags."""
    ended = yarn.count({"spark.yarn.queue": "other", "spark.yarn.tags": "nightly, words"})
    assert ended.returncode == 0, ended.stderr
    lines = [line.split() for line in ended.stdout.splitlines() if "kB" not in line]
    counted = {word: int(count) for count, word in lines}
    assert counted == dict(collections.Counter(TEXT.split())), counted
    found = yarn.applications()[0]
    expected = {"state": "FINISHED", "finalStatus": "SUCCEEDED", "applicationType": "SPARK", "name": "word count"}
    assert found.items() >= expected.items(), found
    assert found["queue"].endswith("other") and set(found["applicationTags"].split(",")) == {"nightly", "words"}, found


def an_executor_is_killed(yarn: Yarn) -> None:
    """Of two executors one is killed in the middle of a job: another one comes, and the answer is right."""
    with yarn.program({"spark.executor.instances": "2"}) as program:
        program.tell("hold a 2")
        before = until("two executors", lambda: len(found := program.processes()) == 2 and found)
        os.kill(next(iter(before.values())), signal.SIGKILL)
        after = until("another one", lambda: len(found := program.processes()) == 2 and found != before and found)
        assert set(after) != set(before), (before, after)
        program.release("a", 2)
        assert program.hear("ended") == f"a {sum(range(200))}"
        program.tell("stop")
        program.hear("stop")
        assert "killed by signal 9" in program.said() or "signal 9" in program.said(), program.said()
    assert yarn.applications()[0]["state"] == "FINISHED"


def the_application_is_killed(yarn: Yarn) -> None:
    """Somebody kills the application in YARN: its job fails, and says so."""
    with yarn.program({}) as program:
        program.tell("hold b 2")
        until("two executors", lambda: len(program.processes()) == 2)
        name = yarn.applications()[0]["id"]
        status, _ = yarn.cluster.rest(f"cluster/apps/{name}/state", {"state": "KILLED"}, "PUT")
        assert status in (200, 202), status
        answer = program.hear("ended")
        assert "YARN has ended" in answer and name in answer and "was killed by user" in answer, answer
    assert yarn.applications()[0]["state"] == "KILLED"


def a_queue_that_is_not_there(yarn: Yarn) -> None:
    """An unknown queue is told with what to set."""
    ended = yarn.count({"spark.yarn.queue": "nosuch"})
    assert ended.returncode != 0
    assert "unknown queue: nosuch" in ended.stderr and "firesteel.yarn.queue" in ended.stderr, ended.stderr


def an_executor_that_fits_in_no_container(yarn: Yarn) -> None:
    """Too large executors are refused before there is an application."""
    known = len(yarn.applications())
    ended = yarn.count({"spark.executor.memory": "9g"})
    assert ended.returncode != 0
    assert "yarn.scheduler.maximum-allocation-mb" in ended.stderr and "9216" in ended.stderr, ended.stderr
    ended = yarn.count({"spark.executor.cores": "64"})
    assert "yarn.scheduler.maximum-allocation-vcores" in ended.stderr, ended.stderr
    assert len(yarn.applications()) == known


def more_than_the_cluster_has(yarn: Yarn) -> None:
    """A program works with the executors that there are, and says why others do not come."""
    with yarn.program({"spark.executor.instances": "6", "spark.executor.memory": "1g"}) as program:
        program.tell("hold c 2")
        program.release("c", 2)
        assert program.hear("ended") == f"c {sum(range(200))}"
        until("a line about the others", lambda: "has lent none of" in program.said())
        assert "MiB" in program.said() and "`default`" in program.said()


def the_driver_is_killed(yarn: Yarn) -> None:
    """A driver that dies without a word takes its executors with it; YARN notes it later."""
    with yarn.program({}) as program:
        until("two executors", lambda: len(program.processes()) == 2)
        name = yarn.applications()[0]["id"]
        program.process.kill()
    until("no agent is left", lambda: not yarn.agents())
    # Its files stay, as with Spark: nobody is left to remove them.
    for path in yarn.staging.glob(f"*/.firesteelStaging/{name}"):
        assert path.stat().st_mode & 0o777 == 0o700
        for file in path.iterdir():
            assert file.stat().st_mode & 0o077 == 0, file
            file.unlink()
        path.rmdir()
    yarn.cluster.rest(f"cluster/apps/{name}/state", {"state": "KILLED"}, "PUT")


def secrets_are_nowhere(yarn: Yarn) -> None:
    """The application's secret is in no command line, no environment and no log of a node."""
    with yarn.program({}) as program:
        until("two executors", lambda: len(program.processes()) == 2)
        files = list(yarn.staging.glob("*/.firesteelStaging/*/firesteel-agent.json"))
        secret = json.loads(files[0].read_text())["secret"]
        assert len(secret) > 16
        for number in program.processes().values():
            for name in ("cmdline", "environ"):
                assert secret not in Path(f"/proc/{number}/{name}").read_bytes().decode(errors="replace")
        logs = [path for path in yarn.cluster.dir.rglob("*") if path.is_file() and path.suffix != ".json"
                and "usercache" not in path.parts and path.stat().st_size < 10_000_000]
        assert not [path for path in logs if secret.encode() in path.read_bytes()]


def a_program_runs_in_the_cluster(yarn: Yarn) -> None:
    """In cluster mode the program runs in a container, and its executors in others."""
    text, counts = yarn.folder / "text", yarn.folder / "counts"
    text.write_text(TEXT)
    cluster = ("--deploy-mode", "cluster", "--driver-memory", "256m")
    ended = yarn.submit(*cluster, yarn.word_count, str(text), "--output", str(counts))
    assert ended.returncode == 0, ended.stderr
    found = yarn.applications()[0]
    assert found["id"] == ended.stdout.strip() and found["finalStatus"] == "SUCCEEDED", (found, ended.stdout)
    lines = [line.split("\t") for part in counts.glob("part-*") for line in part.read_text().splitlines()]
    assert {word: int(count) for word, count in lines} == dict(collections.Counter(TEXT.split())), lines
    shown = yarn.submit("--status", found["id"])
    assert "FINISHED" in shown.stdout, shown


def a_program_fails_in_the_cluster(yarn: Yarn) -> None:
    """A program that fails is a failed application, and the command says so; one that is killed, too."""
    ended = yarn.submit("--deploy-mode", "cluster", "--driver-memory", "256m", yarn.word_count, "/no/such/file")
    assert ended.returncode != 0
    found = yarn.applications()[0]
    assert found["finalStatus"] == "FAILED", found
    assert found["id"] in ended.stderr and "FAILED: the program failed" in ended.stderr, ended.stderr
    ended = yarn.submit("--deploy-mode", "cluster", "--driver-memory", "9g", yarn.word_count, "x")
    assert "--driver-memory" in ended.stderr, ended.stderr
    # Killed while it waits for more than there is.
    logs, files = yarn.folder / "logs", yarn.folder / "files"
    logs.mkdir()
    files.mkdir()
    ended = yarn.submit("--deploy-mode", "cluster", "--conf", "spark.yarn.submit.waitAppCompletion=false",
                        "--driver-memory", "256m", yarn.seen, "yarn", str(logs), str(files))
    assert ended.returncode == 0, ended.stderr
    name = ended.stdout.strip()
    killed = yarn.submit("--kill", name)
    assert killed.returncode == 0, killed.stderr
    assert yarn.applications()[0]["state"] == "KILLED"
    # Nobody is left to remove its files.
    for path in yarn.staging.glob(f"*/.firesteelStaging/{name}"):
        shutil.rmtree(path)


def another_queue_takes_its_share(yarn: Yarn) -> None:
    """A queue that had nothing takes its half back: executors are told before, and the answer is right."""
    with yarn.program({"spark.executor.instances": "8"}) as program:
        program.tell("hold d 8")
        until("all cores of the cluster", lambda: len(program.processes()) == 8)
        ended = yarn.count({"spark.yarn.queue": "other"})
        assert ended.returncode == 0, ended.stderr
        until("all cores again", lambda: len(program.processes()) == 8)
        program.release("d", 8)
        answer = program.hear("ended")
        assert answer == f"d {sum(range(800))}", (answer, program.said())
        said = program.said()
        assert "was decommissioned" in said, said
    assert yarn.applications()[1]["finalStatus"] == "SUCCEEDED"


def executors_come_with_tasks_and_go_without(yarn: Yarn) -> None:
    """Dynamic allocation: containers are asked for while tasks wait, and given back when executors are idle."""
    settings = {"enabled": "true", "minExecutors": "1", "maxExecutors": "3", "schedulerBacklogTimeout": "100ms",
                "executorIdleTimeout": "1s"}
    with yarn.program({f"spark.dynamicAllocation.{key}": value for key, value in settings.items()}) as program:
        program.tell("hold e 3")
        until("three executors", lambda: len(program.processes()) == 3)
        program.release("e", 3)
        assert program.hear("ended") == f"e {sum(range(300))}"
        until("one container", lambda: sum(one["numContainers"] for one in yarn.nodes()) == 1)
        program.tell("stop")
        program.hear("stop")


def a_host_that_is_excluded_gets_no_container(yarn: Yarn) -> None:
    """Tasks fail in an executor: it is ended, and YARN starts no other on its host, the only one here."""
    settings = {"enabled": "true", "application.maxFailedTasksPerExecutor": "1",
                "application.maxFailedExecutorsPerNode": "1", "killExcludedExecutors": "true"}
    with yarn.program({f"spark.excludeOnFailure.{key}": value for key, value in settings.items()}) as program:
        program.tell("hold f 2")
        processes = until("two executors", lambda: len(found := program.processes()) == 2 and found)
        (program.files / "bad").write_text(str(next(iter(processes.values()))))
        program.release("f", 2)
        until("YARN's silence is told", lambda: "containers on other hosts than localhost" in program.said())
        assert all(one["numContainers"] == 0 for one in yarn.nodes()), yarn.nodes()
        program.tell("stop")
        program.hear("stop")


def a_node_label_that_yarn_does_not_know(yarn: Yarn) -> None:
    """It is refused for good, in YARN's words."""
    ended = yarn.count({"spark.yarn.executor.nodeLabelExpression": "nosuch"})
    assert ended.returncode != 0
    assert "node label `nosuch`" in ended.stderr and "Invalid" in ended.stderr, ended.stderr
    assert yarn.applications()[0]["finalStatus"] == "FAILED", yarn.applications()[0]


def a_program_that_fails_is_run_again(yarn: Yarn) -> None:
    """Where settings allow a second attempt, YARN makes it, with the same files."""
    text, counts, program, once = (yarn.folder / name for name in ("text", "again", "program", "once"))
    text.write_text(TEXT)
    program.write_text(f"""#!/bin/bash
if [ -z "$FIRESTEEL_AGENT" ] && mkdir {once} 2>/dev/null; then exec {yarn.word_count} /no/such/file; fi
exec {yarn.word_count} "$@"
""")
    program.chmod(0o755)
    ended = yarn.submit("--deploy-mode", "cluster", "--driver-memory", "256m", "--conf", "spark.yarn.maxAppAttempts=2",
                        str(program), str(text), "--output", str(counts))
    assert ended.returncode == 0, ended.stderr
    found = yarn.applications()[0]
    assert found["finalStatus"] == "SUCCEEDED", found
    attempts = yarn.cluster.rest(f"cluster/apps/{found['id']}/appattempts")[1]["appAttempts"]["appAttempt"]
    assert len(attempts) == 2, attempts
    assert sum(1 for part in counts.glob("part-*") for _ in part.open()) == len(set(TEXT.split()))
    killed = yarn.submit("--kill", found["id"])
    assert killed.returncode == 0 and "FINISHED, SUCCEEDED" in killed.stdout, killed
    assert "it had ended before" in killed.stdout, killed


def a_dry_run_asks_nobody(yarn: Yarn) -> None:
    """In client mode it prints what executors would be asked for."""
    known = len(yarn.applications())
    shown = yarn.submit("--dry-run", "--num-executors", "3", yarn.word_count, "x")
    assert shown.returncode == 0, shown.stderr
    for part in ("queue: default", "container of each executor: 256 MiB, 1 cores", "executors: 3", yarn.word_count):
        assert part in shown.stdout, shown.stdout
    assert len(yarn.applications()) == known


TESTS = [words_are_counted, executors_come_with_tasks_and_go_without, a_host_that_is_excluded_gets_no_container,
         a_node_label_that_yarn_does_not_know, a_program_that_fails_is_run_again, a_dry_run_asks_nobody,
         an_executor_is_killed, the_application_is_killed, a_queue_that_is_not_there,
         an_executor_that_fits_in_no_container, more_than_the_cluster_has, another_queue_takes_its_share,
         secrets_are_nowhere, a_program_runs_in_the_cluster, a_program_fails_in_the_cluster, the_driver_is_killed]


def main() -> None:
    """Starts a cluster, runs the tests, and says how each went."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("word_count")
    parser.add_argument("seen")
    parser.add_argument("firesteel")
    parser.add_argument("--jars", default=JARS)
    parser.add_argument("--only", help="tests whose names hold this")
    given = parser.parse_args()
    # So that the cluster ends with this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with Cluster(place / "cluster", jars=given.jars, preemption=True) as cluster:
            print(f"a YARN runs after {cluster.started_in:.0f} s", flush=True)
            yarn = Yarn(cluster, place, [given.word_count, given.seen, given.firesteel])
            for test in TESTS:
                if given.only and given.only not in test.__name__:
                    continue
                began = time.monotonic()
                try:
                    test(yarn)
                    yarn.check_clean()
                except Exception as error:  # noqa: BLE001 - the others are still run
                    failed.append(test.__name__)
                    print(f"FAILED {test.__name__}: {type(error).__name__}: {error}", flush=True)
                else:
                    print(f"passed {test.__name__} in {time.monotonic() - began:.1f} s", flush=True)
    if failed:
        sys.exit(f"{len(failed)} failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
