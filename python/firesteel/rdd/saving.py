"""Actions that write all records to files: text, pickled batches, Hadoop's sequence files.

A directory gets a file for each partition and ``_SUCCESS``; one that exists already is refused. The engine decides
which files are written when, and commits them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from firesteel import callsite, hadoop
from firesteel.chain import OfRecords
from firesteel.rdd.numbers import Numbers

__all__ = ["Saving"]

T_co = TypeVar("T_co", covariant=True)
K = TypeVar("K")
V = TypeVar("V")


class Saving(Numbers[T_co]):
    """Adds the actions that write files to the RDD."""

    def saveAsTextFile(self, path: str, compressionCodecClass: str | None = None) -> None:
        """Writes each record as a line of text: ``str(record)`` as UTF-8, or bytes, which should be UTF-8.

        ``compressionCodecClass`` is a class name of Hadoop, such as ``org.apache.hadoop.io.compress.GzipCodec``.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "text")
        ...     sc.parallelize(["foo", "bar"], 2).saveAsTextFile(path)
        ...     sorted(sc.textFile(path).collect())
        ['bar', 'foo']
        """
        self._save_text(path, compressionCodecClass, OfRecords(_as_lines), callsite.here("saveAsTextFile"))

    def _save_text(self, path: str, codec: str | None, step: Any, site: str) -> None:
        native = self._then(step, site)._native
        self.ctx._before_job()
        native.save_as_text_file(_text(path), codec, self.ctx._hadoop_settings, site)

    def saveAsPickleFile(self, path: str, batchSize: int = 10) -> None:
        """Writes all records pickled, ``batchSize`` at a time; ``SparkContext.pickleFile``, PySpark's too, reads them.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "pickled")
        ...     sc.parallelize([1, 2, "spark", {"rdd": 3}]).saveAsPickleFile(path, 3)
        ...     sorted(sc.pickleFile(path, 5).map(str).collect())
        ['1', '2', 'spark', "{'rdd': 3}"]
        """
        native = self._native
        self.ctx._before_job()
        native.save_as_pickle_file(_text(path), batchSize, self.ctx._hadoop_settings, callsite.here("saveAsPickleFile"))

    def saveAsSequenceFile(self: Saving[tuple[K, V]], path: str, compressionCodecClass: str | None = None) -> None:
        """Writes pairs as sequence files of Hadoop; their Writables are chosen by the Python types of the first pair.

        All keys have one class, and all values: a record of another one fails the job, which then leaves nothing.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "sequence")
        ...     sc.parallelize([(1, "a"), (2, "b")]).saveAsSequenceFile(path)
        ...     sorted(sc.sequenceFile(path).collect())
        [(1, 'a'), (2, 'b')]
        """
        job = hadoop.Job("sequence", _text(path), False, self.ctx._hadoop_settings)
        self._save_hadoop(job, compressionCodecClass, callsite.here("saveAsSequenceFile"))

    def saveAsHadoopFile(
        self: Saving[tuple[K, V]],
        path: str,
        outputFormatClass: str,
        keyClass: str | None = None,
        valueClass: str | None = None,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Mapping[str, str] | None = None,
        compressionCodecClass: str | None = None,
    ) -> None:
        """Writes pairs in a format of Hadoop: text (``key<tab>value``, each as Java writes it: ``true``, ``1.0E20``,
        ``{a=1}``) or sequence files; refuses other classes.

        ``keyClass`` and ``valueClass`` ask for other Writables than the types' own; a value that would not come back as
        an equal one fails the job.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "text")
        ...     sc.parallelize([(1, "a")], 1).saveAsHadoopFile(path, "org.apache.hadoop.mapred.TextOutputFormat")
        ...     sc.textFile(path).collect()
        ['1\\ta']
        """
        job = hadoop.output_job(
            "saveAsHadoopFile",
            outputFormatClass,
            _text(path),
            self.ctx._hadoop_settings,
            conf,
            keyConverter,
            valueConverter,
        )
        job = job._replace(key_class=keyClass or job.key_class, value_class=valueClass or job.value_class)
        self._save_hadoop(job, compressionCodecClass, callsite.here("saveAsHadoopFile"))

    def saveAsNewAPIHadoopFile(
        self: Saving[tuple[K, V]],
        path: str,
        outputFormatClass: str,
        keyClass: str | None = None,
        valueClass: str | None = None,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: Mapping[str, str] | None = None,
    ) -> None:
        """Does the same as :meth:`saveAsHadoopFile`, with the class names of Hadoop's newer API.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "sequence")
        ...     format = "org.apache.hadoop.mapreduce.lib.output.SequenceFileOutputFormat"
        ...     sc.parallelize([(1, "a")], 1).saveAsNewAPIHadoopFile(path, format)
        ...     sc.sequenceFile(path).collect()
        [(1, 'a')]
        """
        job = hadoop.output_job(
            "saveAsNewAPIHadoopFile",
            outputFormatClass,
            _text(path),
            self.ctx._hadoop_settings,
            conf,
            keyConverter,
            valueConverter,
        )
        job = job._replace(key_class=keyClass or job.key_class, value_class=valueClass or job.value_class)
        self._save_hadoop(job, None, callsite.here("saveAsNewAPIHadoopFile"))

    def saveAsHadoopDataset(
        self: Saving[tuple[K, V]],
        conf: Mapping[str, str],
        keyConverter: str | None = None,
        valueConverter: str | None = None,
    ) -> None:
        """Does the same as :meth:`saveAsHadoopFile`, with path and class named in ``conf``.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "text")
        ...     format = "org.apache.hadoop.mapred.TextOutputFormat"
        ...     conf = {"mapred.output.dir": path, "mapred.output.format.class": format}
        ...     sc.parallelize([(1, "a")], 1).saveAsHadoopDataset(conf)
        ...     sc.textFile(path).collect()
        ['1\\ta']
        """
        job = hadoop.output_job(
            "saveAsHadoopDataset", None, None, self.ctx._hadoop_settings, conf, keyConverter, valueConverter
        )
        self._save_hadoop(job, None, callsite.here("saveAsHadoopDataset"))

    def saveAsNewAPIHadoopDataset(
        self: Saving[tuple[K, V]],
        conf: Mapping[str, str],
        keyConverter: str | None = None,
        valueConverter: str | None = None,
    ) -> None:
        """Does the same as :meth:`saveAsHadoopDataset`, with the settings and class names of Hadoop's newer API.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "text")
        ...     format = "org.apache.hadoop.mapreduce.lib.output.TextOutputFormat"
        ...     conf = {"mapreduce.output.fileoutputformat.outputdir": path, "mapreduce.job.outputformat.class": format}
        ...     sc.parallelize([(1, "a")], 1).saveAsNewAPIHadoopDataset(conf)
        ...     sc.textFile(path).collect()
        ['1\\ta']
        """
        job = hadoop.output_job(
            "saveAsNewAPIHadoopDataset", None, None, self.ctx._hadoop_settings, conf, keyConverter, valueConverter
        )
        self._save_hadoop(job, None, callsite.here("saveAsNewAPIHadoopDataset"))

    def _save_hadoop(self, job: hadoop.Job, codec: str | None, site: str) -> None:
        native = self._native
        self.ctx._before_job()
        if job.kind == "text":
            native.save_as_hadoop_text(job.path, codec, job.newer, job.settings, site)
        else:
            classes = (job.key_class, job.value_class)
            native.save_as_sequence_file(job.path, codec, *classes, job.newer, job.settings, site)


def _text(path: Any) -> str:
    """Returns a path as text, from ``pathlib`` as well."""
    import os

    return str(os.fspath(path))


def _as_line(record: Any) -> bytes:
    if isinstance(record, bytes):
        return record
    return (record if isinstance(record, str) else str(record)).encode("utf-8")


def _as_lines(records: Iterable[Any]) -> Iterator[bytes]:
    return (record.encode() if type(record) is str else _as_line(record) for record in records)
