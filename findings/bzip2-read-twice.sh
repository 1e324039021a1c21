#!/usr/bin/env bash
# Hadoop reads lines of a bzip2 file twice if the file begins with an empty stream, as `cat` makes of an empty part and
# another, and is cut into splits: the first split reads the first block wherever it begins, and so does the split
# that it begins in. Wants Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0
SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON="$folder/venv/bin/python" "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import bz2
import sys

from pyspark import SparkConf, SparkContext

conf = SparkConf().setMaster("local[2]").setAppName("finding").set("spark.ui.enabled", "false")
sc = SparkContext(conf=conf)
sc.setLogLevel("OFF")
path = sys.argv[1] + "/lines.bz2"
with open(path, "wb") as file:
    file.write(bz2.compress(b"") + bz2.compress(b"a\nb\n"))
whole, cut = (sc.textFile(path, partitions).collect() for partitions in (1, 5))
print(f"PySpark {sc.version}, an empty bzip2 stream and one of two lines")
print(f"  one would expect ['a', 'b'] from any number of partitions")
print(f"  seen: {whole} from one partition, {cut} from five")
sys.exit(0 if whole == ["a", "b"] and cut == ["a", "b", "b"] else 1)
PYTHON
