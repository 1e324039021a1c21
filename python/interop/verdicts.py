"""What a row of the table comes to, and where Firesteel is knowingly better, or lacks something, each with the reason.

Every reason stands in the documentation by its name (``docs/storage.md``), and is of use: one that no row bears out any
more is told, so that this table does not outlive what it excuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase


class Verdict(Enum):
    """What two outcomes are to each other."""

    EQUAL = "equal"
    REFUSED = "refused on both sides"
    BETTER = "better"
    #: Firesteel has it not, says so at once, and so does the documentation.
    ABSENT = "not there, and told"
    DIFFERENT = "DIFFERENT"


@dataclass(frozen=True)
class Outcome:
    """What came of a program on one side."""

    good: bool
    text: str

    @property
    def shown(self) -> str:
        """As the table shows it."""
        return self.text if self.good else f"refused: {self.text}"


@dataclass(frozen=True)
class Row:
    """A line of the table. Where both sides wrote, each side's outcomes are of its own files and of the other's."""

    name: str
    spark: tuple[Outcome, ...]
    firesteel: tuple[Outcome, ...]


@dataclass(frozen=True)
class Known:
    """A difference that is known: rows by their names, what either side must say in them, and why."""

    reason: str
    rows: str
    spark: str
    firesteel: str
    kind: Verdict = Verdict.BETTER

    def covers(self, row: Row) -> bool:
        """Whether this is the row's difference, in everything that both sides said."""
        return (
            any(fnmatchcase(row.name, pattern) for pattern in self.rows.split(" | "))
            and all(re.search(self.spark, outcome.shown) for outcome in row.spark)
            and all(re.search(self.firesteel, outcome.shown) for outcome in row.firesteel)
        )


#: What is refused with the value's type and what can be written.
NO_WRITABLE = "^refused: JobError: TypeError: .* cannot be written as a Writable"

#: Each reason is a name in the documentation.
KNOWN: tuple[Known, ...] = (
    Known(
        "Tuples are refused when they are written",
        "sequence/*/tuple* | line/*/value (*",
        "^_SUCCESS part-.*ArrayWritable",
        NO_WRITABLE,
    ),
    Known(
        "Text without Unicode is refused", "*lone surrogate | line/*surrogate | line/*ud800*", "^_SUCCESS", NO_WRITABLE
    ),
    Known(
        "A class that holds the value exactly may be asked for",
        "class/*Writable of *",
        "^refused: .*wrong value class",
        "^_SUCCESS part-(r-)?00000<version 6 IntWritable (Byte|Short|Long|VInt|VLong|Float|Double)Writable>$",
    ),
    Known(
        "More classes are read",
        "class/*/V*Writable of * > sequenceFile | writable/* > sequenceFile",
        "^refused: .*had a not serializable result",
        "^1 records: ",
    ),
    Known(
        "One class of two counts",
        "class/*/one of two",
        "^_SUCCESS part-(r-)?00000<version 6 IntWritable IntWritable>$",
        "^_SUCCESS part-(r-)?00000<version 6 IntWritable LongWritable>$",
    ),
    Known(
        "No records are written, too",
        "sequence/mixed/nothing | class/*/no records, none",
        "^refused: .*empty collection",
        "^_SUCCESS part-(r-)?00000<version 6 NullWritable NullWritable>",
    ),
    Known("Lists of two are pairs", "sequence/mixed/lists of two", "^refused: .*ArrayList", "^_SUCCESS part-00000<"),
    Known(
        "deflate has one name",
        "sequence/codec/DeflateCodec",
        "BLOCK compress.DeflateCodec>$",
        "BLOCK compress.DefaultCodec>$",
    ),
    Known("Numbers have the fewest digits", "line/*/value 1.0e23", r"9\.999999999999999E22", r"1\.0E23"),
    Known(
        "Damage is an error",
        "file/bzip2, cut > *",
        "^9999 records: ",
        "^refused: JobError: could not read PATH/x.bz2: .*cut short",
    ),
    Known(
        "Damage is an error",
        "file/text named snappy > * | file/text named lz4 > *",
        "^0 records: $",
        "^refused: JobError: could not read PATH/x.(snappy|lz4): .* is corrupt",
    ),
    Known(
        "A gzip file may be padded with zeros",
        "file/gzip, zeros behind > *",
        "^refused: .*not a gzip file",
        "^5 records: ",
    ),
    Known(
        "Bytes without meaning are replaced as Python does",
        "file/bad UTF-8, surrogate > *",
        "'\ufffd'",
        "'\ufffd\ufffd\ufffd'",
    ),
    Known(
        "A link to nowhere is an error",
        "list/link to nowhere > *",
        "^1 records: ",
        "^refused: JobError: could not list PATH/link: ",
    ),
    Known(
        "A hidden file that is named is read", "list/hidden, named > *", "^refused: .*does not exist", "^1 records: "
    ),
    Known(
        "`conf` counts in `hadoopFile`",
        "conf/*record.delimiter > hadoopFile",
        "^2 partitions, 6 records: ",
        "^2 partitions, 10 records: ",
    ),
    Known(
        "`conf` counts in `hadoopFile`",
        "conf/*recursive > hadoopFile",
        "^refused: .*is a directory",
        "^2 partitions, 2 records: ",
    ),
    Known(
        "`conf` counts in `hadoopFile`",
        "conf/*split.minsize > hadoopFile",
        "^2 partitions, 1000 records: ",
        "^1 partitions, 1000 records: ",
    ),
    Known(
        "`conf` counts in `hadoopFile`",
        "conf/*split.maxsize > hadoopFile",
        "^2 partitions, 1000 records: ",
        "^4 partitions, 1000 records: ",
    ),
    Known(
        "The greatest size of splits counts everywhere",
        "setting/*split.maxsize > *",
        "^2 partitions, 1000 records: ",
        "^4 partitions, 1000 records: ",
    ),
    Known("A map file is its data", "map file/itself > * | map file/pattern > *", "^1008 records: ", "^1000 records: "),
    Known(
        "Outputs never mix",
        "setting/over/*",
        "^(_SUCCESS part-|2 records: )",
        '^refused: FiresteelError: SparkContext: spark.hadoop.validateOutputSpecs = "false" is not obeyed',
    ),
    Known(
        "Files say which classes they hold",
        "sequence file/classes asked for > unknown class",
        "^refused: .*ClassNotFoundException",
        "^1000 records: ",
    ),
    Known(
        "Only text and SequenceFiles are written",
        "format/*/map file",
        "^_SUCCESS part-(r-)?00000/data<",
        "^refused: FiresteelError: .*cannot be loaded",
        Verdict.ABSENT,
    ),
    Known(
        "Only the types of the table are written",
        "sequence/value/array of bytes",
        "BytesWritable>$",
        NO_WRITABLE,
        Verdict.ABSENT,
    ),
)

#: What no refusal may look like.
ACCIDENTS = re.compile(r"panicked|unwrap|index out of|Traceback|UnpicklingError|AttributeError|KeyError|NameError")


def verdict(row: Row) -> tuple[Verdict, str]:
    """What the row comes to; for what is known, why."""
    outcomes = {outcome.text if outcome.good else None for outcome in (*row.spark, *row.firesteel)}
    if len(outcomes) == 1:
        return (Verdict.EQUAL, "") if None not in outcomes else _refused(row)
    for known in KNOWN:
        if known.covers(row):
            return known.kind, known.reason
    return Verdict.DIFFERENT, ""


def _refused(row: Row) -> tuple[Verdict, str]:
    """Both sides refused; Firesteel must have meant to."""
    accident = any(ACCIDENTS.search(outcome.text) for outcome in row.firesteel)
    return (Verdict.DIFFERENT if accident else Verdict.REFUSED), ""


def unused(rows: list[Row]) -> list[Known]:
    """What nothing bears out."""
    return [known for known in KNOWN if not any(known.covers(row) for row in rows)]
