// What Spark writes for Firesteel to read, and how it reads what Firesteel wrote. Run by `cargo xtask interop --only spark`.
import java.nio.file.{Files, Path, Paths}
import org.apache.hadoop.io._
import org.apache.hadoop.mapred.{JobConf, SequenceFileInputFormat, SequenceFileOutputFormat}

object Interop extends Serializable {
  val records = 6000
  val codecs = Seq("GzipCodec", "BZip2Codec", "DefaultCodec", "SnappyCodec", "Lz4Codec", "ZStandardCodec")
  val classPrefix = "org.apache.hadoop.io.compress."
  val kinds = Seq("text" -> "int", "long" -> "double", "vint" -> "vlong", "short" -> "byte", "boolean" -> "float", "null" -> "bytes")

  def line(i: Int): String = s"line $i é ${i * 7919L % 10007}"

  def make(kind: String, i: Int): Writable = kind match {
    case "text" => new Text(s"key $i é")
    case "int" => new IntWritable(i * 7919 - 500)
    case "long" => new LongWritable(i * 1000000007L - 5)
    case "double" => new DoubleWritable(i * 0.25)
    case "vint" => new VIntWritable(i * i - 1000)
    case "vlong" => new VLongWritable(i.toLong * i * i * i - 1000)
    case "short" => new ShortWritable((i - 3000).toShort)
    case "byte" => new ByteWritable((i % 256 - 128).toByte)
    case "boolean" => new BooleanWritable(i % 3 == 0)
    case "float" => new FloatWritable(i * 0.5f)
    case "null" => NullWritable.get()
    case "bytes" => new BytesWritable(Array.tabulate(i % 50)(j => (i + j).toByte))
    case "map" =>
      val map = new MapWritable()
      map.put(new Text("number"), new IntWritable(i))
      map.put(new LongWritable(i), new VIntWritable(i))
      map
  }

  def show(w: Writable): String = w match {
    case b: BytesWritable => b.copyBytes().mkString("bytes(", ",", ")")
    case other => other.toString
  }

  def javaClass(kind: String): Class[Writable] = make(kind, 1).getClass.asInstanceOf[Class[Writable]]
}

object Session extends Serializable {
  val root = System.getenv("INTEROP_DIR")
  val forms = Seq("NONE" -> "DefaultCodec") ++ Seq("RECORD", "BLOCK").map(_ -> "DefaultCodec")
  def formsOf(kind: String) =
    if (kind == "text") Seq("NONE" -> "DefaultCodec") ++ Interop.codecs.flatMap(c => Seq("RECORD" -> c, "BLOCK" -> c)) else forms

  def cause(error: Throwable): String = {
    var last = error
    while (last.getCause != null) last = last.getCause
    String.valueOf(last).linesIterator.next()
  }

  def write(name: String)(body: String => Unit): Unit = {
    try body(s"$root/spark/$name")
    catch { case error: Throwable => Files.writeString(Paths.get(s"$root/spark/$name.cannot"), cause(error)) }
  }

  def check(name: String)(body: String => Unit): Unit = {
    val path = s"$root/firesteel/$name"
    if (Files.exists(Paths.get(path))) {
      try { body(path); println(s"INTEROP ok       Spark reads $name") }
      catch { case error: Throwable => println(s"INTEROP FAILED   Spark reads $name: ${cause(error)}") }
    } else println(s"INTEROP FAILED   Spark reads $name: Firesteel did not write it")
  }

  def same[T](found: Seq[T], wanted: Seq[T]): Unit = {
    if (found.length != wanted.length) throw new Exception(s"${found.length} records instead of ${wanted.length}")
    found.zip(wanted).find { case (a, b) => a != b }.foreach { case (a, b) => throw new Exception(s"$a instead of $b") }
  }

  def writeSequence(sc: org.apache.spark.SparkContext, name: String, key: String, value: String, form: String, codec: String, n: Int): Unit =
    write(name) { path =>
      val conf = new JobConf(sc.hadoopConfiguration)
      conf.set("mapreduce.output.fileoutputformat.compress", (form != "NONE").toString)
      conf.set("mapreduce.output.fileoutputformat.compress.type", form)
      conf.set("mapreduce.output.fileoutputformat.compress.codec", Interop.classPrefix + codec)
      sc.parallelize(0 until n, 2).map(i => (Interop.make(key, i), Interop.make(value, i)))
        .saveAsHadoopFile(path, Interop.javaClass(key), Interop.javaClass(value), classOf[SequenceFileOutputFormat[Writable, Writable]], conf)
    }

  def readSequence(sc: org.apache.spark.SparkContext, name: String, key: String, value: String, n: Int): Unit =
    check(name) { path =>
      val read = sc.hadoopFile(path, classOf[SequenceFileInputFormat[Writable, Writable]], Interop.javaClass(key), Interop.javaClass(value), 5)
      val found = read.map { case (k, v) => (Interop.show(k), Interop.show(v)) }.collect().sorted
      val wanted = (0 until n).map(i => (Interop.show(Interop.make(key, i)), Interop.show(Interop.make(value, i)))).sorted
      same(found.toSeq, wanted)
    }

  def writeAll(spark: org.apache.spark.sql.SparkSession): Unit = {
    val sc = spark.sparkContext
    for (codec <- Interop.codecs) write(s"lines-$codec") { path =>
      val codecClass = Class.forName(Interop.classPrefix + codec).asInstanceOf[Class[org.apache.hadoop.io.compress.CompressionCodec]]
      sc.parallelize(0 until Interop.records, 2).map(Interop.line).saveAsTextFile(path, codecClass)
    }
    for ((key, value) <- Interop.kinds; (form, codec) <- formsOf(key))
      writeSequence(sc, s"sequence-$key-$value-$form-$codec", key, value, form, codec, Interop.records)
    writeSequence(sc, "sequence-int-map-NONE-DefaultCodec", "int", "map", "NONE", "DefaultCodec", 100)
    write("objects-int")(sc.parallelize(0 until 100, 2).saveAsObjectFile(_))
    write("objects-long")(sc.parallelize((0L until 100L).map(_ * 10000000000L), 2).saveAsObjectFile(_))
    write("objects-double")(sc.parallelize((0 until 100).map(_ * 0.25), 2).saveAsObjectFile(_))
    write("objects-string")(sc.parallelize((0 until 100).map(Interop.line), 2).saveAsObjectFile(_))
    write("objects-pair")(sc.parallelize((0 until 100).map(i => (Interop.line(i), i)), 2).saveAsObjectFile(_))
    for (codec <- Seq("snappy", "gzip", "zstd", "lz4_raw", "none")) write(s"parquet/people-$codec") { path =>
      val people = spark.range(0, 5000, 1, 2).selectExpr(
        "id", "cast(id % 100 as int) as small", "if(id % 7 = 0, null, concat('name ', id)) as name",
        "if(id % 5 = 0, null, id * 0.25) as score", "id % 3 = 0 as flag", "cast(id * 0.01 as decimal(10,2)) as amount",
        "timestamp_micros(id * 86400000123) as at", "date_add(date'2000-01-01', cast(id as int)) as day",
        "if(id % 11 = 0, null, transform(sequence(0, cast(id % 4 as int)), x -> concat('tag ', x))) as tags",
        "if(id % 13 = 0, null, named_struct('city', concat('city ', id % 10), 'height', id * 0.5)) as place",
        "map('k', id) as numbers", "cast(concat('b', id) as binary) as raw")
      people.write.option("compression", codec).option("parquet.block.size", 32 * 1024).parquet(path)
    }
  }

  def checkAll(spark: org.apache.spark.sql.SparkSession): Unit = {
    val sc = spark.sparkContext
    for (codec <- Interop.codecs if codec != "ZStandardCodec" || !Files.exists(Paths.get(s"$root/spark/lines-$codec.cannot")))
      check(s"lines-$codec")(path => same(sc.textFile(path, 3).collect().sorted.toSeq, (0 until Interop.records).map(Interop.line).sorted))
    for ((key, value) <- Interop.kinds; (form, codec) <- formsOf(key)) {
      val name = s"sequence-$key-$value-$form-$codec"
      if (Files.exists(Paths.get(s"$root/spark/$name.cannot")))
        println(s"INTEROP not run  Spark reads $name: this Spark has no such codec for SequenceFiles")
      else readSequence(sc, name, key, value, Interop.records)
    }
    readSequence(sc, "sequence-int-map-NONE-DefaultCodec", "int", "map", 100)
  }
}

Session.writeAll(spark)
Files.writeString(Paths.get(Session.root + "/spark-has-written"), "")
val patience = System.nanoTime() + 600L * 1000000000L
while (!Files.exists(Paths.get(Session.root + "/firesteel-has-written")) && System.nanoTime() < patience) Thread.sleep(100)
if (Files.exists(Paths.get(Session.root + "/firesteel-has-written"))) Session.checkAll(spark)
else println("INTEROP FAILED   Spark reads nothing: Firesteel had not written everything after 600 s")
println("INTEROP end")
System.exit(0)
