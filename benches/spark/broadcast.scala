// A broadcast value of 256 MiB that every task reads.

object Broadcast extends Serializable {
  def run(sc: org.apache.spark.SparkContext): String = {
    val n = Bench.number("BENCH_N", 32L << 20).toInt
    val partitions = Bench.partitions
    val table = sc.broadcast(Array.tabulate(n)(i => Bench.unit(i.toLong)))
    val sum = sc.range(0, partitions, 1, partitions).map { part =>
      val values = table.value
      var sum = 0L
      var i = part.toInt
      while (i < values.length) {
        sum += (values(i) * 1000.0).toLong
        i += partitions
      }
      sum
    }.reduce(_ + _)
    table.destroy()
    s"sum=$sum"
  }
}

Bench.measure(() => Broadcast.run(sc))
