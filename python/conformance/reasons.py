"""Which examples cannot pass without a JVM, by rule: what they name tells what they need.

Nothing is excused by its name in a list. An example that some rule covers is run like all others, and counts as passed
where it passes; the rule only says why it does not where it does not.
"""

from __future__ import annotations

import re

#: Pattern over the source of a docstring's examples, and what it means.
NEEDS_JVM: list[tuple[str, str]] = [
    (
        r"\bspark\.sql\(|pyspark\.sql\.functions|pyspark\.sql import functions|\bsession\)",
        "queries on data frames run in a JVM",
    ),
    (r"pyspark\.sql import is_remote", "Spark Connect, whose other side is a JVM"),
    (
        r"\.(saveAs(NewAPI)?Hadoop(File|Dataset)|(newAPIHadoop|hadoop)(File|RDD))\(",
        "names Hadoop's input and output format classes, which are Java",
    ),
    (
        r"\b_jvm\b|\b_jsc\b|\b_jsparkSession\b|\b_jrdd\b|\b_jconf\b|\bpy4j\b|java_gateway",
        "reaches into the JVM through py4j",
    ),
]

#: Pattern over the source, and why ours answers otherwise for good.
DIFFERS_FOR_GOOD: list[tuple[str, str]] = [
    (r"\b\d+L\b", "shows a whole number as Python 2 did; PySpark itself differs from it"),
    (r"\.uiWebUrl\b", "asks for the address of the pages, which are newer than this table"),
    (r"\.withResources\(", "asks for other resources than all tasks of the application have, which is refused"),
    (r"pyspark/util\.py", "looks for the file names of PySpark's own frames in a traceback"),
]


def needs_jvm(source: str) -> str | None:
    """Why a docstring's examples need a JVM; None where they do not."""
    return _first(NEEDS_JVM, source)


def differs_for_good(source: str) -> str | None:
    """Why a docstring's examples are about PySpark's inside; None where they are not."""
    return _first(DIFFERS_FOR_GOOD, source)


def _first(rules: list[tuple[str, str]], source: str) -> str | None:
    return next((reason for pattern, reason in rules if re.search(pattern, source)), None)
