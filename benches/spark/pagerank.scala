// PageRank: links grouped by source and kept in memory, ranks joined to them in each iteration. A node without a rank gives
// nothing, and a node that is given nothing has no rank. Ranks are rounded before they are added up, since the order of
// floating-point sums differs between runs.

object PageRank extends Serializable {
  def run(sc: org.apache.spark.SparkContext): String = {
    val n = Bench.number("BENCH_N", 2000000L)
    val nodes = Bench.number("BENCH_KEYS", 200000L)
    val links = sc.range(0, n, 1, Bench.partitions)
      .map(i => (Bench.below(2 * i, nodes), Bench.below(2 * i + 1, nodes)))
      .groupByKey()
      .cache()
    var ranks = links.mapValues(_ => 1.0)
    for (_ <- 1 to Bench.number("BENCH_ITERATIONS", 10).toInt) {
      val given = links.join(ranks).values.flatMap { case (targets, rank) =>
        val each = rank / targets.size
        targets.map(target => (target, each))
      }
      ranks = given.reduceByKey(_ + _).mapValues(sum => 0.15 + 0.85 * sum)
    }
    val (count, checksum) = ranks
      .map { case (node, rank) => (1L, Bench.mix(node ^ (math.round(rank * 10000.0) << 32))) }
      .reduce((a, b) => (a._1 + b._1, a._2 + b._2))
    links.unpersist()
    f"ranked=$count checksum=$checksum%016x"
  }
}

Bench.measure(() => PageRank.run(sc))
