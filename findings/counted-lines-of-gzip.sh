#!/usr/bin/env bash
# Hadoop's NLineInputFormat loses most lines of a gzip file: it finds its splits by counting lines in the compressed bytes,
# and reads the text as if the splits were of the text. Nothing is said about it. Wants Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0
SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON="$folder/venv/bin/python" "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import gzip
import sys

from pyspark import SparkConf, SparkContext

conf = SparkConf().setMaster("local[2]").setAppName("finding").set("spark.ui.enabled", "false")
sc = SparkContext(conf=conf)
sc.setLogLevel("OFF")
text = b"a\nb\nc\n" * 3
seen = {}
for name, content in {"lines.txt": text, "lines.gz": gzip.compress(text, mtime=0)}.items():
    path = f"{sys.argv[1]}/{name}"
    with open(path, "wb") as file:
        file.write(content)
    classes = ("org.apache.hadoop.mapreduce.lib.input.NLineInputFormat",
               "org.apache.hadoop.io.LongWritable", "org.apache.hadoop.io.Text")
    conf = {"mapreduce.input.lineinputformat.linespermap": "2"}
    seen[name] = sc.newAPIHadoopFile(path, *classes, conf=conf).values().collect()
print(f"PySpark {sc.version}, nine lines by NLineInputFormat, two in a partition")
print(f"  one would expect the same lines of the plain and of the compressed file: {seen['lines.txt']}")
print(f"  seen: {seen['lines.gz']} of the compressed one")
sys.exit(0 if len(seen["lines.txt"]) == 9 and len(seen["lines.gz"]) < 9 else 1)
PYTHON
