//! The schemas of tables that say little of them: a job looks at the rows of CSV and JSON files, each task at
//! those of a part, and what they saw is put together. Parquet files have schemas of their own.

use crate::context::DriverContext;
use crate::error::{Error, Result};
use crate::rdd::{OperatorCode, Parts};
use crate::table_failure::table_failure;
use crate::table_rdds::{PartitionSizes, TableFiles, splits};
use firesteel_data::Batch;
use firesteel_io::{FileSplit, Stores};
use firesteel_operators::{Batches, Open, Outcome, Stream};
use firesteel_tables::TableError;
use firesteel_tables::columns::{
    CsvHeader, CsvInference, JsonInference, Options, TableFormat, parquet_schema,
};
use firesteel_types::{CallSite, Partition};
use serde::{Deserialize, Serialize};

/// The schema of a table without files, and of lines of text.
const NOTHING: &str = r#"{"type":"struct","fields":[]}"#;
const LINES: &str =
    r#"{"type":"struct","fields":[{"name":"value","type":"string","nullable":true,"metadata":{}}]}"#;

/// The traits of rows that a task saw in its files.
#[derive(Clone, Serialize, Deserialize)]
enum Seen {
    Csv(CsvInference),
    Json(JsonInference),
}

impl Seen {
    fn merge(self, other: Seen) -> Seen {
        match (self, other) {
            (Seen::Csv(one), Seen::Csv(other)) => Seen::Csv(one.merge(other)),
            (Seen::Json(one), Seen::Json(other)) => Seen::Json(one.merge(other)),
            // All tasks of a job look at one format.
            (one, _) => one,
        }
    }
}

/// The environment of the tasks that look.
#[derive(Serialize, Deserialize)]
struct Look {
    partitions: Vec<Vec<FileSplit>>,
    options: Options,
    /// The header of CSV files; none for JSON.
    header: Option<CsvHeader>,
}

impl DriverContext {
    /// Returns the schema of a table's files, as Spark's in JSON; what is in the names of directories is not part
    /// of it.
    ///
    /// # Errors
    /// When a file cannot be read, or an option is wrong.
    pub fn table_schema(
        &self,
        site: &CallSite,
        files: &TableFiles,
        format: TableFormat,
        options: &Options,
        sizes: PartitionSizes,
    ) -> Result<String> {
        let failed = |source: TableError| Error::Table { site: site.clone(), source };
        let refused = |message| Error::InvalidArgument { site: site.clone(), message };
        let with_bytes = || files.files.iter().filter(|file| file.length > 0);
        match format {
            TableFormat::Text => Ok(LINES.into()),
            TableFormat::Parquet => match with_bytes().next() {
                Some(file) => parquet_schema(self.stores(), &file.path, options).map_err(failed),
                None => Err(refused("there is no Parquet file whose schema could be taken: give one".into())),
            },
            TableFormat::Json => {
                let seen =
                    self.look(site, Look { partitions: vec![], options: options.clone(), header: None }, {
                        splits(files, format, options, sizes)
                    })?;
                Ok(match seen {
                    Some(Seen::Json(seen)) => seen.schema(),
                    _ => NOTHING.into(),
                })
            }
            TableFormat::Csv => {
                let header = with_bytes()
                    .find_map(|file| CsvHeader::read(self.stores(), &file.path, options).transpose())
                    .transpose()
                    .map_err(failed)?;
                let Some(header) = header else { return Ok(NOTHING.into()) };
                if !options.flag("inferSchema", false).map_err(refused)? {
                    return Ok(CsvInference::default().schema(&header));
                }
                let look =
                    Look { partitions: vec![], options: options.clone(), header: Some(header.clone()) };
                let seen = self.look(site, look, splits(files, format, options, sizes))?;
                Ok(match seen {
                    Some(Seen::Csv(seen)) => seen.schema(&header),
                    _ => CsvInference::default().schema(&header),
                })
            }
        }
    }

    /// Runs the job that looks at all files.
    fn look(&self, site: &CallSite, look: Look, partitions: Vec<Vec<FileSplit>>) -> Result<Option<Seen>> {
        let count = u32::try_from(partitions.len()).unwrap_or(u32::MAX);
        let look = Look { partitions, ..look };
        let code = Open::code(&look, |stores: &Stores, look: &Look, partition: Partition| {
            let seen =
                see(stores, look, partition).map_err(|error| table_failure("infer the schema", error))?;
            Ok(Once(seen))
        });
        let rdd = self.rdd(Parts::source(site.clone(), count, OperatorCode::from(code)));
        let take = |(): &(), _, mut stream: Stream<Seen>| {
            let mut all: Option<Seen> = None;
            while let Some(batch) = stream.next_batch()? {
                all = batch.into_vec().into_iter().chain(all).reduce(Seen::merge);
            }
            Ok(all)
        };
        let found = rdd.each_partition(site.clone(), &(), take)?;
        Ok(found.into_iter().flatten().reduce(Seen::merge))
    }
}

fn see(stores: &Stores, look: &Look, partition: Partition) -> std::result::Result<Option<Seen>, TableError> {
    let mut all: Option<Seen> = None;
    for split in &look.partitions[partition.index()] {
        let seen = match &look.header {
            Some(header) => Seen::Csv(CsvInference::observe(stores, split, header, &look.options)?),
            None => Seen::Json(JsonInference::observe(stores, split, &look.options)?),
        };
        all = all.into_iter().chain([seen]).reduce(Seen::merge);
    }
    Ok(all)
}

/// A single record, or none.
struct Once(Option<Seen>);

impl Batches<Seen> for Once {
    fn next_batch(&mut self) -> Outcome<Option<Batch<Seen>>> {
        Ok(self.0.take().map(|seen| Batch::Owned(vec![seen])))
    }
}
