//! How files are found, cut, read and written: what the settings of a context say of it, or what another face was told with
//! one call; and the RDDs that read files, which are listed when an action comes.

use crate::Context;
use crate::error::{Error, Result};
use crate::node::NodeCode;
use crate::rdd::{Parts, Rdd};
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_data::{Data, DataError};
use firesteel_io::hadoop::HadoopConf;
use firesteel_io::{
    InputFile, Lenient, ListOptions, PartNames, SplitOptions, Stores, Subdirectories, list_inputs_with,
};
use firesteel_operators::OperatorRef;
use firesteel_types::CallSite;

/// What decides how files are read and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// Hadoop's own settings.
    pub hadoop: HadoopConf,
    /// Which files may fail.
    pub lenient: Lenient,
    /// Whether an empty file is a partition.
    pub empty_splits: bool,
    /// How part files are named.
    pub names: PartNames,
    /// Whether files were asked for only now that they are to be read. Else they are listed once more when an action comes.
    pub listed_late: bool,
}

impl FileOptions {
    /// What the settings say.
    ///
    /// # Errors
    /// When one of Hadoop's has a value that it cannot have.
    pub fn from_conf(settings: &Conf) -> Result<FileOptions> {
        let hadoop =
            settings.iter().filter_map(|(key, value)| Some((key.strip_prefix("firesteel.hadoop.")?, value)));
        let lenient = Lenient {
            corrupt: settings.get(&conf::IGNORE_CORRUPT_FILES)?,
            missing: settings.get(&conf::IGNORE_MISSING_FILES)?,
        };
        Ok(FileOptions {
            hadoop: HadoopConf::new(hadoop).map_err(Error::Start)?,
            lenient,
            empty_splits: !settings.get(&conf::IGNORE_EMPTY_SPLITS)?,
            ..FileOptions::default()
        })
    }

    /// The same with part files named as Hadoop's newer interface names them, or its older one.
    #[must_use]
    pub fn named(self, newer_interface: bool) -> FileOptions {
        FileOptions { names: if newer_interface { PartNames::PartR } else { PartNames::Part }, ..self }
    }

    /// How files are cut into at least so many splits.
    pub(crate) fn splits(&self, min_partitions: u64) -> SplitOptions {
        let options = SplitOptions { empty_splits: self.empty_splits, ..SplitOptions::new(min_partitions) };
        options.within(self.hadoop.split_bounds())
    }

    /// How the files of line-wise and other formats are listed.
    pub(crate) fn listing(&self) -> ListOptions {
        self.hadoop.list_options()
    }

    /// How SequenceFiles are listed: of a MapFile only its data counts.
    pub(crate) fn sequence_listing(&self) -> ListOptions {
        ListOptions { map_files: true, ..self.listing() }
    }

    /// How whole files are listed: as Spark does, without directories and dead links that lie among them.
    pub(crate) fn whole_file_listing(&self) -> ListOptions {
        let options = self.listing();
        let subdirectories = match options.subdirectories {
            Subdirectories::Refuse => Subdirectories::Skip,
            asked_for => asked_for,
        };
        ListOptions { subdirectories, skip_dead_links: true, ..options }
    }
}

/// The files of a path.
pub(crate) fn list(
    stores: &Stores,
    site: &CallSite,
    path: &str,
    options: &ListOptions,
) -> Result<Vec<InputFile>> {
    list_inputs_with(stores, path, options).map_err(|source| Error::Io { site: site.clone(), source })
}

impl Context {
    /// How files are read and written where a call says nothing of it.
    pub(crate) fn file_options(&self) -> Result<FileOptions> {
        FileOptions::from_conf(self.conf())
    }

    /// An RDD whose partitions each read one or several parts of files.
    ///
    /// The files are listed now, so that what is missing shows at the line that names it and the RDD knows how many partitions
    /// it has; and again when an action first needs them, so that a file which was added meanwhile is not missed. The partitions
    /// then share what there is. `code` makes the operator.
    pub(crate) fn reads<T: Data, S: 'static>(
        &self,
        site: CallSite,
        options: &FileOptions,
        list: impl Fn() -> Result<Vec<S>> + Send + Sync + 'static,
        code: impl Fn(Vec<Vec<S>>) -> std::result::Result<OperatorRef, DataError> + Send + Sync + 'static,
    ) -> Result<Rdd<T>> {
        let listed = list()?;
        let partitions = u32::try_from(listed.len()).unwrap_or(u32::MAX);
        let code = match options.listed_late {
            true => NodeCode::from(code(listed.into_iter().map(|part| vec![part]).collect())),
            false => {
                let site = site.clone();
                NodeCode::deferred(move |_, _| {
                    let shared = share(list()?, partitions as usize, &site)?;
                    code(shared).map_err(|source| Error::Data { site: site.clone(), source })
                })
            }
        };
        let parts = Parts { site, partitions, partitioner: None, narrow: vec![], code };
        Ok(Rdd::from_parts(self, parts))
    }
}

/// Deals parts out to partitions in their order, each about as many.
fn share<S>(parts: Vec<S>, partitions: usize, site: &CallSite) -> Result<Vec<Vec<S>>> {
    let count = parts.len();
    if partitions == 0 && count > 0 {
        let message = "there was no file to read when the RDD was made, so it has no partitions; there are files now. Make \
                       the RDD again"
            .to_string();
        return Err(Error::InvalidArgument { site: site.clone(), message });
    }
    let mut parts = parts.into_iter();
    let share = |i: usize| count * (i + 1) / partitions - count * i / partitions;
    Ok((0..partitions).map(|i| parts.by_ref().take(share(i)).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_part_has_one_partition(count in 0..50_usize, partitions in 1..20_usize) {
            let shared = share((0..count).collect(), partitions, &CallSite::default()).unwrap();
            prop_assert_eq!(shared.len(), partitions);
            prop_assert_eq!(shared.concat(), (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_passed_over() {
        assert!(share(vec![1], 0, &CallSite::default()).is_err());
        assert!(share(Vec::<i32>::new(), 0, &CallSite::default()).unwrap().is_empty());
    }
}
