#!/usr/bin/env bash
# A folder within the folder that is read: textFile refuses the whole, wholeTextFiles and binaryFiles leave it out silently, so that
# who changes from one to the other loses files without a word. Wants Java 17.
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
import os

path = sys.argv[1] + "/nested"
os.makedirs(path + "/sub")
for name in ("a", "sub/b"):
    with open(f"{path}/{name}", "w") as file:
        file.write("line\n")


def outcome(read):
    """How many records come, or the first words of the refusal."""
    try:
        return read(path).count()
    except Exception as error:
        return "refused" if "is a directory" in str(error) else str(error)


seen = {read.__name__: outcome(read) for read in (sc.textFile, sc.wholeTextFiles, sc.binaryFiles)}
print(f"PySpark {sc.version}, a folder with a file and a folder with a file")
print("  one would expect the three readers of folders to agree: refuse it, or read one file, or both")
print(f"  seen: {seen}")
sys.exit(0 if seen == {"textFile": "refused", "wholeTextFiles": 1, "binaryFiles": 1} else 1)
PYTHON
