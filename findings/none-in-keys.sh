#!/usr/bin/env bash
# A key that holds None in a dataclass is placed by Python's own hash. Before CPython 3.12 that hash of None was an address, another
# one in each executor's Python, which PYTHONHASHSEED does not change: PySpark counts such a key twice where there are two executors.
# Wants Java 17 and a CPython before 3.12 (by PYTHON, or `python3.11` or `python3.10`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-$(command -v python3.11 || command -v python3.10)}
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0
cat > "$folder/keys.py" <<'PYTHON'
from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    value: object
PYTHON
cat > "$folder/program.py" <<'PYTHON'
import sys

from keys import Key
from pyspark import BarrierTaskContext, SparkConf, SparkContext
from pyspark.rdd import portable_hash

conf = SparkConf().setMaster("local-cluster[2,1,1024]").setAppName("finding").set("spark.ui.enabled", "false")
sc = SparkContext(conf=conf)
sc.setLogLevel("OFF")


def in_both(function):
    """A function over a partition that runs in both executors at once."""
    return lambda records: (BarrierTaskContext.get().barrier(), function())[1]


two = sc.parallelize(range(2), 2).barrier()
hashes = two.mapPartitions(in_both(lambda: [portable_hash(Key(None))])).collect()
parts = next((number for number in range(2, 100) if len({value % number for value in hashes}) == 2), 2)
pairs = two.mapPartitions(in_both(lambda: [(Key(None), 1)]))
counts = pairs.reduceByKey(lambda left, right: left + right, parts).collect()
print(f"PySpark {sc.version} on CPython {sys.version.split()[0]}, two equal keys in two executors, counted by reduceByKey")
print(f"  one would expect {[(Key(None), 2)]}")
print(f"  seen: {counts}")
sys.exit(0 if counts == [(Key(None), 1)] * 2 else 1)
PYTHON
SPARK_LOCAL_IP=127.0.0.1 PYTHONHASHSEED=0 PYTHONPATH="$folder" PYSPARK_PYTHON="$folder/venv/bin/python" \
    "$folder/venv/bin/python" "$folder/program.py"
