"""Firesteel on a real Ray with two nodes: right answers whatever is taken away, words that say why, nothing left.

``python -m pytest tests/managers/test_ray.py`` in an environment with ``requirements-ray.txt`` and Firesteel.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import programs
import ray_cluster

PATIENCE = 240.0
"""Seconds that a condition may take on a busy machine; none is waited for longer than it needs."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[ray_cluster.Ray]:
    # Sockets lie below it, whose paths must be short.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    try:
        with ray_cluster.running(folder) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Program:
    """A program that runs beside the test, with Ray as its master."""

    def __init__(self, cluster: ray_cluster.Ray, folder: pathlib.Path, text: str, **variables: str) -> None:
        self.folder = folder
        (folder / "program.py").write_text(textwrap.dedent(text))
        environment = {**cluster.environment, "RAY_ADDRESS": cluster.address, "FIRESTEEL_MASTER": "ray"}
        environment.update(FOLDER=str(folder), **variables)
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "program.py"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text(errors="replace")

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text(errors="replace")

    def wait_until(self, what: str, until: Callable[[], bool]) -> None:
        """Waits for a condition while the program runs."""
        deadline = time.monotonic() + PATIENCE
        while not until():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"it does not come so far that {what}:\n{self.out[-2000:]}\n{self.err[-5000:]}")
            time.sleep(0.1)

    def result(self) -> object:
        """Returns what the last line of JSON in its output says.

        Ray prints there, too, when a node goes: also after the program's own words.
        """
        try:
            code = self.process.wait(PATIENCE)
        finally:
            self.end()
        assert code == 0, f"{self.out[-2000:]}\n{self.err[-5000:]}"
        for line in reversed(self.out.splitlines()):
            with contextlib.suppress(json.JSONDecodeError):
                return json.loads(line)
        raise AssertionError(f"it has said nothing:\n{self.out[-2000:]}\n{self.err[-5000:]}")

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def run(cluster: ray_cluster.Ray, tmp_path: pathlib.Path) -> Iterator[Callable[..., Program]]:
    started = []

    def start(text: str, **variables: str) -> Program:
        started.append(Program(cluster, tmp_path, text, **variables))
        return started[-1]

    yield start
    for program in started:
        program.end()
    assert_nothing_is_left(cluster)


def of_firesteel() -> list[str]:
    """Returns the command lines of all executors: their actors, agents and workers."""
    commands = (command for _, _, command in ray_cluster.processes().values())
    return [command for command in commands if re.search(r"firesteel\.worker|FiresteelExecutor", command)]


ASK = """
import json, ray
ray.init(address="auto", logging_level="ERROR", log_to_driver=False)
from ray._private.state import actors
# Ray Data has actors of its own, which live as long as the cluster.
ours = [actor for actor in actors().values() if "FiresteelExecutor" in str(actor)]
alive = [actor["State"] for actor in ours if actor["State"] != "DEAD"]
groups = [group["state"] for group in ray.util.placement_group_table().values() if group["state"] != "REMOVED"]
print(json.dumps([ray.available_resources().get("CPU", 0), ray.cluster_resources()["CPU"], alive, groups]))
"""


def assert_nothing_is_left(cluster: ray_cluster.Ray) -> None:
    deadline = time.monotonic() + 60
    while (left := of_firesteel()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left
    environment = {**cluster.environment, "RAY_ADDRESS": cluster.address}
    while True:
        command = [sys.executable, "-c", ASK]
        asked = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
        free, all_cpus, alive, groups = json.loads(asked.stdout.splitlines()[-1])
        if (free, alive, groups) == (all_cpus, [], []):
            return
        assert time.monotonic() < deadline, (free, all_cpus, alive, groups)


WORD_COUNT = """
    import json, os, pathlib
    from firesteel import SparkContext

    folder = pathlib.Path(os.environ["FOLDER"])
    package = folder / "shipped"
    package.mkdir()
    (package / "splitting.py").write_text("def words(line):\\n    return line.lower().split()\\n")
    (folder / "text.txt").write_text("The quick brown fox\\njumps over the lazy dog\\n" * 50)

    sc = SparkContext(appName="words")
    sc.addPyFile(str(package / "splitting.py"))

    def words(line):
        import splitting
        return splitting.words(line)

    def lengths(counts):
        import numpy as np
        return [int(np.asarray([count for _, count in counts]).sum())]

    pairs = sc.textFile(str(folder / "text.txt"), 4).flatMap(words).map(lambda word: (word, 1))
    counts = pairs.reduceByKey(lambda a, b: a + b)
    total = sum(counts.mapPartitions(lengths).collect())
    print(json.dumps([dict(counts.collect()), total, sc.applicationId.startswith("ray-")]))
    sc.stop()
"""

COUNTS = {word: 50 for word in "quick brown fox jumps over lazy dog".split()} | {"the": 100}


def test_words_are_counted_with_a_helper_module_and_numpy(run: Callable[..., Program]) -> None:
    assert run(WORD_COUNT).result() == [COUNTS, 450, True]


def test_a_client_elsewhere_counts_words(run: Callable[..., Program], cluster: ray_cluster.Ray) -> None:
    master = f"ray://{ray_cluster.HEAD}:{cluster.client_port}"
    assert run(WORD_COUNT, FIRESTEEL_MASTER=master).result() == [COUNTS, 450, True]


HELD = """
    import json, os, pathlib, time
    from firesteel import SparkConf, SparkContext

    conf = SparkConf().set("spark.executor.instances", "2").set("spark.executor.memory", "256m")
    sc = SparkContext(conf=conf)
    folder = os.environ["FOLDER"]

    def parent(process):
        with open(f"/proc/{process}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[1])

    def hold(x):
        agent = parent(os.getppid())
        with open(os.path.join(folder, f"ran-{x}.tmp"), "w") as file:
            json.dump([agent, parent(agent)], file)
        os.rename(file.name, os.path.join(folder, f"ran-{x}"))
        deadline = time.monotonic() + 200
        # The first ones end at once: what they have written is lost with their executor.
        while x >= 2 and not os.path.exists(os.path.join(folder, "go")) and time.monotonic() < deadline:
            time.sleep(0.05)
        return x

    # Both executors are there, so that each has some of the tasks.
    deadline = time.monotonic() + 200
    here = lambda _: [parent(os.getppid())]
    while len(set(sc.parallelize(range(4), 4).mapPartitions(here).collect())) < 2 and time.monotonic() < deadline:
        pass
    sums = sc.parallelize(range(12), 12).map(hold).map(lambda x: (x % 3, x)).reduceByKey(lambda a, b: a + b, 3)
    print(json.dumps(sorted(sums.collect())))
    sc.stop()
"""

SUMS = [[0, 18], [1, 22], [2, 26]]


def held(program: Program) -> list[tuple[int, int]]:
    """Waits until two executors run tasks that wait; returns each one's agent and actor."""

    def found() -> list[tuple[int, int]]:
        ran = [json.loads(path.read_text()) for path in program.folder.glob("ran-*") if path.suffix != ".tmp"]
        return sorted({(agent, actor) for agent, actor in ran})

    program.wait_until("tasks run on two executors", lambda: len(found()) == 2 and (program.folder / "ran-3").exists())
    return found()


def test_an_agent_is_killed_in_the_middle(run: Callable[..., Program]) -> None:
    program = run(HELD)
    (agent, _), _ = held(program)
    os.kill(agent, signal.SIGKILL)
    program.wait_until("its end is told", lambda: "killed by signal 9" in program.err)
    (program.folder / "go").touch()
    assert program.result() == SUMS


def test_an_actor_is_killed_in_the_middle(run: Callable[..., Program]) -> None:
    program = run(HELD)
    (agent, actor), _ = held(program)
    os.kill(actor, signal.SIGKILL)
    program.wait_until("its end is told", lambda: "the process of its actor" in program.err)
    program.wait_until("its agent has ended with it", lambda: agent not in ray_cluster.processes())
    (program.folder / "go").touch()
    assert program.result() == SUMS
    assert f"process {actor} on 127.0.0." in program.err


def test_a_driver_is_killed_and_leaves_nothing(run: Callable[..., Program]) -> None:
    program = run(HELD)
    held(program)
    program.process.kill()
    program.process.wait()


GROWS = """
    import json, os, pathlib, time
    from firesteel import SparkConf, SparkContext

    folder = pathlib.Path(os.environ["FOLDER"])
    conf = SparkConf().set("spark.executor.memory", "256m")
    for key, value in json.loads(os.environ["SETTINGS"]).items():
        conf.set(key, value)

    def wait_for(name):
        deadline = time.monotonic() + 200
        while not (folder / name).exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def hold(x):
        node = os.environ["FIRESTEEL_RAY_NODE"]
        written = folder / f"begun-{x}"
        written.write_text(node)
        written.rename(folder / f"ran-{x}")
        wait_for("go")
        if (folder / "bad").exists() and (folder / "bad").read_text() == node:
            raise RuntimeError("this node is bad")
        return x

    sc = SparkContext(conf=conf)
    total = sc.parallelize(range(3), 3).map(hold).sum()
    wait_for("end")
    print(json.dumps(total))
    sc.stop()
"""


def actors() -> int:
    return sum("ray::FiresteelExecutor" in command for command in of_firesteel())


def test_executors_come_with_tasks_and_go_without(run: Callable[..., Program]) -> None:
    settings = {f"spark.dynamicAllocation.{key}": value for key, value in programs.DYNAMIC.items()}
    program = run(GROWS, SETTINGS=json.dumps(settings))
    program.wait_until("all tasks wait", lambda: len(list(program.folder.glob("ran-*"))) == 3)
    assert actors() == 3
    (program.folder / "go").touch()
    program.wait_until("idle executors were given back", lambda: actors() == 1)
    (program.folder / "end").touch()
    assert program.result() == 3


def test_a_node_that_is_excluded_gets_no_executor(run: Callable[..., Program]) -> None:
    settings = {f"spark.excludeOnFailure.{key}": value for key, value in programs.EXCLUDING.items()}
    program = run(GROWS, SETTINGS=json.dumps(settings | {"spark.executor.instances": "3", "spark.log.level": "INFO"}))
    program.wait_until("all tasks wait", lambda: len(list(program.folder.glob("ran-*"))) == 3)
    nodes = [path.read_text() for path in program.folder.glob("ran-*")]
    # The other node has room for one more.
    bad = next(node for node in nodes if nodes.count(node) == 2)
    (program.folder / "bad").write_text(bad)
    (program.folder / "go").touch()
    avoids = re.compile(r"no executor is started on (\S+):(.*)", re.DOTALL)

    def since() -> tuple[str, str]:
        """Returns the address of the node that is avoided, and what was said since."""
        found = avoids.search(program.err)
        return (found[1], found[2]) if found else ("", "")

    words = ("Registered executor", "waited for")
    program.wait_until("one has come and one waits", lambda: all(word in since()[1] for word in words))
    (program.folder / "end").touch()
    assert program.result() == 3
    node, said = since()
    assert f" on {node} with" not in said, said


def test_more_executors_than_there_is_room_for(run: Callable[..., Program]) -> None:
    program = run("""
        import json, os, time
        from firesteel import SparkConf, SparkContext

        conf = SparkConf().set("spark.executor.instances", "7").set("spark.executor.memory", "256m")
        sc = SparkContext(conf=conf)
        total = sc.parallelize(range(100), 8).sum()
        deadline = time.monotonic() + 200
        while not os.path.exists(os.path.join(os.environ["FOLDER"], "go")) and time.monotonic() < deadline:
            time.sleep(0.05)
        print(json.dumps(total))
        sc.stop()
    """)
    program.wait_until("it is said why others wait", lambda: "Ray has 0 of 4 CPUs" in program.err)
    (program.folder / "go").touch()
    assert program.result() == 4950
    assert "4 executors are ready, 3 are waited for" in program.err or "are waited for: Ray has 0 of 4" in program.err
    assert "an executor takes 1 CPU and 0.6 GiB on one node" in program.err


def test_executors_that_no_node_can_hold(run: Callable[..., Program]) -> None:
    program = run("""
        import json
        from firesteel import SparkConf, SparkContext

        conf = SparkConf().set("spark.executor.cores", "64").set("firesteel.scheduler.no_executors_timeout", "30s")
        sc = SparkContext(conf=conf)
        try:
            sc.parallelize(range(10), 2).sum()
            said = "nothing"
        except Exception as error:
            said = str(error)
        print(json.dumps(said))
        sc.stop()
    """)
    assert "executor" in str(program.result())
    assert "no node of Ray is large enough: an executor takes 64 CPUs" in program.err
    assert "the largest of 2 nodes has 2 CPUs" in program.err


def test_a_connection_of_the_program_is_used_and_left_to_it(run: Callable[..., Program]) -> None:
    program = run("""
        import json, os
        import ray

        os.environ.pop("FIRESTEEL_MASTER")
        ray.init(address="auto", log_to_driver=False)

        @ray.remote(num_cpus=1)
        def within_a_task():
            from firesteel import SparkConf, SparkContext
            with SparkContext("ray", conf=SparkConf().set("spark.executor.instances", "1")) as sc:
                return sc.parallelize(range(10), 2).sum()

        inside = ray.get(within_a_task.remote())
        from firesteel import SparkContext
        with SparkContext("ray") as sc:
            here = sc.parallelize(range(10), 2).sum()
        print(json.dumps([inside, here, ray.is_initialized()]))
    """)
    assert program.result() == [45, 45, True]


def test_data_sets_both_ways(run: Callable[..., Program]) -> None:
    program = run("""
        import json, os
        import ray
        from firesteel import SparkContext

        sc = SparkContext()
        rows = sc.parallelize([(n, f"r{n}") for n in range(100)], 4).filter(lambda row: row[0] < 60 or row[0] >= 80)
        dataset = rows.toRayDataset("n long, name string")
        doubled = dataset.map_batches(lambda batch: {"n": batch["n"] * 2, "name": batch["name"]}, num_cpus=0.5)
        sums = [dataset.count(), dataset.sum("n"), dataset.take(2)]
        back = sc.fromRayDataset(doubled, os.path.join(os.environ["FOLDER"], "parquet"))
        print(json.dumps([*sums, back.map(lambda row: row.n).sum(), back.count()]))
        sc.stop()
    """)
    total = sum(range(60)) + sum(range(80, 100))
    first = [{"n": 0, "name": "r0"}, {"n": 1, "name": "r1"}]
    assert program.result() == [80, total, first, 2 * total, 80]


def test_ray_is_missing(run: Callable[..., Program]) -> None:
    program = run("""
        import json, sys
        sys.modules["ray"] = None
        from firesteel import SparkContext
        try:
            SparkContext("ray")
        except Exception as error:
            print(json.dumps(str(error)))
    """)
    assert "pip install ray" in str(program.result())


def test_no_ray_runs_there(run: Callable[..., Program]) -> None:
    # In the place of a machine without Ray: on this one there is the test's own.
    program = run("""
        import json, ray
        from firesteel import SparkContext

        def init(**arguments):
            raise ConnectionError("Could not find any running Ray instance. And more.")

        ray.init = init
        try:
            SparkContext("ray")
        except Exception as error:
            print(json.dumps(str(error)))
    """)
    assert "`ray start --head` starts one" in str(program.result())


def node_of(cluster: ray_cluster.Ray, process: int) -> ray_cluster.Node:
    session = os.getsid(process)
    return next(node for node in cluster.nodes if node.starter.pid == session)


def test_a_node_is_taken_away_in_the_middle(run: Callable[..., Program], cluster: ray_cluster.Ray) -> None:
    program = run(HELD)
    away = next(node for agent, _ in held(program) if (node := node_of(cluster, agent)) is not cluster.nodes[0])
    away.kill()
    cluster.nodes.remove(away)
    (program.folder / "go").touch()
    try:
        assert program.result() == SUMS
    finally:
        cluster.add_node()


def test_a_node_that_is_drained_is_a_notice(run: Callable[..., Program], cluster: ray_cluster.Ray) -> None:
    program = run(HELD)
    away = next(node for agent, _ in held(program) if (node := node_of(cluster, agent)) is not cluster.nodes[0])
    away.drain()
    program.wait_until("it is told", lambda: f"Ray takes its node {away.address} away within" in program.err)
    (program.folder / "go").touch()
    assert program.result() == SUMS
    with contextlib.suppress(subprocess.TimeoutExpired):
        away.starter.wait(60)
    away.kill()
    cluster.nodes.remove(away)
