// Sorting records of 100 bytes that do not fit in memory: keys of ten bytes, values of ninety. Every partition is looked at.

object Terasort extends Serializable {
  type Key = (Long, Int)

  case class Part(edges: Option[(Key, Key)], count: Long, inversions: Long, checksum: Long)

  def key(index: Long): Key = (Bench.mix(index) >>> 1, (Bench.mix(~index) >>> 49).toInt)

  def value(index: Long): Array[Byte] = {
    val value = Array.fill(90)(('A' + java.lang.Long.remainderUnsigned(index, 26).toInt).toByte)
    java.nio.ByteBuffer.wrap(value).putLong(index)
    value
  }

  def examine(records: Iterator[(Key, Array[Byte])]): Part = {
    val order = implicitly[Ordering[Key]]
    var first, last: Key = null
    var count, inversions, checksum = 0L
    records.foreach { case (key, value) =>
      if (count == 0) first = key else if (order.gt(last, key)) inversions += 1
      last = key
      count += 1
      checksum += Bench.mix(key._1 ^ Bench.mix(java.nio.ByteBuffer.wrap(value).getLong ^ key._2))
    }
    Part(if (count == 0) None else Some((first, last)), count, inversions, checksum)
  }

  def run(sc: org.apache.spark.SparkContext): String = {
    val n = Bench.number("BENCH_N", 100000000L)
    val parts = sc.range(0, n, 1, Bench.partitions)
      .map(i => (key(i), value(i)))
      .sortByKey()
      .mapPartitions(records => Iterator(examine(records)))
      .collect()
    val order = implicitly[Ordering[Key]]
    val edges = parts.flatMap(_.edges)
    val between = edges.zip(edges.drop(1)).count { case (a, b) => order.gt(a._2, b._1) }
    val inversions = between + parts.map(_.inversions).sum
    f"count=${parts.map(_.count).sum} inversions=$inversions checksum=${parts.map(_.checksum).sum}%016x"
  }
}

Bench.measure(() => Terasort.run(sc))
