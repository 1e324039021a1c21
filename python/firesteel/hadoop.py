"""Hadoop's format classes by name, and Hadoop's own settings: which files can be read and written here, and how.

There is no JVM, so a class cannot be loaded; its name decides. Formats of sequence files and of text are known, under
both of Hadoop's interfaces; everything else is refused with the reason. The engine reads the settings of the context
(``spark.hadoop.KEY``) and of a call (``conf``): it obeys or refuses each that would change what is read or written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from firesteel import _native
from firesteel.errors import FiresteelError

__all__ = ["Job", "Settings", "context_settings", "input_job", "output_job"]

OLDER = "org.apache.hadoop.mapred."
NEWER = ("org.apache.hadoop.mapreduce.lib.input.", "org.apache.hadoop.mapreduce.lib.output.")
LIBRARY = OLDER + "lib."
"""Where the older interface has some of its formats. The newer one has all in one package."""

SPARKS = "org.apache.spark.input."
INPUTS = {
    "SequenceFileInputFormat": "sequence",
    "TextInputFormat": "text",
    "KeyValueTextInputFormat": "key values",
    "NLineInputFormat": "counted lines",
    "CombineTextInputFormat": "combined text",
    "CombineSequenceFileInputFormat": "combined sequence",
}
IN_LIBRARY = {"NLineInputFormat", "CombineTextInputFormat", "CombineSequenceFileInputFormat"}
OUTPUTS = {"SequenceFileOutputFormat": "sequence", "TextOutputFormat": "text"}

INPUT_PATH = "mapreduce.input.fileinputformat.inputdir"
OUTPUT_PATH = "mapreduce.output.fileoutputformat.outputdir"
OUTPUT_FORMAT = "mapreduce.job.outputformat.class"
KEY_CLASS = "mapreduce.job.output.key.class"
VALUE_CLASS = "mapreduce.job.output.value.class"

Settings = list[tuple[str, str]]
"""Hadoop's keys and values, without Spark's prefix; of two with the same key the later one counts."""


class Job(NamedTuple):
    """A read or write: ``kind`` is one of the words for formats above, ``newer`` says which of Hadoop's interfaces is
    meant.
    """

    kind: str
    path: str
    newer: bool
    settings: Settings
    key_class: str | None = None
    value_class: str | None = None


def context_settings(conf: Iterable[tuple[str, str]]) -> Settings:
    """Returns the settings of a context that are Hadoop's.

    >>> context_settings([("spark.hadoop.textinputformat.record.delimiter", ";"), ("spark.app.name", "x")])
    [('textinputformat.record.delimiter', ';')]
    """
    prefixes = ("spark.hadoop.", "firesteel.hadoop.")
    settings = [
        (key[len(prefix) :], value) for key, value in conf for prefix in prefixes if key.startswith(prefix)
    ]
    _understood("SparkContext", settings)
    return settings


def input_job(
    operation: str,
    format_class: str,
    path: str | None,
    of_context: Settings,
    conf: Mapping[str, str] | None,
    *converters: str | None,
) -> Job:
    """Returns the job that reads.

    >>> input_job("hadoopFile", "org.apache.hadoop.mapred.TextInputFormat", "/data", [], None).kind
    'text'
    """
    _refuse_converters(operation, converters)
    settings = _together(operation, of_context, conf)
    known = _understood(operation, settings)
    path = path or known.get(INPUT_PATH)
    if path is None:
        raise FiresteelError(f"{operation}: no path: set {INPUT_PATH} in conf.")
    kind, newer = _kind(operation, format_class, INPUTS)
    return Job(kind, path, newer, settings)


def output_job(
    operation: str,
    format_class: str | None,
    path: str | None,
    of_context: Settings,
    conf: Mapping[str, str] | None,
    *converters: str | None,
) -> Job:
    """Returns the job that writes.

    >>> output_job("saveAsHadoopFile", "org.apache.hadoop.mapred.SequenceFileOutputFormat", "/data", [], None).kind
    'sequence'
    """
    _refuse_converters(operation, converters)
    settings = _together(operation, of_context, conf)
    known = _understood(operation, settings)
    format_class, path = format_class or known.get(OUTPUT_FORMAT), path or known.get(OUTPUT_PATH)
    if path is None or format_class is None:
        raise FiresteelError(f"{operation}: conf must say where and how: {OUTPUT_PATH} and {OUTPUT_FORMAT}.")
    kind, newer = _kind(operation, format_class, OUTPUTS)
    return Job(kind, path, newer, settings, known.get(KEY_CLASS), known.get(VALUE_CLASS))


def _together(operation: str, of_context: Settings, conf: Mapping[str, str] | None) -> Settings:
    """Merges the settings of the context and of a call. A setting that only a context can have is refused in a call."""
    shared = dict(of_context)
    for key, value in (conf or {}).items():
        if key.startswith(("fs.", "dfs.")) and shared.get(key) != value:
            raise FiresteelError(
                f"{operation}: {key} in conf is not obeyed: how stores are opened is set for the whole application."
                f" Set spark.hadoop.{key} in the SparkConf."
            )
    return [*of_context, *((key, str(value)) for key, value in (conf or {}).items())]


def _understood(operation: str, settings: Settings) -> dict[str, str]:
    """Returns the obeyed settings, by their newest names; refuses any other that would change a result."""
    try:
        return _native.hadoop_settings(settings)
    except ValueError as error:
        raise FiresteelError(f"{operation}: {error}.") from None


def _kind(operation: str, format_class: str, known: Mapping[str, str]) -> tuple[str, bool]:
    package, _, name = format_class.rpartition(".")
    older = LIBRARY if name in IN_LIBRARY else OLDER
    if name in known and package + "." in (older, *NEWER):
        return known[name], package + "." != older
    if known is INPUTS and package + "." == SPARKS:
        return _of_spark(operation, name), True
    names = ", ".join(sorted(known))
    raise FiresteelError(
        f"{operation}: the class {format_class} cannot be loaded, since there is no JVM. Known by name are {names} of "
        "org.apache.hadoop.mapred and org.apache.hadoop.mapreduce.lib; for other data read files with textFile, "
        "binaryFiles or pickleFile and parse them in a function."
    )


def _of_spark(operation: str, name: str) -> str:
    """Returns the kind of a format of Spark's own, all of which are of the newer interface."""
    if name == "WholeTextFileInputFormat" and operation.startswith("newAPI"):
        return "whole texts"
    method = {"WholeTextFileInputFormat": "wholeTextFiles", "FixedLengthBinaryInputFormat": "binaryRecords"}.get(name)
    raise FiresteelError(
        f"{operation}: the format {SPARKS}{name} gives no values that Python could hold, or not by this method. Call "
        f"{method or 'binaryFiles'}, which reads what it reads."
    )


def _refuse_converters(operation: str, converters: tuple[str | None, ...]) -> None:
    for converter in converters:
        if converter is not None:
            raise FiresteelError(
                f"{operation}: the converter {converter} is a class of the JVM, and there is no JVM. Convert in a "
                "function: .map(lambda pair: ...)."
            )
