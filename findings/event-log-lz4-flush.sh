#!/usr/bin/env bash
# Spark flushes its event log after each job, so that the log of a driver that is killed has the jobs that ended. Compressed with lz4 it has
# not: a flush does not end lz4's block, and what waits in it is lost. Compressed with zstd, the default, it has them. Wants Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0
cat > "$folder/killed.py" <<'PYTHON'
import os
import signal
import sys
import time
from pathlib import Path

from pyspark import SparkConf, SparkContext

directory, codec = sys.argv[1:]
conf = SparkConf().setMaster("local[1]").setAppName("killed").set("spark.ui.enabled", "false")
conf.set("spark.eventLog.enabled", "true").set("spark.eventLog.dir", f"file://{directory}")
conf.set("spark.eventLog.compress", "true").set("spark.eventLog.compression.codec", codec)
sc = SparkContext(conf=conf)
sc.setLogLevel("OFF")
assert sc.parallelize(range(10), 2).count() == 10
# The listener that writes the log is told a moment after the job has ended; nothing is written to it from then on.
log, size = next(path for path in Path(directory).rglob("*") if path.is_file() and "appstatus" not in path.name), -1
for look in range(100):
    before, size = size, sum(path.stat().st_size for path in Path(directory).rglob("*") if path.is_file())
    if before == size and look > 20:
        break
    time.sleep(0.1)
os.kill(sc._gateway.proc.pid, signal.SIGKILL)
os._exit(0)
PYTHON
cat > "$folder/read.py" <<'PYTHON'
import json
import sys
from pathlib import Path

from pyspark import SparkConf, SparkContext

sc = SparkContext(conf=SparkConf().setMaster("local[1]").set("spark.ui.enabled", "false"))
sc.setLogLevel("OFF")
jvm = sc._jvm


def events(directory, codec):
    """Reads what Spark's own codec finds in the log, up to where it breaks off."""
    files = [path for path in Path(directory).rglob("*") if path.is_file() and "appstatus" not in path.name]
    found = []
    for path in sorted(files):
        stream = jvm.org.apache.spark.io.CompressionCodec.createCodec(sc._jsc.sc().getConf(), codec)
        stream = stream.compressedContinuousInputStream(jvm.java.io.FileInputStream(str(path)))
        reader = jvm.java.io.BufferedReader(jvm.java.io.InputStreamReader(stream))
        try:
            while (line := reader.readLine()) is not None:
                found.append(json.loads(line)["Event"].removeprefix("SparkListener"))
        except Exception:
            pass
    return found


seen = {codec: events(directory, codec) for directory, codec in zip(sys.argv[1::2], sys.argv[2::2])}
print(f"PySpark {sc.version}: the log of a driver that was killed when its only job had ended")
print("  one would expect the end of the job in it, whichever codec compresses it")
for codec, found in seen.items():
    print(f"  seen with {codec}: {len(found)} events, the end of the job {'is' if 'JobEnd' in found else 'is not'} among them")
sys.exit(0 if "JobEnd" in seen["zstd"] and "JobEnd" not in seen["lz4"] else 1)
PYTHON
export SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON="$folder/venv/bin/python"
for codec in lz4 zstd; do
    mkdir "$folder/$codec"
    "$folder/venv/bin/python" "$folder/killed.py" "$folder/$codec" "$codec" 2> "$folder/$codec.err"
done
"$folder/venv/bin/python" "$folder/read.py" "$folder/lz4" lz4 "$folder/zstd" zstd 2> "$folder/read.err"
