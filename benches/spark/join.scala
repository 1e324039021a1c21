// Inner join; the answer is the number of pairs and a checksum over (key, left, right).

object Join extends Serializable {
  def run(sc: org.apache.spark.SparkContext): String = {
    val n = Bench.number("BENCH_N", 2000000L)
    val keys = Bench.number("BENCH_KEYS", 2000000L)
    val rightSide = 1L << 40
    val left = sc.range(0, n, 1, Bench.partitions).map(i => (Bench.below(i, keys), i))
    val right = sc.range(0, n, 1, Bench.partitions).map(i => (Bench.below(rightSide + i, keys), i))
    val (count, checksum) = left.join(right)
      .map { case (key, (a, b)) => (1L, Bench.mix(key + 3 * a + 5 * b)) }
      .reduce((a, b) => (a._1 + b._1, a._2 + b._2))
    f"count=$count checksum=$checksum%016x"
  }
}

Bench.measure(() => Join.run(sc))
