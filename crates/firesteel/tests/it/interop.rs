//! Files that Spark wrote, read here, and files written here for Spark to read. Run by `cargo xtask interop --only spark`,
//! which starts Spark and gives both the directory; each check prints a line.

#![expect(clippy::print_stdout, reason = "`cargo xtask interop` reads what is printed")]

use firesteel::{Bytes, Codec, Context, Data, SequenceOptions, VInt, VLong, Writable};
use std::fmt::Debug;
use std::path::{Path, PathBuf};

const RECORDS: i32 = 6000;

/// Hadoop's name of a codec, and ours.
const CODECS: [(&str, Codec); 6] = [
    ("GzipCodec", Codec::Gzip),
    ("BZip2Codec", Codec::Bzip2),
    ("DefaultCodec", Codec::Deflate),
    ("SnappyCodec", Codec::Snappy),
    ("Lz4Codec", Codec::Lz4),
    ("ZStandardCodec", Codec::Zstd),
];

struct Interop {
    sc: Context,
    root: PathBuf,
    failed: u32,
}

impl Interop {
    fn path(&self, side: &str, name: &str) -> String {
        self.root.join(side).join(name).to_str().unwrap().into()
    }

    /// Runs a check unless Spark said that it cannot write this.
    fn check(&mut self, name: &str, body: impl FnOnce(&Context, &str) -> Result<(), String>) {
        let path = self.path("spark", name);
        if let Ok(why) = std::fs::read_to_string(format!("{path}.cannot")) {
            println!("INTEROP not run  Firesteel reads {name}: Spark cannot write it: {why}");
            return;
        }
        match body(&self.sc, &path) {
            Ok(()) => println!("INTEROP ok       Firesteel reads {name}"),
            Err(why) => {
                self.failed += 1;
                println!("INTEROP FAILED   Firesteel reads {name}: {why}");
            }
        }
    }

    /// Spark's object files; it cannot read ours.
    fn objects<T: Data + Debug>(&mut self, kind: &str, make: fn(i32) -> T) {
        let wanted: Vec<T> = (0..100).map(make).collect();
        self.check(&format!("objects-{kind}"), |sc, path| {
            let read = sc.object_file::<T>(path, None).map_err(|e| e.to_string())?;
            same(&read.collect().map_err(|e| e.to_string())?, &wanted)
        });
    }

    fn sequence<K, V>(&mut self, kinds: &str, forms: &[(String, SequenceOptions)], make: fn(i32) -> (K, V))
    where
        K: Writable + Data + Debug,
        V: Writable + Data + Debug,
    {
        let wanted: Vec<(K, V)> = (0..RECORDS).map(make).collect();
        for (form, options) in forms {
            let name = format!("sequence-{kinds}-{form}");
            self.check(&name, |sc, path| {
                let read = sc.sequence_file::<K, V>(path, 5).map_err(|e| e.to_string())?;
                same(&read.collect().map_err(|e| e.to_string())?, &wanted)
            });
            let ours = self.sc.parallelize(wanted.clone(), 2);
            ours.save_as_sequence_file_formatted(&self.path("firesteel", &name), options.clone()).unwrap();
        }
    }
}

fn same<T: Debug>(found: &[T], wanted: &[T]) -> Result<(), String> {
    if found.len() != wanted.len() {
        return Err(format!("{} records instead of {}", found.len(), wanted.len()));
    }
    let shown = |record: &T| format!("{record:?}");
    match found.iter().zip(wanted).find(|(a, b)| shown(a) != shown(b)) {
        Some((a, b)) => Err(format!("{a:?} instead of {b:?}")),
        None => Ok(()),
    }
}

fn line(i: i32) -> String {
    format!("line {i} é {}", i64::from(i) * 7919 % 10007)
}

fn forms(codecs: &[(&str, Codec)]) -> Vec<(String, SequenceOptions)> {
    let mut forms = vec![("NONE-DefaultCodec".to_string(), SequenceOptions::default())];
    for (name, codec) in codecs {
        forms.push((format!("RECORD-{name}"), SequenceOptions::record(*codec)));
        forms.push((format!("BLOCK-{name}"), SequenceOptions::block(*codec)));
    }
    forms
}

#[test]
#[ignore = "wants Spark: cargo xtask interop --only spark"]
fn spark() {
    let root = PathBuf::from(std::env::var("INTEROP_DIR").expect("INTEROP_DIR names the directory"));
    let sc = Context::builder().master("local[2]").create().unwrap();
    let mut interop = Interop { sc, root, failed: 0 };
    lines(&mut interop);
    sequences(&mut interop);
    maps(&mut interop);
    interop.objects("int", |i| i);
    interop.objects("long", |i| i64::from(i) * 10_000_000_000);
    interop.objects("double", |i| f64::from(i) * 0.25);
    interop.objects("string", line);
    interop.objects("pair", |i| (line(i), i));
    assert_eq!(interop.failed, 0, "some checks failed");
}

fn lines(interop: &mut Interop) {
    let wanted: Vec<String> = (0..RECORDS).map(line).collect();
    for (name, codec) in CODECS {
        let name = format!("lines-{name}");
        interop.check(&name, |sc, path| {
            let read = sc.text_file(path, 3).map_err(|e| e.to_string())?;
            same(&read.collect().map_err(|e| e.to_string())?, &wanted)
        });
        let ours = interop.sc.parallelize(wanted.clone(), 2);
        ours.save_as_text_file_compressed(&interop.path("firesteel", &name), codec).unwrap();
    }
}

fn sequences(interop: &mut Interop) {
    let (all, usual) = (forms(&CODECS), forms(&[("DefaultCodec", Codec::Deflate)]));
    interop.sequence("text-int", &all, |i| (format!("key {i} é"), i.wrapping_mul(7919) - 500));
    interop.sequence("long-double", &usual, |i| (i64::from(i) * 1_000_000_007 - 5, f64::from(i) * 0.25));
    interop.sequence("vint-vlong", &usual, |i| (VInt(i * i - 1000), VLong(i64::from(i).pow(4) - 1000)));
    interop.sequence("short-byte", &usual, |i| ((i - 3000) as i16, (i % 256 - 128) as i8));
    interop.sequence("boolean-float", &usual, |i| (i % 3 == 0, i as f32 * 0.5));
    interop.sequence("null-bytes", &usual, |i| ((), (0..i % 50).map(|j| (i + j) as u8).collect::<Bytes>()));
}

/// Maps have no type of ours: they are read and written as values.
fn maps(interop: &mut Interop) {
    use firesteel_io::hadoop::{SequenceCompression, SequenceHeader, SequenceValues, SequenceWriter, Value};
    let name = "sequence-int-map-NONE-DefaultCodec";
    let entries = |i: i32| {
        let number = (Value::Text("number".into()), Value::Int(i));
        vec![number, (Value::Long(i64::from(i)), Value::VInt(i))]
    };
    interop.check(name, |_, path| {
        let mut found = vec![];
        for file in
            firesteel_io::list_inputs(&firesteel_io::Stores::default(), path).map_err(|e| e.to_string())?
        {
            let values = SequenceValues::open(
                &firesteel_io::Stores::default(),
                &firesteel_io::FileSplit::whole(&file),
            )
            .map_err(|e| e.to_string())?;
            for batch in values {
                found.extend(batch.map_err(|e| e.to_string())?);
            }
        }
        for (i, (key, value)) in found.iter().enumerate() {
            // Java's maps have an order of their own.
            let Value::Map(map) = value else { return Err(format!("{value:?} is no map")) };
            let all = map.len() == 2 && entries(i as i32).iter().all(|entry| map.contains(entry));
            if !all || *key != Value::Int(i as i32 * 7919 - 500) {
                return Err(format!("record {i} is {key:?}, {value:?}"));
            }
        }
        if found.len() == 100 { Ok(()) } else { Err(format!("{} records instead of 100", found.len())) }
    });
    let dir = interop.path("firesteel", name);
    std::fs::create_dir_all(Path::new(&dir)).unwrap();
    let map_class = Value::Map(vec![]).class();
    let header = SequenceHeader::new(Value::Int(0).class(), map_class, SequenceCompression::None);
    let mut writer = SequenceWriter::new(vec![], header).unwrap();
    for i in 0..100 {
        let (mut key, mut value) = (vec![], vec![]);
        Value::Int(i * 7919 - 500).write(&mut key);
        Value::Map(entries(i)).write(&mut value);
        writer.append(&key, &value).unwrap();
    }
    std::fs::write(format!("{dir}/part-00000"), writer.finish().unwrap()).unwrap();
}

/// Applications whose logs Spark's History Server is to show: `cargo xtask interop --only history` says where.
#[test]
#[ignore = "writes for another program; cargo xtask interop --only history runs it"]
fn logs() {
    let dir = std::env::var("INTEROP_LOGS").expect("the directory of logs");
    for (codec, rolling) in [("zstd", "true"), ("lz4", "false")] {
        let sc = Context::builder()
            .master("local[2]")
            .app_name(&format!("Firesteel {codec}"))
            .conf("spark.eventLog.enabled", "true")
            .conf("spark.eventLog.dir", &dir)
            .conf("spark.eventLog.compression.codec", codec)
            .conf("spark.eventLog.rolling.enabled", rolling)
            .create()
            .unwrap();
        let pairs = sc.parallelize((0..1000_i64).collect::<Vec<_>>(), 8).map(|x| (x % 7, x)).cache();
        assert_eq!(pairs.reduce_by_key(|a, b| a + b).count().unwrap(), 7);
        assert_eq!(pairs.count().unwrap(), 1000);
        let failed = sc.parallelize(vec![0_i64, 1], 2).map(|x| 1 / x).collect();
        assert!(failed.is_err());
    }
}
