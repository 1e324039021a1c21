"""Cases that read: files with every peculiarity of encoding, listing and format, some of which only a JVM can write."""

from __future__ import annotations

import bz2
import gzip
import struct
import zlib
from collections.abc import Iterator

from case import DELIMITER, IO, ONE_SEQUENCE_READ, RECURSIVE, Case, sequence_reads, text_reads

BODY = b"".join(b"%d\n" % number for number in range(5))
LONG = b"".join(b"%d\n" % number for number in range(9999))


def _bgzip(*blocks: bytes) -> bytes:
    """gzip in blocks that each say their length, as genomics' tools write it."""
    written = b""
    for block in blocks:
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = deflate.compress(block) + deflate.flush()
        header = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff\x06\x00BC\x02\x00" + struct.pack("<H", len(body) + 25)
        written += header + body + struct.pack("<II", zlib.crc32(block), len(block))
    return written


#: Compressed text, whole and damaged, by file names.
COMPRESSED = {
    "two members": ("x.gz", gzip.compress(BODY) + gzip.compress(b"z\n")),
    "blocked gzip": ("x.gz", _bgzip(BODY, b"z\n", b"")),
    "gzip, garbage behind": ("x.gz", gzip.compress(BODY) + b"garbage"),
    "gzip, zeros behind": ("x.gz", gzip.compress(BODY) + bytes(512)),
    "gzip, cut": ("x.gz", gzip.compress(LONG)[:-300]),
    "gzip, no trailer": ("x.gz", gzip.compress(BODY)[:-8]),
    "gzip, wrong checksum": ("x.gz", gzip.compress(BODY)[:-8] + b"\1\2\3\4" + gzip.compress(BODY)[-4:]),
    "gzip of nothing": ("x.gz", gzip.compress(b"")),
    "no bytes, gz": ("x.gz", b""),
    "text named gz": ("x.gz", BODY),
    "gz in capitals": ("x.GZ", gzip.compress(BODY)),
    "gzip named gzip": ("x.gzip", gzip.compress(b"a")),
    "gz, byte order mark": ("x.gz", gzip.compress(b"\xef\xbb\xbfa\n")),
    "bzip2": ("x.bz2", bz2.compress(BODY)),
    "bzip2, two streams": ("x.bz2", bz2.compress(BODY) + bz2.compress(b"z\n")),
    "bzip2, cut": ("x.bz2", bz2.compress(LONG)[:-5]),
    "bzip2 of nothing": ("x.bz2", bz2.compress(b"")),
    "no bytes, bz2": ("x.bz2", b""),
    "bz2 in capitals": ("x.BZ2", bz2.compress(BODY)),
    "deflate": ("x.deflate", zlib.compress(BODY)),
    "text named snappy": ("x.snappy", BODY),
    "text named lz4": ("x.lz4", BODY),
    "text named xz": ("x.xz", BODY),
}

#: Text as it may stand in a file.
PLAIN = {
    "lone CR": b"a\rb\rc",
    "CR LF": b"a\r\nb\r\n\r\nc",
    "mixed ends": b"a\n\rb\r\r\nc\n\n",
    "byte order mark": b"\xef\xbb\xbfa\nb\n",
    "byte order mark alone": b"\xef\xbb\xbf",
    "byte order mark twice": b"\xef\xbb\xbf\xef\xbb\xbfa\n",
    "byte order mark in line 2": b"a\n\xef\xbb\xbfb\n",
    "no last end": b"a\nb",
    "one end": b"\n",
    "no bytes": b"",
    "NUL": b"a\0b\n",
    "other separators": "a\vb\fc\x85d\u2028e\n".encode(),
    "bad UTF-8, lone bytes": b"a\xffb\xc3\n",
    "bad UTF-8, cut": b"\xe2\x82\n\xf0\x9f\x98\n",
    "bad UTF-8, surrogate": b"\xed\xa0\x80\n",
    "bad UTF-8, overlong": b"\xc0\xaf\xe0\x80\xaf\n",
    "bad UTF-8, too great": b"\xf5\x80\x80\x80\xf4\x90\x80\x80\n",
}

#: Folders: what is in them, and what of them is named, as text that stands behind ``path``.
LISTED: dict[str, tuple[dict[str, bytes | str | None], str]] = {
    "missing": ({"a": b"a\n"}, "'/nope'"),
    "pattern without match": ({"a": b"a\n"}, "'/nope*'"),
    "subdirectory": ({"a": b"a\n", "sub/b": b"b\n"}, "''"),
    "subdirectory alone": ({"sub/b": b"b\n"}, "''"),
    "link to nowhere": ({"a": b"a\n", "link": "->gone"}, "''"),
    "link to nowhere, named": ({"a": b"a\n", "link": "->gone"}, "'/link'"),
    "link to a file": ({"d/a": b"a\n", "d/link": "->a"}, "'/d'"),
    "link to a folder": ({"d/a": b"a\n", "e/b": b"b\n", "d/link": "->../e"}, "'/d'"),
    "nothing in it": ({"d": None}, "'/d'"),
    "hidden": ({"_x": b"x\n", ".y": b"y\n"}, "''"),
    "hidden, named": ({"_x": b"x\n"}, "'/_x'"),
    "up again": ({"a": b"a\n"}, "'/none/../a'"),
    "slash behind": ({"a": b"a\n"}, "'/a/'"),
    "pattern of folders": ({"x/a": b"a\n", "y/b": b"b\n", "z": b"c\n"}, "'/*'"),
    "braces": ({"x/a": b"a\n", "y/b": b"b\n", "z": b"c\n"}, "'/{x,y}/*'"),
    "two": ({"a": b"a\n", "b": b"b\n"}, "'/a,' + path + '/b'"),
    "twice": ({"a": b"a\n"}, "'/a,' + path + '/a'"),
    "comma at the end": ({"a": b"a\n"}, "'/a,'"),
    "blank and percent": ({"a b": b"a\n", "c%20d": b"c\n", "e#f": b"e\n"}, "''"),
}


def encodings() -> Iterator[Case]:
    """Lines of every file, by three readers."""
    for name, (file, data) in COMPRESSED.items():
        yield Case(f"file/{name}", files={file: data}, reads=text_reads())
    for name, data in PLAIN.items():
        yield Case(f"file/{name}", files={"x.txt": data}, reads=text_reads())
    yield Case("file/bytes", files={"x": b"a\xff\n"}, reads=(("textFile", "sc.textFile(path, use_unicode=False)"),))


def listings() -> Iterator[Case]:
    """What a folder's listing gives, by five readers."""
    for name, (files, named) in LISTED.items():
        reads = (
            *text_reads(path=f"path + {named}"),
            ("wholeTextFiles", f"named(sc.wholeTextFiles(path + {named}))"),
            ("binaryFiles", f"named(sc.binaryFiles(path + {named}))"),
        )
        yield Case(f"list/{name}", files=files, reads=reads)
    for reader in ("textFile", "wholeTextFiles", "binaryFiles"):
        text = f"added(path, lambda: sc.{reader}(path))"
        yield Case(f"list/added before the first action/{reader}", files={"a": b"a\n"}, reads=((reader, text),))


def settings() -> Iterator[Case]:
    """Hadoop's settings, in ``conf`` and for all."""
    fields: dict[str, bytes | str | None] = {"a": b"a;b;c\nd;e\n" * 3}
    nested: dict[str, bytes | str | None] = {"a": b"a\n", "sub/b": b"b\n"}
    numbers: dict[str, bytes | str | None] = {"a": b"0123456789abcde\n" * 1000}
    whole = (("wholeTextFiles", "named(sc.wholeTextFiles(path))"), ("binaryFiles", "named(sc.binaryFiles(path))"))
    sizes = (("split.minsize", "100000"), ("split.maxsize", "4000"))
    chosen = [(DELIMITER, ";", fields), (RECURSIVE, "true", nested)]
    chosen += [(f"mapreduce.input.fileinputformat.{key}", value, numbers) for key, value in sizes]
    for key, value, files in chosen:
        counted = tuple((name, f"counted({text})") for name, text in text_reads(f"{{'{key}': '{value}'}}")[1:])
        yield Case(f"conf/{key}", files=files, reads=counted)
        for_all = tuple((name, f"counted({text})") for name, text in text_reads())
        yield Case(f"setting/{key}", files=files, reads=(*for_all, *whole), settings=((f"spark.hadoop.{key}", value),))
    damaged: dict[str, bytes | str | None] = {"a.gz": gzip.compress(LONG)[:-300], "b": b"ok\n", "c.gz": b"no gzip"}
    yield Case("setting/ignoreCorruptFiles", files={**damaged, "a.gz": b""}, reads=text_reads(),
               settings=(("spark.files.ignoreCorruptFiles", "true"),))  # fmt: skip
    for ignored in ("true", "false"):
        reads = tuple((name, f"removed(path + '/b', lambda: {text})") for name, text in text_reads()[:1])
        yield Case(f"setting/ignoreMissingFiles={ignored}", files={"a": b"a\n", "b": b"b\n"}, reads=reads,
                   settings=(("spark.files.ignoreMissingFiles", ignored),))  # fmt: skip
        empty: dict[str, bytes | str | None] = {"a": b"", "b": b"x\n", "c": b""}
        counted = tuple((name, f"counted({text})") for name, text in text_reads())
        yield Case(f"setting/ignoreEmptySplits={ignored}", files=empty, reads=counted,
                   settings=(("spark.hadoopRDD.ignoreEmptySplits", ignored),))  # fmt: skip


def sequence_files() -> Iterator[Case]:
    """Sequence files and map files of Spark's, whole, cut, named in every way."""
    pairs = "sc.parallelize([(i, 'v%d' % i) for i in range(1000)], 1)"
    map_file = f"{pairs}.saveAsHadoopFile(path, 'org.apache.hadoop.mapred.MapFileOutputFormat')"
    for name, named in (("above", "path"), ("itself", "path + '/part-00000'"), ("pattern", "path + '/part-*'"),
                        ("data", "path + '/part-00000/data'")):  # fmt: skip
        yield Case(f"map file/{name}", map_file, reads=sequence_reads(path=named), by_spark=True)
    for name, change in (
        ("no bytes", "b''"),
        ("cut in the head", "data[:20]"),
        ("cut in a record", "data[:-3]"),
        ("no sequence file", "b'hello world, this is none at all'"),
        ("version 9", "b'SEQ' + bytes([9]) + data[4:]"),
    ):
        program = f"{pairs}.saveAsSequenceFile(path)\nchanged(path, lambda data: {change})"
        yield Case(f"sequence file/{name}", program, reads=sequence_reads(), by_spark=True)
    program = f"{pairs}.saveAsSequenceFile(path)"
    wrong = (("wrong class", f"sc.sequenceFile(path, '{IO}Text', '{IO}Text')"),
             ("unknown class", f"sc.sequenceFile(path, 'no.Such', '{IO}Text')"))  # fmt: skip
    yield Case("sequence file/classes asked for", program, reads=wrong)


#: Writables that no Python value becomes, as expressions over the JVM's package of them.
WRITABLES = {
    "ShortWritable": "io.ShortWritable()",
    "ByteWritable": "io.ByteWritable()",
    "VIntWritable": "io.VIntWritable(-2000000)",
    "VLongWritable": "io.VLongWritable(2**40)",
    "FloatWritable": "io.FloatWritable(0.1)",
    "MD5Hash": "io.MD5Hash.digest('a')",
    "ObjectWritable": "io.ObjectWritable('s')",
    "MapWritable": "map_of(io.MapWritable(), v=io.VIntWritable(5), f=io.FloatWritable(0.5))",
    "SortedMapWritable": "map_of(io.SortedMapWritable(), b=io.IntWritable(1), a=io.LongWritable(2))",
    "ArrayWritable": "io.ArrayWritable(strings('a', 'b'))",
    "UTF8": "io.UTF8('x')",
    "Text": "io.Text('é')",
    "BytesWritable": "io.BytesWritable(b'ab')",
    "NullWritable": "io.NullWritable.get()",
}


def writables() -> Iterator[Case]:
    """One file for each class, written by Hadoop's own writer."""
    for name, made in WRITABLES.items():
        program = f"from jvm import *\nio = package(sc)\nwrite(sc, path, '{name}', lambda: {made})"
        yield Case(f"writable/{name}", program, reads=ONE_SEQUENCE_READ, by_spark=True)
    for name, program in (
        ("text file", "sc.parallelize(['a'], 1).saveAsTextFile(path)"),
        ("sequence file", "sc.parallelize([(1, 'a')], 1).saveAsSequenceFile(path)"),
        ("object file", "sc._jsc.parallelize(sc._jvm.java.util.ArrayList(['a', 'b']), 1).saveAsObjectFile(path)"),
    ):
        yield Case(f"pickle/of a {name}", program, reads=(("pickleFile", "sc.pickleFile(path)"),), by_spark=True)
