// Three columns of a table of twenty, with Spark's SQL engine: what it reads Parquet with.

object ParquetScan extends Serializable {
  def run(spark: org.apache.spark.sql.SparkSession): String = {
    import org.apache.spark.sql.functions._
    val row = spark.read.parquet(sys.env("BENCH_TABLE"))
      .select("store", "price", "city")
      .agg(count(lit(1)), sum(col("store")), sum((col("price") * 1024.0).cast("long")), sum(length(col("city"))))
      .head()
    s"rows=${row.getLong(0)} stores=${row.getLong(1)} prices=${row.getLong(2)} letters=${row.getLong(3)}"
  }
}

Bench.measure(() => ParquetScan.run(spark))
