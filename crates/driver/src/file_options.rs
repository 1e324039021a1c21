//! [`FileOptions`]: the options by which files are listed, split, read and written, from the settings of a
//! context or the arguments of one call.

use crate::error::{Error, Result};
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_io::hadoop::HadoopConf;
use firesteel_io::{
    CombineOptions, Existing, InputFile, Lenient, ListOptions, PartNames, SplitOptions, Stores,
    Subdirectories, list_inputs_with,
};
use firesteel_types::CallSite;

/// The options by which files are read and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// Hadoop's own settings.
    pub hadoop: HadoopConf,
    /// The kinds of files that may fail.
    pub lenient: Lenient,
    /// The measures by which `binaryFiles` fills partitions: the most bytes, and those that a file counts for.
    pub binary: (u64, u64),
    /// True where an empty file is a partition.
    pub empty_splits: bool,
    /// The names of part files.
    pub names: PartNames,
    /// The treatment of files that are there already.
    pub existing: Existing,
    /// True if the files are listed only when they are about to be read. Otherwise they are listed again when
    /// an action first needs them.
    pub listed_late: bool,
}

impl FileOptions {
    /// Reads the options from settings.
    ///
    /// # Errors
    /// When one of Hadoop's settings has an invalid value.
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
            binary: (settings.get(&conf::MAX_PARTITION_BYTES)?, settings.get(&conf::OPEN_COST)?),
            empty_splits: !settings.get(&conf::IGNORE_EMPTY_SPLITS)?,
            ..FileOptions::default()
        })
    }

    /// Returns the options with part files named by Hadoop's newer interface, or by its older one.
    #[must_use]
    pub fn named(self, newer_interface: bool) -> FileOptions {
        FileOptions { names: if newer_interface { PartNames::PartR } else { PartNames::Part }, ..self }
    }

    /// Returns the options for cutting files into at least `min_partitions` splits.
    pub fn splits(&self, min_partitions: u64) -> SplitOptions {
        let options = SplitOptions { empty_splits: self.empty_splits, ..SplitOptions::new(min_partitions) };
        options.within(self.hadoop.split_bounds())
    }

    /// Returns the sizes of partitions that hold several files.
    ///
    /// # Errors
    /// When the settings contradict each other.
    pub fn combined(&self, site: &CallSite) -> Result<CombineOptions> {
        let failed = |message| Error::InvalidArgument { site: site.clone(), message };
        self.hadoop.combine_options().map_err(failed)
    }

    /// Returns the options for listing files of line-wise and other formats.
    pub fn listing(&self) -> ListOptions {
        self.hadoop.list_options()
    }

    /// Returns the options for listing SequenceFiles: of a MapFile only its data counts.
    pub fn sequence_listing(&self) -> ListOptions {
        ListOptions { map_files: true, ..self.listing() }
    }

    /// Returns the options for listing whole files: as in Spark, directories and dead links among them are
    /// skipped.
    pub fn whole_file_listing(&self) -> ListOptions {
        let options = self.listing();
        let subdirectories = match options.subdirectories {
            Subdirectories::Refuse => Subdirectories::Skip,
            asked_for => asked_for,
        };
        ListOptions { subdirectories, skip_dead_links: true, ..options }
    }
}

/// Lists the files of a path.
///
/// # Errors
/// When a path does not exist or a pattern matches nothing.
pub fn list(stores: &Stores, site: &CallSite, path: &str, options: &ListOptions) -> Result<Vec<InputFile>> {
    list_inputs_with(stores, path, options).map_err(|source| Error::Io { site: site.clone(), source })
}
