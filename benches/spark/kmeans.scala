// k-means over cached points: each iteration assigns points to the closest centre and reduces sums by centre.

object KMeans extends Serializable {
  val dimensions = 8

  def point(index: Long): Array[Double] = Array.tabulate(dimensions)(axis => Bench.unit(index * dimensions + axis))

  def closest(point: Array[Double], centres: Array[Array[Double]]): Int = {
    var best = 0
    var bestDistance = Double.PositiveInfinity
    var index = 0
    while (index < centres.length) {
      val centre = centres(index)
      var distance = 0.0
      var axis = 0
      while (axis < dimensions) {
        val difference = point(axis) - centre(axis)
        distance += difference * difference
        axis += 1
      }
      if (distance < bestDistance) {
        best = index
        bestDistance = distance
      }
      index += 1
    }
    best
  }

  def add(a: Array[Double], b: Array[Double]): Array[Double] = Array.tabulate(dimensions)(axis => a(axis) + b(axis))

  def run(sc: org.apache.spark.SparkContext): String = {
    val n = Bench.number("BENCH_N", 2000000L)
    val k = Bench.number("BENCH_KEYS", 10L).toInt
    val points = sc.range(0, n, 1, Bench.partitions).map(i => point(i)).cache()
    var centres = Array.tabulate(k)(index => point(index.toLong))
    for (_ <- 1 to Bench.number("BENCH_ITERATIONS", 5).toInt) {
      val current = centres
      val sums = points
        .map(point => (closest(point, current), (point, 1L)))
        .reduceByKey((a, b) => (add(a._1, b._1), a._2 + b._2))
        .collect()
      centres = current.clone()
      sums.foreach { case (index, (sum, count)) => centres(index) = sum.map(_ / count) }
    }
    points.unpersist()
    centres.flatten.map(coordinate => f"$coordinate%.4f").mkString(" ")
  }
}

Bench.measure(() => KMeans.run(sc))
