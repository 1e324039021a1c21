#!/usr/bin/env bash
# Spark's page of executors' metrics for Prometheus puts the application's name into its labels as it is: a quote in the name ends the
# label, and Prometheus' own parser refuses the page. Wants Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0 prometheus_client==0.22.1
SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON="$folder/venv/bin/python" "$folder/venv/bin/python" - <<'PYTHON'
import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families as parse
from pyspark import SparkConf, SparkContext

name = 'join of "orders" and "clients"'
conf = SparkConf().setMaster("local[1]").setAppName(name).set("spark.ui.port", "0")
sc = SparkContext(conf=conf)
sc.setLogLevel("OFF")
address = sc.uiWebUrl.split(":")
with urllib.request.urlopen(f"http://127.0.0.1:{address[-1]}/metrics/executors/prometheus/") as answer:
    text = answer.read().decode()
line = next(line for line in text.splitlines() if line.startswith("metrics_executor_totalCores"))
try:
    parsed = f"{len(list(parse(text)))} metrics"
except ValueError as error:
    parsed = f"ValueError: {error}"
print(f"PySpark {sc.version}, an application named {name}")
print('  one would expect the label with its quotes escaped: application_name="join of \\"orders\\" and ..."')
print(f"  seen: {line}")
print(f"  and of prometheus_client's parser: {parsed}")
sys.exit(0 if f'application_name="{name}"' in line and parsed.startswith("ValueError") else 1)
PYTHON
