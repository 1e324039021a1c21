//! Passes over files that cannot be read: `spark.files.ignoreCorruptFiles` and
//! `spark.files.ignoreMissingFiles`, for programs that would rather have the rest of their data than an
//! error. Nothing is passed over unless a program asked for that.

use crate::error::{IoCause, IoError};
use serde::{Deserialize, Serialize};

/// The files that may fail without failing the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lenient {
    /// True if the rest of a file behind a broken place is passed over.
    pub corrupt: bool,
    /// True if a file that is gone when it is to be read is passed over.
    pub missing: bool,
}

impl Lenient {
    /// Returns whether the rest of a file is passed over after an error. If so, the log tells it: no data goes
    /// missing silently.
    pub fn passes_over(self, error: &IoError) -> bool {
        let is_passed_over = match &error.cause {
            IoCause::NotFound => self.missing,
            IoCause::CutShort(_)
            | IoCause::Corrupt { .. }
            | IoCause::Malformed { .. }
            | IoCause::Shrunk { .. }
            | IoCause::Changed => self.corrupt,
            _ => false,
        };
        if is_passed_over {
            let setting =
                if error.cause == IoCause::NotFound { "ignoreMissingFiles" } else { "ignoreCorruptFiles" };
            tracing::warn!(%error, "the rest of a file is left out, as spark.files.{setting} asks");
        }
        is_passed_over
    }

    /// Returns an iterator over a file that was opened, or was not, which ends where an error is passed over.
    ///
    /// # Errors
    /// The error of opening the file, unless it is passed over.
    pub fn over<T, I>(self, opened: Result<I, IoError>) -> Result<LenientRecords<I>, IoError>
    where
        I: Iterator<Item = Result<T, IoError>>,
    {
        match opened {
            Ok(records) => Ok(LenientRecords { records: Some(records), lenient: self }),
            Err(error) if self.passes_over(&error) => Ok(LenientRecords { records: None, lenient: self }),
            Err(error) => Err(error),
        }
    }
}

/// Reads the parts of a partition one after the other, each opened when its turn comes; ends with the first error that is not
/// passed over.
///
/// ```
/// use firesteel_io::{Lenient, read_in_turn};
/// let parts = vec![vec![1, 2], vec![3]];
/// let records = read_in_turn(parts, Lenient::default(), |part| Ok(part.clone().into_iter().map(Ok)));
/// assert_eq!(records.collect::<Result<Vec<i32>, _>>()?, [1, 2, 3]);
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub fn read_in_turn<S, T, I>(
    parts: Vec<S>,
    lenient: Lenient,
    open: impl Fn(&S) -> Result<I, IoError>,
) -> impl Iterator<Item = Result<T, IoError>>
where
    I: Iterator<Item = Result<T, IoError>>,
{
    let (mut parts, mut current, mut failed) = (parts.into_iter(), None::<LenientRecords<I>>, false);
    std::iter::from_fn(move || {
        while !failed {
            match current.as_mut().and_then(Iterator::next) {
                Some(next) => {
                    failed = next.is_err();
                    return Some(next);
                }
                None => match lenient.over(open(&parts.next()?)) {
                    Ok(opened) => current = Some(opened),
                    Err(error) => {
                        failed = true;
                        return Some(Err(error));
                    }
                },
            }
        }
        None
    })
}

/// Records up to an error that is passed over: see [`Lenient::over`].
pub struct LenientRecords<I> {
    records: Option<I>,
    lenient: Lenient,
}

impl<T, I: Iterator<Item = Result<T, IoError>>> Iterator for LenientRecords<I> {
    type Item = Result<T, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.records.as_mut()?.next() {
            Some(Err(error)) if self.lenient.passes_over(&error) => {
                self.records = None;
                None
            }
            next => next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::IoOperation;

    fn error(cause: IoCause) -> IoError {
        IoError::new(IoOperation::Read, "/a", cause)
    }

    #[test]
    fn only_what_was_asked_for_is_passed_over() {
        let cut = || error(IoCause::CutShort(crate::Codec::Gzip));
        let records = || Ok([Ok(1), Ok(2), Err(cut()), Ok(3)].into_iter());
        let corrupt = Lenient { corrupt: true, missing: false };
        let read: Vec<Result<i32, IoError>> = corrupt.over(records()).unwrap().collect();
        assert_eq!(read, [Ok(1), Ok(2)]);
        let strict: Vec<Result<i32, IoError>> = Lenient::default().over(records()).unwrap().collect();
        assert_eq!(strict[2], Err(cut()));
        let missing = || Err::<std::vec::IntoIter<Result<i32, IoError>>, _>(error(IoCause::NotFound));
        assert!(corrupt.over(missing()).is_err());
        assert_eq!(Lenient { corrupt: false, missing: true }.over(missing()).unwrap().count(), 0);
        assert!(!corrupt.passes_over(&error(IoCause::PermissionDenied)));
    }
}
