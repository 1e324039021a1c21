"""luigi's ``PySparkTask``: a task that luigi pickles and submits, with ``firesteel submit`` for ``spark-submit``."""

import os
import stat
import sys
from pathlib import Path

import luigi
from luigi.contrib.spark import PySparkTask

submit = Path("spark-submit").absolute()
submit.write_text(f'#!/bin/sh\nexec {sys.executable} -m firesteel.cli submit --as-pyspark "$@"\n')
submit.chmod(submit.stat().st_mode | stat.S_IXUSR)
Path("words.txt").write_text("to be or\nnot to be\n")
Path("word_count.py").write_text(
    """
import luigi
from luigi.contrib.spark import PySparkTask

class WordCount(PySparkTask):
    master = "local[2]"

    def output(self):
        return luigi.LocalTarget("counts")

    def app_options(self):
        return ["words.txt", self.output().path]

    def main(self, sc, *args):
        sc.textFile(args[0]).flatMap(lambda line: line.split()).map(lambda word: (word, 1)).reduceByKey(
            lambda a, b: a + b
        ).saveAsTextFile(args[1])
"""
)
luigi.configuration.get_config().set("spark", "spark-submit", str(submit))
sys.path.insert(0, os.getcwd())
from word_count import WordCount  # noqa: E402

assert issubclass(WordCount, PySparkTask)
assert luigi.build([WordCount()], local_scheduler=True)
lines = sorted(line for part in Path("counts").glob("part-*") for line in part.read_text().splitlines())
assert lines == ["('be', 2)", "('not', 1)", "('or', 1)", "('to', 2)"], lines
