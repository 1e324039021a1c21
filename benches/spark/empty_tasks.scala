// Many tasks that do nothing: what one task costs.

object EmptyTasks extends Serializable {
  def run(sc: org.apache.spark.SparkContext): String = {
    val tasks = Bench.number("BENCH_N", 10000L).toInt
    val count = sc.parallelize(Seq.empty[Long], tasks).count()
    s"count=$count tasks=$tasks"
  }
}

Bench.measure(() => EmptyTasks.run(sc))
