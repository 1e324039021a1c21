//! Bad rows, which do not fit the record type: the job fails, or they are left out and counted, or left out
//! and reported.

use crate::Accumulator;
use firesteel_operators::{Accumulate, Adder};
use firesteel_tables::{BadRow, TableError};
use serde::{Deserialize, Serialize};

/// The treatment of a row that is no record of the type that is read: one with too few fields, text where a
/// number is expected, bytes that are no text.
///
/// A file that cannot be read at all, or lacks columns, fails the job with each of these.
///
/// ```
/// use firesteel::BadRows;
/// # fn main() -> firesteel::Result<()> {
/// # let sc = firesteel::Context::builder().master("local[2]").create()?;
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.csv").to_str().unwrap().to_string();
/// std::fs::write(&path, "name,age\nAda,36\nBob,unknown\n").unwrap();
/// let bad = sc.long_accumulator();
/// let people = sc.read_csv::<(String, u8)>(&path).bad_rows(BadRows::Drop(bad.clone())).load()?;
/// assert_eq!(people.collect()?, [("Ada".to_string(), 36)]);
/// assert_eq!(bad.value(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub enum BadRows {
    /// Fails the job with an error that names file, line, column and value. The default.
    #[default]
    Fail,
    /// Leaves the rows out, and counts them here: each once, however often a task is tried.
    Drop(Accumulator<i128>),
    /// Leaves the rows out, and reports them here: each once.
    Collect(Accumulator<BadRowReport>),
}

/// A report of bad rows: the value of an accumulator for [`BadRows::Collect`].
///
/// ```
/// use firesteel::{BadRowReport, BadRows};
/// # fn main() -> firesteel::Result<()> {
/// # let sc = firesteel::Context::builder().master("local[2]").create()?;
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.csv").to_str().unwrap().to_string();
/// std::fs::write(&path, "name,age\nAda,36\nBob,unknown\n").unwrap();
/// let report = sc.accumulator::<BadRowReport>();
/// let people = sc.read_csv::<(String, u8)>(&path).bad_rows(BadRows::Collect(report.clone())).load()?;
/// assert_eq!(people.count()?, 1);
/// let report = report.value();
/// assert_eq!((report.total, report.rows[0].line, report.rows[0].text.as_str()), (1, 3, "Bob,unknown"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRowReport {
    /// The number of bad rows.
    pub total: u64,
    /// The first bad rows, by file and line within each partition: [`BadRowReport::LIMIT`] at most, so that a
    /// file of another format does not fill the driver's memory.
    pub rows: Vec<BadRow>,
}

impl BadRowReport {
    /// The largest number of rows in a report. All are counted.
    pub const LIMIT: usize = 1000;
}

impl Accumulate for BadRowReport {
    type Input = BadRow;

    fn zero() -> Self {
        BadRowReport::default()
    }

    fn add(&mut self, row: BadRow) {
        self.total += 1;
        if self.rows.len() < BadRowReport::LIMIT {
            self.rows.push(row);
        }
    }

    fn merge(&mut self, other: Self) {
        self.total += other.total;
        let room = BadRowReport::LIMIT - self.rows.len();
        self.rows.extend(other.rows.into_iter().take(room));
    }
}

/// The same, in the form that tasks get.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum SentBadRows {
    Fail,
    Drop(Adder<i128>),
    Collect(Adder<BadRowReport>),
}

impl BadRows {
    pub(super) fn sent(&self) -> SentBadRows {
        match self {
            BadRows::Fail => SentBadRows::Fail,
            BadRows::Drop(counter) => SentBadRows::Drop(counter.adder()),
            BadRows::Collect(report) => SentBadRows::Collect(report.adder()),
        }
    }
}

impl SentBadRows {
    pub(super) fn take(&self, row: BadRow) -> Result<(), TableError> {
        match self {
            SentBadRows::Fail => return Err(TableError::Row(row)),
            SentBadRows::Drop(counter) => counter.add(1),
            SentBadRows::Collect(report) => report.add(row),
        }
        Ok(())
    }
}
