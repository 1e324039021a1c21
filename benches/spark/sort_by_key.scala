// Sort by key; every partition is looked at: its size, its inversions, its edges, and a checksum over its pairs.

object SortByKey extends Serializable {
  case class Part(edges: Option[(Long, Long)], count: Long, inversions: Long, checksum: Long)

  def examine(pairs: Iterator[(Long, Long)]): Part = {
    var first, last, count, inversions, checksum = 0L
    pairs.foreach { case (key, value) =>
      if (count == 0) first = key else if (last > key) inversions += 1
      last = key
      count += 1
      checksum += Bench.mix(key ^ Bench.mix(value))
    }
    Part(if (count == 0) None else Some((first, last)), count, inversions, checksum)
  }

  def run(sc: org.apache.spark.SparkContext): String = {
    val n = Bench.number("BENCH_N", 5000000L)
    val parts = sc.range(0, n, 1, Bench.partitions)
      .map(i => (Bench.mix(i) >>> 1, i))
      .sortByKey()
      .mapPartitions(pairs => Iterator(examine(pairs)))
      .collect()
    val edges = parts.flatMap(_.edges)
    val between = edges.zip(edges.drop(1)).count { case (a, b) => a._2 > b._1 }
    val inversions = between + parts.map(_.inversions).sum
    f"count=${parts.map(_.count).sum} inversions=$inversions checksum=${parts.map(_.checksum).sum}%016x"
  }
}

Bench.measure(() => SortByKey.run(sc))
