"""findspark's ``init``, then an RDD: the first lines of many notebooks."""

import findspark

findspark.init()

import pyspark  # noqa: E402

sc = pyspark.SparkContext(appName="myAppName")
assert sc.parallelize(range(100)).map(lambda x: x * x).sum() == 328350
print(findspark.find())
sc.stop()
