"""Ray as a cluster manager: executors are actors of Ray.

Each is an actor that holds an agent, a process of its own which connects to the driver. The actor reserves the
executor's cores and memory with Ray, starts the agent with a pipe as its standard input, and waits for its end; the
agent ends when the pipe closes, so none outlives its actor, however that ends. Agents are no sessions of their own: Ray
ends an actor's children with it, but not those that left its session.

Actors are independent of each other, and no placement group holds them: an application works with the executors that it
has while others wait, and gives them back one by one. An actor that finds no room stays pending, which is what Ray's
autoscaler adds nodes for.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from firesteel.ray import first_line

if TYPE_CHECKING:
    from firesteel._native import Pool

__all__ = ["Manager"]

#: How long an executor's request may be unmet until it is said why, and how often it is looked at again, in seconds.
SAY_AFTER = 10.0
LOOK_EVERY = 10.0

#: How often it is looked whether nodes leave, in seconds.
DRAIN_EVERY = 2.0

#: How long agents have to end by themselves once their driver has closed their connections, and how long Ray has to
#: end their actors afterwards, in seconds.
END_WITHIN = 3.0
KILL_WITHIN = 10.0

#: The pause before an actor that Ray cannot reach for the moment is asked again, in seconds.
ASK_AGAIN_AFTER = 1.0

_GIB = float(1 << 30)


class _Executor:
    """An executor that was asked for, or that runs."""

    def __init__(self, name: str, actor: Any, cores: int, reserved: int) -> None:
        self.name = name
        self.actor = actor
        self.cores = cores
        self.reserved = reserved
        self.asked_at = time.monotonic()
        #: Where it runs, once it does.
        self.host = ""
        self.node = ""
        self.process = 0
        self.is_released = False
        #: Whether it was said that its node leaves.
        self.is_leaving = False

    @property
    def is_pending(self) -> bool:
        return not self.node


class Manager:
    """Asks Ray for actors, and tells the pool what happens to them. A thread of its own does all that."""

    def __init__(self, ray: Any, plan: dict[str, Any], pool: Pool) -> None:
        self._ray = ray
        self._plan = plan
        self._pool = pool
        self.application = f"ray-{time.time_ns() // 1_000_000}-{os.getpid()}"
        self._actors = ray.remote(_actor_class())
        self._inbox: queue.Queue[Callable[[], None] | None] = queue.Queue()
        #: Those that were asked for or run, by name, the oldest first. The thread's alone, like all that follows.
        self._executors: dict[str, _Executor] = {}
        self._next = 0
        #: The nodes on which executors have run, by their hosts, and the hosts on which no other is to start.
        self._nodes: dict[str, set[str]] = {}
        self._avoided: list[str] = []
        self._again: list[tuple[float, _Executor]] = []
        self._said = ""
        self._look_at = 0.0
        self._drain_at = 0.0
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="firesteel-ray", daemon=True)
        self._thread.start()

    # -- what the engine calls

    def request(self, count: int, cores: int, memory: int) -> None:
        """Asks for executors of this size."""
        self._inbox.put(lambda: self._request(count, cores))

    def withdraw(self, count: int) -> None:
        """Takes back a part of the requests."""
        self._inbox.put(lambda: self._withdraw(count))

    def release(self, name: str) -> None:
        """Gives an executor back."""
        self._inbox.put(lambda: self._release(name))

    def avoid(self, hosts: list[str]) -> None:
        """Has executors that are asked for from now on started on none of these hosts."""
        self._inbox.put(lambda: self._avoid(hosts))

    def stop(self) -> None:
        """Ends all actors, and waits until they are gone."""
        self._inbox.put(None)
        self._thread.join(END_WITHIN + KILL_WITHIN + 5.0)

    # -- the thread

    def _run(self) -> None:
        while True:
            try:
                todo = self._inbox.get(timeout=self._pause())
            except queue.Empty:
                todo = self._look
            if todo is None:
                return self._end()
            self._do(todo)
            self._do(self._look)

    def _do(self, todo: Callable[[], None]) -> None:
        """Does it. What Ray does not do is said, and does not end the thread."""
        try:
            todo()
        except Exception as error:  # whatever Ray raises
            self._pool.waits(f"Ray does not answer: {first_line(error)}")

    def _pause(self) -> float:
        """Returns the time until something is to be looked at, in seconds."""
        due = [LOOK_EVERY, *(at - time.monotonic() for at, _ in self._again)]
        if self._executors:
            due.append(self._drain_at - time.monotonic())
        if any(executor.is_pending for executor in self._executors.values()):
            due.append(self._look_at - time.monotonic())
        return max(0.05, min(due))

    def _look(self) -> None:
        now = time.monotonic()
        due = [executor for at, executor in self._again if at <= now]
        self._again = [(at, executor) for at, executor in self._again if at > now]
        for executor in due:
            self._watch(executor)
        if self._executors and self._drain_at <= now:
            self._drain_at = now + DRAIN_EVERY
            self._tell_who_leaves()
        if self._look_at <= now:
            self._look_at = now + LOOK_EVERY
            self._say_why_they_wait(now)

    def _request(self, count: int, cores: int) -> None:
        command, config = self._plan["command"], {**self._plan["config"], "cores": cores}
        # The driver's own Python is that of the node: it may lie elsewhere there.
        command = [None if command[0] == sys.executable else command[0], *command[1:]]
        for _ in range(count):
            name = f"ray-{self._next}"
            self._next += 1
            reserved = self._plan["reserved"]
            options: dict[str, Any] = {"num_cpus": cores, "memory": reserved, "max_restarts": 0, "max_task_retries": 0}
            avoided = sorted(node for host in self._avoided for node in self._nodes.get(host, ()))
            if avoided:
                options["label_selector"] = {"ray.io/node-id": f"!in({', '.join(avoided)})"}
            actor = self._actors.options(**options, scheduling_strategy="SPREAD").remote()
            executor = self._executors[name] = _Executor(name, actor, cores, reserved)
            # The secret goes from process to process: Ray keeps the arguments of an actor's making, not of its methods.
            started = actor.start.remote(command, self._plan["environment"], {**config, "name": name})
            self._when_done(started, executor, self._started)
        self._look_at = time.monotonic() + SAY_AFTER

    def _when_done(self, ref: Any, executor: _Executor, handle: Callable[[_Executor, Any], None]) -> None:
        # Ray calls back in a thread of its own, from which Ray must not be called.
        future = ref.future()
        future.add_done_callback(lambda _: self._inbox.put(lambda: handle(executor, future)))

    def _started(self, executor: _Executor, future: Any) -> None:
        error = future.exception()
        if error is not None:
            return self._failed(executor, error)
        if self._executors.get(executor.name) is not executor:
            # It was withdrawn meanwhile, and its actor killed.
            return None
        executor.host, executor.node, executor.process = future.result()
        self._nodes.setdefault(executor.host, set()).add(executor.node)
        self._said = ""
        if not executor.is_released:
            self._pool.granted(executor.name, executor.host)
        return self._watch(executor)

    def _watch(self, executor: _Executor) -> None:
        self._when_done(executor.actor.wait.remote(), executor, self._ended)

    def _ended(self, executor: _Executor, future: Any) -> None:
        error = future.exception()
        if isinstance(error, self._ray.exceptions.ActorUnavailableError):
            # Nothing is known of it: its node may be gone, which Ray finds out after a while.
            self._again.append((time.monotonic() + ASK_AGAIN_AFTER, executor))
            return None
        if error is not None:
            return self._failed(executor, error)
        self._executors.pop(executor.name, None)
        self._ray.kill(executor.actor)
        self._pool.ended(executor.name, future.result())

    def _failed(self, executor: _Executor, error: BaseException) -> None:
        if self._executors.pop(executor.name, None) is None:
            return
        exceptions = self._ray.exceptions
        if isinstance(error, (exceptions.ActorUnschedulableError, exceptions.RuntimeEnvSetupError)):
            self._pool.refused(1, f"Ray cannot start its actors: {first_line(error)}")
            return
        if isinstance(error, exceptions.RayTaskError):
            # The agent was not started; its actor lives.
            self._ray.kill(executor.actor)
            self._pool.lost(executor.name, first_line(error.cause), True)
            return
        why, is_own_fault = self._why_it_died(executor, error)
        self._pool.lost(executor.name, why, is_own_fault)

    def _why_it_died(self, executor: _Executor, error: BaseException) -> tuple[str, bool]:
        """Returns in our words how an actor ended, and whether the executor itself may be to blame."""
        text, host = str(error), executor.host or "a node"
        if getattr(error, "preempted", False):
            return f"Ray took its node, {host}, away after a notice", False
        if "node has died" in text or self._is_node_gone(executor.node):
            return f"its node, {host}, has left Ray or died", False
        if executor.is_released:
            return "it was given back to Ray", False
        if "`ray.kill`" in text or "never ran" in text:
            return f"its actor on {host} was ended by ray.kill, by somebody else than this application", False
        if "running low on memory" in text or isinstance(error, self._ray.exceptions.OutOfMemoryError):
            return f"Ray's memory monitor ended its actor, since the memory of {host} ran low", True
        if "worker process has died" in text:
            return (
                f"the process of its actor (process {executor.process} on {host}) was killed or crashed, and Ray does"
                f" not know how; `dmesg` on {host} tells whether the kernel ran out of memory"
            ), True
        return f"its actor ended, and Ray says: {first_line(error)}", True

    def _is_node_gone(self, node: str) -> bool:
        return any(found["NodeID"] == node and not found["Alive"] for found in self._ray.nodes())

    def _withdraw(self, count: int) -> None:
        pending = [executor for executor in self._executors.values() if executor.is_pending]
        for executor in pending[::-1][:count]:
            # What is said of it from now on is of no account.
            del self._executors[executor.name]
            self._ray.kill(executor.actor)

    def _release(self, name: str) -> None:
        executor = self._executors.get(name)
        if executor is not None:
            executor.is_released = True
            self._ray.kill(executor.actor)

    def _avoid(self, hosts: list[str]) -> None:
        self._avoided = hosts
        # What an actor asks for cannot be changed.
        pending = [executor for executor in self._executors.values() if executor.is_pending]
        self._withdraw(len(pending))
        for executor in pending:
            self._request(1, executor.cores)

    # -- what is said

    def _tell_who_leaves(self) -> None:
        leaving = _leaving_nodes(self._ray)
        for executor in self._executors.values():
            if executor.node in leaving and not executor.is_leaving:
                executor.is_leaving = True
                within = leaving[executor.node]
                self._pool.preempted(executor.name, within)
                self._pool.waits(f"Ray takes its node {executor.host} away within {within:.0f} s")

    def _say_why_they_wait(self, now: float) -> None:
        waiting = [e for e in self._executors.values() if e.is_pending and now - e.asked_at >= SAY_AFTER]
        if not waiting:
            return
        one = waiting[0]
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        free = self._ray.available_resources()
        why = _why_it_waits(one.cores, one.reserved, nodes, free)
        if why != self._said:
            self._said = why
            self._pool.waits(why)

    # -- the end

    def _end(self) -> None:
        self._is_stopped = True
        try:
            self._end_all()
        except Exception as error:  # whatever Ray raises
            self._pool.waits(f"Ray does not answer at the end: {first_line(error)}")

    def _end_all(self) -> None:
        for executor in [e for e in self._executors.values() if e.is_pending]:
            executor.is_released = True
            self._ray.kill(executor.actor)
        # Agents end by themselves, and remove their files: the driver has closed their connections.
        self._handle_until(time.monotonic() + END_WITHIN)
        for executor in list(self._executors.values()):
            executor.is_released = True
            self._ray.kill(executor.actor)
        self._handle_until(time.monotonic() + KILL_WITHIN)

    def _handle_until(self, deadline: float) -> None:
        """Handles what happens until no executor is left, but no longer than that."""
        while self._executors and (left := deadline - time.monotonic()) > 0:
            try:
                todo = self._inbox.get(timeout=min(left, 0.2))
            except queue.Empty:
                todo = self._look
            if todo is not None:
                self._do(todo)


def _why_it_waits(cores: int, reserved: int, nodes: list[dict[str, float]], free: dict[str, float]) -> str:
    """Returns why an actor of this size finds no room, as a sentence without a subject.

    >>> node = {"CPU": 2.0, "memory": 4.0 * (1 << 30)}
    >>> print(_why_it_waits(1, 1 << 30, [node, node], {"CPU": 0.0, "memory": 6.0 * (1 << 30)}))
    Ray has 0 of 4 CPUs and 6.0 of 8.0 GiB of memory free, and an executor takes 1 CPU and 1.0 GiB on one node. ...
    >>> print(_why_it_waits(1, 1 << 30, [node, node], {"CPU": 3.0, "memory": 6.0 * (1 << 30)}))
    Ray still starts their processes; if it stays so, no node has enough left: an executor takes 1 CPU and 1.0 GiB ...
    >>> print(_why_it_waits(8, 1 << 30, [node, node], {"CPU": 4.0, "memory": 6.0 * (1 << 30)}))
    no node of Ray is large enough: an executor takes 8 CPUs and 1.0 GiB, and the largest of 2 nodes has 2 CPUs ...
    """
    executor = f"an executor takes {_cpus(cores)} and {reserved / _GIB:.1f} GiB"
    pending = "The requests stay pending, which is what Ray's autoscaler adds nodes for"
    if not any(node.get("CPU", 0) >= cores and node.get("memory", 0) >= reserved for node in nodes):
        most = max(nodes, key=lambda node: (node.get("CPU", 0), node.get("memory", 0)), default={})
        return (
            f"no node of Ray is large enough: {executor}, and the largest of {len(nodes)} nodes has"
            f" {_cpus(most.get('CPU', 0))} and {most.get('memory', 0) / _GIB:.1f} GiB (spark.executor.cores and"
            f" spark.executor.memory say what an executor takes). {pending}"
        )
    cpus, memory = (sum(node.get(name, 0) for node in nodes) for name in ("CPU", "memory"))
    if free.get("CPU", 0) >= cores and free.get("memory", 0) >= reserved:
        return (
            f"Ray still starts their processes; if it stays so, no node has enough left: {executor} on one node, and"
            f" {free.get('CPU', 0):g} of {_cpus(cpus)} and {free.get('memory', 0) / _GIB:.1f} of"
            f" {memory / _GIB:.1f} GiB are free on all together"
        )
    return (
        f"Ray has {free.get('CPU', 0):g} of {_cpus(cpus)} and {free.get('memory', 0) / _GIB:.1f} of"
        f" {memory / _GIB:.1f} GiB of memory free, and {executor} on one node. {pending}"
    )


def _cpus(count: float) -> str:
    return f"{count:g} CPU{'' if count == 1 else 's'}"


def _leaving_nodes(ray: Any) -> dict[str, float]:
    """Returns the nodes that Ray drains, with the seconds that they have; none where Ray does not tell."""
    try:
        found: dict[str, int] = ray._private.state.state.get_draining_nodes()
    except Exception:  # no public function tells it, and clients have none at all
        return {}
    now = time.time() * 1000
    # Without a deadline a node stays until nothing runs there any more.
    return {node: max(0.0, (at - now) / 1000) if at else 1e6 for node, at in found.items()}


def _actor_class() -> type:
    """Returns the class of the actors that hold agents.

    It travels by value, since it is made in a function, and uses nothing of this package: a node that lacks the package
    can say so.
    """

    class FiresteelExecutor:
        """Holds an agent."""

        def __init__(self) -> None:
            self.agent: Any = None

        def start(self, command: list[str | None], environment: dict[str, str], config: dict[str, Any]) -> Any:
            """Starts the agent; returns the node's address and id, and the id of this process."""
            import importlib
            import importlib.util
            import json
            import os
            import subprocess
            import sys
            import tempfile

            # Not by a statement, so that types are checked alike where it is installed and where it is not.
            ray = importlib.import_module("ray")
            host = ray.util.get_node_ip_address()
            if command[0] is None and importlib.util.find_spec("firesteel") is None:
                raise RuntimeError(
                    f"the Python of Ray's node {host}, {sys.executable}, has no package firesteel: install the driver's"
                    " version there, or give Ray a runtime environment that has it"
                )
            separator = ":" if ":" not in host else "]:"
            bind = f"{'[' if ':' in host else ''}{host}{separator}0"
            config = {**config, "host": host, "bind": bind, "directory": tempfile.gettempdir()}
            words = [command[0] or sys.executable, *(word for word in command[1:] if word is not None)]
            node = ray.get_runtime_context().get_node_id()
            variables = {**os.environ, **environment, "FIRESTEEL_AGENT": "1", "FIRESTEEL_RAY_NODE": node}
            # No session and no process group of its own, so that Ray ends it with this process.
            self.agent = subprocess.Popen(words, env=variables, stdin=subprocess.PIPE)
            try:
                self.agent.stdin.write(json.dumps(config).encode() + b"\n")
                self.agent.stdin.flush()
            except BrokenPipeError:
                pass  # it has ended; `wait` tells how
            return host, node, os.getpid()

        def wait(self) -> int:
            """Waits for the agent's end; returns its exit code, or a signal's number, negative."""
            code: int = self.agent.wait()
            return code

    return FiresteelExecutor
