//! Hadoop's own settings, as programs hand them over: `spark.hadoop.KEY` for a whole application, `conf={KEY:
//! ...}` for one reader or writer. [`HadoopConf`] knows each key that changes the data that is read or
//! written: it is obeyed here, or refused with a sentence. A key is accepted without effect only if it
//! changes nothing that a program could see.
//!
//! The meaning of keys and their older names: Hadoop's `mapred-default.xml` and its table of deprecated properties.

use super::files::SequenceOptions;
use super::header::SequenceCompression;
use crate::codec::Codec;
use crate::combine::CombineOptions;
use crate::inputs::{ListOptions, Subdirectories};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A key that is obeyed, with the older names that mean the same.
type Names = &'static [&'static str];

const DELIMITER: Names = &["textinputformat.record.delimiter"];
const INPUT: Names = &["mapreduce.input.fileinputformat.inputdir", "mapred.input.dir"];
const RECURSIVE: Names =
    &["mapreduce.input.fileinputformat.input.dir.recursive", "mapred.input.dir.recursive"];
const IGNORE_SUBDIRECTORIES: Names =
    &["mapreduce.input.fileinputformat.input.dir.nonrecursive.ignore.subdirs"];
const MIN_SPLIT: Names = &["mapreduce.input.fileinputformat.split.minsize", "mapred.min.split.size"];
const MAX_SPLIT: Names = &["mapreduce.input.fileinputformat.split.maxsize", "mapred.max.split.size"];
const MIN_ON_HOST: Names =
    &["mapreduce.input.fileinputformat.split.minsize.per.node", "mapred.min.split.size.per.node"];
const MIN_ON_RACK: Names =
    &["mapreduce.input.fileinputformat.split.minsize.per.rack", "mapred.min.split.size.per.rack"];
const LINES_PER_SPLIT: Names =
    &["mapreduce.input.lineinputformat.linespermap", "mapred.line.input.format.linespermap"];
const KEY_VALUE_SEPARATOR: Names =
    &["mapreduce.input.keyvaluelinerecordreader.key.value.separator", "key.value.separator.in.input.line"];
const OUTPUT: Names = &["mapreduce.output.fileoutputformat.outputdir", "mapred.output.dir"];
const OUTPUT_FORMAT: Names = &["mapreduce.job.outputformat.class", "mapred.output.format.class"];
const KEY_CLASS: Names = &["mapreduce.job.output.key.class", "mapred.output.key.class"];
const VALUE_CLASS: Names = &["mapreduce.job.output.value.class", "mapred.output.value.class"];
const COMPRESS: Names = &["mapreduce.output.fileoutputformat.compress", "mapred.output.compress"];
const COMPRESS_CODEC: Names =
    &["mapreduce.output.fileoutputformat.compress.codec", "mapred.output.compression.codec"];
const COMPRESS_TYPE: Names =
    &["mapreduce.output.fileoutputformat.compress.type", "mapred.output.compression.type"];
const SEPARATOR: Names = &[
    "mapreduce.output.textoutputformat.separator",
    "mapreduce.textoutputformat.separator",
    "mapred.textoutputformat.separator",
];
const MARK_SUCCESS: Names = &["mapreduce.fileoutputcommitter.marksuccessfuljobs"];

/// All keys that are obeyed.
const OBEYED: [Names; 19] = [
    DELIMITER,
    INPUT,
    RECURSIVE,
    IGNORE_SUBDIRECTORIES,
    MIN_SPLIT,
    MAX_SPLIT,
    MIN_ON_HOST,
    MIN_ON_RACK,
    LINES_PER_SPLIT,
    KEY_VALUE_SEPARATOR,
    OUTPUT,
    OUTPUT_FORMAT,
    KEY_CLASS,
    VALUE_CLASS,
    COMPRESS,
    COMPRESS_CODEC,
    COMPRESS_TYPE,
    SEPARATOR,
    MARK_SUCCESS,
];

/// Keys that change nothing that a program could see here, by their beginnings, and the reasons.
const HARMLESS: &[(&str, &str)] = &[
    ("mapreduce.fileoutputcommitter.", "output is committed by one rename for each file, whatever they say"),
    ("mapreduce.outputcommitter.factory.", "object stores have a committer that is safe without them"),
    ("mapreduce.input.fileinputformat.list-status.num-threads", "it only says how fast to list"),
    ("mapreduce.input.fileinputformat.numinputfiles", "jobs of Hadoop write it down for themselves"),
    ("mapreduce.job.inputformat.class", "the format is named by the call"),
    ("mapreduce.job.output.group.comparator.class", "there is no reduce phase of Hadoop's"),
    ("mapred.input.format.class", "the format is named by the call"),
    ("mapred.map.tasks", "the call says how many partitions there should be"),
    ("mapred.reduce.tasks", "there is no reduce phase of Hadoop's"),
];

/// Keys that would change the data and are not obeyed, by their beginnings, and the reasons or the remedies.
const REFUSED: &[(&str, &str)] = &[
    (
        "mapreduce.input.linerecordreader.line.maxlength",
        "lines that are too long would be dropped; filter them in a function: .filter(lambda line: len(line) < N)",
    ),
    (
        "mapreduce.input.pathfilter.class",
        "a class of the JVM cannot be asked; name the files by a pattern such as /data/*.txt",
    ),
    (
        "mapred.input.pathfilter.class",
        "a class of the JVM cannot be asked; name the files by a pattern such as /data/*.txt",
    ),
    (
        "mapred.output.committer.class",
        "there is one committer for each kind of store, and it cannot be replaced",
    ),
    ("mapreduce.output.basename", "the names of part files begin with `part`; rename them after the job"),
    ("io.serializations", "only Writables are read and written; pickle other objects with saveAsPickleFile"),
];

/// The beginnings of keys that change, in Hadoop, the data that is read or written. A key among them that is
/// not known here is refused.
const ABOUT_FILES: &[&str] = &[
    "mapreduce.input.",
    "mapreduce.output.",
    "mapreduce.fileoutputcommitter.",
    "mapreduce.textoutputformat.",
    "mapred.input.",
    "mapred.output.",
    "mapred.textoutputformat.",
    "mapred.linerecordreader.",
    "textinputformat.",
    "textoutputformat.",
];

/// Settings of Hadoop's readers and writers, checked.
///
/// ```
/// use firesteel_io::hadoop::HadoopConf;
/// let conf = HadoopConf::new([("textinputformat.record.delimiter", "ab")])?;
/// assert_eq!(conf.delimiter(), Some(b"ab".to_vec()));
/// let error = HadoopConf::new([("mapreduce.input.pathFilter.class", "org.example.Filter")]).unwrap_err();
/// assert!(error.contains("pattern"), "{error}");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HadoopConf {
    values: BTreeMap<String, String>,
}

impl HadoopConf {
    /// Checks keys and their values; a later pair takes the place of an earlier one of the same key.
    ///
    /// # Errors
    /// A sentence about the first key that would change the data and cannot be obeyed, or whose value is not
    /// one of the key's.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, String> {
        let mut values = BTreeMap::new();
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref());
            if let Some(names) = OBEYED.iter().find(|names| names.contains(&key)) {
                check_value(names, key, value)?;
                // The newest name is the key, so that of two spellings the one that was set last counts.
                values.insert(names[0].to_string(), value.to_string());
            } else {
                refuse(key, value)?;
            }
        }
        Ok(HadoopConf { values })
    }

    /// Returns the settings that are obeyed, by their newest names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    fn get(&self, names: Names) -> Option<&str> {
        self.values.get(names[0]).map(String::as_str)
    }

    fn is_true(&self, names: Names, default: bool) -> bool {
        self.get(names).map_or(default, |value| value.trim().eq_ignore_ascii_case("true"))
    }

    /// Returns the bytes that end a record of text, if not the end of a line.
    pub fn delimiter(&self) -> Option<Vec<u8>> {
        self.get(DELIMITER).filter(|delimiter| !delimiter.is_empty()).map(|text| text.as_bytes().to_vec())
    }

    /// Returns the path to read, where the call names none.
    pub fn input(&self) -> Option<&str> {
        self.get(INPUT)
    }

    /// Returns the directory to write, where the call names none.
    pub fn output(&self) -> Option<&str> {
        self.get(OUTPUT)
    }

    /// Returns the format's class, where the call names none.
    pub fn output_format(&self) -> Option<&str> {
        self.get(OUTPUT_FORMAT)
    }

    /// Returns the classes of keys and values to write, where the call names none.
    pub fn classes(&self) -> (Option<&str>, Option<&str>) {
        (self.get(KEY_CLASS), self.get(VALUE_CLASS))
    }

    /// Returns the treatment of directories inside of input directories. Hadoop reads them if the settings
    /// say so, else it fails.
    pub fn list_options(&self) -> ListOptions {
        let subdirectories = if self.is_true(RECURSIVE, false) {
            Subdirectories::Read
        } else if self.is_true(IGNORE_SUBDIRECTORIES, false) {
            Subdirectories::Skip
        } else {
            Subdirectories::Refuse
        };
        ListOptions { subdirectories, ..ListOptions::default() }
    }

    /// Returns the least and the greatest number of bytes in a split, where they are set.
    pub fn split_bounds(&self) -> (Option<u64>, Option<u64>) {
        let size = |names| self.get(names).and_then(|text| text.trim().parse::<u64>().ok());
        (size(MIN_SPLIT), size(MAX_SPLIT))
    }

    /// Returns the sizes of partitions that hold several files.
    ///
    /// # Errors
    /// A sentence about sizes that contradict each other, as in Hadoop.
    pub fn combine_options(&self) -> Result<CombineOptions, String> {
        let size =
            |names| self.get(names).and_then(|text| text.trim().parse().ok()).filter(|size: &u64| *size > 0);
        for (smaller, larger) in
            [(MIN_ON_HOST, MAX_SPLIT), (MIN_ON_RACK, MAX_SPLIT), (MIN_ON_HOST, MIN_ON_RACK)]
        {
            if let (Some(small), Some(large)) = (size(smaller), size(larger))
                && small > large
            {
                let (smaller, larger) = (smaller[0], larger[0]);
                return Err(format!("{smaller} ({small}) cannot be larger than {larger} ({large})"));
            }
        }
        // All files count as lying in one rack, so the least size there never decides.
        Ok(CombineOptions { full: size(MAX_SPLIT), least: size(MIN_ON_HOST).unwrap_or(0) })
    }

    /// Returns the least size on a host, for whole files: see [`CombineOptions`].
    pub fn least_on_host(&self) -> u64 {
        self.get(MIN_ON_HOST).and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Returns the number of lines in a split of `NLineInputFormat`; 0 stands for all.
    pub fn lines_per_split(&self) -> u64 {
        let lines = self.get(LINES_PER_SPLIT).and_then(|text| text.trim().parse::<i64>().ok());
        lines.map_or(1, |lines| u64::try_from(lines).unwrap_or(0))
    }

    /// Returns what stands between key and value in lines of `KeyValueTextInputFormat`. Of several characters Hadoop
    /// takes the first.
    pub fn key_value_separator(&self) -> u8 {
        self.get(KEY_VALUE_SEPARATOR).and_then(|text| text.bytes().next()).unwrap_or(b'\t')
    }

    /// Returns the codec of text, where the call does not say.
    pub fn codec(&self) -> Codec {
        if !self.is_true(COMPRESS, false) {
            return Codec::Plain;
        }
        // Hadoop's default is called DefaultCodec, and writes zlib streams.
        self.get(COMPRESS_CODEC)
            .map_or(Codec::Deflate, |name| Codec::named(name.trim()).unwrap_or(Codec::Deflate))
    }

    /// Returns the compression of SequenceFiles, where the call does not say: value by value, unless the
    /// settings name blocks.
    pub fn sequence_options(&self) -> SequenceOptions {
        let kind = self.get(COMPRESS_TYPE).map(|kind| kind.trim().to_ascii_uppercase());
        let compression = match (self.codec(), kind.as_deref()) {
            (Codec::Plain, _) | (_, Some("NONE")) => SequenceCompression::None,
            (codec, Some("BLOCK")) => SequenceCompression::Block(codec),
            (codec, _) => SequenceCompression::Record(codec),
        };
        SequenceOptions { compression, ..SequenceOptions::default() }
    }

    /// Returns the text between key and value in lines of text.
    pub fn separator(&self) -> &str {
        self.get(SEPARATOR).unwrap_or("\t")
    }

    /// Returns whether `_SUCCESS` is to appear.
    pub fn marks_success(&self) -> bool {
        self.is_true(MARK_SUCCESS, true)
    }
}

/// Refuses a key that is not obeyed, unless it changes nothing.
fn refuse(key: &str, value: &str) -> Result<(), String> {
    let lower = key.to_ascii_lowercase();
    if let Some((_, why)) = REFUSED.iter().find(|(begin, _)| lower.starts_with(begin)) {
        return Err(format!(
            "Hadoop's setting {key} = {value:?} is not obeyed here, and would change the result: {why}"
        ));
    }
    if lower == "validateoutputspecs" && !value.trim().eq_ignore_ascii_case("true") {
        return Err(format!(
            "spark.hadoop.{key} = {value:?} is not obeyed: an output never mixes with files that are there already. Remove the \
             directory first, or write to another one"
        ));
    }
    let harmless = HARMLESS.iter().any(|(begin, _)| lower.starts_with(begin));
    if !harmless && ABOUT_FILES.iter().any(|begin| lower.starts_with(begin)) {
        let known: Vec<&str> = OBEYED.iter().map(|names| names[0]).collect();
        return Err(format!(
            "Hadoop's setting {key} = {value:?} is not known here, and may change the result; take it out. Obeyed are {}",
            known.join(", ")
        ));
    }
    Ok(())
}

fn check_value(names: Names, key: &str, value: &str) -> Result<(), String> {
    let trimmed = value.trim();
    let is_switch = [RECURSIVE, IGNORE_SUBDIRECTORIES, COMPRESS, MARK_SUCCESS].contains(&names);
    let wanted = if is_switch && !["true", "false"].contains(&trimmed.to_ascii_lowercase().as_str()) {
        "true or false"
    } else if [MIN_SPLIT, MAX_SPLIT, MIN_ON_HOST, MIN_ON_RACK].contains(&names)
        && trimmed.parse::<u64>().is_err()
    {
        "a whole number of bytes"
    } else if names == LINES_PER_SPLIT && trimmed.parse::<i64>().is_err() {
        "a whole number of lines"
    } else if names == KEY_VALUE_SEPARATOR && !value.bytes().next().is_some_and(|first| first.is_ascii()) {
        "a character of ASCII; Hadoop would cut other ones in their middle"
    } else if names == COMPRESS_CODEC && Codec::named(trimmed).is_none() {
        "one of Hadoop's codecs for gzip, bzip2, zstd, deflate, snappy or lz4, such as org.apache.hadoop.io.compress.GzipCodec"
    } else if names == COMPRESS_TYPE
        && !["NONE", "RECORD", "BLOCK"].contains(&trimmed.to_ascii_uppercase().as_str())
    {
        "NONE, RECORD or BLOCK"
    } else {
        return Ok(());
    };
    Err(format!("Hadoop's setting {key} cannot be {value:?}: it is {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: &str) -> HadoopConf {
        HadoopConf::new([(key, value)]).unwrap()
    }

    #[test]
    fn older_names_mean_the_same_and_the_last_one_counts() {
        assert_eq!(one("mapred.min.split.size", "7").split_bounds(), (Some(7), None));
        let both = [("mapred.output.dir", "/a"), ("mapreduce.output.fileoutputformat.outputdir", "/b")];
        assert_eq!(HadoopConf::new(both).unwrap().output(), Some("/b"));
        assert_eq!(one("mapred.textoutputformat.separator", ";").separator(), ";");
    }

    #[test]
    fn compression_is_hadoops() {
        let on = ("mapreduce.output.fileoutputformat.compress", "TRUE");
        assert_eq!(HadoopConf::new([on]).unwrap().codec(), Codec::Deflate);
        assert_eq!(HadoopConf::default().codec(), Codec::Plain);
        let codec = ("mapred.output.compression.codec", "org.apache.hadoop.io.compress.GzipCodec");
        let by_value = HadoopConf::new([on, codec]).unwrap();
        assert_eq!(by_value.sequence_options().compression, SequenceCompression::Record(Codec::Gzip));
        let by_block = HadoopConf::new([on, codec, ("mapred.output.compression.type", "block")]).unwrap();
        assert_eq!(by_block.sequence_options().compression, SequenceCompression::Block(Codec::Gzip));
        // The codec alone compresses nothing.
        assert_eq!(HadoopConf::new([codec]).unwrap().sequence_options(), SequenceOptions::default());
    }

    #[test]
    fn what_would_change_the_result_is_refused_and_what_would_not_is_taken() {
        for key in [
            "mapreduce.input.linerecordreader.line.maxlength",
            "mapreduce.input.pathFilter.class",
            "mapreduce.output.basename",
            "mapreduce.input.fileinputformat.something.new",
            "mapred.output.committer.class",
        ] {
            let error = HadoopConf::new([(key, "x")]).unwrap_err();
            assert!(error.contains(key), "{error}");
        }
        for key in [
            "mapreduce.fileoutputcommitter.algorithm.version",
            "mapreduce.job.name",
            "io.file.buffer.size",
            "my.own.key",
        ] {
            assert_eq!(one(key, "2"), HadoopConf::default());
        }
    }

    #[test]
    fn settings_of_input_formats() {
        assert_eq!(one("mapred.line.input.format.linespermap", "5").lines_per_split(), 5);
        assert_eq!(one("mapreduce.input.lineinputformat.linespermap", "-1").lines_per_split(), 0);
        assert_eq!(HadoopConf::default().lines_per_split(), 1);
        assert_eq!(one("key.value.separator.in.input.line", ";;").key_value_separator(), b';');
        assert_eq!(HadoopConf::default().key_value_separator(), b'\t');
        for wrong in ["", "\u{20AC}"] {
            let error = HadoopConf::new([("key.value.separator.in.input.line", wrong)]).unwrap_err();
            assert!(error.contains("ASCII"), "{error}");
        }
        let sizes = |max: &str, host: &str, rack: &str| {
            let keys = [MAX_SPLIT[0], MIN_ON_HOST[0], MIN_ON_RACK[0]];
            HadoopConf::new(keys.into_iter().zip([max, host, rack])).unwrap().combine_options()
        };
        assert_eq!(sizes("100", "50", "60"), Ok(CombineOptions { full: Some(100), least: 50 }));
        assert_eq!(sizes("0", "50", "0"), Ok(CombineOptions { full: None, least: 50 }));
        for wrong in [sizes("100", "101", "0"), sizes("100", "0", "101"), sizes("100", "60", "50")] {
            assert!(wrong.unwrap_err().contains("cannot be larger"));
        }
    }

    #[test]
    fn outputs_do_not_mix() {
        assert!(HadoopConf::new([("validateOutputSpecs", "false")]).unwrap_err().contains("mixes"));
        assert!(HadoopConf::new([("validateOutputSpecs", "true")]).is_ok());
    }

    #[test]
    fn values_are_checked() {
        for (key, value) in [
            ("mapreduce.input.fileinputformat.input.dir.recursive", "yes"),
            ("mapreduce.input.fileinputformat.split.minsize", "1g"),
            ("mapreduce.output.fileoutputformat.compress.codec", "com.hadoop.compression.lzo.LzoCodec"),
            ("mapreduce.output.fileoutputformat.compress.type", "ALL"),
        ] {
            let error = HadoopConf::new([(key, value)]).unwrap_err();
            assert!(error.contains(key) && error.contains(value), "{error}");
        }
    }
}
