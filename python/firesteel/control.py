"""Jobs as their threads see them: groups, tags, properties, cancelling, status, profiles. A part of
:class:`firesteel.SparkContext`; :mod:`firesteel.jobs` stores what each thread has set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from firesteel import _native, jobs
from firesteel.errors import FiresteelError

if TYPE_CHECKING:
    from firesteel.chain import Chain
    from firesteel.context import SparkContext
    from firesteel.profiler import Profiler, ProfilerCollector
    from firesteel.status import StatusTracker

__all__ = ["Control"]


class Control:
    """Adds the methods about jobs to the context."""

    # Defined by the context.
    profiler_collector: ProfilerCollector | None

    @property
    def _native(self) -> _native.Context:
        raise NotImplementedError

    def _self(self) -> SparkContext:
        return cast("SparkContext", self)

    def setJobGroup(self, groupId: str, description: str, interruptOnCancel: bool = False) -> None:
        """Puts the jobs that this thread starts from now on into a group, to be watched and cancelled together.

        >>> sc.setJobGroup("counts", "counts words")
        >>> sc.getLocalProperty("spark.jobGroup.id")
        'counts'
        """
        jobs.set_group(self._self(), groupId, description, interruptOnCancel)

    def setInterruptOnCancel(self, interruptOnCancel: bool) -> None:
        """Sets whether tasks of this thread's cancelled jobs are interrupted.

        >>> sc.setInterruptOnCancel(True)
        """
        jobs.set_property(self._self(), jobs.INTERRUPT, "true" if interruptOnCancel else "false")

    def addJobTag(self, tag: str) -> None:
        """Adds a tag to the jobs that this thread starts from now on.

        >>> sc.addJobTag("nightly")
        >>> sc.getJobTags()
        {'nightly'}
        """
        jobs.add_tag(self._self(), tag)

    def removeJobTag(self, tag: str) -> None:
        """Removes a tag from the jobs that this thread starts from now on.

        >>> sc.addJobTag("nightly")
        >>> sc.removeJobTag("nightly")
        >>> sc.getJobTags()
        set()
        """
        jobs.remove_tag(self._self(), tag)

    def getJobTags(self) -> set[str]:
        """Returns the tags of this thread's jobs.

        >>> sc.clearJobTags()
        >>> sc.getJobTags()
        set()
        """
        return jobs.tags(self._self())

    def clearJobTags(self) -> None:
        """Removes all tags from the jobs that this thread starts from now on.

        >>> sc.addJobTag("nightly")
        >>> sc.clearJobTags()
        >>> sc.getJobTags()
        set()
        """
        jobs.clear_tags(self._self())

    def setLocalProperty(self, key: str, value: str | None) -> None:
        """Sets a property of this thread's jobs; None removes it. Tasks see it through their ``TaskContext``.

        >>> sc.setLocalProperty("step", "load")
        >>> sc.getLocalProperty("step")
        'load'
        """
        jobs.set_property(self._self(), key, value)

    def getLocalProperty(self, key: str) -> str | None:
        """Returns a property of this thread's jobs, or None.

        >>> print(sc.getLocalProperty("never.set"))
        None
        """
        return jobs.get_property(self._self(), key)

    def setJobDescription(self, value: str | None) -> None:
        """Describes the jobs that this thread starts from now on.

        >>> sc.setJobDescription("loads words")
        >>> sc.setJobDescription(None)
        """
        jobs.set_property(self._self(), jobs.DESCRIPTION, value)

    def cancelJobGroup(self, groupId: str) -> None:
        """Cancels all running jobs of a group; threads that wait for them get an error.

        >>> sc.cancelJobGroup("no such group")
        """
        self._native.cancel_job_group(groupId)

    def cancelJobsWithTag(self, tag: str) -> None:
        """Cancels all running jobs with a tag.

        >>> sc.cancelJobsWithTag("no-such-tag")
        """
        self._native.cancel_jobs_with_tag(tag)

    def cancelAllJobs(self) -> None:
        """Cancels all running jobs.

        >>> sc.cancelAllJobs()
        """
        self._native.cancel_all_jobs()

    def statusTracker(self) -> StatusTracker:
        """Returns an object that answers questions about jobs and stages.

        >>> sc.statusTracker().getActiveJobsIds()
        []
        """
        from firesteel.status import StatusTracker

        return StatusTracker(self._native)

    # -- listeners

    def addSparkListener(self, listener: object) -> None:
        """Adds a listener, which is told of what happens from now on: an object with methods of
        :class:`firesteel.SparkListener`. They are called one at a time by a thread of their own.
        ``spark.extraListeners`` names classes whose listeners are told from the beginning.

        >>> from firesteel import SparkListener
        >>> class Stages(SparkListener):
        ...     def onStageCompleted(self, stageCompleted):
        ...         print(stageCompleted.stageInfo.numberOfTasks, "tasks")
        >>> stages = Stages()
        >>> sc.addSparkListener(stages)
        >>> sc.removeSparkListener(stages)
        """
        self._self()._listeners.add(listener, self._native)

    def removeSparkListener(self, listener: object) -> None:
        """Removes a listener that :meth:`addSparkListener` added; one that is not there is not an error.

        >>> sc.removeSparkListener(None)
        """
        self._self()._listeners.remove(listener)

    # -- explanations

    def explain_last_job(self) -> str:
        """Returns why the job that was submitted last was slow or failed, in sentences with figures, each with a
        setting or call that would help; and says so if nothing stands out. docs/explaining.md has the rules. Needs
        ``spark.ui.enabled``, as the pages do.

        >>> sc.parallelize(range(10), 2).count()
        10
        >>> sc.explain_last_job()
        'Job ... (count at ...) took ...'
        """
        return self._native.explain_last_job()

    # -- failures

    def debug_last_failure(self) -> None:
        """Runs the task that failed last again in this process, on the same input, under ``pdb``.

        >>> sc.debug_last_failure  # doctest: +ELLIPSIS
        <bound method ...>
        """
        from firesteel import debug

        debug.debug_last_failure(self._self())

    # -- profiles

    def _profiled(self, chain: Chain) -> tuple[Any, Profiler | None]:
        """Returns a chain as it runs in tasks: profiled, if the settings ask for it."""
        if self.profiler_collector is None:
            return chain, None
        from firesteel.profiler import profiled

        profiler = self.profiler_collector.new_profiler(self._self())
        return profiled(profiler, chain), profiler

    def show_profiles(self) -> None:
        """Prints the profiles of all RDDs' functions. Needs the setting ``spark.python.profile``.

        >>> sc.show_profiles()
        Traceback (most recent call last):
            ...
        firesteel.errors.FiresteelError: 'spark.python.profile' or ... must be set to 'true' ...
        """
        self._profiles().show_profiles()

    def dump_profiles(self, path: str) -> None:
        """Writes the profiles of all RDDs' functions into a directory. Needs the setting ``spark.python.profile``.

        >>> sc.dump_profiles("profiles")
        Traceback (most recent call last):
            ...
        firesteel.errors.FiresteelError: 'spark.python.profile' or ... must be set to 'true' ...
        """
        self._profiles().dump_profiles(path)

    def _profiles(self) -> ProfilerCollector:
        if self.profiler_collector is None:
            raise FiresteelError(
                "'spark.python.profile' or 'spark.python.profile.memory' configuration must be set to 'true' to enable"
                " Python profile; set it in the SparkConf that the context is made with."
            )
        return self.profiler_collector
