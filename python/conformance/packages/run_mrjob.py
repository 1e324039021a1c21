"""mrjob's own examples, which the package ships: two jobs by its Spark harness, and its word counts for Spark."""

import runpy
import sys
from pathlib import Path

from mrjob.examples.mr_spark_wordcount import MRSparkWordcount
from mrjob.spark.harness import main
from pyspark import SparkContext

Path("lines.txt").write_text("to be or\nnot to be\nyou but you\n")


def lines(folder):
    return sorted(line for part in Path(folder).glob("part-*") for line in part.read_text().splitlines())


main(["mrjob.examples.mr_word_freq_count.MRWordFreqCount", "lines.txt", "frequencies"])
assert {word: count for word, count in map(str.split, lines("frequencies"))} == {
    '"be"': "2",
    '"not"': "1",
    '"or"': "1",
    '"to"': "2",
    '"but"': "1",
    '"you"': "2",
}
SparkContext.getOrCreate().stop()
counters = ["--counter-output-dir", "counters"]
main(["mrjob.examples.mr_count_lines_right.MRCountLinesRight", "lines.txt", "total", *counters])
assert lines("total") == ["null\t3"] and Path("counters/part-00000").exists()
SparkContext.getOrCreate().stop()

counted = ["('be', 2)", "('but', 1)", "('not', 1)", "('or', 1)", "('to', 2)", "('you', 2)"]
MRSparkWordcount([]).spark("lines.txt", "counts")
assert lines("counts") == counted
sys.argv = ["spark_wordcount_script.py", "lines.txt", "again"]
runpy.run_module("mrjob.examples.spark_wordcount_script", run_name="__main__")
assert lines("again") == counted
