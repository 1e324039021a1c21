//! Options that several commands share.

use clap::Args;
use firesteel_net::{Credentials, Secret};
use std::path::PathBuf;

/// The options that decide how processes authenticate each other.
#[derive(Args, Clone, Debug)]
pub(crate) struct SecretFile {
    /// The file with the cluster's secret (`firesteel secret new FILE` makes one).
    #[arg(long, value_name = "FILE", env = "FIRESTEEL_SECRET_FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Do not encrypt or authenticate connections: then anyone who reaches a port can run programs here.
    #[arg(long, conflicts_with = "secret_file", env = "FIRESTEEL_INSECURE")]
    pub(crate) insecure: bool,
}

impl SecretFile {
    /// Reads the secret; none if connections are insecure.
    pub(crate) fn read(&self) -> Result<Option<Secret>, String> {
        match &self.secret_file {
            Some(file) => Secret::from_file(file).map(Some).map_err(|error| error.to_string()),
            None if self.insecure => {
                warn_of_insecurity();
                Ok(None)
            }
            None => Err("a cluster's processes authenticate each other by a secret. Make one with `firesteel secret new cluster.secret`, \
                         copy the file to all machines of the cluster, and pass --secret-file cluster.secret (or --insecure, if no \
                         other machine can reach this one)"
                .into()),
        }
    }

    pub(crate) fn credentials(&self) -> Result<Credentials, String> {
        Ok(self.read()?.as_ref().map_or_else(Credentials::insecure, Credentials::of))
    }
}

fn warn_of_insecurity() {
    const TEXT: &str = "--insecure: anyone who reaches a port of this process can run programs in its name";
    if tracing::dispatcher::has_been_set() {
        tracing::warn!("{TEXT}");
    } else {
        // A command that is no daemon has no log: it talks to the person who typed it.
        eprintln!("firesteel: warning: {TEXT}");
    }
}

/// Parses `firesteel://a:7077,b:7077`, or the same with `spark://`.
pub(crate) fn masters(text: &str) -> Result<Vec<String>, String> {
    let hosts = text.strip_prefix("firesteel://").or_else(|| text.strip_prefix("spark://"));
    let hosts = hosts.ok_or_else(|| format!("`{text}` is no master: write firesteel://HOST:7077"))?;
    Ok(hosts
        .split(',')
        .map(|host| if host.contains(':') { host.into() } else { format!("{host}:7077") })
        .collect())
}

/// Parses a number of bytes as `512m` or `2g`; a plain number is MiB, as in Spark's daemons.
pub(crate) fn mebibytes(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(mebibytes) => Ok(mebibytes),
        Err(_) => Ok(firesteel_conf::parse_bytes(text)? >> 20),
    }
}

/// Returns this machine's name.
pub(crate) fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".into() } else { name.into() }
}
