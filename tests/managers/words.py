"""Counts words with a module of its own beside it, and numpy: ``words.py FILE...`` prints ``WORD COUNT`` lines, sorted,
and the sum of the counts as numpy sees it.
"""

import operator
import sys

import numpy
from pyspark import SparkContext

import words_helper

with SparkContext() as sc:
    words = sc.textFile(",".join(sys.argv[1:])).flatMap(words_helper.split)
    counts = words.map(lambda word: (word, numpy.int64(1))).reduceByKey(operator.add)
    for word, count in sorted(counts.collect()):
        print(word, int(count))
    print("total", int(numpy.sum(numpy.array(counts.values().collect()))))
