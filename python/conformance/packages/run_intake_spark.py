"""intake-spark's ``SparkRDD``: an RDD as an entry of a catalogue, as in its tests."""

from pathlib import Path

import intake
from intake_spark import SparkRDD

Path("lines.txt").write_text("alpha\nbe\n")
source = SparkRDD([("textFile", ("lines.txt",)), ("map", (len,))], {"master": "local[2]"})
assert source.read() == [5, 2]
assert [record for part in range(source.npartitions) for record in source.read_partition(part)] == [5, 2]
assert source.to_spark().sum() == 7
assert intake.open_textfiles("lines.txt").to_spark().collect() == ["alpha", "be"]
