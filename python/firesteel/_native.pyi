"""The engine's interface to the Python package: every call is thin, and decides nothing.

Two kinds of processes load this module. The *driver* makes a :class:`Context` and RDDs of it. A *worker* is forked by
the server (``firesteel.worker.server``) and calls :func:`work`; within a task the functions at the end of this file
serve it.

Functions travel as bytes: ``function`` is always what ``firesteel.pickling.dump_function`` made of a callable
``f(partition: int, records: Iterator) -> Iterable``, unless the method says otherwise.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from firesteel.native.kernels import *

__version__: str

class TaskStopped(BaseException):
    """The input of a function has failed, or its task was cancelled: not to be caught."""

class Context:
    """An application's engine: scheduler, workers, files. ``conf`` holds ``firesteel.*`` keys."""

    def __init__(
        self,
        conf: Sequence[tuple[str, str]],
        environment: Mapping[str, str],
        agent: Sequence[str],
        python: str | None,
        lines: EventLines | None = None,
        manager: Callable[[dict[str, Any], Pool], object] | None = None,
    ) -> None:
        """Starts an engine. ``environment`` is for workers, ``agent`` the arguments that start executors elsewhere,
        ``python`` the program that workers run here; ``lines`` gets the events from the beginning. ``manager`` makes
        the cluster manager of a master that the engine knows none of: it has the methods ``request(count, cores,
        memory)``, which raises to refuse, ``withdraw(count)``, ``release(name)`` and ``stop()``, and ``application``,
        an id or None."""
    @property
    def application_id(self) -> str: ...
    @property
    def start_time(self) -> int: ...
    @property
    def ui_web_url(self) -> str | None: ...
    @property
    def default_parallelism(self) -> int: ...
    @property
    def slots(self) -> int: ...
    @property
    def directory(self) -> str:
        """A directory of this application's own, removed when it stops. Workers of this machine see it, too."""
    def add_event_lines(self, lines: EventLines) -> None:
        """Lets ``lines`` get the events from now on."""
    def explain_last_job(self) -> str: ...
    def stop(self, failed: bool = False) -> None: ...
    def is_stopped(self) -> bool: ...
    @property
    def is_on_cluster(self) -> bool:
        """Whether executors are elsewhere, or treated as if they were."""
    def set_up_workers(self, setting: str) -> None:
        """Sets what later workers are told, as JSON: see ``firesteel.worker.server``."""
    def stacks(self) -> list[tuple[str, str, int, int | None, str]]:
        """Tells of each slot its executor, name, process, task, and where its code stands now, innermost call first."""
    def offer_file(self, path: str) -> str:
        """Offers a file, which must not change, to executors elsewhere; returns the BLAKE3 hash of its contents."""
    def note_shipped(self, path: str) -> None: ...  # what it holds is part of what jobs are known by

    # sources; ``site`` is the line of the user's program, as "operation at file:line"
    def parallelize(self, partitions: Sequence[Sequence[bytes]], site: str) -> Rdd:
        """Takes for each partition its pickled lists of records, one after the other."""
    # ``hadoop`` holds Hadoop's settings, those of the context first; files are listed by the call
    def text_file(
        self, path: str, partitions: int, use_unicode: bool, hadoop: Sequence[tuple[str, str]], site: str
    ) -> Rdd: ...
    def line_positions(self, path: str, cut: tuple[str, int], hadoop: Sequence[tuple[str, str]], site: str) -> Rdd:
        """Gives pairs of the offset of a line, in bytes, and the line. ``cut`` is the kind of splits, "blocks", "lines"
        or "combined", and the least number of them.
        """
    def key_value_lines(self, path: str, cut: tuple[str, int], hadoop: Sequence[tuple[str, str]], site: str) -> Rdd:
        """Gives pairs of what stands before and behind the separator in a line."""
    def whole_texts_combined(
        self, path: str, cut: tuple[str, int], hadoop: Sequence[tuple[str, str]], site: str
    ) -> Rdd:
        """Gives pairs of path and text; the settings say how many files a partition has."""
    def whole_text_files(
        self, path: str, partitions: int, use_unicode: bool, hadoop: Sequence[tuple[str, str]], site: str
    ) -> Rdd: ...
    def binary_files(self, path: str, partitions: int, hadoop: Sequence[tuple[str, str]], site: str) -> Rdd: ...
    def binary_records(self, path: str, length: int, hadoop: Sequence[tuple[str, str]], site: str) -> Rdd: ...
    def pickle_file(self, path: str, partitions: int, hadoop: Sequence[tuple[str, str]], site: str) -> Rdd: ...
    def sequence_file(self, path: str, cut: tuple[str, int], hadoop: Sequence[tuple[str, str]], site: str) -> Rdd:
        """Gives pairs; Writables become int, float, str, bytearray, bool, None, dict."""
    def union(self, rdds: Sequence[Rdd], aligned: bool, site: str) -> Rdd:
        """Gives all partitions one after the other; or, ``aligned``, unites the first of all, the second, and so on."""

    # the thread's settings for its next jobs
    def set_job_group(self, group: str | None) -> None: ...
    def set_job_tags(self, tags: Sequence[str]) -> None: ...
    def set_pool(self, pool: str | None) -> None: ...
    def set_local_properties(self, properties: Mapping[str, str]) -> None:
        """Sets the properties that tasks see through ``TaskContext.getLocalProperty``."""
    def cancel_job(self, job: int, reason: str) -> None: ...
    def cancel_job_group(self, group: str) -> None: ...
    def cancel_jobs_with_tag(self, tag: str) -> None: ...
    def cancel_all_jobs(self) -> None: ...

    # running and finished jobs
    def jobs(self, group: str | None) -> list[int]:
        """Returns ids of the jobs of a group, newest first; None for those without a group."""
    def active_jobs(self) -> list[int]: ...
    def active_stages(self) -> list[int]: ...
    def job_info(self, job: int) -> dict[str, Any] | None:
        """Returns ``{"job": int, "stages": list[int], "status": "RUNNING" | "SUCCEEDED" | "FAILED"}``."""
    def stage_info(self, stage: int) -> dict[str, Any] | None:
        """Returns ``{"stage", "attempt", "name", "tasks", "active", "completed", "failed"}``."""
    def executor_infos(self) -> list[dict[str, Any]]:
        """Returns ``{"host": str, "port": int, "process": int, "running": int, "memory_used": int, "memory_total":
        int}``."""

    def accumulator(self) -> Accumulator: ...
    def broadcast(self, pickled: bytes) -> Broadcast: ...
    def set_checkpoint_dir(self, directory: str) -> None: ...
    def checkpoint_dir(self) -> str | None: ...
    def run_last_failure(self) -> None:
        """Runs the task that failed last again, in this process and thread; raises what it raises.

        Raises LookupError where none has failed, or what it needs is gone.
        """

class EventLines:
    """Events of the application that wait for listeners, as lines of an event log."""

    def __init__(self, capacity: int) -> None:
        """Makes an empty queue for so many events at most; those beyond are dropped and counted."""
    def want(self, names: set[str]) -> None:
        """Sets the names of the events that are wanted, as ``SparkListenerJobEnd``; others are not even written."""
    def take(self, most: int, seconds: float) -> tuple[list[bytes], int] | None:
        """Waits for events, at most so long, and takes them, with the number of those that were dropped before; None
        when the application has ended."""

class Files:
    """The files of a table, as they were listed."""

    @property
    def paths(self) -> list[str]: ...
    def directories(self, infer: bool) -> list[tuple[str, str]]:
        """Returns the columns in the names of directories, each with the name of its type."""

class Columns:
    """One RDD of the lineage. Records are batches of columns."""

    @property
    def id(self) -> int: ...
    @property
    def partitions(self) -> int: ...
    def select(self, columns: Sequence[int], site: str) -> Columns: ...
    def limit(self, rows: int, site: str) -> Columns: ...
    def renamed(self, names: Sequence[str], site: str) -> Columns: ...
    def coalesce(self, partitions: int, site: str) -> Columns: ...
    def persist(
        self, disk: bool, memory: bool, off_heap: bool, deserialized: bool, replication: int, site: str
    ) -> None: ...
    def unpersist(self, blocking: bool) -> None: ...
    def rows(self, site: str) -> Rdd: ...
    def streams(self, site: str) -> Rdd:
        """Makes an RDD of bytes: streams of Arrow's with a batch each."""
    def counts(self, site: str) -> Rdd:
        """Makes an RDD of the batches' numbers of rows."""
    def save(
        self,
        path: str,
        format: str,
        options: dict[str, str],
        schema: str,
        directories: Sequence[int],
        existing: str,
        hadoop: Sequence[tuple[str, str]],
        site: str,
    ) -> bool:
        """Writes a table; returns whether it did: not where files exist, and ``existing`` is ``ignore``."""

def table_files(
    context: Context, paths: Sequence[str], base: str | None, recursive: bool, glob: str | None, site: str
) -> Files: ...
def parquet_schema(context: Context, path: str, options: dict[str, str], site: str) -> str: ...
def infer_schema(
    context: Context, files: Files, format: str, options: dict[str, str], sizes: tuple[int, int, int], site: str
) -> str:
    """Runs a job that looks at all rows; returns a schema in JSON."""

def read_table(
    context: Context,
    files: Files,
    format: str,
    options: dict[str, str],
    schema: str,
    wanted: Sequence[int],
    directories: Sequence[tuple[str, str]],
    wanted_directories: Sequence[int],
    sizes: tuple[int, int, int],
    site: str,
) -> Columns: ...
def lines_to_columns(
    rdd: Rdd,
    format: str,
    options: dict[str, str],
    schema: str,
    wanted: Sequence[int],
    first: str | None,
    site: str,
) -> Columns: ...
def infer_lines(rdd: Rdd, format: str, options: dict[str, str], first: str | None, site: str) -> str: ...
def to_columns(rdd: Rdd, schema: str, site: str) -> Columns: ...
def streams_to_columns(rdd: Rdd, schema: str, site: str) -> Columns: ...
def records_stream(records: list[Any], schema: str) -> bytes: ...
def empty_stream(schema: str) -> bytes: ...
def stream_schema(stream: bytes) -> str: ...
def java_text(value: float, is_single: bool) -> str:
    """Returns a number as Java prints it."""


class Pool:
    """The way by which a cluster manager tells what happens to executors. Its methods may be called from any thread,
    twice, late, and in any order.
    """

    def granted(self, name: str, host: str) -> None: ...
    def refused(self, count: int, why: str) -> None:
        """Tells that so many that were asked for will not come; ``why`` is a sentence without a subject."""
    def ended(self, name: str, code: int) -> None:
        """Tells that an executor's process has ended; a negative code is a signal's number."""
    def lost(self, name: str, why: str, is_own_fault: bool) -> None: ...
    def preempted(self, name: str, seconds: float) -> None: ...
    def waits(self, why: str) -> None: ...
    def over(self, why: str) -> None:
        """Tells that no executor will come any more."""

class Rdd:
    """One RDD of the lineage. Records are Python objects."""

    def set_name(self, name: str | None) -> None: ...
    @property
    def id(self) -> int: ...
    @property
    def partitions(self) -> int: ...
    def to_debug_string(self) -> str: ...
    def sources_of_growth(self) -> int | None: ...

    # narrow
    def map_partitions(self, function: bytes, broadcasts: Sequence[Broadcast], site: str) -> Rdd: ...
    def barrier_map_partitions(self, function: bytes, broadcasts: Sequence[Broadcast], site: str) -> Rdd: ...
    def combine_two(
        self, other: Rdd, function: bytes, broadcasts: Sequence[Broadcast], cartesian: bool, site: str
    ) -> Rdd:
        """Applies ``f(partition, left, right)`` partition by partition, or, ``cartesian``, to each pair of
        partitions."""
    def coalesce(self, partitions: int, site: str) -> Rdd: ...

    # shuffles
    def partition_by(self, partitions: int, function: bytes | None, broadcasts: Sequence[Broadcast], site: str) -> Rdd:
        """Places pairs by ``f(key) % partitions``; by ``portable_hash`` where ``function`` is None."""
    def repartition(self, partitions: int, site: str) -> Rdd:
        """Deals records out in turn, by their position, so that each run deals the same."""

    # caching
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
        """Returns the records of each of the partitions."""
    def collect_until(self, milliseconds: int, site: str) -> list[list[Any] | None]:
        """Returns the records of all partitions; None for those not ready at the timeout. Cancels the rest."""
    def save_as_text_file(
        self, path: str, codec: str | None, hadoop: Sequence[tuple[str, str]], site: str
    ) -> None:
        """Writes records, which are bytes, one line each. ``codec`` is a Hadoop class name or a suffix."""
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
        """Writes pairs. ``newer_interface`` names the part files ``part-r-00000``."""
    def save_as_hadoop_text(
        self, path: str, codec: str | None, newer_interface: bool, hadoop: Sequence[tuple[str, str]], site: str
    ) -> None:
        """Writes pairs, as lines of Java's text."""

class Accumulator:
    """An accumulator's partial values: each the pickled value of one partition."""

    @property
    def id(self) -> int: ...
    def chunks(self) -> list[bytes]:
        """Returns all partial values that count now; each partition's once."""
    def reset(self) -> None: ...

class Broadcast:
    @property
    def id(self) -> int: ...
    def load(self) -> bytes: ...
    def unpersist(self) -> None: ...
    def destroy(self) -> None: ...

# in workers

def work() -> None:
    """Runs the driver's tasks, which come through the socket that is standard input, until it closes."""

class TaskInfo:
    """Returns the task that runs on this thread."""

    stage: int
    stage_attempt: int
    partition: int
    attempt: int
    task: int
    job: int
    executor: str
    directory: str
    local_properties: dict[str, str]
    cpus: int

def current_task() -> TaskInfo | None: ...
def accumulate(accumulator: int, add: Callable[[Any, Any], Any], zero: Any, term: Any) -> None:
    """Does ``value = add(value, term)`` for the partition being computed; ``value`` begins as a copy of ``zero``."""
def note_hot_key(key: Any, records: int) -> None:
    """Notes that the task has this many values of a key, for its figures; the hottest counts."""
def load_broadcast(broadcast: int) -> bytes: ...
def barrier(message: str) -> list[str]:
    """Waits until all tasks of the stage have called it; returns the messages of all, in the order of partitions."""

# on hosts of a cluster

def agent(
    config: str | None, told: str, command: Callable[[str, str], tuple[str, list[str], dict[str, str], str]]
) -> None:
    """Runs an agent until its driver releases it. Without a configuration it reads the one that ``told``, the value of
    ``FIRESTEEL_AGENT``, leads to.
    ``command(setting, directory)`` is called once: it returns the program of the server of workers, its arguments,
    environment and directory."""
def fetch_file(hash: str, to: str) -> None:
    """Writes the driver's file of this hash to a path; in an agent or a worker."""

# the engine's own command line

def command(words: Sequence[str]) -> bool:
    """Runs a command line, the program's name first; returns whether it succeeded. Errors were printed."""

def begin_log(level: str) -> None:
    """Begins the log of a daemon in this process: lines with times, of this level. ValueError for no level."""

class CommandOption:
    """An option: ``long`` is its name without dashes, ``value`` the name of its value (None without)."""

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
    """Returns the options of a command, in the order of its help."""

def command_names() -> list[tuple[str, str]]:
    """Returns the names of all commands, each with what it does."""

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
    settings: Sequence[tuple[str, str]],
    dry_run: bool,
    tell: Callable[[str], object],
) -> None:
    """Runs a program in a cluster; ``tell`` gets its name there, or, for ``dry_run``, what would be submitted.

    In an argument ``{file:NAME}`` stands for the path of a file that is sent along. YARN and Kubernetes are asked until
    it ends, unless settings say not to. Raises RuntimeError if nobody takes it, or if it does not end well.
    """

def program_ended(is_success: bool) -> None:
    """Tells YARN how this process's program has ended, if it is one that was submitted in cluster mode."""

# inner loops, for both kinds

def hadoop_settings(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Returns those of Hadoop's settings that are obeyed, by their newest names; raises ValueError for a refused
    one."""

def engine_setting(key: str, value: str) -> tuple[str, str] | None:
    """Returns the engine's name of a setting, and its value as the engine writes it; None where the engine has none."""

def engine_settings() -> list[tuple[str, str]]:
    """Returns the engine's settings, each with where it means something: "everywhere", "clusters", or "files"."""

def check_settings(settings: Sequence[tuple[str, str]]) -> list[str]:
    """Returns warnings about settings without effect; raises ValueError for one that cannot be obeyed."""

def set_log_level(level: str) -> None:
    """Sets the level of the log of this process, by a name of Spark's or of the engine's."""

def judge_setting(key: str, value: str) -> str:
    """Returns how a setting of Spark's is treated: "obeyed", "kept", "warned" or "refused"."""

def settings_of_python() -> list[str]:
    """Returns the keys that the table of Spark's settings leaves to Python; ``*`` stands for any text."""

def portable_hash(key: Any) -> int:
    """Returns the hash that places a key: the same in all processes, equal for equal keys."""

def hash(obj: Any, /) -> int:
    """Hashes as ``hash`` does in workers: as the interpreter, except for values with an address in them."""

class SpillFile:
    """Batches in a file of the running task that has no name. OSError where the disk is full, or has damaged it."""

    def write(self, records: list[Any], batch: bytes) -> None:
        """Appends a batch: records, whose size counts as spilled in the task's figures, and what they are pickled."""
    def read(self, batch: int) -> bytes | None:
        """Returns a batch by its number; None behind the last."""
    def __len__(self) -> int: ...

class Budget:
    """The memory of the running task's that one table may have; the process may hold ``limit`` bytes meanwhile."""

    limit: int

    def __init__(self, limit: int | None = None) -> None: ...
    @property
    def held(self) -> int: ...  # the bytes that the table seems to hold
    def add(self, records: list[Any], count: int, place: int = ...) -> None:
        """Counts ``count`` more records as these, with ``place`` bytes for each in the table."""
    def exceeded(self) -> bool:
        """Returns whether the table has to be moved out of memory."""
    def relieved(self) -> None: ...  # the table was moved out: its memory is given back, and the limit raised
    def cleared(self) -> None: ...  # the table is empty
    def unlimited(self) -> None: ...  # nothing more can be moved out

def memory_used() -> int:
    """Returns the bytes of memory that this process holds; 0 where the system does not tell."""

def sketch(records: Iterable[Any], relative_error: float) -> bytes:
    """Returns a sketch of records by which different ones are counted, with this relative standard deviation."""

def sketch_estimate(sketches: Sequence[bytes], relative_error: float) -> int:
    """Estimates the number of different records in all of these."""

def combine(
    table: dict[Any, Any],
    pairs: Iterable[tuple[Any, Any]],
    create: Callable[[Any], Any] | None,
    merge: Callable[[Any, Any], Any],
    budget: Budget,
) -> bool:
    """Merges pairs into a table until they end (False), or the budget is exceeded (True: call again).

    ``pairs`` must be an iterator to be called with again. Without ``create`` a key's first value is its combination.
    """

def append(
    table: dict[Any, Any],
    pairs: Iterator[tuple[Any, Any]],
    several: type[Any],
    met: dict[Any, int],
    budget: Budget,
    look_every: int,
) -> bool:
    """Appends values to their keys' lists until the pairs end (False), or the budget is exceeded (True: call again).
    Values of the type ``several`` extend them.

    ``met`` counts the keys of values that come together, and of one pair in many: a hot key is among them.
    """

def deal(
    pairs: Iterable[Any], shift: int, waiting: list[list[Any]], batch: int, flush: Callable[[int], None]
) -> None:
    """Deals pairs into the lists, by a hash of their keys that no shuffle uses, and calls ``flush`` with the number of
    each that has ``batch`` of them."""
