//! Failures between us and YARN, as data; the words say what to do.

use thiserror::Error;

/// A failure of a conversation with YARN.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum YarnError {
    /// Settings are missing or cannot be read.
    #[error("{what}: {remedy}")]
    Configuration {
        /// The fault.
        what: String,
        /// The remedy: what to set.
        remedy: String,
    },
    /// Nothing answers at an address.
    #[error(
        "{who} at {address} cannot be reached: {why}. Check that it runs, and that this machine reaches that address \
         (it comes from yarn-site.xml)"
    )]
    Unreachable {
        /// The daemon.
        who: &'static str,
        /// Its address, or its addresses.
        address: String,
        /// The operating system's words.
        why: String,
    },
    /// A connection ended, or an answer did not come in time.
    #[error("{who} at {address}, asked for {method}: {why}")]
    Broken {
        /// The daemon.
        who: &'static str,
        /// Its address.
        address: String,
        /// The method that was called.
        method: String,
        /// The end of the connection, in words.
        why: String,
    },
    /// Bytes are not what the protocol says.
    #[error("{what} cannot be understood: {why}")]
    Malformed {
        /// The bytes in question.
        what: String,
        /// The rule that they break.
        why: String,
    },
    /// The server does not take us for who we say we are.
    #[error("{who} at {address} does not accept us: {why}")]
    Unauthorized {
        /// The daemon.
        who: &'static str,
        /// Its address.
        address: String,
        /// Its words.
        why: String,
    },
    /// The cluster asks for what is not built.
    #[error("{what} is not supported: {remedy}")]
    Unsupported {
        /// The demand of the cluster.
        what: String,
        /// The remedy: what to do instead.
        remedy: String,
    },
    /// The server's answer is an exception.
    #[error("{method}: {class}: {message}")]
    Refused {
        /// The method that was called.
        method: String,
        /// The exception's class, without its package.
        class: String,
        /// The first line of its message.
        message: String,
    },
}

impl YarnError {
    /// Returns whether the server answered with an exception of this class, named without its package.
    pub fn is(&self, name: &str) -> bool {
        matches!(self, YarnError::Refused { class, .. } if class == name)
    }

    /// Returns the error of bytes that break a rule.
    pub(crate) fn malformed(what: &str, why: impl ToString) -> YarnError {
        YarnError::Malformed { what: what.into(), why: why.to_string() }
    }

    /// Returns the refusal of a cluster that authenticates its users by Kerberos.
    pub(crate) fn kerberos() -> YarnError {
        YarnError::Unsupported {
            what: "a cluster that authenticates its users by Kerberos (`hadoop.security.authentication` = kerberos)".into(),
            remedy: "submit to a cluster with the authentication `simple`; or start executors by means of your own with \
                     `firesteel executor` and the master `listen://HOST:PORT`"
                .into(),
        }
    }

    /// Returns the refusal of connections that have to be signed or encrypted by Hadoop's own means.
    pub(crate) fn protection(offered: &str) -> YarnError {
        YarnError::Unsupported {
            what: format!(
                "Hadoop's RPC with the quality of protection `{offered}` (`hadoop.rpc.protection`)"
            ),
            remedy:
                "set `hadoop.rpc.protection` of the cluster to `authentication`, alone or as one of several"
                    .into(),
        }
    }
}
