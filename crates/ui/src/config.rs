//! The settings of a server: where it listens, who may come in, what it is called.

use std::path::PathBuf;

/// The shortest login token that is accepted from a setting, in characters: shorter ones can be guessed.
pub const SHORTEST_TOKEN: usize = 32;

/// The default of `spark.redaction.regex`.
pub const DEFAULT_PATTERN: &str = "(?i)secret|password|token|access[.]?key";

/// The settings of a server of pages.
#[derive(Clone, Debug)]
pub struct UiConfig {
    /// The address or name to listen on. Everything but loopback asks for a login.
    pub host: String,
    /// The first port that is tried; 0 for any that is free. `spark.ui.port`.
    pub port: u16,
    /// The number of ports after it that are tried when it is taken. `spark.port.maxRetries`.
    pub retries: u16,
    /// The name of this machine in the server's URL, if it is not `host`. `spark.driver.host`, `SPARK_PUBLIC_DNS`.
    pub public_host: Option<String>,
    /// The token that opens the server. Where there is none, one is made for addresses that others can reach, and
    /// loopback is open for reading.
    pub token: Option<String>,
    /// The files for TLS; without them the server speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// The pattern for keys and values of the environment that are not shown. `spark.redaction.regex`.
    pub redaction: String,
    /// True if jobs and stages can be ended from a page. `spark.ui.killEnabled`.
    pub is_kill_enabled: bool,
}

/// The files for TLS, both in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, with those that vouch for it after it.
    pub certificates: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for UiConfig {
    /// Spark's defaults, on loopback.
    fn default() -> Self {
        UiConfig {
            host: "127.0.0.1".into(),
            port: 4040,
            retries: 16,
            public_host: None,
            token: None,
            tls: None,
            redaction: DEFAULT_PATTERN.into(),
            is_kill_enabled: true,
        }
    }
}

/// An error because of which a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    /// No port is free.
    #[error(
        "no page server on {host}: ports {first} to {last} are taken; set spark.ui.port, or 0 for any port"
    )]
    PortsTaken {
        /// The host.
        host: String,
        /// The first port that was tried.
        first: u16,
        /// The last.
        last: u16,
    },
    /// The host cannot be listened on.
    #[error("no page server on {host}: {error}")]
    Bind {
        /// The host.
        host: String,
        /// Why.
        error: std::io::Error,
    },
    /// A file for TLS is wrong.
    #[error("no page server: {file}: {why}")]
    Tls {
        /// The file.
        file: String,
        /// The fault in it.
        why: String,
    },
    /// The token can be guessed.
    #[error(
        "no page server: its token has fewer than {SHORTEST_TOKEN} characters; leave it out to have one made"
    )]
    ShortToken,
    /// The redaction pattern is no regular expression.
    #[error("no page server: spark.redaction.regex: {0}")]
    Redaction(String),
    /// The system has no thread or random numbers for it.
    #[error("no page server: {0}")]
    System(std::io::Error),
}
