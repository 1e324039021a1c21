// What the Spark programs of the benchmark share: parameters, generated data, checksums and the lines they print.
//
// The formulas are those of `benches/src/data.rs`, so that all peers answer alike. The harness puts this file in front of one
// workload, hands both to spark-shell as one script, and reads the lines `run K:`, `answer:` and `seconds:`. The first run warms
// the JVM up; `seconds` is the median of the others.

object Bench extends Serializable {
  def number(name: String, default: Long): Long = sys.env.get(name).map(_.toLong).getOrElse(default)

  val partitions: Int = number("BENCH_PARTITIONS", 8).toInt

  def mix(index: Long): Long = {
    var z = index + 0x9e3779b97f4a7c15L
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL
    z ^ (z >>> 31)
  }

  def below(index: Long, bound: Long): Long = (mix(index) >>> 33) % bound

  def unit(index: Long): Double = (mix(index) >>> 11).toDouble / (1L << 53).toDouble

  def measure(job: () => String): Unit = {
    val runs = number("BENCH_RUNS", 3).toInt.max(1)
    val results = (1 to runs).map { run =>
      val start = System.nanoTime()
      val answer = job()
      val seconds = (System.nanoTime() - start) / 1e9
      println(f"run $run: $seconds%.4f")
      (answer, seconds)
    }
    val answers = results.map(_._1).distinct
    require(answers.size == 1, s"runs answer differently: $answers")
    val later = results.map(_._2).drop(if (runs > 1) 1 else 0).sorted
    println(s"answer: ${answers.head}")
    println(f"seconds: ${later(later.size / 2)}%.4f")
  }
}
