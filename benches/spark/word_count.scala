// Word count: words as `StringTokenizer` splits them (space, tab, newline, carriage return, form feed), the five most frequent and
// how many distinct ones, found in one pass over the counts.

object WordCount extends Serializable {
  type Top = List[(String, Long)]

  def best(top: Top): Top = top.sortBy { case (word, count) => (-count, word) }.take(5)

  def run(sc: org.apache.spark.SparkContext): String = {
    val words = sc.textFile(sys.env("BENCH_TEXT")).flatMap { line =>
      val tokens = new java.util.StringTokenizer(line)
      new Iterator[String] {
        def hasNext: Boolean = tokens.hasMoreTokens
        def next(): String = tokens.nextToken()
      }
    }
    val counts = words.map(word => (word, 1L)).reduceByKey(_ + _)
    val (distinct, top) = counts.mapPartitions { part =>
      var distinct = 0L
      var top: Top = Nil
      part.foreach { pair =>
        distinct += 1
        if (top.size < 5 || pair._2 >= top.last._2) top = best(pair :: top)
      }
      Iterator((distinct, top))
    }.reduce((a, b) => (a._1 + b._1, best(a._2 ++ b._2)))
    top.map { case (word, count) => s"$word=$count" }.mkString(" ") + s" distinct=$distinct"
  }
}

Bench.measure(() => WordCount.run(sc))
