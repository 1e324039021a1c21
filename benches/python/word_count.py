"""Word count: the five most frequent words of a text."""

import os

from peer import context, measure

sc = context()


def job() -> str:
    words = sc.textFile(os.environ["BENCH_TEXT"]).flatMap(lambda line: line.split())
    counts = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
    top = counts.takeOrdered(5, key=lambda pair: (-pair[1], pair[0]))
    return " ".join(f"{word}={count}" for word, count in top)


measure(job)
sc.stop()
