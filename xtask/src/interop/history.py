"""Writes event logs with Spark, for `cargo xtask interop --only history`: every codec, as files and as directories."""

import os
import signal
import sys

from pyspark import SparkConf, SparkContext

CODECS = ["zstd", "lz4", "snappy", "lzf", None]


def context(folder: str, name: str, codec: str | None, rolling: bool) -> SparkContext:
    conf = SparkConf().setMaster("local[2]").setAppName(name)
    conf.set("spark.ui.enabled", "false").set("spark.ui.showConsoleProgress", "false")
    conf.set("spark.eventLog.enabled", "true").set("spark.eventLog.dir", f"file://{folder}")
    conf.set("spark.eventLog.compress", str(codec is not None).lower())
    conf.set("spark.eventLog.compression.codec", codec or "zstd")
    conf.set("spark.eventLog.rolling.enabled", str(rolling).lower())
    sc = SparkContext(conf=conf)
    sc.setLogLevel("OFF")
    return sc


def work(sc: SparkContext) -> None:
    pairs = sc.parallelize(range(100), 4).map(lambda x: (x % 7, x))
    pairs.cache()
    pairs.reduceByKey(lambda a, b: a + b, 3).count()
    pairs.count()
    try:
        sc.parallelize(range(4), 2).map(lambda x: 1 / (x - 3)).collect()
    except Exception:
        print("a job failed, as it should")


def main() -> None:
    folder = sys.argv[1]
    for codec in CODECS:
        for rolling in (False, True):
            sc = context(folder, f"spark {codec} {'rolled' if rolling else 'single'}", codec, rolling)
            work(sc)
            sc.stop()
    # The last one is killed: its log stays as it is at this moment.
    sc = context(folder, "spark killed", "zstd", rolling=True)
    work(sc)
    assert sc._jvm is not None
    os.kill(sc._jvm.java.lang.ProcessHandle.current().pid(), signal.SIGKILL)
    os._exit(0)


main()
