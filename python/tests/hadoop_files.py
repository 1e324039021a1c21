"""What the tests of Hadoop's formats and settings share: formats by name, and calls of either interface."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path
from typing import Any

from firesteel import SparkContext

OLD, NEW = "org.apache.hadoop.mapred.", "org.apache.hadoop.mapreduce.lib."
TEXT_IN = {False: OLD + "TextInputFormat", True: NEW + "input.TextInputFormat"}
SEQUENCE_OUT = {False: OLD + "SequenceFileOutputFormat", True: NEW + "output.SequenceFileOutputFormat"}
TEXT_OUT = {False: OLD + "TextOutputFormat", True: NEW + "output.TextOutputFormat"}


def lines(sc: SparkContext, path: Any, newer: bool, conf: dict[str, str] | None = None) -> list[Any]:
    """The pairs that TextInputFormat gives, of either interface."""
    read = sc.newAPIHadoopFile if newer else sc.hadoopFile
    return read(str(path), TEXT_IN[newer], "LongWritable", "Text", conf=conf).collect()


def save(sc: SparkContext, pairs: list[Any], path: Any, newer: bool, formats: dict[bool, str], **more: Any) -> None:
    """Writes pairs in one partition, by either interface."""
    rdd = sc.parallelize(pairs, 1)
    save = rdd.saveAsNewAPIHadoopFile if newer else rdd.saveAsHadoopFile
    save(str(path), formats[newer], **more)


def names(path: Path) -> list[str]:
    return sorted(os.listdir(path))


def member(text: bytes) -> bytes:
    """A gzip member."""
    return gzip.compress(text)


def sequence_file(key: str, value: str, pairs: list[tuple[bytes, bytes]]) -> bytes:
    """A SequenceFile, byte for byte: header, then each record with its lengths."""
    names = [f"org.apache.hadoop.io.{name}".encode() for name in (key, value)]
    sync = bytes(range(16))
    header = b"SEQ\x06" + b"".join(bytes([len(name)]) + name for name in names) + b"\0\0" + struct.pack(">i", 0) + sync
    return header + b"".join(struct.pack(">ii", len(k) + len(v), len(k)) + k + v for k, v in pairs)
