// Two passes over cached numbers. They are made and kept before the clock starts.

object CachedNumbers extends Serializable {
  def make(sc: org.apache.spark.SparkContext): org.apache.spark.rdd.RDD[Long] = {
    val n = Bench.number("BENCH_N", 100000000L)
    val numbers = sc.range(0, n, 1, Bench.partitions).map(i => Bench.mix(i)).cache()
    numbers.count()
    require(sc.getRDDStorageInfo.exists(_.numCachedPartitions == Bench.partitions), "the numbers do not fit in memory")
    numbers
  }

  def run(numbers: org.apache.spark.rdd.RDD[Long]): String =
    s"sum=${numbers.reduce(_ + _)} greatest=${numbers.reduce((a, b) => a.max(b))}"
}

val cachedNumbers = CachedNumbers.make(sc)
Bench.measure(() => CachedNumbers.run(cachedNumbers))
