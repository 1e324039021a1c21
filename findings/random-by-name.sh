#!/usr/bin/env bash
# `from random import random`, used in a function of an RDD program, is carried by cloudpickle with a copy of the generator's state: all
# tasks of PySpark 4.3.0 draw the same numbers, also in its own example `pi.py`. With `import random` and `random.random()` each worker has
# a generator of its own. Wants Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0
cat > "$folder/program.py" <<'PYTHON'
import random
from random import random as by_name

from pyspark import SparkConf, SparkContext

conf = SparkConf().setMaster("local[2]").setAppName("random").set("spark.ui.enabled", "false")
sc = SparkContext(conf=conf.set("spark.python.worker.reuse", "false"))
for function in (lambda _: by_name(), lambda _: random.random()):
    print(len(set(sc.parallelize(range(4), 4).map(function).collect())))
sc.stop()
PYTHON
export PYSPARK_PYTHON="$folder/venv/bin/python" SPARK_LOCAL_IP=127.0.0.1
"$folder/venv/bin/python" "$folder/program.py" > "$folder/out.txt" 2> "$folder/err.txt" || { cat "$folder/err.txt"; exit 1; }
echo "PySpark 4.3.0, one random number in each of four tasks"
echo "  one would expect four different ones, by whichever name"
echo "  seen: $(sed -n 1p "$folder/out.txt") by \`from random import random\`, $(sed -n 2p "$folder/out.txt") by \`random.random()\`"
[ "$(cat "$folder/out.txt")" = "$(printf '1\n4')" ]
