#!/usr/bin/env bash
# PySpark's hadoopFile takes `conf` and does not heed it: a record delimiter that is given there is passed over without a
# word, while hadoopRDD, which reads by the very same classes, obeys it. Wants Java 17.
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
path = sys.argv[1] + "/fields.txt"
with open(path, "w") as file:
    file.write("a;b;c\n")
conf = {"textinputformat.record.delimiter": ";", "mapreduce.input.fileinputformat.inputdir": path}
classes = ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.io.LongWritable", "org.apache.hadoop.io.Text")
by_file = sc.hadoopFile(path, *classes, conf=conf).values().collect()
by_rdd = sc.hadoopRDD(*classes, conf=conf).values().collect()
print(f"PySpark {sc.version}, the record delimiter ';' given in conf")
print(f"  one would expect hadoopFile and hadoopRDD to give the same, {by_rdd}")
print(f"  seen: hadoopFile gives {by_file}, hadoopRDD gives {by_rdd}")
sys.exit(0 if by_file == ["a;b;c"] and by_rdd == ["a", "b", "c\n"] else 1)
PYTHON
