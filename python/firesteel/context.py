"""The context: where a program starts, and where its RDDs, broadcasts and accumulators come from.

One context is active at a time in a process; after ``stop`` the next can be made. :class:`firesteel.sources.Sources` has the
methods that read data, :class:`firesteel.control.Control` those about jobs and their threads; this file has the context's
life: settings, the engine, files for tasks, the end.
"""

from __future__ import annotations

import atexit
import importlib
import os
import sys
import threading
import weakref
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from firesteel import _native, callsite, jobs
from firesteel.conf import SYSTEM_PROPERTIES, SparkConf, native_settings
from firesteel.control import Control
from firesteel.errors import FiresteelError
from firesteel.sources import Sources

if TYPE_CHECKING:
    from firesteel.accumulators import Accumulator, AccumulatorParam
    from firesteel.broadcast import Broadcast
    from firesteel.profiler import Profiler, ProfilerCollector
    from firesteel.resource import ResourceInformation

__all__ = ["SparkContext"]

T = TypeVar("T")

DEFAULT_MASTER = "local[*]"
DEFAULT_NAME = "pyspark-shell"
ENVIRONMENT = "spark.executorEnv."
LOG_LEVELS = ("ALL", "DEBUG", "ERROR", "FATAL", "INFO", "OFF", "TRACE", "WARN")


class SparkContext(Sources, Control):
    """The entry to everything.

    Parameters
    ----------
    master
        Where tasks run: ``local`` (one at a time), ``local[4]``, ``local[*]`` (as many as there are cores; the default).
    appName
        A name for the application.
    sparkHome
        Kept and without effect.
    pyFiles
        Python files and archives that tasks can import from, as :meth:`addPyFile` adds.
    environment
        Environment variables of the workers.
    batchSize
        How many records are pickled together at most; 0 chooses.
    serializer, gateway, jsc, udf_profiler_cls, memory_profiler_cls
        Accepted for PySpark's sake.
    conf
        Settings; a master and a name given beside it are stronger.
    profiler_cls
        How functions are measured where ``spark.python.profile`` is ``true``.

    Examples
    --------
    >>> from firesteel import SparkContext
    >>> SparkContext("local", "another")
    Traceback (most recent call last):
        ...
    ValueError: Cannot run multiple SparkContexts at once; existing SparkContext(...) ...
    """

    _active_spark_context: ClassVar[SparkContext | None] = None
    _lock = threading.RLock()
    PACKAGE_EXTENSIONS: Iterable[str] = (".zip", ".egg", ".jar")

    def __init__(
        self,
        master: str | None = None,
        appName: str | None = None,
        sparkHome: str | None = None,
        pyFiles: Sequence[str] | None = None,
        environment: dict[str, Any] | None = None,
        batchSize: int = 0,
        serializer: Any = None,
        conf: SparkConf | None = None,
        gateway: object | None = None,
        jsc: object | None = None,
        profiler_cls: type[Profiler] | None = None,
        udf_profiler_cls: type[Profiler] | None = None,
        memory_profiler_cls: type[Profiler] | None = None,
    ) -> None:
        if _native.current_task() is not None:
            raise FiresteelError("A SparkContext can only be made in the driver, not inside a task (SPARK-5063).")
        self._callsite = callsite.place()
        self._engine: _native.Context | None = None
        self._stopped_at: str | None = None
        self._become_active()
        try:
            self._configure(master, appName, sparkHome, environment, conf)
            self._batchSize = batchSize
            self._unbatched_serializer = serializer
            self._start(pyFiles)
            self._set_up_profiler(profiler_cls, udf_profiler_cls, memory_profiler_cls)
        except BaseException:
            self.stop()
            raise

    # -- its life

    def _become_active(self) -> None:
        with SparkContext._lock:
            other = SparkContext._active_spark_context
            if other is not None:
                function, file, line = other._callsite
                raise ValueError(
                    "Cannot run multiple SparkContexts at once; existing SparkContext("
                    f"app={other.appName}, master={other.master}) created by {function} at {file}:{line}. "
                    "Stop it first (its stop() method), or use SparkContext.getOrCreate()."
                )
            SparkContext._active_spark_context = self

    master: str = ""
    appName: str = ""
    sparkHome: str | None = None

    def _configure(
        self,
        master: str | None,
        name: str | None,
        home: str | None,
        environment: dict[str, Any] | None,
        conf: SparkConf | None,
    ) -> None:
        self._conf = SparkConf(loadDefaults=conf is None)
        if conf is not None:
            self._conf.setAll(conf.getAll())
        for key, value in (("spark.master", master), ("spark.app.name", name), ("spark.home", home)):
            if value:
                self._conf.set(key, value)
        for variable, value in (environment or {}).items():
            self._conf.set(ENVIRONMENT + variable, str(value))
        self._conf.setIfMissing("spark.master", self._conf.get("firesteel.master") or DEFAULT_MASTER)
        self._conf.setIfMissing("spark.app.name", self._conf.get("firesteel.app.name") or DEFAULT_NAME)
        self.master = self._conf.get("spark.master") or DEFAULT_MASTER
        self.appName = self._conf.get("spark.app.name") or DEFAULT_NAME
        self.sparkHome = self._conf.get("spark.home")
        self.environment: dict[str, Any] = {
            key[len(ENVIRONMENT) :]: value for key, value in self._conf.getAll() if key.startswith(ENVIRONMENT)
        }
        self.environment.setdefault("PYTHONHASHSEED", "0")
        self.pythonExec = sys.executable
        self.pythonVer = f"{sys.version_info.major}.{sys.version_info.minor}"

    def _start(self, py_files: Sequence[str] | None) -> None:
        workers = {name: str(value) for name, value in self.environment.items()}
        engine = self._engine = _native.Context(native_settings(self._conf), workers)
        _stop_at_exit(self)
        self._conf.set("spark.app.id", engine.application_id)
        self._conf.set("spark.app.startTime", str(engine.start_time))
        self._conf.setIfMissing("spark.executor.id", "driver")
        from firesteel.files import root_directory

        self._files: list[str] = []
        self._archives: list[str] = []
        self._checkpoint_directory: str | None = None
        # Packages come before what the program's own path has, as they do in the driver.
        self._packages = [root_directory(self)]
        sys.path.insert(1, self._packages[0])
        self._tell_workers()
        submitted = (self._conf.get("spark.submit.pyFiles") or "").split(",")
        for path in [*(py_files or ()), *filter(None, submitted)]:
            self.addPyFile(path)

    def _tell_workers(self) -> None:
        """Workers find modules where the driver does, and in what was added."""
        here = os.getcwd()
        rest = [path or here for path in sys.path if path not in self._packages]
        main = getattr(sys.modules.get("__main__"), "__file__", None)
        self._native.set_up_workers([*self._packages, *rest], main and os.path.abspath(main), here)

    @property
    def serializer(self) -> Any:
        """PySpark's attribute; here records are pickled by the engine, in its own way.

        >>> type(sc.serializer).__name__
        'AutoBatchedSerializer'
        """
        from firesteel.serializers import AutoBatchedSerializer, BatchedSerializer, CPickleSerializer

        unbatched = self._unbatched_serializer or CPickleSerializer()
        return BatchedSerializer(unbatched, self._batchSize) if self._batchSize else AutoBatchedSerializer(unbatched)

    def _set_up_profiler(self, *classes: type[Profiler] | None) -> None:
        self.profiler_collector: ProfilerCollector | None = None
        if (self._conf.get("spark.python.profile") or "false").lower() != "true":
            return
        from firesteel.profiler import BasicProfiler, MemoryProfiler, ProfilerCollector, UDFBasicProfiler

        defaults = (BasicProfiler, UDFBasicProfiler, MemoryProfiler)
        chosen = [given or default for given, default in zip(classes, defaults)]
        self.profiler_collector = ProfilerCollector(*chosen, self._conf.get("spark.python.profile.dump"))

    @property
    def _native(self) -> _native.Context:
        if self._engine is None:
            where = f" ({self._stopped_at})" if self._stopped_at else ""
            raise FiresteelError(f"Cannot call methods on a stopped SparkContext{where}. Make a new one.")
        return self._engine

    def _before_job(self) -> None:
        """To be called right before an action."""
        jobs.push(self)

    def stop(self) -> None:
        """Ends the application: jobs, workers, kept data and files. A second call does nothing.

        >>> sc.stop  # doctest: +ELLIPSIS
        <bound method ...>
        """
        engine, self._engine = self._engine, None
        try:
            if engine is not None:
                self._stopped_at = callsite.here("stop")
                engine.stop()
        finally:
            for package in getattr(self, "_packages", []):
                if package in sys.path:
                    sys.path.remove(package)
            with SparkContext._lock:
                if SparkContext._active_spark_context is self:
                    SparkContext._active_spark_context = None

    def __enter__(self) -> SparkContext:
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @classmethod
    def getOrCreate(cls, conf: SparkConf | None = None) -> SparkContext:
        """The active context, or a new one. ``conf`` is for the new one; an active one keeps its settings.

        >>> from firesteel import SparkContext
        >>> SparkContext.getOrCreate() is sc
        True
        """
        with SparkContext._lock:
            if SparkContext._active_spark_context is None:
                SparkContext(conf=conf)
            assert SparkContext._active_spark_context is not None
            return SparkContext._active_spark_context

    def __repr__(self) -> str:
        return f"<SparkContext master={self.master} appName={self.appName}>"

    def _repr_html_(self) -> str:
        from firesteel import html

        url = self.uiWebUrl
        return html.context_box(self.version, self.master, self.appName, ("Spark UI", url) if url else None)

    def __getnewargs__(self) -> NoReturn:
        raise FiresteelError(
            "The SparkContext was referenced inside a function that runs in tasks, or put into a broadcast. It lives in the "
            "driver only, and only there can RDDs be made and jobs be run (SPARK-5063)."
        )

    # -- what it is

    @property
    def version(self) -> str:
        """The version of Firesteel.

        >>> sc.version.count(".")
        2
        """
        return _native.__version__

    @property
    def applicationId(self) -> str:
        """The application's id, such as ``local-1433865536131``.

        >>> sc.applicationId.startswith("local-")
        True
        """
        return self._native.application_id

    @property
    def uiWebUrl(self) -> str | None:
        """The address of the web interface; None where there is none.

        >>> sc.uiWebUrl is None or sc.uiWebUrl.startswith("http")
        True
        """
        return None

    @property
    def startTime(self) -> int:
        """When the application started, in milliseconds since 1970.

        >>> sc.startTime > 1_600_000_000_000
        True
        """
        return self._native.start_time

    @property
    def defaultParallelism(self) -> int:
        """How many partitions an RDD gets that nothing else is said of: ``spark.default.parallelism``, or the slots for tasks.

        >>> sc.defaultParallelism > 0
        True
        """
        return self._native.default_parallelism

    @property
    def defaultMinPartitions(self) -> int:
        """How many partitions files are split into at least: 2, or 1 where only one task can run.

        >>> sc.defaultMinPartitions <= 2
        True
        """
        return min(self.defaultParallelism, 2)

    def _has_default_parallelism(self) -> bool:
        return self._conf.contains("spark.default.parallelism") or self._conf.contains("firesteel.default.parallelism")

    @property
    def resources(self) -> dict[str, ResourceInformation]:
        """Resources of the driver, such as GPUs: none in local mode.

        >>> sc.resources
        {}
        """
        return {}

    def sparkUser(self) -> str:
        """The name of the user who runs this.

        >>> sc.sparkUser() != ""
        True
        """
        import getpass

        try:
            return os.environ.get("SPARK_USER") or getpass.getuser()
        except (KeyError, OSError):
            return str(os.getuid())

    def getConf(self) -> SparkConf:
        """A copy of the settings.

        >>> sc.getConf().get("spark.app.id") == sc.applicationId
        True
        """
        return SparkConf(loadDefaults=False).setAll(self._conf.getAll())

    @classmethod
    def setSystemProperty(cls, key: str, value: str) -> None:
        """Sets a property of this process; those that begin with ``spark.`` become defaults of contexts made later.

        >>> from firesteel import SparkContext
        >>> SparkContext.setSystemProperty("my.property", "value")
        """
        SYSTEM_PROPERTIES[key] = str(value)

    @classmethod
    def getSystemProperty(cls, key: str) -> str | None:
        """A property that :meth:`setSystemProperty` set.

        >>> from firesteel import SparkContext
        >>> SparkContext.setSystemProperty("my.property", "value")
        >>> SparkContext.getSystemProperty("my.property")
        'value'
        """
        return SYSTEM_PROPERTIES.get(key)

    def setLogLevel(self, logLevel: str) -> None:
        """Checks and keeps the level of log messages; the setting ``firesteel.log.level`` is what the engine heeds.

        >>> sc.setLogLevel("WARN")
        """
        level = str(logLevel).upper()
        if level not in LOG_LEVELS:
            raise ValueError(f"Supplied level {logLevel} did not match one of: {','.join(LOG_LEVELS)}")
        self._conf.set("spark.log.level", level)

    # -- what tasks share

    def broadcast(self, value: T) -> Broadcast[T]:
        """Sends a value to each executor once, for all tasks to read.

        >>> names = sc.broadcast({1: "one", 2: "two"})
        >>> sc.parallelize([2, 1]).map(lambda n: names.value[n]).collect()
        ['two', 'one']
        """
        from firesteel.broadcast import Broadcast

        return Broadcast(self, value)

    def accumulator(self, value: T, accum_param: AccumulatorParam[T] | None = None) -> Accumulator[T]:
        """A variable that tasks add to and the driver reads. ``accum_param`` says how values other than numbers are added.

        >>> errors = sc.accumulator(0)
        >>> sc.range(5).foreach(lambda x: errors.add(1) if x > 2 else None)
        >>> errors.value
        2
        """
        from firesteel import accumulators

        return accumulators.create(self, value, accum_param)

    def addFile(self, path: str, recursive: bool = False) -> None:
        """Gives tasks a file, or with ``recursive`` a directory; ``SparkFiles.get`` tells them where it is.

        >>> import os, tempfile
        >>> from firesteel import SparkFiles
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "greeting.txt")
        ...     with open(path, "w") as file:
        ...         _ = file.write("hello")
        ...     sc.addFile(path)
        >>> sc.parallelize([0]).map(lambda _: open(SparkFiles.get("greeting.txt")).read()).collect()
        ['hello']
        """
        from firesteel import files

        files.add_file(self, os.fspath(path), recursive)
        self._note(self._files, files.uri_of(os.fspath(path)))

    @staticmethod
    def _note(listed: list[str], uri: str) -> None:
        if uri not in listed:
            listed.append(uri)

    @property
    def listFiles(self) -> list[str]:
        """Where added files came from.

        >>> isinstance(sc.listFiles, list)
        True
        """
        return list(self._files)

    def addPyFile(self, path: str) -> None:
        """Gives tasks a module (a ``.py`` file) or a package (a ``.zip`` or ``.egg`` file) to import from.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "shipped_example.py")
        ...     with open(path, "w") as file:
        ...         _ = file.write("def double(x): return 2 * x")
        ...     sc.addPyFile(path)
        >>> def double(x):
        ...     import shipped_example
        ...     return shipped_example.double(x)
        >>> sc.parallelize([1, 2]).map(double).collect()
        [2, 4]
        """
        from firesteel import files

        place = files.add_file(self, os.fspath(path))
        self._note(self._files, files.uri_of(os.fspath(path)))
        if place.lower().endswith(tuple(self.PACKAGE_EXTENSIONS)) and place not in self._packages:
            self._packages.append(place)
            sys.path.insert(1, place)
            self._tell_workers()
            self._native.restart_workers()
        importlib.invalidate_caches()

    def addArchive(self, path: str) -> None:
        """Gives tasks the contents of an archive, in a directory of its name, or of the name after ``#``.

        >>> import os, tempfile, zipfile
        >>> from firesteel import SparkFiles
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "words.zip")
        ...     with zipfile.ZipFile(path, "w") as archive:
        ...         archive.writestr("a.txt", "hello")
        ...     sc.addArchive(path + "#vocabulary")
        >>> sc.parallelize([0]).map(lambda _: open(SparkFiles.get("vocabulary/a.txt")).read()).collect()
        ['hello']
        """
        from firesteel import files

        files.add_archive(self, os.fspath(path))
        name, hash_sign, alias = os.fspath(path).partition("#")
        self._note(self._archives, files.uri_of(name) + hash_sign + alias)

    @property
    def listArchives(self) -> list[str]:
        """Where added archives came from.

        >>> isinstance(sc.listArchives, list)
        True
        """
        return list(self._archives)

    def setCheckpointDir(self, dirName: str) -> None:
        """Says where checkpoints are written: below this directory, in one of the application's own.

        >>> import tempfile
        >>> sc.setCheckpointDir(tempfile.mkdtemp())
        """
        import uuid

        directory = os.path.join(os.fspath(dirName), str(uuid.uuid4()))
        self._native.set_checkpoint_dir(directory)
        self._checkpoint_directory = directory

    def getCheckpointDir(self) -> str | None:
        """Where checkpoints are written; None before :meth:`setCheckpointDir`.

        >>> import tempfile
        >>> directory = tempfile.mkdtemp()
        >>> sc.setCheckpointDir(directory)
        >>> sc.getCheckpointDir().startswith(directory)
        True
        """
        return self._checkpoint_directory


def _stop_at_exit(sc: SparkContext) -> None:
    """A program that ends without ``stop`` leaves no workers and files behind."""
    held = weakref.ref(sc)

    def stop() -> None:
        context = held()
        if context is not None:
            context.stop()

    atexit.register(stop)
