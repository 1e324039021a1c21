#!/usr/bin/env bash
# A Hadoop map file is a folder of two sequence files, `data` and `index`. Named by the folder above it, sequenceFile reads
# the data alone; named itself, it reads the index too, and its places in the file come as values of further pairs. Wants Java 17.
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
path = sys.argv[1] + "/map"
pairs = sc.parallelize([(number, f"v{number}") for number in range(1000)], 1)
pairs.saveAsHadoopFile(path, "org.apache.hadoop.mapred.MapFileOutputFormat")
above, itself = sc.sequenceFile(path), sc.sequenceFile(path + "/part-00000")
kinds = {type(value).__name__ for _, value in itself.collect()}
print(f"PySpark {sc.version}, a map file of 1000 pairs of int and text")
print("  one would expect 1000 pairs of int and text, whether the map file or the folder above it is named")
print(f"  seen: {above.count()} by the folder above, {itself.count()} by the map file itself, with values of {kinds}")
sys.exit(0 if (above.count(), itself.count(), kinds) == (1000, 1008, {"str", "int"}) else 1)
PYTHON
