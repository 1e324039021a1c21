//! Errors between an application and Kubernetes: in settings, on the way to the API server, and in its refusals.

use std::fmt;

/// A failure of something that was asked of Kubernetes.
#[derive(Debug, thiserror::Error)]
pub enum KubernetesError {
    /// A setting, a file that it names, or a combination of them is wrong.
    #[error("{0}")]
    Setting(String),
    /// There are no credentials, or they cannot be read.
    #[error(
        "nobody knows how to reach Kubernetes: {0}; a kubeconfig (`KUBECONFIG`, ~/.kube/config) or the service account of a pod says it"
    )]
    Credentials(String),
    /// The API server refused a request.
    #[error("{0}")]
    Refused(Refusal),
    /// The API server was not reached, or answered what is no answer.
    #[error("the API server of Kubernetes cannot be asked to {what}: {why}")]
    Unreachable {
        /// The request, as a verb and its object.
        what: String,
        /// The network's words.
        why: String,
    },
    /// The runtime of requests did not start.
    #[error("the thread for requests to Kubernetes does not start: {0}")]
    Thread(std::io::Error),
}

/// A request that the API server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The request: `make the pod a-exec-1`.
    pub what: String,
    /// The status of HTTP.
    pub code: u16,
    /// The server's words.
    pub words: String,
}

impl Refusal {
    /// Returns whether a quota of the namespace is used up.
    pub fn is_quota(&self) -> bool {
        self.code == 403 && self.words.contains("exceeded quota")
    }
}

/// Says what to do, where the status tells it.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { what, code, words } = self;
        write!(f, "Kubernetes refuses to {what}: {words}")?;
        match code {
            401 => f.write_str(
                "; the credentials are wrong or have expired: `kubectl auth whoami` with the same kubeconfig or token says whose they are",
            ),
            403 if self.is_quota() => {
                f.write_str("; the namespace's quota is used up: wait, ask for less, or have it raised")
            }
            403 => f.write_str(
                "; deploy/kubernetes/rbac.yaml has the rights that an application needs, for its account and namespace",
            ),
            _ => Ok(()),
        }
    }
}

impl KubernetesError {
    /// Makes an error of the library's; `what` was asked for.
    pub(crate) fn of(what: &str, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => {
                let words = match status.message.as_str() {
                    // A request without credentials that count gets no message.
                    "" => status.reason.clone(),
                    message => message.into(),
                };
                KubernetesError::Refused(Refusal { what: what.into(), code: status.code, words })
            }
            other => KubernetesError::Unreachable { what: what.into(), why: chain(&other) },
        }
    }

    /// Returns whether asking again may help: the server was not reached, or was too busy.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            KubernetesError::Unreachable { .. } => true,
            KubernetesError::Refused(refusal) => refusal.code == 429 || refusal.code >= 500,
            KubernetesError::Setting(_) | KubernetesError::Credentials(_) | KubernetesError::Thread(_) => {
                false
            }
        }
    }

    /// Returns the status of a refusal.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            KubernetesError::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }
}

/// Makes the error of a setting.
pub(crate) fn setting(text: &str) -> KubernetesError {
    KubernetesError::Setting(text.into())
}

/// Returns the words of an error and of its causes, each once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text += &format!(": {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do() {
        let refusal =
            |code, words: &str| Refusal { what: "make the pod a".into(), code, words: words.into() };
        let quota =
            refusal(403, "pods \"a\" is forbidden: exceeded quota: small, used: pods=2, limited: pods=2");
        assert!(quota.is_quota() && quota.to_string().contains("quota is used up"), "{quota}");
        let rights =
            refusal(403, "pods is forbidden: User \"x\" cannot create resource \"pods\"").to_string();
        assert!(rights.contains("cannot create") && rights.contains("rbac.yaml"), "{rights}");
        assert!(refusal(401, "Unauthorized").to_string().contains("expired"));
        assert_eq!(refusal(404, "not found").to_string(), "Kubernetes refuses to make the pod a: not found");
    }
}
