"""Executors in processes of their own, as if they were elsewhere: what is different there from worker processes here.

All of it with files that the driver serves for executors, and with such that travel from one to the other. That RDDs do
the same as on `local[2]` is told by the other tests, which `cargo xtask test` runs once more on a local cluster.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from firesteel import BarrierTaskContext, SparkContext, SparkFiles, StorageLevel, TaskContext
from firesteel.errors import FiresteelError
from firesteel.worker import arrivals

pytestmark = pytest.mark.once

MASTER = "local-cluster[2,1,1024]"


@pytest.fixture(params=["true", "false"], ids=["served by the driver", "each its own"])
def cluster(request: Any, fresh_context: Any) -> Callable[..., SparkContext]:
    """Makes a context on a local cluster."""

    def make(settings: dict[str, str] | None = None, master: str = MASTER, **more: Any) -> SparkContext:
        made: SparkContext = fresh_context(
            master, {"spark.shuffle.service.enabled": request.param, **(settings or {})}, **more
        )
        return made

    return make


def slowly(value: int) -> int:
    """So that all workers get something to do."""
    time.sleep(0.05)
    return value


def test_words_are_counted_elsewhere(cluster: Any) -> None:
    sc = cluster()
    lines = sc.parallelize(["a b", "b c", "c d e"] * 50, 4)
    counts = lines.flatMap(str.split).map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
    assert sorted(counts.collect()) == [("a", 50), ("b", 100), ("c", 100), ("d", 50), ("e", 50)]
    processes = set(sc.parallelize(range(20), 20).map(lambda _: slowly(os.getppid())).collect())
    assert len(processes) == 2 and os.getpid() not in processes, "each agent has a server of its own"


def test_programs_that_tasks_start_are_no_executors(cluster: Any) -> None:
    sc = cluster()
    show = "import os; print('FIRESTEEL_AGENT' in os.environ)"
    words = [sys.executable, "-c", show]
    started = sc.parallelize([0], 1).map(lambda _: subprocess.run(words, capture_output=True, text=True).stdout)
    assert started.collect() == ["False\n"]
    assert sc.parallelize([0], 1).pipe("env").filter(lambda line: line.startswith("FIRESTEEL_AGENT")).isEmpty()


def test_variables_modules_and_the_directory_are_the_programs(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside_the_program.py").write_text("def double(x): return 2 * x")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    sc = cluster({"spark.executorEnv.COLOUR": "green"})

    def look(x: int) -> tuple[int, str | None, str | None, str]:
        import beside_the_program  # type: ignore[import-not-found]

        doubled: int = beside_the_program.double(x)
        return doubled, os.environ.get("COLOUR"), os.environ.get("PYTHONHASHSEED"), os.getcwd()

    assert set(sc.parallelize([1, 2], 2).map(look).collect()) == {
        (2, "green", "0", str(tmp_path)),
        (4, "green", "0", str(tmp_path)),
    }


def test_files_come_once_to_each_host(cluster: Any, tmp_path: Path) -> None:
    script, data = tmp_path / "run.sh", tmp_path / "data.bin"
    script.write_text("#!/bin/sh\necho ran")
    script.chmod(0o755)
    data.write_bytes(os.urandom(3 << 20))
    sc = cluster(master="local-cluster[1,2,1024]")
    sc.addFile(str(script))
    sc.addFile(str(data))

    def look(_: int) -> tuple[str, int, bytes]:
        time.sleep(0.1)
        ran = subprocess.run([SparkFiles.get("run.sh")], capture_output=True, text=True).stdout
        path = SparkFiles.get("data.bin")
        return ran, os.stat(path).st_ino, Path(path).read_bytes()

    found = set(sc.parallelize(range(4), 4).map(look).collect())
    assert len(found) == 1, "both workers see the same file"
    ran, _, content = found.pop()
    assert ran == "ran\n" and content == data.read_bytes()


def test_what_is_added_later_is_seen_by_workers_that_run_already(cluster: Any, tmp_path: Path) -> None:
    sc = cluster()
    before = set(sc.parallelize(range(8), 8).map(lambda _: slowly(os.getpid())).collect())
    for name in ("later_one", "later_two"):
        (tmp_path / f"{name}.py").write_text(f"NAME = {name!r}")
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("packed_module.py", "NAME = 'packed'")

    def name_of(module: str) -> Any:
        def look(_: int) -> tuple[int, str]:
            return os.getpid(), __import__(module).NAME

        return sc.parallelize(range(4), 4).map(look)

    for file, module, name in [
        ("later_one.py", "later_one", "later_one"),
        ("later_two.py", "later_two", "later_two"),
        ("packed.zip", "packed_module", "packed"),
    ]:
        sc.addPyFile(str(tmp_path / file))
        found = name_of(module).collect()
        assert {name for _, name in found} == {name} and {process for process, _ in found} <= before


def test_directories_and_archives_come_whole(cluster: Any, tmp_path: Path) -> None:
    (tmp_path / "words" / "deep").mkdir(parents=True)
    (tmp_path / "words" / "deep" / "a.txt").write_text("alpha")
    os.symlink("deep/a.txt", tmp_path / "words" / "link")
    with tarfile.open(tmp_path / "more.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "words", arcname=".")
    sc = cluster()
    sc.addFile(str(tmp_path / "words"), recursive=True)
    sc.addArchive(f"{tmp_path}/more.tar.gz#unpacked")
    os.unlink(tmp_path / "more.tar.gz")

    def look(folder: str) -> list[str]:
        return [Path(SparkFiles.get(f"{folder}/{name}")).read_text() for name in ("deep/a.txt", "link")]

    assert sc.parallelize(["words", "unpacked"], 2).map(look).collect() == [["alpha", "alpha"]] * 2


@pytest.mark.parametrize("name", ["", ".", "..", "../out", "/out", "a/b"])
def test_no_file_leaves_the_directory_of_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(FiresteelError, match="not the name of a file"):
        arrivals._bring({"name": name, "hash": "00", "mode": 0o644}, str(tmp_path), str(tmp_path))


def test_the_workers_python_comes_with_an_archive(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "python"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nCAME_FROM="$0" exec {sys.executable} "$@"\n')
    program.chmod(0o755)
    with tarfile.open(tmp_path / "env.tar.gz", "w:gz") as archive:
        archive.add(program, arcname="bin/python")
    monkeypatch.setenv("PYSPARK_PYTHON", "./env/bin/python")
    sc = cluster({"spark.archives": f"{tmp_path}/env.tar.gz#env"})
    came = sc.parallelize([0, 1], 2).map(lambda _: os.environ["CAME_FROM"]).collect()
    assert all(path.endswith("/userFiles/env/bin/python") for path in came)


def test_barriers_are_met_across_processes(cluster: Any) -> None:
    def tell(records: Iterator[int]) -> Iterator[tuple[list[str], int]]:
        context = BarrierTaskContext.get()
        context.barrier()
        yield context.allGather(str(sum(records))), os.getppid()

    told = cluster().parallelize([1, 2, 3, 4], 2).barrier().mapPartitions(tell).collect()
    assert [messages for messages, _ in told] == [["3", "7"]] * 2 and len({server for _, server in told}) == 2


def test_large_results_broadcasts_and_kept_partitions_travel(cluster: Any, tmp_path: Path) -> None:
    sc = cluster()
    large = os.urandom(3 << 20)
    given = sc.broadcast(large)
    results = sc.parallelize(range(4), 4).map(lambda i: bytes([i]) + given.value)
    assert results.collect() == [bytes([i]) + large for i in range(4)]
    assert [one[0] for one in results.toLocalIterator()] == [0, 1, 2, 3]
    kept = sc.parallelize(range(1000), 4).map(lambda x: x * 2).cache()
    assert kept.count() == 1000 and kept.takeOrdered(2, lambda x: -x) == [1998, 1996]
    sc.setCheckpointDir(str(tmp_path))
    kept.checkpoint()
    assert kept.sum() == 999000 and kept.isCheckpointed()


def test_a_local_iterator_runs_one_partition_at_a_time(cluster: Any) -> None:
    sc = cluster()
    ran = sc.accumulator(0)

    def note(x: int) -> int:
        ran.add(1)
        return x

    iterator = sc.parallelize(range(4), 4).map(note).toLocalIterator()
    assert next(iterator) == 0 and ran.value < 4
    assert list(iterator) == [1, 2, 3] and ran.value == 4


def test_a_failure_shows_the_line_and_the_record(cluster: Any) -> None:
    with pytest.raises(Exception, match="ZeroDivisionError") as failed:
        cluster().parallelize([1, 0], 2).map(lambda x: 1 // x).collect()
    error: Any = failed.value
    assert error.record == "0" and isinstance(error.__cause__, ZeroDivisionError)
    assert "test_cluster.py" in str(error) and "(attempt 4" in str(error)


def test_a_killed_worker_costs_one_attempt_and_is_named(cluster: Any) -> None:
    sc = cluster()

    def once(x: int) -> int:
        if x == 1 and TaskContext.get().attemptNumber() == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    assert sc.parallelize(range(4), 4).map(once).collect() == [0, 1, 2, 3]
    with pytest.raises(Exception, match="SIGKILL"):
        sc.parallelize([0], 1).map(lambda _: os.kill(os.getpid(), signal.SIGKILL)).collect()


def test_a_killed_agent_is_replaced_and_what_it_wrote_is_written_again(cluster: Any) -> None:
    sc = cluster({"spark.shuffle.io.retryWait": "100ms"})
    pairs = sc.parallelize(range(100), 4).map(lambda x: (x % 5, x)).groupByKey(4).mapValues(sorted)
    assert pairs.count() == 5

    def agent_of_this(_: int) -> int:
        status = Path(f"/proc/{os.getppid()}/status").read_text()
        return int(status.split("PPid:")[1].split()[0])

    [agent] = sc.parallelize([0], 1).map(agent_of_this).collect()
    os.kill(agent, signal.SIGKILL)
    assert dict(pairs.collect()) == {key: list(range(key, 100, 5)) for key in range(5)}


def test_a_replicated_partition_outlives_the_agent_that_computed_it(fresh_context: Any, tmp_path: Path) -> None:
    sc = fresh_context(MASTER, {"spark.shuffle.service.enabled": "false", "spark.ui.enabled": "true"})
    computed = str(tmp_path)

    def compute(records: Iterator[int]) -> list[tuple[int, int]]:
        number = next(n for n in range(1000) if _gives(f"{computed}/{n}"))
        return [(slowly(number), record) for record in records]

    def agent_of_this(_: int) -> int:
        status = Path(f"/proc/{os.getppid()}/status").read_text()
        return int(status.split("PPid:")[1].split()[0])

    kept = sc.parallelize(range(8), 4).mapPartitions(compute).persist(StorageLevel.MEMORY_AND_DISK_2)
    before = sorted(kept.collect())
    assert [record for _, record in sorted(before, key=lambda pair: pair[1])] == list(range(8))
    place = f"{sc.uiWebUrl}/api/v1/applications/{sc.applicationId}/storage/rdd"
    deadline = time.monotonic() + 60
    while True:
        [info] = json.load(urllib.request.urlopen(place, timeout=10))
        [of_rdd] = [json.load(urllib.request.urlopen(f"{place}/{info['id']}", timeout=10))]
        if [len(partition["executors"]) for partition in of_rdd["partitions"]] == [2] * 4:
            break
        assert time.monotonic() < deadline, of_rdd
        time.sleep(0.1)
    assert info["storageLevel"] == "Disk Memory Serialized 2x Replicated"
    assert str(kept.getStorageLevel()) == "Disk Memory Serialized 2x Replicated"
    [agent] = sc.parallelize([0], 1).map(agent_of_this).collect()
    os.kill(agent, signal.SIGKILL)
    assert sorted(kept.collect()) == before and len(list(tmp_path.iterdir())) == 4, "nothing was computed again"


def _gives(name: str) -> bool:
    try:
        Path(name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


@pytest.mark.parametrize("encrypted", ["false", "true"])
def test_what_agents_wrote_outlives_all_of_them_in_the_shuffle_storage(
    fresh_context: Any, tmp_path: Path, encrypted: str
) -> None:
    storage, ran = tmp_path / "storage", tmp_path / "ran"
    storage.mkdir()
    settings = {
        "spark.shuffle.service.enabled": "false",
        "spark.shuffle.storage": storage.as_uri(),
        "spark.shuffle.storage.write": "through",
        "spark.io.encryption.enabled": encrypted,
    }
    sc = fresh_context(MASTER, settings)

    def noted(values: Iterator[int]) -> Iterator[tuple[int, int]]:
        with ran.open("a") as file:
            file.write("x")
        return ((value % 5, value) for value in values)

    pairs = sc.parallelize(range(100), 4).mapPartitions(noted).groupByKey(4).mapValues(sorted)
    assert pairs.count() == 5
    assert ran.read_text() == "xxxx"

    def agent_of_this(_: int) -> int:
        status = Path(f"/proc/{slowly(os.getppid())}/status").read_text()
        return int(status.split("PPid:")[1].split()[0])

    agents = set(sc.parallelize(range(20), 20).map(agent_of_this).collect())
    assert len(agents) == 2
    for agent in agents:
        os.kill(agent, signal.SIGKILL)
    assert dict(pairs.collect()) == {key: list(range(key, 100, 5)) for key in range(5)}
    assert ran.read_text() == "xxxx", "no map task has run again"
    sc.stop()
    assert list(storage.iterdir()) == []


def test_executors_are_as_large_as_the_program_says(cluster: Any) -> None:
    sc = cluster({"spark.executor.cores": "1", "spark.executor.memory": "256"}, master="local-cluster[1,2,1024]")
    assert sc.defaultParallelism == 2
    sc.parallelize(range(2), 2).map(lambda _: time.sleep(0.5)).count()
    executors = [one for one in sc.statusTracker().getExecutorInfos() if one.totalOnHeapStorageMemory]
    assert {one.host for one in executors} == {"127.0.0.1"}
    assert {one.totalOnHeapStorageMemory for one in executors} == {(256 << 20) // 10 * 6}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_executors_that_connect(fresh_context: Any, tmp_path: Path) -> None:
    firesteel = [sys.executable, "-m", "firesteel.cli"]
    secret = tmp_path / "app.secret"
    subprocess.run([*firesteel, "secret", "new", str(secret)], check=True, capture_output=True)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    address = f"127.0.0.1:{free_port()}"
    (tmp_path / "factor.txt").write_text("100")
    sc = fresh_context(f"listen://{address}", {"spark.authenticate.secret.file": str(secret)})
    sc.addFile(str(tmp_path / "factor.txt"))
    words = ["executor", "--driver", address, "--host", "127.0.0.1", "--cores", "2", "--memory", "512m"]
    executor = subprocess.Popen(
        [*firesteel, *words, "--secret-file", str(secret), "--dir", str(tmp_path / "files")], cwd="/"
    )
    try:
        factor = sc.parallelize([1, 2, 3], 3).map(lambda x: x * int(Path(SparkFiles.get("factor.txt")).read_text()))
        assert factor.collect() == [100, 200, 300]
    finally:
        sc.stop()
        assert executor.wait(20) == 0
    assert os.listdir(tmp_path / "files") == []


@pytest.fixture
def standalone(tmp_path: Path) -> Iterator[list[str]]:
    """A standalone cluster of one worker with two cores: the options that lead a program there."""
    firesteel = [sys.executable, "-m", "firesteel.cli"]
    secret, port = tmp_path / "cluster.secret", str(free_port())
    subprocess.run([*firesteel, "secret", "new", str(secret)], check=True, capture_output=True)
    master = f"firesteel://127.0.0.1:{port}"
    common = ["--host", "127.0.0.1", "--secret-file", str(secret)]
    with open(tmp_path / "daemons.log", "w") as log:
        daemons = [
            subprocess.Popen([*firesteel, *words, *common], cwd=tmp_path, stdout=log, stderr=log)
            for words in (
                ["master", "--port", port],
                ["worker", master, "--cores", "2", "--memory", "4g", "--work-dir", str(tmp_path / "work")],
            )
        ]
    yield ["--master", master, "--secret-file", str(secret)]
    for daemon in daemons:
        daemon.terminate()
    for daemon in daemons:
        daemon.wait(20)


def test_a_program_with_files_runs_on_a_standalone_cluster_and_in_it(standalone: list[str], tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def twice(x): return 2 * x")
    (tmp_path / "factor.txt").write_text("100")
    (tmp_path / "app.py").write_text(
        "import sys, helper\n"
        "from firesteel import SparkContext, SparkFiles\n"
        "sc = SparkContext()\n"
        "factor = lambda: int(open(SparkFiles.get('factor.txt')).read())\n"
        "times = sc.parallelize(range(4), 4).map(lambda x: helper.twice(x) * factor())\n"
        "open(sys.argv[1], 'w').write(str(times.sum()))\n"
        "sc.stop()\n"
    )
    files = ["--py-files", str(tmp_path / "helper.py"), "--files", str(tmp_path / "factor.txt")]
    submit = [sys.executable, "-m", "firesteel.cli", "submit", *standalone]
    subprocess.run([*submit, *files, str(tmp_path / "app.py"), str(tmp_path / "here")], check=True, timeout=60)
    assert (tmp_path / "here").read_text() == "1200"
    there = [*submit, "--deploy-mode", "cluster", *files, str(tmp_path / "app.py"), str(tmp_path / "there")]
    name = subprocess.run(there, check=True, timeout=60, capture_output=True, text=True).stdout.strip()
    deadline = time.monotonic() + 60
    while "FINISHED" not in (told := subprocess.check_output([*submit, "--status", name], text=True)):
        assert time.monotonic() < deadline, told
        time.sleep(0.2)
    assert (tmp_path / "there").read_text() == "1200"


def test_what_executors_have_left_is_not_read_once_it_was_unpersisted(standalone: list[str], tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import json, pathlib, sys, time, urllib.request\n"
        "from firesteel import SparkContext, StorageLevel\n"
        "sc = SparkContext()\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "executors = f'{sc.uiWebUrl}/api/v1/applications/{sc.applicationId}/executors'\n"
        "def wait_for_none():\n"
        "    deadline = time.monotonic() + 60\n"
        "    while len(told := json.load(urllib.request.urlopen(executors, timeout=10))) > 1:\n"
        "        assert time.monotonic() < deadline, told\n"
        "        time.sleep(0.1)\n"
        "path.write_text('1\\n2\\n3\\n')\n"
        "numbers = sc.textFile(str(path), 2).map(int).persist(StorageLevel.MEMORY_AND_DISK)\n"
        "sums = [numbers.sum()]\n"
        "wait_for_none()\n"
        "sums.append(numbers.sum())\n"
        "wait_for_none()\n"
        "left = [file.name for file in pathlib.Path(sys.argv[2]).rglob('cached-*')]\n"
        "numbers.unpersist(blocking=True)\n"
        "path.write_text('4\\n5\\n6\\n')\n"
        "numbers.persist(StorageLevel.MEMORY_AND_DISK)\n"
        "sums.append(numbers.sum())\n"
        "path.with_name('answers').write_text(json.dumps([sums, len(left)]))\n"
        "sc.stop()\n"
    )
    settings = {
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.minExecutors": "0",
        "spark.dynamicAllocation.maxExecutors": "1",
        "spark.dynamicAllocation.schedulerBacklogTimeout": "50ms",
        "spark.dynamicAllocation.executorIdleTimeout": "200ms",
        "spark.dynamicAllocation.cachedExecutorIdleTimeout": "500ms",
        "spark.shuffle.service.enabled": "true",
        "spark.ui.enabled": "true",
        "spark.ui.port": "0",
    }
    conf = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
    submit = [sys.executable, "-m", "firesteel.cli", "submit", *standalone, *conf]
    words = [str(tmp_path / "app.py"), str(tmp_path / "numbers"), str(tmp_path / "work")]
    subprocess.run([*submit, *words], check=True, timeout=120)
    assert json.loads((tmp_path / "answers").read_text()) == [[6, 6, 15], 2]


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("0" * 64)
    (tmp_path / "s").chmod(0o644)
    words = ["executor", "--driver", "127.0.0.1:1", "--secret-file", str(tmp_path / "s")]
    ended = subprocess.run([sys.executable, "-m", "firesteel.cli", *words], capture_output=True, text=True)
    assert ended.returncode == 2 and "chmod 600" in ended.stderr
