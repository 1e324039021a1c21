"""What the programs of both sides look with: written files as text, and records as text.

Text, since that is equal or not, travels, and can be shown.
"""

from __future__ import annotations

import bz2
import gzip
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: How much of an answer is kept as it is.
LONGEST = 4000


def written(path: str) -> str:
    """Names and contents of what a job left: lines as they are, of sequence files what their heads say."""
    root = Path(path)
    if not root.exists():
        return "nothing"
    files = sorted(file for file in root.rglob("*") if file.is_file() and not file.name.endswith(".crc"))
    return " ".join(f"{file.relative_to(root)}{_content(file)}" for file in files)[:LONGEST] or "an empty folder"


def _content(file: Path) -> str:
    data = file.read_bytes()
    if file.name == "_SUCCESS":
        return ""
    if data[:3] == b"SEQ":
        return f"<{_head(data)}>"
    if file.suffix == ".gz":
        data = gzip.decompress(data)
    elif file.suffix == ".bz2":
        data = bz2.decompress(data)
    elif file.suffix == ".deflate":
        data = zlib.decompress(data)
    elif file.suffix in (".snappy", ".lz4", ".zst"):
        # How many bytes these take is a matter of taste; the readers say what is in them.
        return ""
    return f"<{data!r}>"


def _head(data: bytes) -> str:
    """Classes, kind of compression and codec of a sequence file."""
    words, at = [f"version {data[3]}"], 4
    for _ in range(2):
        word, at = _word(data, at)
        words.append(word)
    compressed, blocks = data[at], data[at + 1]
    if compressed:
        words += ["BLOCK" if blocks else "RECORD", _word(data, at + 2)[0]]
    return " ".join(words)


def _word(data: bytes, at: int) -> tuple[str, int]:
    """A text with its length before it, which is of one byte for names as short as these."""
    length = data[at]
    return data[at + 1 : at + 1 + length].decode().removeprefix("org.apache.hadoop.io."), at + 1 + length


def records(rdd: Any) -> str:
    """All records in an order that depends on nothing but them: files are listed in any order."""
    before = f"{rdd.rdd.getNumPartitions()} partitions, " if isinstance(rdd, Counted) else ""
    texts = sorted(map(repr, rdd.rdd.collect() if isinstance(rdd, Counted) else rdd.collect()))
    text = f"{before}{len(texts)} records: {', '.join(texts)}"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ... {zlib.crc32(text.encode()):x}"


class Counted:
    """An RDD of which the number of partitions is an answer, too."""

    def __init__(self, rdd: Any) -> None:
        self.rdd = rdd


def counted(rdd: Any) -> Counted:
    """The RDD with its number of partitions."""
    return Counted(rdd)


def named(rdd: Any) -> Any:
    """Pairs of path and contents with the last part of the path alone."""
    return rdd.map(lambda pair: (pair[0].rsplit("/", 1)[-1], pair[1]))


def added(path: str, make: Callable[[], Any]) -> Any:
    """The RDD, and a file that is written after it was made."""
    rdd = make()
    Path(path, "added").write_bytes(b"later\n")
    return rdd.map(lambda record: record if isinstance(record, str) else os.path.basename(record[0]))


def removed(file: str, make: Callable[[], Any]) -> Any:
    """The RDD, and a file that is gone after it was listed."""
    rdd = make()
    rdd.getNumPartitions()
    os.remove(file)
    return rdd


def changed(path: str, change: Callable[[bytes], bytes]) -> None:
    """Changes what was written behind the back of its checksum."""
    file = Path(path, "part-00000")
    file.write_bytes(change(file.read_bytes()))
    Path(path, ".part-00000.crc").unlink(missing_ok=True)
