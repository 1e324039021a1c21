"""The context: the start of a program, and the source of its RDDs, broadcasts and accumulators.

One context is active at a time in a process; after ``stop`` the next can be made. :class:`firesteel.sources.Sources`
has the methods that read data, :class:`firesteel.control.Control` those about jobs and their threads; this module has
the context's life: settings, the engine, files for tasks, the end.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from firesteel import _native, as_pyspark, callsite, endings, exits, hadoop, jobs, listener, ray
from firesteel.as_pyspark import VARIABLE, VERSION as PYSPARK_VERSION
from firesteel.conf import SYSTEM_PROPERTIES, SparkConf, check_settings, is_cluster, native_settings
from firesteel.control import Control
from firesteel.errors import FiresteelError
from firesteel.native.explaining import mode_of
from firesteel.sharing import Sharing
from firesteel.sources import Sources
from firesteel.worker import interpreter, limits

if TYPE_CHECKING:
    from firesteel.jvm import Gateway, JavaContext
    from firesteel.jvmclasses import View
    from firesteel.profiler import Profiler, ProfilerCollector
    from firesteel.rdd.base import Base
    from firesteel.resource import ResourceInformation

__all__ = ["SparkContext"]

DEFAULT_MASTER = "local[*]"
DEFAULT_NAME = "pyspark-shell"
ENVIRONMENT = "spark.executorEnv."
_ALWAYS_SET = {"SPARK_SUBMIT": "true"}
LOG_LEVELS = ("ALL", "DEBUG", "ERROR", "FATAL", "INFO", "OFF", "TRACE", "WARN")


class SparkContext(Sources, Sharing, Control):
    """The entry point of a program.

    Parameters
    ----------
    master
        Where tasks run: ``local`` (one at a time), ``local[4]``, ``local[*]`` (as many as there are cores; the
        default).
    appName
        A name for the application.
    sparkHome
        Stored and without effect.
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
        How functions are profiled where ``spark.python.profile`` is ``true``.

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
        _refuse_in_tasks(conf)
        self._callsite = callsite.location()
        self._rdds: weakref.WeakValueDictionary[int, Base[Any]] = weakref.WeakValueDictionary()
        self._engine: _native.Context | None = None
        self._ray: ray.Connection | None = None
        self._stopped_at: str | None = None
        self._become_active()
        try:
            self._configure(master, appName, sparkHome, environment, conf)
            self._batchSize = batchSize
            self._unbatched_serializer = serializer
            self._native_mode = mode_of(self._conf)
            self._start(pyFiles)
            self._set_up_profiler(profiler_cls, udf_profiler_cls, memory_profiler_cls)
        except BaseException:
            self.stop()
            raise

    # -- life

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
        default = os.environ.get("FIRESTEEL_MASTER") or DEFAULT_MASTER
        self._conf.setIfMissing("spark.master", self._conf.get("firesteel.master") or default)
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
        check_settings(self._conf)
        interpreter.check(self._conf, is_shipped=is_cluster(self.master))
        self._hadoop_settings = hadoop.context_settings(self._conf.getAll())
        agent = interpreter.agent(self._conf, is_here=self.master.startswith("local"))
        self._listeners = listener.listeners_of(self._conf)
        settings, manager = listener.without_listeners(native_settings(self._conf)), None
        if ray.is_master(self.master):
            self._ray = ray.connect(self.master)
            settings, manager = self._ray.settings(settings), self._ray.manager
        engine = self._engine = _native.Context(
            settings,
            self._worker_environment(),
            agent,
            interpreter.chosen(self._conf),
            self._listeners.at_start(self._conf),
            manager,
        )
        self._listeners.begin()
        _stop_at_exit(self)
        endings.watch()
        self._conf.set("spark.app.id", engine.application_id)
        self._conf.set("spark.app.startTime", str(engine.start_time))
        self._conf.setIfMissing("spark.executor.id", "driver")
        self._begin_sharing(py_files or ())

    def _worker_environment(self) -> dict[str, str]:
        """Returns the environment variables of the workers."""
        as_pyspark = {VARIABLE: os.environ[VARIABLE]} if VARIABLE in os.environ else {}
        memory = limits.mebibytes_of_a_worker(self._conf)
        limit = {} if memory is None else {limits.VARIABLE: str(memory)}
        return {**as_pyspark, **limit, **{name: str(value) for name, value in self.environment.items()}}

    @property
    def serializer(self) -> Any:
        """PySpark's attribute; here the engine pickles records, in its own way.

        >>> type(sc.serializer).__name__
        'AutoBatchedSerializer'
        """
        from firesteel.serializers import AutoBatchedSerializer, BatchedSerializer, CPickleSerializer

        unbatched = self._unbatched_serializer or CPickleSerializer()
        return BatchedSerializer(unbatched, self._batchSize) if self._batchSize else AutoBatchedSerializer(unbatched)

    def _set_up_profiler(self, *classes: type[Profiler] | None) -> None:
        self.profiler_collector: ProfilerCollector | None = None
        if not _is_true(self._conf, "spark.python.profile"):
            return
        from firesteel.profiler import BasicProfiler, MemoryProfiler, ProfilerCollector, UDFBasicProfiler

        defaults = (BasicProfiler, UDFBasicProfiler, MemoryProfiler)
        rdd, udf, memory = (given or default for given, default in zip(classes, defaults))
        self.profiler_collector = ProfilerCollector(rdd, udf, memory, self._conf.get("spark.python.profile.dump"))

    @property
    def _native(self) -> _native.Context:
        if self._engine is None:
            where = f" ({self._stopped_at})" if self._stopped_at else ""
            raise FiresteelError(f"Cannot call methods on a stopped SparkContext{where}. Make a new one.")
        return self._engine

    def _before_job(self) -> None:
        """Prepares an action; called right before it."""
        jobs.push(self)

    def stop(self) -> None:
        """Ends the application: its jobs, workers, cached data and files. A second call does nothing.

        While an exception is on its way out of the program, what is kept for a program that runs again
        (``spark.driver.recovery.dir``) is kept.

        >>> sc.stop  # doctest: +ELLIPSIS
        <bound method ...>
        """
        self._end(exits.is_failure(sys.exc_info()[1]))

    def _end(self, failed: bool) -> None:
        """Ends the application, of a program that has failed or not."""
        engine, self._engine = self._engine, None
        try:
            if engine is not None:
                self._stopped_at = callsite.here("stop")
                engine.stop(failed)
                self._listeners.finish()
        finally:
            self._end_sharing()
            connection, self._ray = self._ray, None
            if connection is not None:
                connection.close()
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
        """Returns the active context, or a new one with ``conf``; an active one keeps its settings.

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
            "[CONTEXT_ONLY_VALID_ON_DRIVER] The SparkContext was referenced inside a function that runs in tasks, or "
            "put into a broadcast. It exists in the driver only, and only there can RDDs be made and jobs be run "
            "(SPARK-5063)."
        )

    if not TYPE_CHECKING:  # for a type checker, an unknown name stays an error

        def __getattr__(self, name: str) -> Any:
            from firesteel import jvm

            raise jvm.missing(self, name)

    # -- private names that libraries reach for

    @property
    def _jsc(self) -> JavaContext:
        from firesteel.jvm import JavaContext

        return JavaContext(self)

    @property
    def _jvm(self) -> View:
        from firesteel.jvmclasses import View

        return View()

    @property
    def _gateway(self) -> Gateway:
        from firesteel.jvm import Gateway

        return Gateway()

    # -- properties

    @property
    def version(self) -> str:
        """The version of Firesteel, as ``firesteel.__version__``; where ``pyspark`` means Firesteel, the version of
        PySpark whose API this is, as ``pyspark.__version__``.

        >>> import firesteel
        >>> sc.version == firesteel.__version__
        True
        """
        return PYSPARK_VERSION if as_pyspark.is_installed() else _native.__version__

    @property
    def applicationId(self) -> str:
        """The application's id: ``local-1433865536131``, or ``app-20261126223420-0000`` on a standalone cluster.

        >>> sc.applicationId.startswith("local-")
        True
        """
        return self._native.application_id

    def _stacks(self) -> list[tuple[str, str, int, int | None, str]]:
        """Tells where the code of each slot stands now: executor, name, process, task, and calls, innermost first."""
        return self._native.stacks()

    @property
    def uiWebUrl(self) -> str | None:
        """The address of the web interface; None where there is none.

        >>> sc.uiWebUrl is None or sc.uiWebUrl.startswith("http")
        True
        """
        return self._native.ui_web_url

    @property
    def startTime(self) -> int:
        """When the application started, in milliseconds since 1970.

        >>> sc.startTime > 1_600_000_000_000
        True
        """
        return self._native.start_time

    @property
    def defaultParallelism(self) -> int:
        """How many partitions an RDD gets unless the call says otherwise: ``spark.default.parallelism``, or the number
        of slots.

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
        """Returns the name of the user who runs this.

        >>> sc.sparkUser() != ""
        True
        """
        import getpass

        try:
            return os.environ.get("SPARK_USER") or getpass.getuser()
        except (KeyError, OSError):
            return str(os.getuid())

    def getConf(self) -> SparkConf:
        """Returns a copy of the settings.

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
        """Returns a property that :meth:`setSystemProperty` set.

        >>> from firesteel import SparkContext
        >>> SparkContext.setSystemProperty("my.property", "value")
        >>> SparkContext.getSystemProperty("my.property")
        'value'
        """
        return SYSTEM_PROPERTIES.get(key, _ALWAYS_SET.get(key))

    def setLogLevel(self, logLevel: str) -> None:
        """Sets the level of the log on standard error from now on. Errors of jobs are raised, whatever the level.

        >>> sc.setLogLevel("WARN")
        """
        level = str(logLevel).upper()
        if level not in LOG_LEVELS:
            raise ValueError(f"Supplied level {logLevel} did not match one of: {','.join(LOG_LEVELS)}")
        self._conf.set("spark.log.level", level)
        _native.set_log_level(level)


def _refuse_in_tasks(conf: SparkConf | None) -> None:
    """A context in a task is a mistake, unless its own settings say that it is meant."""
    if _native.current_task() is None or (conf is not None and _is_true(conf, "spark.executor.allowSparkContext")):
        return
    raise FiresteelError(
        "[CONTEXT_ONLY_VALID_ON_DRIVER] SparkContext should only be created and accessed on the driver, not inside a"
        " task (SPARK-5063). A task that wants a context of its own sets spark.executor.allowSparkContext to true in"
        " that context's SparkConf."
    )


def _is_true(conf: SparkConf, key: str) -> bool:
    return (conf.get(key) or "false").strip().lower() == "true"


def _stop_at_exit(sc: SparkContext) -> None:
    """Stops the context at the interpreter's exit, so that a program without ``stop`` leaves no workers and files."""
    held = weakref.ref(sc)
    if sc._conf.get("spark.driver.recovery.dir") or sc._conf.get("firesteel.driver.recovery.dir"):
        exits.watch()

    def stop() -> None:
        context = held()
        if context is not None:
            context._end(exits.has_failed())

    atexit.register(stop)
