"""Cases that write: each of them with types, classes, codecs and settings, in one pass over what can be combined."""

from __future__ import annotations

from collections.abc import Iterator

from case import CODECS, COMPRESS, IO, ONE_SEQUENCE_READ, ONE_TEXT_READ, OLD, NEW_OUTPUT, Case, saves, sequence_reads

#: Values by what is special about them.
VALUES = {
    "int": "7",
    "int of 32 bits, greatest": "2**31 - 1",
    "int of 32 bits, least": "-2**31",
    "int of 33 bits": "2**31",
    "int of 64 bits, greatest": "2**63 - 1",
    "int of 64 bits, least": "-2**63",
    "int of 65 bits": "2**63",
    "bool": "True",
    "float": "-0.0",
    "nan": "float('nan')",
    "infinity": "float('inf')",
    "text": "'é€😀'",
    "text with NUL": "'a\\0b'",
    "text, empty": "''",
    "bytes": "b'v\\xff'",
    "bytearray": "bytearray(b'v')",
    "None": "None",
    "list": "[1, 2]",
    "tuple": "(1, 2)",
    "tuple of text": "('a', 'b')",
    "dict": "{'a': 1, 'b': 2**40, 'c': 1.5, 'd': True, 'e': None, 'f': 'x', 'g': b'y'}",
    "dict of int": "{1: 2}",
    "dict, empty": "{}",
    "dict in dict": "{'a': {'b': 1.5}}",
    "list in dict": "{'a': [1]}",
    "array of bytes": "__import__('array').array('b', [1, 2])",
    "array of int": "__import__('array').array('i', [1, 2])",
    "array of double": "__import__('array').array('d', [1.0])",
    "date": "__import__('datetime').date(2020, 1, 2)",
    "datetime": "__import__('datetime').datetime(2020, 1, 2, 3)",
    "decimal": "__import__('decimal').Decimal('1.5')",
    "set": "{1}",
    "complex": "1j",
    "lone surrogate": "'\\ud800'",
}

#: Pairs whose values or keys are of several types.
MIXED = {
    "2**40 then 1.5": "[(1, 2**40), (2, 1.5)]",
    "1 then 2**40": "[(1, 1), (2, 2**40)]",
    "2**40 then 1": "[(1, 2**40), (2, 1)]",
    "text then None": "[(1, 'a'), (2, None)]",
    "None then text": "[(1, None), (2, 'a')]",
    "int then bool": "[(1, 7), (2, True)]",
    "bool then int": "[(1, True), (2, 7)]",
    "int then float": "[(1, 1), (2, 1.5)]",
    "float then int": "[(1, 1.5), (2, 1)]",
    "text then bytes": "[(1, 'a'), (2, b'b')]",
    "int then 2**63": "[(1, 1), (2, 2**63)]",
    "keys 1 then 2**40": "[(1, 'a'), (2**40, 'c')]",
    "keys 1 then text": "[(1, 'a'), ('b', 'c')]",
    "keys None": "[(None, 1), (None, 2)]",
    "no pairs": "[1, 2]",
    "triples": "[(1, 2, 3)]",
    "lists of two": "[[1, 2], [3, 4]]",
    "nothing": "[]",
}

#: Classes that are asked for, each with values that are of it and that are not.
ASKED = {
    "NullWritable": ("1", "None"),
    "Text": ("b'x'", "5", "True", "1.5", "None", "'a'"),
    "BooleanWritable": ("'false'", "0", "True"),
    "FloatWritable": ("1e300", "0.1", "1.5", "1"),
    "DoubleWritable": ("5", "2**60 + 1", "1.5", "True"),
    "IntWritable": ("2**40", "True", "1.5", "'5'", "5"),
    "LongWritable": ("5", "2**40", "1.5", "True"),
    "ByteWritable": ("5", "300"),
    "ShortWritable": ("5", "70000"),
    "VIntWritable": ("5", "2**40"),
    "VLongWritable": ("5", "2**40"),
    "BytesWritable": ("bytearray(b'x')", "b'x'", "'x'", "None"),
    "MapWritable": ("5", "{'a': 1}"),
    "ArrayWritable": ("[1, 2]",),
    "MD5Hash": ("b'x'",),
    "ObjectWritable": ("1",),
    "NoSuchWritable": ("1",),
}

#: Values whose text is Java's, not Python's.
SHOWN = (
    *("True", "False", "1", "2**40", "1e20", "float('inf')", "float('-inf')", "float('nan')", "0.1", "1e-5", "100.0"),
    *("1e7", "9999999.0", "12345678.9", "1e-3", "3e-4", "-0.0", "1e16", "2.0**53", "1e300", "1.0e23", "2e-3", "None"),
    *("{'a': 1}", "{'a': None, 'b': True}", "{'a': {'b': 1.5}}", "{1: 2}", "{}", "b'ab\\xff\\x01'", "b''"),
    *("bytearray(b'\\x00\\x80')", "[1, 2]", "(1, 'a', None)", "''", "'a\\tb'", "'é'", "'\\ud800'"),
)

#: Codecs that both sides have. Spark's package has no native library for Zstandard.
WITH_BOTH = ("GzipCodec", "DefaultCodec", "DeflateCodec", "BZip2Codec", "SnappyCodec", "Lz4Codec")

#: What is said in ``conf``, and what of it a writer must heed.
OPTIONS = {
    "compress": {COMPRESS: "true", COMPRESS + ".codec": CODECS + "GzipCodec"},
    "compress, older names": {
        "mapred.output.compress": "true",
        "mapred.output.compression.codec": CODECS + "GzipCodec",
    },
    "compress, no codec": {COMPRESS: "true"},
    "compress, BLOCK": {COMPRESS: "true", COMPRESS + ".codec": CODECS + "GzipCodec", COMPRESS + ".type": "BLOCK"},
    "compress, RECORD": {COMPRESS: "true", COMPRESS + ".codec": CODECS + "GzipCodec", COMPRESS + ".type": "RECORD"},
    "compress, NONE": {COMPRESS: "true", COMPRESS + ".codec": CODECS + "GzipCodec", COMPRESS + ".type": "NONE"},
    "codec, not compress": {COMPRESS + ".codec": CODECS + "GzipCodec"},
    "no mark of success": {"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false"},
    "separator": {"mapreduce.output.textoutputformat.separator": "|"},
    "separator, older name": {"mapred.textoutputformat.separator": "|"},
}


def sequences() -> Iterator[Case]:
    """``saveAsSequenceFile`` of every type, of mixed types, in every codec."""
    for name, value in VALUES.items():
        yield Case(f"sequence/value/{name}", f"sc.parallelize([(1, {value})], 1).saveAsSequenceFile(path)",
                   reads=ONE_SEQUENCE_READ)  # fmt: skip
    for name in ("int", "int of 64 bits, greatest", "bool", "float", "bytes", "tuple", "dict"):
        yield Case(f"sequence/key/{name}", f"sc.parallelize([({VALUES[name]}, 1)], 1).saveAsSequenceFile(path)",
                   reads=ONE_SEQUENCE_READ)  # fmt: skip
    for name, pairs in MIXED.items():
        yield Case(f"sequence/mixed/{name}", f"sc.parallelize({pairs}, 1).saveAsSequenceFile(path)",
                   reads=ONE_SEQUENCE_READ)  # fmt: skip
    yield Case("sequence/mixed/in another partition",
               "sc.parallelize([(1, 1), (2, 'a')], 2).saveAsSequenceFile(path)")  # fmt: skip
    yield Case("sequence/partitions without records",
               "sc.parallelize([(1, 1)], 3).saveAsSequenceFile(path)", reads=ONE_SEQUENCE_READ)  # fmt: skip
    for codec in (*WITH_BOTH, "NoSuchCodec"):
        yield Case(f"sequence/codec/{codec}", _pairs(f".saveAsSequenceFile(path, '{CODECS}{codec}')"),
                   reads=sequence_reads())  # fmt: skip


def asked_classes() -> Iterator[Case]:
    """Sequence files by both APIs with the value's class asked for."""
    for class_name, values in ASKED.items():
        for value in values:
            # One value of each class is enough to see that both APIs come to the same.
            for api in ("old", "new") if value == values[0] else ("old",):
                classes = f", keyClass='{IO}IntWritable', valueClass='{IO}{class_name}'"
                yield Case(f"class/{api}/{class_name} of {value}",
                           f"sc.parallelize([(1, {value})], 1){saves(api, 'SequenceFile', classes)}",
                           reads=ONE_SEQUENCE_READ)  # fmt: skip
    for api in ("old", "new"):
        one = f", valueClass='{IO}LongWritable'"
        yield Case(f"class/{api}/one of two", f"sc.parallelize([(1, 5)], 1){saves(api, 'SequenceFile', one)}",
                   reads=ONE_SEQUENCE_READ)  # fmt: skip
        both = f", keyClass='{IO}Text', valueClass='{IO}Text'"
        yield Case(f"class/{api}/no records", f"sc.parallelize([], 2){saves(api, 'SequenceFile', both)}",
                   reads=ONE_SEQUENCE_READ)  # fmt: skip
        yield Case(f"class/{api}/no records, none", f"sc.parallelize([], 2){saves(api, 'SequenceFile')}")


def lines() -> Iterator[Case]:
    """Text, by ``saveAsTextFile`` and by both APIs."""
    for api in ("old", "new"):
        for value in SHOWN if api == "old" else SHOWN[::4]:
            yield Case(f"line/{api}/value {value}", f"sc.parallelize([('k', {value})], 1){saves(api, 'Text')}")
        for key in ("True", "1.5", "None", "b'ab'", "''"):
            yield Case(f"line/{api}/key {key}", f"sc.parallelize([({key}, 'v')], 1){saves(api, 'Text')}")
        for name, pairs in (("both None", "[(None, None)]"), ("no pairs", "[1]"),
                            ("mixed", "[(1, 'v'), ('a', 2.5), (None, True), (2**40, None)]")):  # fmt: skip
            yield Case(f"line/{api}/{name}", f"sc.parallelize({pairs}, 1){saves(api, 'Text')}")
        yield Case(f"line/{api}/two partitions", f"sc.parallelize([(1, 1), (2, 2)], 2){saves(api, 'Text')}",
                   reads=ONE_TEXT_READ)  # fmt: skip
    for codec in (*WITH_BOTH, "NoSuchCodec"):
        text = f"sc.parallelize(['a', 'b'] * 50, 1).saveAsTextFile(path, '{CODECS}{codec}')"
        yield Case(f"line/text/codec/{codec}", text, reads=ONE_TEXT_READ)
        more = f", compressionCodecClass='{CODECS}{codec}'"
        yield Case(f"line/old/codec/{codec}", _pairs(saves("old", "Text", more)), reads=ONE_TEXT_READ)
    records = "[None, True, 1.5, b'x', 'é', (1, 2), 'a\\nb', {'a': 1}]"
    yield Case("line/text/any records", f"sc.parallelize({records}, 1).saveAsTextFile(path)", reads=ONE_TEXT_READ)
    yield Case("line/text/no records", "sc.parallelize([], 2).saveAsTextFile(path)", reads=ONE_TEXT_READ)
    there = "__import__('os').makedirs(path)\nsc.parallelize([1], 1).saveAsTextFile(path)"
    yield Case("line/text/there already", there)


def options() -> Iterator[Case]:
    """Settings in ``conf`` and in the context's own settings, for every writer."""
    for name, conf in OPTIONS.items():
        for api in ("old", "new"):
            for kind, reads in (("Text", ONE_TEXT_READ), ("SequenceFile", ONE_SEQUENCE_READ)):
                yield Case(f"conf/{name}/{api} {kind}", _pairs(saves(api, kind, f", conf={conf}")), reads=reads)
    for name in ("compress", "compress, BLOCK", "no mark of success", "separator"):
        settings = tuple((f"spark.hadoop.{key}", value) for key, value in OPTIONS[name].items())
        for writer, call, reads in _writers():
            yield Case(f"setting/{name}/{writer}", _pairs(call), reads=reads, settings=settings)
    yield from _over()


def _over() -> Iterator[Case]:
    """Writing where something is already, which one setting allows."""
    settings = (("spark.hadoop.validateOutputSpecs", "false"),)
    for writer, call, reads in _writers():
        first = f"sc.parallelize([(1, 'a'), (2, 'b')], 2){call}"
        yield Case(f"setting/over/{writer}", f"{first}\nsc.parallelize([(3, 'c')], 1){call}", reads=reads,
                   settings=settings)  # fmt: skip


def _writers() -> tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]:
    return (
        ("saveAsTextFile", ".saveAsTextFile(path)", ONE_TEXT_READ),
        ("saveAsSequenceFile", ".saveAsSequenceFile(path)", ONE_SEQUENCE_READ),
        ("saveAsPickleFile", ".saveAsPickleFile(path)", (("pickleFile", "sc.pickleFile(path)"),)),
        ("old Text", saves("old", "Text"), ONE_TEXT_READ),
        ("new Text", saves("new", "Text"), ONE_TEXT_READ),
        ("old SequenceFile", saves("old", "SequenceFile"), ONE_SEQUENCE_READ),
        ("new SequenceFile", saves("new", "SequenceFile"), ONE_SEQUENCE_READ),
    )


def others() -> Iterator[Case]:
    """Pickled records, datasets, map files, and formats that are not there."""
    read = (("pickleFile", "sc.pickleFile(path)"), ("sequenceFile", "sc.sequenceFile(path)"))
    for name, records, batch in (
        ("numbers", "range(25)", 10),
        ("mixed", "[None, (1, 2), {'a': [1]}, 'é', b'x']", 10),
        ("one by one", "[1, 'a']", 1),
        ("many one by one", "range(57)", 1),
        ("in large batches", "range(57)", 25),
        ("in batches of its own choice", "range(57)", 0),
        ("nothing", "[]", 10),
    ):
        yield Case(f"pickle/{name}", f"sc.parallelize({records}, 2).saveAsPickleFile(path, {batch})", reads=read[:1])
    dataset = (f"{{'mapreduce.output.fileoutputformat.outputdir': path, 'mapred.output.dir': path, "
               f"'mapred.output.format.class': '{OLD}TextOutputFormat', "
               f"'mapreduce.job.outputformat.class': '{NEW_OUTPUT}TextOutputFormat', "
               f"'mapreduce.job.output.key.class': '{IO}IntWritable', "
               f"'mapreduce.job.output.value.class': '{IO}Text'}}")  # fmt: skip
    for call in ("saveAsHadoopDataset", "saveAsNewAPIHadoopDataset"):
        yield Case(f"dataset/{call}", _pairs(f".{call}({dataset})"), reads=ONE_TEXT_READ)
    for api in ("old", "new"):
        yield Case(f"format/{api}/unknown", _pairs(saves(api, "NoSuch")))
        yield Case(f"format/{api}/map file", _pairs(saves(api, "MapFile")), reads=sequence_reads())
    wrong = f"sc.parallelize([(1, 1)], 1).saveAsHadoopFile(path, '{NEW_OUTPUT}TextOutputFormat')"
    yield Case("format/old/class of the new", wrong)


def _pairs(call: str) -> str:
    return f"sc.parallelize([(1, 'a'), (2, 'b')], 1){call}"
