//! Saving pairs of Hadoop's values as SequenceFiles.

use super::UntypedRdd;
use crate::error::{Error, Result};
use crate::file_options::FileOptions;
use firesteel_io::hadoop::{SequenceOptions, Value, ValueSequenceWriter};
use firesteel_io::{IoCause, IoError, IoOperation, Output};
use firesteel_operators::{Outcome, Stream, io_failure};
use firesteel_types::CallSite;

/// The classes of a SequenceFile's keys and values, if they are asked for or known.
pub type SequenceClasses = (Option<String>, Option<String>);

impl UntypedRdd {
    /// Writes pairs of [`Value`]s as SequenceFiles, of these classes or of those of the first pair. A value
    /// of another class fails the job, which then leaves no files.
    ///
    /// # Errors
    /// When the directory exists already, the job fails, or two partitions hold pairs of different classes.
    pub fn save_sequence_values(
        &self,
        site: &CallSite,
        path: &str,
        sequence: SequenceOptions,
        classes: SequenceClasses,
        options: &FileOptions,
    ) -> Result<()> {
        let sent = (sequence, classes);
        let write = |sent: &(SequenceOptions, SequenceClasses), _, stream, output| {
            write_values(stream, output, &sent.0, &sent.1)
        };
        self.save_checked(site, path, options, "", sent, write, |written| same_classes(site, path, &written))
    }
}

/// Writes the pairs of one partition, and returns their classes, unless there were no pairs.
fn write_values(
    stream: Stream<(Value, Value)>,
    output: Output,
    options: &SequenceOptions,
    classes: &SequenceClasses,
) -> Outcome<(Output, SequenceClasses)> {
    let mut writer = ValueSequenceWriter::new(output, options, classes.clone());
    stream.for_each(|batch| {
        batch.as_slice().iter().try_for_each(|(key, value)| writer.append(key, value)).map_err(io_failure)
    })?;
    let classes = writer.classes();
    Ok((writer.into_output().map_err(io_failure)?, classes))
}

/// Checks that all partitions that hold pairs hold pairs of the same classes, as one directory of
/// SequenceFiles should.
fn same_classes(site: &CallSite, path: &str, written: &[SequenceClasses]) -> Result<()> {
    let of_part = |part: &str, class: fn(&SequenceClasses) -> Option<&String>| {
        let mut known = written.iter().enumerate().filter_map(|(i, classes)| Some((i, class(classes)?)));
        let Some((first, wanted)) = known.next() else { return Ok(()) };
        let Some((other, found)) = known.find(|(_, found)| *found != wanted) else { return Ok(()) };
        let what = format!(
            "wrong {part} class: the {part}s of partition {first} are of class {wanted}, those of partition {other} of class {found}. \
             All {part}s have one class: make them alike first, such as by mapValues(float) or mapValues(str), or save them \
             with saveAsPickleFile, which takes any"
        );
        let source = IoError::new(IoOperation::Write, path, IoCause::Unwritable(what));
        Err(Error::Io { site: site.clone(), source })
    };
    of_part("key", |classes| classes.0.as_ref())?;
    of_part("value", |classes| classes.1.as_ref())
}
