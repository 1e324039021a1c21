//! Tables as batches of columns: Arrow's, for programs that compute with columns, or hand them to libraries that
//! do. Types, options, directories and part files are those of Spark's `spark.read` and `DataFrame.write`.

use crate::Context;
use crate::rdd::Rdd;
use crate::{Error, Result};
use firesteel_driver::{PartitionSizes, SaveTable, site};
use firesteel_io::Existing;
use firesteel_tables::columns::{
    ColumnBatch, DirectoryColumns, Options, Table, TableFormat, TableSink, schema_of_json, schema_to_json,
};
use firesteel_types::CallSite;
use std::panic::Location;

/// The most bytes of a partition, and those that a file counts for beside its own, as in Spark.
const MOST_BYTES: u64 = 128 << 20;
const OPEN_COST: u64 = 4 << 20;

/// Options of reading tables as batches, and then [`load`](ReadBatches::load). Made by
/// [`Context::read_batches`].
#[must_use = "nothing is read before `load`"]
pub struct ReadBatches {
    context: Context,
    site: CallSite,
    format: TableFormat,
    paths: Vec<String>,
    options: Vec<(String, String)>,
    schema: Option<String>,
    columns: Option<Vec<String>>,
}

/// # Tables
impl Context {
    /// Reads a table as batches of Arrow's columns: a file, a directory, or a pattern. Directories named
    /// `name=value` below it are columns.
    ///
    /// ```
    /// use firesteel::{ColumnBatch, Existing, TableFormat};
    /// use firesteel::arrow_array::{Int64Array, RecordBatch, StringArray, cast::AsArray, types::Int64Type};
    /// use std::sync::Arc;
    ///
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("trips").to_str().unwrap().to_string();
    /// let cities = Arc::new(StringArray::from(vec!["Ulm", "Bonn"])) as _;
    /// let fares = Arc::new(Int64Array::from(vec![7, 9])) as _;
    /// let batch = RecordBatch::try_from_iter([("city", cities), ("fare", fares)]).unwrap();
    /// let trips = sc.parallelize([ColumnBatch(batch)], 1);
    /// trips.save_batches(TableFormat::Parquet, &path).partition_by(["city"]).existing(Existing::Refuse).save()?;
    ///
    /// let fares = sc.read_batches(TableFormat::Parquet, &path).columns(["fare"]).load()?;
    /// let sum = fares.map(|batch| batch.0.column(0).as_primitive::<Int64Type>().values().iter().sum::<i64>());
    /// assert_eq!(sum.reduce(|a, b| a + b)?, 16);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn read_batches(&self, format: TableFormat, path: &str) -> ReadBatches {
        ReadBatches {
            context: self.clone(),
            site: site("read_batches", Location::caller()),
            format,
            paths: vec![path.into()],
            options: vec![],
            schema: None,
            columns: None,
        }
    }
}

impl ReadBatches {
    /// Sets an option, by the name that Spark's reader has for it: `header`, `inferSchema`, `sep`.
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.push((name.into(), value.into()));
        self
    }

    /// Sets the schema, as Spark's in JSON, so that it need not be inferred.
    pub fn schema(mut self, json: &str) -> Self {
        self.schema = Some(json.into());
        self
    }

    /// Sets the columns to read, in their order: all by default.
    pub fn columns<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.columns = Some(names.into_iter().map(String::from).collect());
        self
    }

    /// Returns the batches. The files are listed now, and the schema is found if none was given; rows are read
    /// by the actions that need them.
    ///
    /// # Errors
    /// When a path does not exist, a column is not there, or an option is wrong.
    pub fn load(self) -> Result<Rdd<ColumnBatch>> {
        let ReadBatches { context, site, format, paths, options, schema, columns } = self;
        let refused = |message| Error::InvalidArgument { site: site.clone(), message };
        let options: Options = options.into_iter().collect();
        let recursive = options.flag("recursiveFileLookup", false).map_err(refused)?;
        let driver = context.driver();
        let files = driver.table_files(
            &site,
            &paths,
            options.get("basePath"),
            recursive,
            options.get("pathGlobFilter"),
        )?;
        let slots = u64::from(context.default_parallelism());
        let sizes = PartitionSizes { most_bytes: MOST_BYTES, open_cost: OPEN_COST, partitions: slots };
        let schema = match schema {
            Some(schema) => schema,
            None => driver.table_schema(&site, &files, format, &options, sizes)?,
        };
        let directories = DirectoryColumns::of(&files.names, &files.values, true);
        let own = schema_of_json(&schema).map_err(refused)?;
        let inside = |name: &str| directories.columns.iter().position(|(each, _)| each == name);
        let all = || {
            let own = own.fields().iter().map(|field| field.name().clone());
            own.chain(directories.columns.iter().map(|(name, _)| name.clone())).collect::<Vec<_>>()
        };
        let (mut wanted, mut above) = (vec![], vec![]);
        for name in columns.unwrap_or_else(all) {
            match (inside(&name), own.index_of(&name)) {
                (Some(at), _) => above.push(at),
                (None, Ok(at)) => wanted.push(at),
                (None, Err(_)) => {
                    return Err(refused(format!(
                        "there is no column {name:?}; there are {}",
                        all().join(", ")
                    )));
                }
            }
        }
        let table = Table { format, options, schema, wanted };
        driver.read_table(site, table, files, directories, above, sizes).map(Rdd::of)
    }
}

/// Options of saving batches, and then [`save`](SaveBatches::save). Made by [`Rdd::save_batches`].
#[must_use = "nothing is written before `save`"]
pub struct SaveBatches {
    rdd: Rdd<ColumnBatch>,
    site: CallSite,
    format: TableFormat,
    path: String,
    options: Vec<(String, String)>,
    schema: Option<String>,
    directories: Vec<String>,
    existing: Existing,
}

impl Rdd<ColumnBatch> {
    /// Writes batches of columns as a table: a directory of part files with Spark's names, which appears whole
    /// or not at all. [`Context::read_batches`] shows an example.
    #[track_caller]
    pub fn save_batches(&self, format: TableFormat, path: &str) -> SaveBatches {
        SaveBatches {
            rdd: self.clone(),
            site: site("save_batches", Location::caller()),
            format,
            path: path.into(),
            options: vec![],
            schema: None,
            directories: vec![],
            existing: Existing::Refuse,
        }
    }
}

impl SaveBatches {
    /// Sets an option, by the name that Spark's writer has for it: `header`, `compression`.
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.push((name.into(), value.into()));
        self
    }

    /// Sets the schema of all batches, as Spark's in JSON. By default it is that of the first batch, which a
    /// job looks for.
    pub fn schema(mut self, json: &str) -> Self {
        self.schema = Some(json.into());
        self
    }

    /// Sets columns after whose values directories are named; the files do not hold them.
    pub fn partition_by<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.directories = names.into_iter().map(String::from).collect();
        self
    }

    /// Sets what happens to files that exist: they are an error by default.
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Writes the files.
    ///
    /// # Errors
    /// When files exist that are to be refused, a column is not there, or the job fails.
    pub fn save(self) -> Result<()> {
        let SaveBatches { rdd, site, format, path, options, schema, directories, existing } = self;
        let refused = |message| Error::InvalidArgument { site: site.clone(), message };
        let schema = match schema {
            Some(json) => schema_of_json(&json).map_err(refused)?,
            None => match rdd.take(1)?.into_iter().next() {
                Some(batch) => batch.0.schema(),
                None => {
                    return Err(refused("there is no batch, and so no schema: set one with `schema`".into()));
                }
            },
        };
        let number = |name: &String| {
            let at = schema.index_of(name).map_err(|error| refused(error.to_string()))?;
            Ok((name.clone(), at))
        };
        let directories: Vec<(String, usize)> = directories.iter().map(number).collect::<Result<_>>()?;
        let own: Vec<usize> = (0..schema.fields().len())
            .filter(|at| directories.iter().all(|(_, above)| above != at))
            .collect();
        let inside = schema.project(&own).map_err(|error| refused(error.to_string()))?;
        let options: Options = options.into_iter().collect();
        let rows_per_file = options.number("maxRecordsPerFile", 0).map_err(refused)?;
        let sink = TableSink { format, options, schema: schema_to_json(&inside).map_err(refused)? };
        let table = SaveTable { sink, directories, rows_per_file };
        let options = rdd.context().driver().file_options()?;
        rdd.untyped().save_table(&site, &path, table, existing, &options)
    }
}
