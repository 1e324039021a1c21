// Map, filter, map, reduce over whole numbers.

object Sum extends Serializable {
  def run(sc: org.apache.spark.SparkContext): String = {
    val n = Bench.number("BENCH_N", 100000000L)
    val sum = sc.range(0, n, 1, Bench.partitions)
      .map(i => i * 3 + 7)
      .filter(x => x % 5 != 0)
      .map(x => x ^ (x >> 3))
      .reduce(_ + _)
    s"sum=$sum"
  }
}

Bench.measure(() => Sum.run(sc))
