#!/usr/bin/env bash
# saveAsHadoopFile takes classes for keys and for values. If only one of them is given, it is passed over without a word and both
# are chosen by the records' types; given both, one that does not fit is refused. Wants Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0
SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON="$folder/venv/bin/python" "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys

from pyspark import SparkConf, SparkContext

conf = SparkConf().setMaster("local[2]").setAppName("finding").set("spark.ui.enabled", "false")
sc = SparkContext(conf=conf)
sc.setLogLevel("OFF")
format = "org.apache.hadoop.mapred.SequenceFileOutputFormat"


def classes(name, **asked):
    """The names in the head of the sequence file that is written so."""
    path = f"{sys.argv[1]}/{name}"
    try:
        sc.parallelize([(1, 5)], 1).saveAsHadoopFile(path, format, **asked)
    except Exception as error:
        return "refused: wrong value class" if "wrong value class" in str(error) else str(error)
    head = open(f"{path}/part-00000", "rb").read(80)
    return head[5 : 5 + head[4]].decode(), head[6 + head[4] : 6 + head[4] + head[5 + head[4]]].decode()


io = "org.apache.hadoop.io."
one = classes("one", valueClass=io + "LongWritable")
both = classes("both", keyClass=io + "IntWritable", valueClass=io + "LongWritable")
print(f"PySpark {sc.version}, saveAsHadoopFile of [(1, 5)] with LongWritable asked for")
print("  one would expect the same, whether the key's class is named too or not")
print(f"  seen: {one} with the value's class alone, {both!r} with both")
sys.exit(0 if one == (io + "IntWritable", io + "IntWritable") and both == "refused: wrong value class" else 1)
PYTHON
