#!/usr/bin/env bash
# The values of a pickle file are no pickles: each is an array of arrays of bytes as Java's own serialisation writes it, and the
# pickles are within. So who reads them without a JVM must know Java's object streams. Wants Java 17.
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
path = sys.argv[1] + "/pickled"
sc.parallelize(range(3), 1).saveAsPickleFile(path)
[(_, value)] = sc.sequenceFile(path).collect()
print(f"PySpark {sc.version}, what saveAsPickleFile has in its sequence file")
print("  one would expect pickles, which Python can load: they begin with 80 and the protocol")
print(f"  seen: {len(value)} bytes that begin with {bytes(value[:12]).hex(' ')}, the pickle from byte "
      f"{bytes(value).index(bytes([0x80, 5]))} on")
sys.exit(0 if bytes(value).startswith(b"\xac\xed\x00\x05ur\x00\x03[[B") else 1)
PYTHON
