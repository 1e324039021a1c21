"""What the engine offers to the Python face: every call is thin, and decides nothing.

Two kinds of processes load this module. The *driver* makes a :class:`Context` and RDDs of it. A *worker* is forked by
the server (``firesteel.worker.server``) and calls :func:`work`; within a task the functions at the end of this file
serve it.

Functions travel as bytes: ``function`` is always what ``firesteel.pickling.dump_function`` made of a callable
``f(partition: int, records: Iterator) -> Iterable`` (or whatever is said here), and a worker makes a callable of it by
``firesteel.worker.load_function``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

__version__: str

class TaskStopped(BaseException):
    """What feeds a function has failed, or was told to stop: not to be caught."""

class Context:
    """An application's engine: scheduler, workers, files. ``conf`` holds ``firesteel.*`` keys."""

    def __init__(
        self, conf: Sequence[tuple[str, str]], environment: Mapping[str, str], agent: Sequence[str], python: str | None
    ) -> None:
        """``environment`` is for workers, ``agent`` the words that start executors elsewhere, ``python`` the program
        that workers run here."""
    @property
    def application_id(self) -> str: ...
    @property
    def start_time(self) -> int: ...
    @property
    def default_parallelism(self) -> int: ...
    @property
    def slots(self) -> int: ...
    @property
    def directory(self) -> str:
        """A directory of this application's own, removed when it stops. Workers of this machine see it, too."""
    def stop(self) -> None: ...
    def is_stopped(self) -> bool: ...
    @property
    def is_on_cluster(self) -> bool:
        """Whether executors are elsewhere, or as if they were."""
    def set_up_workers(self, setting: str) -> None:
        """What workers that begin from now on are to know, as JSON: see ``firesteel.worker.server``."""
    def offer_file(self, path: str) -> str:
        """Gives executors elsewhere a file, which stays as it is, by the BLAKE3 hash of its contents; gives that."""

    # sources; ``site`` is the line of the user's program, as "operation at file:line"
    def parallelize(self, partitions: Sequence[Sequence[bytes]], site: str) -> Rdd:
        """For each partition its pickled lists of records, one after the other."""
    # ``hadoop`` holds Hadoop's settings, those of the context first; files are listed by the call
    def text_file(
        self, path: str, partitions: int, use_unicode: bool, hadoop: Sequence[tuple[str, str]], site: str
    ) -> Rdd: ...
    def line_positions(self, path: str, partitions: int, hadoop: Sequence[tuple[str, str]], site: str) -> Rdd:
        """Pairs of where a line begins, in bytes, and the line."""
    def whole_text_files(
        self, path: str, partitions: int, use_unicode: bool, hadoop: Sequence[tuple[str, str]], site: str
    ) -> Rdd: ...
    def binary_files(self, path: str, partitions: int, hadoop: Sequence[tuple[str, str]], site: str) -> Rdd: ...
    def binary_records(self, path: str, length: int, hadoop: Sequence[tuple[str, str]], site: str) -> Rdd: ...
    def pickle_file(self, path: str, partitions: int, hadoop: Sequence[tuple[str, str]], site: str) -> Rdd: ...
    def sequence_file(self, path: str, partitions: int, hadoop: Sequence[tuple[str, str]], site: str) -> Rdd:
        """Pairs; Writables become int, float, str, bytearray, bool, None, dict."""
    def union(self, rdds: Sequence[Rdd], aligned: bool, site: str) -> Rdd:
        """All partitions one after the other; or, ``aligned``, as many as each has, the first of all in the first."""

    # jobs of the calling thread carry these from now on
    def set_job_group(self, group: str | None) -> None: ...
    def set_job_tags(self, tags: Sequence[str]) -> None: ...
    def set_pool(self, pool: str | None) -> None: ...
    def set_local_properties(self, properties: Mapping[str, str]) -> None:
        """What tasks see through ``TaskContext.getLocalProperty``."""
    def cancel_job(self, job: int, reason: str) -> None: ...
    def cancel_job_group(self, group: str) -> None: ...
    def cancel_jobs_with_tag(self, tag: str) -> None: ...
    def cancel_all_jobs(self) -> None: ...

    # what runs and ran
    def jobs(self, group: str | None) -> list[int]:
        """Ids of the jobs of a group, newest first; None for those without a group."""
    def active_jobs(self) -> list[int]: ...
    def active_stages(self) -> list[int]: ...
    def job_info(self, job: int) -> dict[str, Any] | None:
        """``{"job": int, "stages": list[int], "status": "RUNNING" | "SUCCEEDED" | "FAILED"}``"""
    def stage_info(self, stage: int) -> dict[str, Any] | None:
        """``{"stage", "attempt", "name", "tasks", "active", "completed", "failed"}``"""
    def executor_infos(self) -> list[dict[str, Any]]:
        """``{"host": str, "port": int, "process": int, "running": int, "memory_used": int, "memory_total": int}``"""

    def accumulator(self) -> Accumulator: ...
    def broadcast(self, pickled: bytes) -> Broadcast: ...
    def set_checkpoint_dir(self, directory: str) -> None: ...
    def run_last_failure(self) -> None:
        """Runs the task that failed last again, in this process and thread; raises what it raises.

        Raises LookupError where none has failed, or what it needs is gone.
        """

class Rdd:
    """One RDD of the lineage. Records are Python objects."""

    @property
    def id(self) -> int: ...
    @property
    def partitions(self) -> int: ...
    def to_debug_string(self) -> str: ...

    # narrow
    def map_partitions(self, function: bytes, broadcasts: Sequence[Broadcast], site: str) -> Rdd: ...
    def barrier_map_partitions(self, function: bytes, broadcasts: Sequence[Broadcast], site: str) -> Rdd: ...
    def combine_two(
        self, other: Rdd, function: bytes, broadcasts: Sequence[Broadcast], cartesian: bool, site: str
    ) -> Rdd:
        """``f(partition, left, right)``; partition by partition, or, ``cartesian``, each partition with each."""
    def coalesce(self, partitions: int, site: str) -> Rdd: ...

    # shuffles
    def partition_by(self, partitions: int, function: bytes | None, broadcasts: Sequence[Broadcast], site: str) -> Rdd:
        """Places pairs by ``f(key) % partitions``; by ``portable_hash`` where ``function`` is None."""
    def repartition(self, partitions: int, site: str) -> Rdd:
        """Deals records out in turn, by their position, so that each run deals the same."""

    # keeping
    def persist(
        self, disk: bool, memory: bool, off_heap: bool, deserialized: bool, replication: int, site: str
    ) -> None: ...
    def unpersist(self, blocking: bool) -> None: ...
    def checkpoint(self, site: str) -> None: ...
    def local_checkpoint(self, site: str) -> None: ...
    def is_checkpointed(self) -> bool: ...
    def checkpoint_file(self) -> str | None: ...

    # actions; Ctrl-C cancels the job and raises KeyboardInterrupt
    def collect(self, partitions: Sequence[int] | None, site: str) -> list[list[Any]]:
        """The records of each of the partitions."""
    def collect_until(self, milliseconds: int, site: str) -> list[list[Any] | None]:
        """The same of all partitions; None for those that were not ready when the time was over. Cancels the rest."""
    def save_as_text_file(
        self, path: str, codec: str | None, hadoop: Sequence[tuple[str, str]], site: str
    ) -> None:
        """Records are bytes: one line each. ``codec`` is a Hadoop class name or a suffix."""
    def save_as_pickle_file(self, path: str, batch: int, hadoop: Sequence[tuple[str, str]], site: str) -> None: ...
    def save_as_sequence_file(
        self,
        path: str,
        codec: str | None,
        key_class: str | None,
        value_class: str | None,
        newer_interface: bool,
        hadoop: Sequence[tuple[str, str]],
        site: str,
    ) -> None:
        """Pairs. ``newer_interface`` names the part files ``part-r-00000``."""
    def save_as_hadoop_text(
        self, path: str, codec: str | None, newer_interface: bool, hadoop: Sequence[tuple[str, str]], site: str
    ) -> None:
        """Pairs, as lines of Java's text."""

class Accumulator:
    """What tasks add up, in pieces: each the pickled value of one partition."""

    @property
    def id(self) -> int: ...
    def chunks(self) -> list[bytes]:
        """All that counts now; each partition's once."""
    def reset(self) -> None: ...

class Broadcast:
    @property
    def id(self) -> int: ...
    def load(self) -> bytes: ...
    def unpersist(self) -> None: ...
    def destroy(self) -> None: ...

# in workers

def work() -> None:
    """Runs tasks as the driver says through the socket that is standard input, until it closes."""

class TaskInfo:
    """The task that runs on this thread."""

    stage: int
    stage_attempt: int
    partition: int
    attempt: int
    task: int
    job: int
    executor: str
    directory: str
    local_properties: dict[str, str]
    spill_directory: str
    memory_limit: int
    cpus: int

def current_task() -> TaskInfo | None: ...
def accumulate(accumulator: int, add: Callable[[Any, Any], Any], zero: Any, term: Any) -> None:
    """``value = add(value, term)`` for the partition that is being computed; ``value`` begins as a copy of ``zero``."""
def load_broadcast(broadcast: int) -> bytes: ...
def barrier(message: str) -> list[str]:
    """Waits until all tasks of the stage have called it; gives the messages of all, in the order of partitions."""

# on hosts of a cluster

def agent(config: str | None, command: Callable[[str, str], tuple[str, list[str], dict[str, str], str]]) -> None:
    """Runs an agent until its driver lets go of it. Without a configuration it reads the one on standard input.
    ``command(setting, directory)`` is called once: it gives the program of the server of workers, its arguments,
    environment and directory."""
def fetch_file(hash: str, to: str) -> None:
    """Writes the driver's file of this hash to a path; in an agent or a worker."""

# the engine's own command line

def command(words: Sequence[str]) -> bool:
    """Runs a command line, the program's name first; whether it went well. What goes wrong was printed."""
class CommandOption:
    """An option: ``long`` is its name without dashes, ``value`` what its value is called (None without)."""

    long: str
    short: str | None
    value: str | None
    help: str
    choices: list[str]
    default: str | None
    variable: str | None
    is_required: bool
    repeats: bool

def command_options(command: str) -> list[CommandOption]:
    """The options of a command, in the order of its help."""

def command_names() -> list[tuple[str, str]]:
    """The names of all commands, each with what it does."""

def submit_driver(
    *,
    master: str,
    secret_file: str | None,
    program: str,
    arguments: Sequence[str],
    environment: Sequence[tuple[str, str]],
    files: Sequence[str],
    cores: int,
    memory_mib: int,
    supervise: bool,
) -> str:
    """Has a program run on a cluster's worker; gives the name by which the master knows it. In an argument
    ``{file:NAME}`` stands for the path of a file that is sent along.

    Raises RuntimeError where no master takes it.
    """

# inner loops, for both kinds

def hadoop_settings(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Those of Hadoop's settings that are obeyed, by their newest names. ValueError for one that is refused."""

def engine_setting(key: str, value: str) -> tuple[str, str] | None:
    """The engine's name of a setting, and its value as the engine writes it; None where the engine has none."""

def engine_settings() -> list[tuple[str, str]]:
    """The engine's settings, each with where it means something: "everywhere", "clusters", or "files"."""

def check_settings(settings: Sequence[tuple[str, str]]) -> list[str]:
    """Warnings about settings that have no effect. A setting that cannot be obeyed raises ``ValueError``."""

def judge_setting(key: str, value: str) -> str:
    """What becomes of a setting of Spark's: "obeyed", "kept", "warned" or "refused"."""

def settings_of_python() -> list[str]:
    """The keys that the table of Spark's settings leaves to the Python face; ``*`` stands for any text."""

def portable_hash(key: Any) -> int:
    """The hash that places a key: the same in all processes, equal for equal keys."""

def hash(obj: Any, /) -> int:
    """What ``hash`` is in workers: the interpreter's, but for what has an address in it."""

def combine(
    table: dict[Any, Any],
    pairs: Iterable[tuple[Any, Any]],
    create: Callable[[Any], Any] | None,
    merge: Callable[[Any, Any], Any],
    limit: int,
) -> bool:
    """Merges pairs into a table until they end (False), or the process is over ``limit`` bytes (True: call again).

    ``pairs`` must be an iterator to be called with again. Without ``create`` a key's first value is its combination.
    """
