// Sums by key; the answer is the number of keys and a checksum over (key, sum).

object ReduceByKey extends Serializable {
  def run(sc: org.apache.spark.SparkContext): String = {
    val n = Bench.number("BENCH_N", 20000000L)
    val keys = Bench.number("BENCH_KEYS", 1000000L)
    val (count, checksum) = sc.range(0, n, 1, Bench.partitions)
      .map(i => (Bench.below(i, keys), 1L))
      .reduceByKey(_ + _)
      .map { case (key, sum) => (1L, Bench.mix(key * 31 + sum)) }
      .reduce((a, b) => (a._1 + b._1, a._2 + b._2))
    f"keys=$count checksum=$checksum%016x"
  }
}

Bench.measure(() => ReduceByKey.run(sc))
