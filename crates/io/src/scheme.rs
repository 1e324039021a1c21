//! [`Scheme`]: the kinds of stores by the words that paths begin with, the name for a bucket in each, and the
//! instruction for giving a program credentials. Only words are known here; nothing is opened.

use std::fmt;

/// A kind of store, told by the word that paths begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    S3,
    Gcs,
    Azure,
    Http,
    Hdfs,
    Memory,
}

impl Scheme {
    pub(crate) fn named(word: &str) -> Option<Scheme> {
        Some(match word {
            "s3" | "s3a" | "s3n" => Scheme::S3,
            "gs" => Scheme::Gcs,
            "abfs" | "abfss" | "az" | "azure" | "wasb" | "wasbs" => Scheme::Azure,
            "http" | "https" => Scheme::Http,
            "hdfs" => Scheme::Hdfs,
            "memory" => Scheme::Memory,
            _ => return None,
        })
    }

    /// Returns the word that a store of this kind has for that which holds its files.
    pub(crate) fn container(self) -> &'static str {
        match self {
            Scheme::S3 | Scheme::Gcs | Scheme::Memory => "bucket",
            Scheme::Azure => "container",
            Scheme::Http => "server",
            Scheme::Hdfs => "name node",
        }
    }

    /// Returns the instruction for giving a program the credentials of a store of this kind.
    pub(crate) fn credentials(self) -> &'static str {
        match self {
            Scheme::S3 => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws with AWS_PROFILE, or set \
                 firesteel.hadoop.fs.s3a.access.key and firesteel.hadoop.fs.s3a.secret.key; for a store that is not \
                 Amazon's also firesteel.hadoop.fs.s3a.endpoint"
            }
            Scheme::Gcs => {
                "set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run `gcloud auth application-default login`, or set \
                 firesteel.hadoop.fs.gs.auth.service.account.json.keyfile"
            }
            Scheme::Azure => {
                "set AZURE_STORAGE_ACCOUNT_KEY, or AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID, or \
                 firesteel.hadoop.fs.azure.account.key"
            }
            Scheme::Http => "over http only files that need no credentials can be read",
            Scheme::Hdfs => "set HADOOP_USER_NAME, or get a Kerberos ticket with kinit",
            Scheme::Memory => "",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::S3 => "s3",
            Scheme::Gcs => "gs",
            Scheme::Azure => "abfss",
            Scheme::Http => "http",
            Scheme::Hdfs => "hdfs",
            Scheme::Memory => "memory",
        })
    }
}

/// Returns whether a path is no pattern, whatever its characters: web servers have no patterns, and their
/// addresses are full of `?`.
pub(crate) fn is_plain(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

/// Returns a path without the query of a web address, which is no part of the file's name.
pub(crate) fn without_query(path: &str) -> &str {
    if is_plain(path) { path.split_once('?').map_or(path, |(name, _)| name) } else { path }
}
