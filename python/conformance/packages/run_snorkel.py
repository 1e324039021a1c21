"""snorkel's labelling functions over an RDD of rows by ``SparkLFApplier``, with a mapper for Spark before one."""

import numpy as np
from pyspark import SparkContext
from pyspark.sql import Row
from snorkel.labeling import LabelingFunction, labeling_function
from snorkel.labeling.apply.spark import SparkLFApplier
from snorkel.map import Mapper
from snorkel.map.spark import make_spark_mapper


class Square(Mapper):
    def __init__(self):
        super().__init__("square", dict(num="num"), dict(num_squared="num_squared"))

    def run(self, num):
        return dict(num_squared=num**2)


@labeling_function(pre=[make_spark_mapper(Square())])
def is_square_large(row):
    return 1 if row.num_squared > 9 else -1


def is_positive(row):
    return 0 if row.num > 0 else -1


sc = SparkContext("local[2]")
rows = sc.parallelize([Row(num=number) for number in (0, 1, 42, -4)], 2)
labels = SparkLFApplier([LabelingFunction("is_positive", is_positive), is_square_large]).apply(rows)
np.testing.assert_array_equal(labels, [[-1, -1], [0, -1], [0, 1], [-1, 1]])
