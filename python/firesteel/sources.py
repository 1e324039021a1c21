"""The sources of RDDs: collections of the program, ranges, files. A part of :class:`firesteel.SparkContext`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from firesteel import callsite, hadoop
from firesteel.errors import JobError

if TYPE_CHECKING:
    from firesteel._native import Context, Rdd
    from firesteel.rdd import RDD

__all__ = ["Sources"]

T = TypeVar("T")
U = TypeVar("U")

_Numbers = range
LARGEST_BATCH = 1024
"""The most records of a collection that are pickled together. Slices are cut between batches, as PySpark cuts them.
"""


class Sources:
    """Adds the methods that make RDDs to the context."""

    # Defined by the context.
    _batchSize: int
    _hadoop_settings: hadoop.Settings

    @property
    def _native(self) -> Context:
        raise NotImplementedError

    @property
    def defaultParallelism(self) -> int:
        """See :class:`firesteel.SparkContext`."""
        raise NotImplementedError

    @property
    def defaultMinPartitions(self) -> int:
        """See :class:`firesteel.SparkContext`."""
        raise NotImplementedError

    def _late(self, make: Callable[[], Rdd], site: str, kind: str) -> RDD[Any]:
        """Makes an RDD of files, which are listed on first need: by an action, or a question for the number of
        partitions. So files that are added or written in the meantime are read.
        """
        from firesteel.rdd import RDD

        rdd: RDD[Any] = RDD(None, self, site=site, make=make)  # type: ignore[arg-type]
        rdd._kind = kind
        return rdd

    def _rdd(self, native: Rdd, site: str, kind: str) -> RDD[Any]:
        from firesteel.rdd import RDD

        rdd: RDD[Any] = RDD(native, self, site=site)  # type: ignore[arg-type]
        rdd._kind = kind
        return rdd

    # -- collections

    def emptyRDD(self) -> RDD[Any]:
        """Makes an RDD without records and partitions.

        >>> sc.emptyRDD().isEmpty()
        True
        """
        site = callsite.here("emptyRDD")
        return self._rdd(self._native.parallelize([], site), site, "EmptyRDD")

    def range(self, start: int, end: int | None = None, step: int = 1, numSlices: int | None = None) -> RDD[int]:
        """Makes an RDD of the whole numbers from ``start`` (0, if one bound is given) to ``end``, exclusive, in the
        tasks.

        >>> sc.range(5).collect(), sc.range(2, 8, 3).collect()
        ([0, 1, 2, 3, 4], [2, 5])
        """
        if end is None:
            start, end = 0, start
        return self._from_range(range(start, end, step), self._slices(numSlices), callsite.here("range"))

    def parallelize(self, c: Iterable[T], numSlices: int | None = None) -> RDD[T]:
        """Makes an RDD of a collection's items, cut into ``numSlices`` partitions (``defaultParallelism`` unless
        given).

        A ``range`` is not sent but made in the tasks.

        >>> sc.parallelize([0, 2, 3, 4, 6], 5).glom().collect()
        [[0], [2], [3], [4], [6]]
        """
        return self._parallelize(c, self._slices(numSlices), callsite.here("parallelize"))

    def _slices(self, given: int | None) -> int:
        slices = self.defaultParallelism if given is None else int(given)
        if slices < 1:
            raise ValueError(f"Positive number of partitions required, not {given!r}")
        return slices

    def _parallelize(self, collection: Iterable[Any], slices: int, site: str) -> RDD[Any]:
        from firesteel.pickling import dump_records

        if isinstance(collection, range):
            return self._from_range(collection, slices, site)
        records = collection if isinstance(collection, Sized) else list(collection)
        size = max(1, min(len(records) // slices, self._batchSize or LARGEST_BATCH))
        batches = [dump_records(batch) for batch in _batches(records, size)]
        bounds = [len(batches) * i // slices for i in range(slices + 1)]
        partitions = [batches[lower:upper] for lower, upper in zip(bounds, bounds[1:])]
        return self._rdd(self._native.parallelize(partitions, site), site, "ParallelCollectionRDD")

    def _from_range(self, numbers: _Numbers, slices: int, site: str) -> RDD[int]:
        empty = self._rdd(self._native.parallelize([[] for _ in range(slices)], site), site, "ParallelCollectionRDD")
        return empty._then(_Range(numbers, slices), site)

    def fromArrow(self, data: Any, numSlices: int | None = None) -> RDD[Any]:
        """Makes an RDD of the rows of a table of Arrow's (pyarrow's, Polars', DuckDB's, pandas') or of a data set of
        pyarrow's, cut into ``numSlices`` partitions. Needs pyarrow.

        The columns travel as they are; ``mapInArrow`` and ``toArrow`` take them from there without making rows.

        >>> import pyarrow
        >>> sc.fromArrow(pyarrow.table({"n": [1, 2, 3]})).map(lambda row: row.n).sum()
        6
        """
        from firesteel.sql.creating import from_arrow
        from firesteel.sql.session import session_of

        return from_arrow(session_of(self), data, self._slices(numSlices)).rdd  # type: ignore[arg-type]

    def fromRayDataset(self, dataset: Any, path: str) -> RDD[Any]:
        """Makes an RDD of the rows of a data set of Ray, by way of Parquet files.

        Ray's tasks write them into ``path``, a new directory or a place in a store that all nodes reach; executors read
        them from there, as often as the RDD is computed. They stay until somebody removes them. Nothing passes through
        the driver. Needs ``ray[data]``.
        """
        from firesteel.raydata import from_dataset

        return from_dataset(self, dataset, path)  # type: ignore[arg-type]

    def union(self, rdds: Sequence[RDD[T]]) -> RDD[T]:
        """Makes an RDD of the records of several RDDs, one after the other.

        >>> sc.union([sc.parallelize([1]), sc.parallelize([2]), sc.parallelize([3])]).collect()
        [1, 2, 3]
        """
        if not rdds:
            return self.emptyRDD()
        first, *others = rdds
        return first._union(others, callsite.here("union"))

    # -- files

    def textFile(self, name: str, minPartitions: int | None = None, use_unicode: bool = True) -> RDD[str]:
        """Reads the lines of a text file, of all files of a directory, or of all files of a pattern or comma-separated
        list.

        Text is UTF-8; without ``use_unicode`` lines are bytes, as they are in the files. Files are split into at least
        ``minPartitions`` where their format allows it.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "text")
        ...     sc.parallelize(["x", "y", "z"], 1).saveAsTextFile(path)
        ...     sc.textFile(path).collect()
        ['x', 'y', 'z']
        """
        site = callsite.here("textFile")
        count = minPartitions or self.defaultMinPartitions
        engine, path, settings = self._native, _path(name), self._hadoop_settings
        return self._late(
            lambda: engine.text_file(path, count, use_unicode, settings, site), site, "MapPartitionsRDD"
        )

    def wholeTextFiles(
        self, path: str, minPartitions: int | None = None, use_unicode: bool = True
    ) -> RDD[tuple[str, str]]:
        """Reads files as pairs of path and text, for directories of small files.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     with open(os.path.join(directory, "a.txt"), "w") as file:
        ...         _ = file.write("hello")
        ...     sc.wholeTextFiles(directory).values().collect()
        ['hello']
        """
        site = callsite.here("wholeTextFiles")
        count = minPartitions or self.defaultMinPartitions
        engine, name, settings = self._native, _path(path), self._hadoop_settings
        return self._late(
            lambda: engine.whole_text_files(name, count, use_unicode, settings, site), site, "MapPartitionsRDD"
        )

    def binaryFiles(self, path: str, minPartitions: int | None = None) -> RDD[tuple[str, bytes]]:
        """Reads files as pairs of path and bytes.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     with open(os.path.join(directory, "a.bin"), "wb") as file:
        ...         _ = file.write(bytes([1, 2]))
        ...     sc.binaryFiles(directory).values().collect()
        [b'\\x01\\x02']
        """
        site = callsite.here("binaryFiles")
        count = minPartitions or self.defaultMinPartitions
        engine, name, settings = self._native, _path(path), self._hadoop_settings
        return self._late(lambda: engine.binary_files(name, count, settings, site), site, "BinaryFileRDD")

    def binaryRecords(self, path: str, recordLength: int) -> RDD[bytes]:
        """Reads files as records of ``recordLength`` bytes.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "a.bin")
        ...     with open(path, "wb") as file:
        ...         _ = file.write(b"abcdef")
        ...     sc.binaryRecords(path, 2).collect()
        [b'ab', b'cd', b'ef']
        """
        if recordLength < 1:
            raise ValueError(f"recordLength is a number of bytes, and cannot be {recordLength}")
        site = callsite.here("binaryRecords")
        engine, name, settings = self._native, _path(path), self._hadoop_settings
        return self._late(
            lambda: engine.binary_records(name, recordLength, settings, site), site, "MapPartitionsRDD"
        )

    def pickleFile(self, name: str, minPartitions: int | None = None) -> RDD[Any]:
        """Reads files that ``RDD.saveAsPickleFile`` wrote, here or in PySpark. Only read files that you trust:
        unpickling can run any code.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "pickled")
        ...     sc.parallelize(range(3)).saveAsPickleFile(path)
        ...     sorted(sc.pickleFile(path).collect())
        [0, 1, 2]
        """
        site = callsite.here("pickleFile")
        count = minPartitions or self.defaultMinPartitions
        engine, path, settings = self._native, _path(name), self._hadoop_settings
        return self._late(lambda: engine.pickle_file(path, count, settings, site), site, "MapPartitionsRDD")

    # -- Hadoop's formats

    def sequenceFile(
        self,
        path: str,
        keyClass: str | None = None,
        valueClass: str | None = None,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        minSplits: int | None = None,
        batchSize: int = 0,
    ) -> RDD[tuple[Any, Any]]:
        """Reads Hadoop's sequence files as pairs, whose usual Writables become Python values. The files say which
        classes they hold.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "sequence")
        ...     sc.parallelize([(1, "a"), (2, "b")]).saveAsSequenceFile(path)
        ...     sorted(sc.sequenceFile(path).collect())
        [(1, 'a'), (2, 'b')]
        """
        sequence_files = "org.apache.hadoop.mapred.SequenceFileInputFormat"
        job = hadoop.input_job(
            "sequenceFile", sequence_files, _path(path), self._hadoop_settings, None, keyConverter, valueConverter
        )
        return self._hadoop(job, minSplits, callsite.here("sequenceFile"))

    def hadoopFile(
        self,
        path: str,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Mapping[str, str] | None = None,
        batchSize: int = 0,
    ) -> RDD[tuple[Any, Any]]:
        """Reads files in a format of Hadoop as pairs: sequence files, text (offsets and lines), lines of keys and
        values, and those that cut or gather files in other ways; docs/storage.md has them. Refuses other classes.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "text")
        ...     sc.parallelize(["ab", "c"], 1).saveAsTextFile(path)
        ...     format = "org.apache.hadoop.mapred.TextInputFormat"
        ...     sc.hadoopFile(path, format, "LongWritable", "Text").collect()
        [(0, 'ab'), (3, 'c')]
        """
        job = hadoop.input_job(
            "hadoopFile", inputFormatClass, _path(path), self._hadoop_settings, conf, keyConverter, valueConverter
        )
        return self._hadoop(job, None, callsite.here("hadoopFile"))

    def newAPIHadoopFile(
        self,
        path: str,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Mapping[str, str] | None = None,
        batchSize: int = 0,
    ) -> RDD[tuple[Any, Any]]:
        """Does the same as :meth:`hadoopFile`, with the class names of Hadoop's newer API.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "sequence")
        ...     sc.parallelize([(1, "a")], 1).saveAsSequenceFile(path)
        ...     format = "org.apache.hadoop.mapreduce.lib.input.SequenceFileInputFormat"
        ...     sc.newAPIHadoopFile(path, format, "IntWritable", "Text").collect()
        [(1, 'a')]
        """
        job = hadoop.input_job(
            "newAPIHadoopFile", inputFormatClass, _path(path), self._hadoop_settings, conf, keyConverter, valueConverter
        )
        return self._hadoop(job, None, callsite.here("newAPIHadoopFile"))

    def hadoopRDD(
        self,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Mapping[str, str] | None = None,
        batchSize: int = 0,
    ) -> RDD[tuple[Any, Any]]:
        """Does the same as :meth:`hadoopFile`, with the path in ``conf``: ``mapreduce.input.fileinputformat.inputdir``.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "sequence")
        ...     sc.parallelize([(1, "a")], 1).saveAsSequenceFile(path)
        ...     conf = {"mapreduce.input.fileinputformat.inputdir": path}
        ...     format = "org.apache.hadoop.mapred.SequenceFileInputFormat"
        ...     sc.hadoopRDD(format, "IntWritable", "Text", conf=conf).collect()
        [(1, 'a')]
        """
        job = hadoop.input_job(
            "hadoopRDD", inputFormatClass, None, self._hadoop_settings, conf, keyConverter, valueConverter
        )
        return self._hadoop(job, None, callsite.here("hadoopRDD"))

    def newAPIHadoopRDD(
        self,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Mapping[str, str] | None = None,
        batchSize: int = 0,
    ) -> RDD[tuple[Any, Any]]:
        """Does the same as :meth:`hadoopRDD`, with the class names of Hadoop's newer API.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "sequence")
        ...     sc.parallelize([(1, "a")], 1).saveAsSequenceFile(path)
        ...     conf = {"mapreduce.input.fileinputformat.inputdir": path}
        ...     format = "org.apache.hadoop.mapreduce.lib.input.SequenceFileInputFormat"
        ...     sc.newAPIHadoopRDD(format, "IntWritable", "Text", conf=conf).collect()
        [(1, 'a')]
        """
        job = hadoop.input_job(
            "newAPIHadoopRDD", inputFormatClass, None, self._hadoop_settings, conf, keyConverter, valueConverter
        )
        return self._hadoop(job, None, callsite.here("newAPIHadoopRDD"))

    def _hadoop(self, job: hadoop.Job, partitions: int | None, site: str) -> RDD[Any]:
        # The newer interface has no least number of partitions: only blocks and the sizes of splits decide.
        count = 1 if job.newer else partitions or self.defaultMinPartitions
        engine = self._native
        read, cut = {
            "sequence": (engine.sequence_file, "blocks"),
            "text": (engine.line_positions, "blocks"),
            "key values": (engine.key_value_lines, "blocks"),
            "counted lines": (engine.line_positions, "lines"),
            "combined text": (engine.line_positions, "combined"),
            "combined sequence": (engine.sequence_file, "combined"),
            "whole texts": (engine.whole_texts_combined, "combined"),
        }[job.kind]
        return self._late(lambda: read(job.path, (cut, count), job.settings, site), site, "NewHadoopRDD")

    def runJob(
        self,
        rdd: RDD[T],
        partitionFunc: Callable[[Iterator[T]], Iterable[U]],
        partitions: Sequence[int] | None = None,
        allowLocal: bool = False,
    ) -> list[U]:
        """Runs a function on the iterators over some partitions (all unless given); returns its results, in their
        order.

        >>> rdd = sc.parallelize(range(6), 3)
        >>> sc.runJob(rdd, lambda part: [x * x for x in part]), sc.runJob(rdd, lambda part: [sum(part)], [0, 2])
        ([0, 1, 4, 9, 16, 25], [1, 9])
        """
        from firesteel.rdd.transformations import _Partitions

        site = rdd._function(partitionFunc, "runJob")
        chosen = None if partitions is None else list(partitions)
        for number in chosen or ():
            if not 0 <= number < rdd.getNumPartitions():
                raise JobError(
                    f"Attempting to access a non-existent partition: {number}. Total number of partitions: "
                    f"{rdd.getNumPartitions()}",
                    kind="operation",
                    operation=site,
                )
        return list(chain.from_iterable(rdd._then(_Partitions(partitionFunc, site), site)._collect_parts(site, chosen)))


class _Range:
    """A step that makes the numbers of each slice in its task."""

    def __init__(self, numbers: range, slices: int) -> None:
        self.numbers = numbers
        self.slices = slices

    def __call__(self, partition: int, records: Iterable[Any]) -> Iterable[int]:
        size = len(self.numbers)
        return self.numbers[size * partition // self.slices : size * (partition + 1) // self.slices]


def _batches(records: Iterable[Any], size: int) -> Iterator[list[Any]]:
    from firesteel.spill import chunks

    return chunks(iter(records), size)


def _path(path: Any) -> str:
    """Returns a path as text, from ``pathlib`` as well."""
    return str(os.fspath(path))
