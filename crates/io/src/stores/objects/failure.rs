//! Turns the answers of a store's client into causes with an instruction.

use crate::error::IoCause;
use crate::scheme::Scheme;
use object_store::Error;
use std::error::Error as _;

/// The most characters of a server's words that are passed on.
const LONGEST_QUOTE: usize = 600;

/// The codes by which servers say that the bucket, not the object, is missing.
const MISSING_BUCKET: [&str; 4] =
    ["NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist", "bucket not found"];

/// The codes by which servers say that they do not know the credentials, or that the signature is wrong.
const WRONG_CREDENTIALS: [&str; 7] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidClientTokenId",
    "ExpiredToken",
    "AuthenticationFailed",
    "AuthorizationFailure",
    "InvalidToken",
];

/// The client's words about a server that sends the whole file when it is asked for a part.
const NO_RANGES: [&str; 2] = ["Range request not supported", "non-partial response"];

/// Returns the cause behind an error of the client of the bucket `name`.
pub(crate) fn cause(scheme: Scheme, name: &str, error: Error) -> IoCause {
    let said = sentence(&error);
    let says = |codes: &[&str]| codes.iter().any(|code| said.contains(code));
    let refused = |said: String| IoCause::Refused { said, set: scheme.credentials().into() };
    if says(&MISSING_BUCKET) {
        let container = scheme.container().into();
        return IoCause::NoSuchBucket { container, name: name.into() };
    }
    match &error {
        Error::NotFound { .. } => IoCause::NotFound,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => refused(said),
        _ if says(&WRONG_CREDENTIALS) => refused(said),
        Error::AlreadyExists { .. } => IoCause::OutputExists,
        Error::Precondition { .. } | Error::NotModified { .. } => IoCause::Changed,
        _ if says(&NO_RANGES) => IoCause::Store {
            message: "the server cannot send parts of a file (it ignores Range); copy the file to a store that can, or to \
                      the local disk"
                .into(),
            transient: false,
        },
        Error::NotSupported { .. } | Error::NotImplemented { .. } => IoCause::Store { message: said, transient: false },
        Error::InvalidPath { .. } => IoCause::BadPath(said),
        _ if said.contains("without LOCATION") => IoCause::NotConfigured {
            what: "the bucket is in another region".into(),
            set: "set AWS_REGION or firesteel.hadoop.fs.s3a.endpoint.region to the bucket's own".into(),
        },
        // The client has asked the address at which a cloud's own machines are given credentials, its last
        // way to any.
        _ if said.contains("169.254.169.254") => IoCause::no_credentials(scheme),
        _ => IoCause::Store { message: said, transient: true },
    }
}

/// Returns whether an upload is not known to the store: it was completed, or aborted. Stores in memory have
/// words of their own.
pub(crate) fn says_no_such_upload(error: &Error) -> bool {
    let said = sentence(error);
    matches!(error, Error::NotFound { .. })
        || said.contains("NoSuchUpload")
        || said.contains("MultipartUpload not found")
}

/// Returns the words of an error and of its sources, each once, on one line.
pub(crate) fn sentence(error: &Error) -> String {
    let mut words = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        below = error.source();
    }
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
