// From nothing to the first result: the harness times the whole process.

object Startup extends Serializable {
  def run(sc: org.apache.spark.SparkContext): String = {
    val n = Bench.number("BENCH_N", 10L)
    s"sum=${sc.parallelize(1L to n).reduce(_ + _)}"
  }
}

Bench.measure(() => Startup.run(sc))
