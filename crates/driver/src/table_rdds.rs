//! Tables as RDDs of column batches: which files a table has, and which partition reads which parts of them.
//!
//! The cut into partitions is that of Spark's file sources: files are cut at a size that gives each slot
//! something, and the pieces, largest first, are put together until a partition is full.

use crate::context::DriverContext;
use crate::error::{Error, Result};
use crate::rdd::{OperatorCode, Parts, UntypedRdd};
use crate::table_failure::table_failure;
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use firesteel_conf as conf;
use firesteel_data::Batch;
use firesteel_io::{
    Codec, FileSplit, InputFile, IoError, Lenient, ListOptions, Stores, Subdirectories, glob_matches,
    list_inputs_with,
};
use firesteel_operators::{Batches, Open, Outcome};
use firesteel_tables::TableError;
use firesteel_tables::columns::{
    ColumnBatch, DirectoryColumns, DirectoryValues, Options, ReadColumns, Table, TableFormat,
    directory_values,
};
use firesteel_types::{CallSite, Partition};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// The files of a table, with the columns that are in the names of their directories.
#[derive(Clone, Debug, Default)]
pub struct TableFiles {
    /// The files.
    pub files: Vec<InputFile>,
    /// The values of each file's directories.
    pub values: Vec<DirectoryValues>,
    /// The names of the columns in directories.
    pub names: Vec<String>,
}

/// The bounds of partitions: `spark.sql.files.maxPartitionBytes`, `openCostInBytes`, `minPartitionNum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionSizes {
    /// The most bytes of a partition; 128 MiB in Spark.
    pub most_bytes: u64,
    /// The bytes that a file counts for beside its own; 4 MiB in Spark.
    pub open_cost: u64,
    /// The number of partitions to aim at.
    pub partitions: u64,
}

/// A part of a file that a task reads, with the values of the file's directories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    split: FileSplit,
    values: DirectoryValues,
}

/// The environment of tasks that read. The wanted columns are numbers: those of the files' own columns first, then those of
/// directories.
#[derive(Serialize, Deserialize)]
struct Sent {
    partitions: Vec<Vec<Piece>>,
    table: Table,
    directories: DirectoryColumns,
    wanted_directories: Vec<usize>,
    lenient: Lenient,
}

impl DriverContext {
    /// Lists the files of a table. Directories named `name=value` below a path are columns.
    ///
    /// Only files whose name matches `glob` count, if one is given.
    ///
    /// # Errors
    /// When a path does not exist, or some of its directories are columns and others are not.
    pub fn table_files(
        &self,
        site: &CallSite,
        paths: &[String],
        base: Option<&str>,
        recursive: bool,
        glob: Option<&str>,
    ) -> Result<TableFiles> {
        let refused = |message| Error::InvalidArgument { site: site.clone(), message };
        let options =
            ListOptions { subdirectories: Subdirectories::Read, skip_dead_links: true, map_files: false };
        let mut found = vec![];
        for path in paths {
            let files = list_inputs_with(self.stores(), &one_path(path), &options)
                .map_err(|source| Error::Io { site: site.clone(), source })?;
            let matches = |file: &InputFile| match glob {
                None => Ok(true),
                Some(glob) => glob_matches(glob, &file.path[file.path.rfind('/').map_or(0, |at| at + 1)..]),
            };
            for file in files {
                if !matches(&file).map_err(refused)? {
                    continue;
                }
                let inside = directories_below(&file.path, path, base).to_string();
                found.push((file, inside));
            }
        }
        if recursive {
            let (files, values) = found.into_iter().map(|(file, _)| (file, vec![])).unzip();
            return Ok(TableFiles { files, values, names: vec![] });
        }
        with_directories(found).map_err(refused)
    }

    /// Makes an RDD of the column batches of a table's files. `table.wanted` are the files' own columns, `wanted_directories`
    /// those of directories, which come behind them.
    ///
    /// # Errors
    /// When the environment of the tasks cannot be encoded.
    pub fn read_table(
        &self,
        site: CallSite,
        table: Table,
        files: TableFiles,
        directories: DirectoryColumns,
        wanted_directories: Vec<usize>,
        sizes: PartitionSizes,
    ) -> Result<UntypedRdd> {
        let whole = !is_splittable(table.format, &table.options);
        let partitions = pack(files, whole, sizes);
        let count = u32::try_from(partitions.len()).unwrap_or(u32::MAX);
        let refused = |message| Error::InvalidArgument { site: site.clone(), message };
        let flag = |name, default| table.options.flag(name, default).map_err(refused);
        let lenient = Lenient {
            corrupt: flag("ignoreCorruptFiles", self.conf().get(&conf::IGNORE_CORRUPT_FILES)?)?,
            missing: flag("ignoreMissingFiles", self.conf().get(&conf::IGNORE_MISSING_FILES)?)?,
        };
        let sent = Sent { partitions, table, directories, wanted_directories, lenient };
        let code = Open::code(&sent, |stores: &Stores, sent: &Sent, partition: Partition| {
            Ok(TableBatches::new(stores, sent, partition))
        });
        Ok(self.rdd(Parts::source(site, count, OperatorCode::from(code))))
    }
}

/// Returns the directories between a table's path and a file: `a=1/b=2`.
fn directories_below<'f>(file: &'f str, path: &str, base: Option<&str>) -> &'f str {
    let directory = file.rfind('/').map_or("", |end| &file[..end]);
    // As many names as the path has are above, whatever a pattern in it matched.
    let names = |path: &str| {
        let path = path.strip_prefix("file:").unwrap_or(path);
        path.split('/').filter(|part| !part.is_empty() && *part != ".").count()
    };
    let absolute = |path: &str| path.starts_with('/') || path.contains(":/");
    let above = match base.unwrap_or(path) {
        path if absolute(path) => names(path),
        path => names(path) + std::env::current_dir().map_or(0, |dir| names(&dir.to_string_lossy())),
    };
    let mut rest = directory;
    let mut left = above;
    while left > 0 {
        rest = rest.trim_start_matches('/');
        if rest.is_empty() {
            break;
        }
        rest = rest.find('/').map_or("", |end| &rest[end..]);
        left -= 1;
    }
    rest.trim_start_matches('/')
}

/// Tells tables whose directories are columns from others, of which only the files at the top count.
fn with_directories(found: Vec<(InputFile, String)>) -> std::result::Result<TableFiles, String> {
    let parsed: Vec<_> = found.iter().map(|(_, inside)| directory_values(inside)).collect();
    let has_columns = parsed.iter().flatten().any(|columns| !columns.is_empty());
    let mut files = TableFiles::default();
    if !has_columns {
        for (file, _) in found.into_iter().filter(|(_, inside)| inside.is_empty()) {
            files.files.push(file);
            files.values.push(vec![]);
        }
        return Ok(files);
    }
    let mut shapes = BTreeSet::new();
    for ((file, inside), columns) in found.into_iter().zip(parsed) {
        let columns = columns.ok_or_else(|| {
            format!(
                "{} lies in {inside:?}, which is no name=value as the directories of other files are: read one or \
                 the other, or set recursiveFileLookup, which makes no columns of directories",
                file.path
            )
        })?;
        let (names, values): (Vec<String>, DirectoryValues) = columns.into_iter().unzip();
        shapes.insert(names.clone());
        files.names = names;
        files.files.push(file);
        files.values.push(values);
    }
    match shapes.len() {
        0 | 1 => Ok(files),
        _ => {
            let shapes: Vec<String> = shapes.iter().map(|names| format!("[{}]", names.join("/"))).collect();
            Err(format!(
                "Conflicting partition column names detected: {}. All files of a table lie in directories of the same \
                 columns; give the table's own path, or the option basePath",
                shapes.join(", ")
            ))
        }
    }
}

/// Returns whether files of a table may be read from their middle.
fn is_splittable(format: TableFormat, options: &Options) -> bool {
    let set = |name: &str| options.flag(name, false).unwrap_or(false);
    match format {
        TableFormat::Text => !set("wholetext"),
        TableFormat::Csv | TableFormat::Json => !set("multiLine"),
        TableFormat::Parquet => true,
    }
}

/// Returns the parts of a table's files, as its partitions read them.
pub(crate) fn splits(
    files: &TableFiles,
    format: TableFormat,
    options: &Options,
    sizes: PartitionSizes,
) -> Vec<Vec<FileSplit>> {
    let packed = pack(files.clone(), !is_splittable(format, options), sizes);
    packed.into_iter().map(|pieces| pieces.into_iter().map(|piece| piece.split).collect()).collect()
}

/// Puts the parts of files together to partitions.
fn pack(files: TableFiles, whole: bool, sizes: PartitionSizes) -> Vec<Vec<Piece>> {
    let total: u64 = files.files.iter().map(|file| file.length + sizes.open_cost).sum();
    let share = total / sizes.partitions.max(1);
    let most = sizes.most_bytes.min(share.max(sizes.open_cost)).max(1);
    let mut pieces = vec![];
    for (file, values) in files.files.into_iter().zip(files.values) {
        // Only codecs with blocks of their own can be read from the middle.
        let at_once = whole || !Codec::of_path(&file.path).splittable();
        let step = if at_once { file.length.max(1) } else { most };
        let mut start = 0;
        while start < file.length {
            let length = step.min(file.length - start);
            let split = FileSplit { path: file.path.clone(), start, length };
            pieces.push(Piece { split, values: values.clone() });
            start += length;
        }
    }
    pieces.sort_by_key(|piece| Reverse(piece.split.length));
    let (mut partitions, mut current, mut size) = (vec![], vec![], 0);
    for piece in pieces {
        if size + piece.split.length > most && !current.is_empty() {
            partitions.push(std::mem::take(&mut current));
            size = 0;
        }
        size += piece.split.length + sizes.open_cost;
        current.push(piece);
    }
    if !current.is_empty() {
        partitions.push(current);
    }
    partitions
}

/// The batches of one partition: those of its pieces, one after the other.
struct TableBatches {
    stores: Stores,
    table: Table,
    directories: DirectoryColumns,
    wanted_directories: Vec<usize>,
    lenient: Lenient,
    pieces: VecDeque<Piece>,
    current: Option<(Box<dyn ReadColumns>, Piece)>,
}

impl TableBatches {
    fn new(stores: &Stores, sent: &Sent, partition: Partition) -> Self {
        TableBatches {
            stores: stores.clone(),
            table: sent.table.clone(),
            directories: sent.directories.clone(),
            wanted_directories: sent.wanted_directories.clone(),
            lenient: sent.lenient,
            pieces: sent.partitions[partition.index()].clone().into(),
            current: None,
        }
    }

    /// Returns the next batch of the files' own columns; none at the end.
    fn next_own(&mut self) -> std::result::Result<Option<(RecordBatch, &Piece)>, TableError> {
        loop {
            if self.current.is_none() {
                let Some(piece) = self.pieces.pop_front() else { return Ok(None) };
                match self.table.open(&self.stores, &piece.split) {
                    Ok(reader) => self.current = Some((reader, piece)),
                    Err(error) => {
                        self.pass_over(error)?;
                        continue;
                    }
                }
            }
            let Some((reader, _)) = &mut self.current else { continue };
            match reader.next_batch() {
                Ok(Some(batch)) if batch.num_rows() > 0 => {
                    let piece = self.current.as_ref().map(|(_, piece)| piece);
                    return Ok(piece.map(|piece| (batch, piece)));
                }
                Ok(Some(_)) => {}
                Ok(None) => self.current = None,
                Err(error) => {
                    self.current = None;
                    self.pass_over(error)?;
                }
            }
        }
    }

    /// Passes over a file where the settings let it fail.
    fn pass_over(&self, error: TableError) -> std::result::Result<(), TableError> {
        let io: Option<&IoError> = match &error {
            TableError::Io(error) => Some(error),
            _ => None,
        };
        match io.is_some_and(|error| self.lenient.passes_over(error)) {
            true => Ok(()),
            false => Err(error),
        }
    }

    fn next(&mut self) -> std::result::Result<Option<RecordBatch>, TableError> {
        let (directories, wanted) = (self.directories.clone(), self.wanted_directories.clone());
        let Some((batch, piece)) = self.next_own()? else { return Ok(None) };
        let fail = |message| TableError::File { path: piece.split.path.clone(), message };
        let mut fields: Vec<Arc<Field>> = batch.schema().fields().iter().cloned().collect();
        let mut columns = batch.columns().to_vec();
        for at in wanted {
            let value = piece.values.get(at).and_then(Option::as_deref);
            columns.push(directories.array(at, value, batch.num_rows()).map_err(fail)?);
            fields.push(Arc::new(directories.field(at).map_err(fail)?));
        }
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let whole = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &rows);
        whole.map(Some).map_err(|error| fail(error.to_string()))
    }
}

impl Batches<ColumnBatch> for TableBatches {
    fn next_batch(&mut self) -> Outcome<Option<Batch<ColumnBatch>>> {
        match self.next() {
            Ok(batch) => Ok(batch.map(|batch| Batch::Owned(vec![ColumnBatch(batch)]))),
            Err(error) => Err(table_failure("read the table", error)),
        }
    }
}

/// Returns a path in which a comma is part of a name, since several paths are several texts here; within braces it
/// stays what parts the alternatives of a pattern.
fn one_path(path: &str) -> String {
    let (mut made, mut depth, mut escaped) = (String::with_capacity(path.len()), 0_usize, false);
    for c in path.chars() {
        match c {
            _ if escaped => {}
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => made.push('\\'),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        made.push(c);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn commas_part_alternatives_but_not_paths() {
        assert_eq!(one_path("a,b/{c,d}"), "a\\,b/{c,d}");
        assert_eq!(one_path("a\\,b"), "a\\,b");
    }

    fn file(path: &str, length: u64) -> InputFile {
        InputFile { path: path.into(), length }
    }

    #[test]
    fn directories_begin_below_the_path() {
        let below = |file, path, base| directories_below(file, path, base);
        assert_eq!(below("/t/a=1/b=2/part-0", "/t", None), "a=1/b=2");
        assert_eq!(below("/t/part-0", "/t/", None), "");
        assert_eq!(below("/t/part-0", "/t/part-0", None), "", "the file itself");
        assert_eq!(
            below("/t/a=1/b=2/part-0", "file:///t/*", None),
            "b=2",
            "a pattern stands for what it matches"
        );
        assert_eq!(below("/t/a=1/b=2/part-0", "/t/a=1", Some("/t")), "a=1/b=2");
        assert_eq!(below("s3a://b/t/a=1/part-0", "s3a://b/t", None), "a=1");
    }

    #[test]
    fn directories_are_columns_if_all_are() {
        let at = |inside: &str| (file(&format!("/t/{inside}/f"), 1), inside.to_string());
        let found = with_directories(vec![at("a=1"), at("a=__HIVE_DEFAULT_PARTITION__")]).unwrap();
        assert_eq!(found.names, ["a"]);
        assert_eq!(found.values, [vec![Some("1".to_string())], vec![None]]);
        // Spark passes over what lies in other directories.
        let found = with_directories(vec![at(""), at("old")]).unwrap();
        assert_eq!((found.files.len(), found.names.len()), (1, 0));
        let mixed = with_directories(vec![at("a=1"), at("old")]).unwrap_err();
        assert!(mixed.contains("recursiveFileLookup"), "{mixed}");
        let conflict = with_directories(vec![at("a=1"), at("a=1/b=2")]).unwrap_err();
        assert!(conflict.contains("[a], [a/b]"), "{conflict}");
    }

    fn packed(lengths: &[u64], most_bytes: u64, open_cost: u64, partitions: u64) -> Vec<Vec<u64>> {
        let files = lengths.iter().enumerate().map(|(at, length)| file(&format!("/f{at}"), *length));
        let files = TableFiles { files: files.collect(), values: vec![vec![]; lengths.len()], names: vec![] };
        let packed = pack(files, false, PartitionSizes { most_bytes, open_cost, partitions });
        packed.iter().map(|pieces| pieces.iter().map(|piece| piece.split.length).collect()).collect()
    }

    #[test]
    fn small_files_share_a_partition_and_large_ones_are_cut() {
        // As Spark 4.3 cuts them, with its defaults scaled down.
        assert_eq!(packed(&[10], 128, 4, 4), [[4], [4], [2]].map(Vec::from));
        assert_eq!(packed(&[1; 8], 128, 4, 2), [vec![1; 4], vec![1; 4]]);
        assert_eq!(packed(&[300, 1], 128, 4, 1), [vec![128], vec![128], vec![44, 1]]);
        assert!(packed(&[0, 0], 128, 4, 2).is_empty());
    }

    proptest! {
        #[test]
        fn every_byte_is_in_one_partition(
            lengths in proptest::collection::vec(0..500_u64, 0..20),
            most in 1..200_u64,
            cost in 1..20_u64,
            partitions in 1..9_u64,
        ) {
            let packed = packed(&lengths, most, cost, partitions);
            prop_assert_eq!(packed.iter().flatten().sum::<u64>(), lengths.iter().sum::<u64>());
            prop_assert!(packed.iter().all(|pieces| !pieces.is_empty()));
            prop_assert!(packed.iter().flatten().all(|length| *length <= most));
        }
    }
}
