#!/usr/bin/env bash
# textFile(use_unicode=False) gives bytes, but not the file's: the JVM has decoded the line as UTF-8 and encoded it again, so what
# is no UTF-8 (here a line of Latin-1) comes as three bytes that stand for "unreadable", and is lost. Wants Java 17.
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
path = sys.argv[1] + "/latin-1.txt"
with open(path, "wb") as file:
    file.write("é".encode("latin-1") + b"\n")
[line] = sc.textFile(path, use_unicode=False).collect()
print(f"PySpark {sc.version}, textFile(use_unicode=False) of the bytes E9 0A")
print(f"  one would expect the line as it lies there: {bytes([0xE9])!r}")
print(f"  seen: {line!r}")
sys.exit(0 if line == b"\xef\xbf\xbd" else 1)
PYTHON
