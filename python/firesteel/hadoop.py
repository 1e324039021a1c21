"""Hadoop's format classes by name: which of them are files that can be read and written here.

There is no JVM, so a class cannot be loaded; but its name says what it does. Sequence files and text files are known,
under both of Hadoop's APIs; everything else is refused with a sentence.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from firesteel.errors import FiresteelError

__all__ = ["Job", "input_job", "output_job", "text_lines"]

PREFIXES = (
    "org.apache.hadoop.mapred.",
    "org.apache.hadoop.mapreduce.lib.input.",
    "org.apache.hadoop.mapreduce.lib.output.",
)
INPUTS = {"SequenceFileInputFormat": "sequence", "TextInputFormat": "text"}
OUTPUTS = {"SequenceFileOutputFormat": "sequence", "TextOutputFormat": "text"}


class Job(NamedTuple):
    """What is asked for: ``kind`` is "sequence" or "text"."""

    kind: str
    path: str
    key_class: str | None = None
    value_class: str | None = None
    codec: str | None = None


def input_job(
    operation: str, format_class: str, path: str | None, conf: Mapping[str, str] | None, *converters: str | None
) -> Job:
    """What to read.

    >>> input_job("hadoopFile", "org.apache.hadoop.mapred.TextInputFormat", "/data", None).kind
    'text'
    """
    _refuse_converters(operation, converters)
    settings = dict(conf or {})
    path = path or _first(settings, "mapreduce.input.fileinputformat.inputdir", "mapred.input.dir")
    if path is None:
        raise FiresteelError(f"{operation}: no path: set mapreduce.input.fileinputformat.inputdir in conf.")
    return Job(_kind(operation, format_class, INPUTS), path)


def output_job(
    operation: str, format_class: str | None, path: str | None, conf: Mapping[str, str] | None, *converters: str | None
) -> Job:
    """What to write.

    >>> output_job("saveAsHadoopFile", "org.apache.hadoop.mapred.SequenceFileOutputFormat", "/data", None).kind
    'sequence'
    """
    _refuse_converters(operation, converters)
    settings = dict(conf or {})
    format_class = format_class or _first(settings, "mapreduce.job.outputformat.class", "mapred.output.format.class")
    path = path or _first(settings, "mapreduce.output.fileoutputformat.outputdir", "mapred.output.dir")
    if path is None or format_class is None:
        raise FiresteelError(
            f"{operation}: conf must say where and how: mapreduce.output.fileoutputformat.outputdir and "
            "mapreduce.job.outputformat.class."
        )
    codec = None
    if _first(settings, "mapreduce.output.fileoutputformat.compress", "mapred.output.compress") == "true":
        codec = _first(settings, "mapreduce.output.fileoutputformat.compress.codec", "mapred.output.compression.codec")
        codec = codec or "org.apache.hadoop.io.compress.DefaultCodec"
    return Job(
        _kind(operation, format_class, OUTPUTS),
        path,
        _first(settings, "mapreduce.job.output.key.class", "mapred.output.key.class"),
        _first(settings, "mapreduce.job.output.value.class", "mapred.output.value.class"),
        codec,
    )


def _first(settings: Mapping[str, str], *names: str) -> str | None:
    return next((settings[name] for name in names if name in settings), None)


def _kind(operation: str, format_class: str, known: Mapping[str, str]) -> str:
    for prefix in PREFIXES:
        if format_class.startswith(prefix) and format_class[len(prefix) :] in known:
            return known[format_class[len(prefix) :]]
    raise FiresteelError(
        f"{operation}: the class {format_class} cannot be loaded, since there is no JVM. Known by name are "
        f"{', '.join(sorted(known))} of org.apache.hadoop.mapred and org.apache.hadoop.mapreduce.lib; for other data "
        f"read "
        "files with textFile, binaryFiles or pickleFile and parse them in a function."
    )


def _refuse_converters(operation: str, converters: tuple[str | None, ...]) -> None:
    for converter in converters:
        if converter is not None:
            raise FiresteelError(
                f"{operation}: the converter {converter} is a class of the JVM, which there is none of. Convert in a "
                f"function: "
                ".map(lambda pair: ...)."
            )


def text_lines(file: tuple[str, bytes]) -> Iterator[tuple[int, str]]:
    """The lines of a file with the places that they begin at, as TextInputFormat gives them.

    >>> list(text_lines(("a.txt", b"one\\ntwo\\n")))
    [(0, 'one'), (4, 'two')]
    """
    path, data = file
    if path.endswith((".gz", ".deflate")):
        data = zlib.decompressobj(wbits=47).decompress(data)
    start = 0
    for line in data.splitlines(keepends=True) if b"\r" not in data else data.split(b"\n"):
        whole = line if line.endswith(b"\n") else line + b"\n"
        if start < len(data):
            yield start, line.rstrip(b"\r\n").decode("utf-8", "replace")
        start += len(whole)
