"""Actions that write all records to files: text, pickled batches, Hadoop's sequence files.

A directory gets a file for each partition and ``_SUCCESS``; one that exists already is refused. Which files are written
when and committed is the engine's matter.
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
    """See the module's description."""

    def saveAsTextFile(self, path: str, compressionCodecClass: str | None = None) -> None:
        """Writes each record as a line of text: ``str(record)`` as UTF-8, or bytes, which are taken for UTF-8.

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
        native.save_as_text_file(_text(path), codec, site)

    def saveAsPickleFile(self, path: str, batchSize: int = 10) -> None:
        """Writes all records pickled, ``batchSize`` at a time; ``SparkContext.pickleFile`` reads them.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "pickled")
        ...     sc.parallelize([1, 2, "spark", {"rdd": 3}]).saveAsPickleFile(path, 3)
        ...     sorted(sc.pickleFile(path, 5).map(str).collect())
        ['1', '2', 'spark', "{'rdd': 3}"]
        """
        native = self._native
        self.ctx._before_job()
        native.save_as_pickle_file(_text(path), batchSize, callsite.here("saveAsPickleFile"))

    def saveAsSequenceFile(self: Saving[tuple[K, V]], path: str, compressionCodecClass: str | None = None) -> None:
        """Writes pairs as sequence files of Hadoop; their Writables are chosen by the Python types.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "sequence")
        ...     sc.parallelize([(1, "a"), (2, "b")]).saveAsSequenceFile(path)
        ...     sorted(sc.sequenceFile(path).collect())
        [(1, 'a'), (2, 'b')]
        """
        self._save_sequence(path, compressionCodecClass, None, None, callsite.here("saveAsSequenceFile"))

    def _save_sequence(
        self, path: str, codec: str | None, key_class: str | None, value_class: str | None, site: str
    ) -> None:
        native = self._native
        self.ctx._before_job()
        native.save_as_sequence_file(_text(path), codec, key_class, value_class, site)

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
        """Writes pairs in a format of Hadoop: text (``key<tab>value``) or sequence files; other classes are refused.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "text")
        ...     sc.parallelize([(1, "a")], 1).saveAsHadoopFile(path, "org.apache.hadoop.mapred.TextOutputFormat")
        ...     sc.textFile(path).collect()
        ['1\\ta']
        """
        job = hadoop.output_job("saveAsHadoopFile", outputFormatClass, path, conf, keyConverter, valueConverter)
        job = job._replace(key_class=keyClass or job.key_class, value_class=valueClass or job.value_class)
        self._save_hadoop(job._replace(codec=compressionCodecClass or job.codec), callsite.here("saveAsHadoopFile"))

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
        """The same with the class names of Hadoop's newer API.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "sequence")
        ...     format = "org.apache.hadoop.mapreduce.lib.output.SequenceFileOutputFormat"
        ...     sc.parallelize([(1, "a")], 1).saveAsNewAPIHadoopFile(path, format)
        ...     sc.sequenceFile(path).collect()
        [(1, 'a')]
        """
        job = hadoop.output_job("saveAsNewAPIHadoopFile", outputFormatClass, path, conf, keyConverter, valueConverter)
        job = job._replace(key_class=keyClass or job.key_class, value_class=valueClass or job.value_class)
        self._save_hadoop(job, callsite.here("saveAsNewAPIHadoopFile"))

    def saveAsHadoopDataset(
        self: Saving[tuple[K, V]],
        conf: Mapping[str, str],
        keyConverter: str | None = None,
        valueConverter: str | None = None,
    ) -> None:
        """The same with path and class named in ``conf``.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "text")
        ...     format = "org.apache.hadoop.mapred.TextOutputFormat"
        ...     conf = {"mapred.output.dir": path, "mapred.output.format.class": format}
        ...     sc.parallelize([(1, "a")], 1).saveAsHadoopDataset(conf)
        ...     sc.textFile(path).collect()
        ['1\\ta']
        """
        job = hadoop.output_job("saveAsHadoopDataset", None, None, conf, keyConverter, valueConverter)
        self._save_hadoop(job, callsite.here("saveAsHadoopDataset"))

    def saveAsNewAPIHadoopDataset(
        self: Saving[tuple[K, V]],
        conf: Mapping[str, str],
        keyConverter: str | None = None,
        valueConverter: str | None = None,
    ) -> None:
        """The same with the settings and class names of Hadoop's newer API.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "text")
        ...     format = "org.apache.hadoop.mapreduce.lib.output.TextOutputFormat"
        ...     conf = {"mapreduce.output.fileoutputformat.outputdir": path, "mapreduce.job.outputformat.class": format}
        ...     sc.parallelize([(1, "a")], 1).saveAsNewAPIHadoopDataset(conf)
        ...     sc.textFile(path).collect()
        ['1\\ta']
        """
        job = hadoop.output_job("saveAsNewAPIHadoopDataset", None, None, conf, keyConverter, valueConverter)
        self._save_hadoop(job, callsite.here("saveAsNewAPIHadoopDataset"))

    def _save_hadoop(self, job: hadoop.Job, site: str) -> None:
        if job.kind == "text":
            self._save_text(job.path, job.codec, OfRecords(_as_tabbed_lines), site)
        else:
            self._save_sequence(job.path, job.codec, job.key_class, job.value_class, site)


def _text(path: Any) -> str:
    """A path as text, from ``pathlib`` as well."""
    import os

    return str(os.fspath(path))


def _as_line(record: Any) -> bytes:
    if isinstance(record, bytes):
        return record
    return (record if isinstance(record, str) else str(record)).encode("utf-8")


def _as_lines(records: Iterable[Any]) -> Iterator[bytes]:
    return (record.encode() if type(record) is str else _as_line(record) for record in records)


def _as_tabbed_lines(pairs: Iterable[tuple[Any, Any]]) -> Iterator[bytes]:
    """As TextOutputFormat writes pairs: without the tab where key or value is None."""
    return (b"\t".join(_as_line(part) for part in pair if part is not None) for pair in pairs)
