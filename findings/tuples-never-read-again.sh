#!/usr/bin/env bash
# saveAsSequenceFile writes a tuple as Hadoop's ArrayWritable. That class cannot be made without saying what is in the array, so
# no sequence file of tuples that PySpark wrote can be read by PySpark; it says so only then. Wants Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0
SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON="$folder/venv/bin/python" "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import re
import sys

from pyspark import SparkConf, SparkContext

conf = SparkConf().setMaster("local[2]").setAppName("finding").set("spark.ui.enabled", "false")
sc = SparkContext(conf=conf)
sc.setLogLevel("OFF")
path = sys.argv[1] + "/tuples"
sc.parallelize([(1, (2, 3))], 1).saveAsSequenceFile(path)
try:
    seen = str(sc.sequenceFile(path).collect())
except Exception as error:
    causes = re.findall(r"NoSuchMethodException: \S+", str(error))
    seen = causes[0] if causes else str(error)
print(f"PySpark {sc.version}, saveAsSequenceFile of [(1, (2, 3))], then sequenceFile")
print("  one would expect a tuple to be refused when it is written, as a list is, or to be read again")
print(f"  seen: it is written with success, and reading it fails: {seen}")
sys.exit(0 if "NoSuchMethodException: org.apache.hadoop.io.ArrayWritable.<init>()" in seen else 1)
PYTHON
