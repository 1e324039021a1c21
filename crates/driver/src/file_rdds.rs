//! RDDs that read files: files are listed when the RDD is made, and again when an action first needs it.

use crate::context::DriverContext;
use crate::error::{Error, Result};
use crate::file_options::FileOptions;
use crate::rdd::{OperatorCode, Parts, UntypedRdd};
use firesteel_data::DataError;
use firesteel_operators::OperatorRef;
use firesteel_types::CallSite;

impl DriverContext {
    /// Returns the options for reading and writing files of calls that set none.
    ///
    /// # Errors
    /// When one of Hadoop's settings has an invalid value.
    pub fn file_options(&self) -> Result<FileOptions> {
        FileOptions::from_conf(self.conf())
    }

    /// Makes an RDD whose partitions each read one or several parts of files.
    ///
    /// The files are listed now, so that a missing file is reported at the line that names it and the RDD
    /// knows its number of partitions; and again when an action first needs them, so that a file that was
    /// added meanwhile is not missed. The partitions then share the files that there are. `code` makes the
    /// operator.
    ///
    /// # Errors
    /// When `list` fails.
    pub fn reads<S: 'static>(
        &self,
        site: CallSite,
        options: &FileOptions,
        list: impl Fn() -> Result<Vec<S>> + Send + Sync + 'static,
        code: impl Fn(Vec<Vec<S>>) -> std::result::Result<OperatorRef, DataError> + Send + Sync + 'static,
    ) -> Result<UntypedRdd> {
        let listed = list()?;
        let partitions = u32::try_from(listed.len()).unwrap_or(u32::MAX);
        let code = match options.listed_late {
            // The files were listed just before they are read, so this listing counts.
            true => OperatorCode::from(code(listed.into_iter().map(|part| vec![part]).collect())),
            // Listed again by the first action: files may have been added meanwhile.
            false => {
                let site = site.clone();
                OperatorCode::deferred(move |_| {
                    let shared = share(list()?, partitions as usize, &site)?;
                    code(shared).map_err(|source| Error::Data { site: site.clone(), source })
                })
            }
        };
        Ok(self.rdd(Parts::source(site, partitions, code)))
    }
}

/// Deals parts out to partitions in their order, about as many to each.
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
