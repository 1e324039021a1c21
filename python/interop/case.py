"""What one case of the exchange is: a program that writes or files that are there, and the ways to read them.

All texts are Python that runs in PySpark and in Firesteel alike, with ``sc`` and ``path`` given to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OLD = "org.apache.hadoop.mapred."
NEW_INPUT = "org.apache.hadoop.mapreduce.lib.input."
NEW_OUTPUT = "org.apache.hadoop.mapreduce.lib.output."
IO = "org.apache.hadoop.io."
CODECS = IO + "compress."

#: Hadoop's settings that cases set, by the names that they are called here.
COMPRESS = "mapreduce.output.fileoutputformat.compress"
DELIMITER = "textinputformat.record.delimiter"
RECURSIVE = "mapreduce.input.fileinputformat.input.dir.recursive"


@dataclass(frozen=True)
class Case:
    """One row of the table for what is written, and one for each way to read it."""

    name: str
    #: What writes to ``path``; None where the files are given.
    write: str | None = None
    #: Files that are there before anything is read: contents by path below ``path``; None for a folder, text that
    #: begins with ``->`` for a symbolic link.
    files: dict[str, bytes | str | None] = field(default_factory=dict)
    #: Ways to read: expressions that give an RDD, by names.
    reads: tuple[tuple[str, str], ...] = ()
    #: Settings of the context that both sides have for this case.
    settings: tuple[tuple[str, str], ...] = ()
    #: Whether Spark alone writes, since only the JVM has the class.
    by_spark: bool = False


def text_reads(conf: str = "{}", path: str = "path") -> tuple[tuple[str, str], ...]:
    """The three ways to read lines."""
    classes = f"'{IO}LongWritable', '{IO}Text'"
    return (
        ("textFile", f"sc.textFile({path})"),
        ("hadoopFile", f"sc.hadoopFile({path}, '{OLD}TextInputFormat', {classes}, conf={conf})"),
        ("newAPIHadoopFile", f"sc.newAPIHadoopFile({path}, '{NEW_INPUT}TextInputFormat', {classes}, conf={conf})"),
    )


def sequence_reads(key: str = "IntWritable", value: str = "Text", path: str = "path") -> tuple[tuple[str, str], ...]:
    """The three ways to read sequence files."""
    classes = f"'{IO}{key}', '{IO}{value}'"
    return (
        ("sequenceFile", f"sc.sequenceFile({path})"),
        ("hadoopFile", f"sc.hadoopFile({path}, '{OLD}SequenceFileInputFormat', {classes})"),
        ("newAPIHadoopFile", f"sc.newAPIHadoopFile({path}, '{NEW_INPUT}SequenceFileInputFormat', {classes})"),
    )


#: How sequence files are read where one way is enough.
ONE_SEQUENCE_READ = sequence_reads()[:1]

#: How lines are read where one way is enough.
ONE_TEXT_READ = text_reads()[:1]


def saves(api: str, kind: str, more: str = "") -> str:
    """The call that writes by Hadoop's older or newer API; ``kind`` is ``Text`` or ``SequenceFile``."""
    if api == "old":
        return f".saveAsHadoopFile(path, '{OLD}{kind}OutputFormat'{more})"
    return f".saveAsNewAPIHadoopFile(path, '{NEW_OUTPUT}{kind}OutputFormat'{more})"
