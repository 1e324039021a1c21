// Groups by key; the answer is the number of groups and a checksum over (key, size, sum of values).

object GroupByKey extends Serializable {
  def run(sc: org.apache.spark.SparkContext): String = {
    val n = Bench.number("BENCH_N", 5000000L)
    val keys = Bench.number("BENCH_KEYS", 100000L)
    val (count, checksum) = sc.range(0, n, 1, Bench.partitions)
      .map(i => (Bench.below(i, keys), i))
      .groupByKey()
      .map { case (key, values) => (1L, Bench.mix(key + 7 * values.size + values.sum)) }
      .reduce((a, b) => (a._1 + b._1, a._2 + b._2))
    f"groups=$count checksum=$checksum%016x"
  }
}

Bench.measure(() => GroupByKey.run(sc))
