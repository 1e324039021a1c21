//! The container in which a driver runs in cluster mode, and the variables by which the submitting process tells it so.

use crate::YarnError;
use crate::credentials::master_token;
use crate::ids::{application_of, attempt_in};
use crate::messages::{ApplicationId, Token};
use std::path::PathBuf;

/// The variable with the application's name; only the container of an application master has it.
pub(crate) const APPLICATION_VARIABLE: &str = "FIRESTEEL_YARN_APPLICATION";

/// The variable with the path of the application's staging directory.
pub(crate) const STAGING_VARIABLE: &str = "FIRESTEEL_YARN_STAGING";

/// The variable with the number of attempts at the program.
pub(crate) const ATTEMPTS_VARIABLE: &str = "FIRESTEEL_YARN_ATTEMPTS";

/// The variable in which YARN says which container this is.
const CONTAINER_VARIABLE: &str = "CONTAINER_ID";

/// The variable in which YARN says where the file of tokens is.
const TOKENS_VARIABLE: &str = "HADOOP_TOKEN_FILE_LOCATION";

/// The container of this process, which is its application's master.
#[derive(Clone, Debug)]
pub(crate) struct OwnContainer {
    pub(crate) application: ApplicationId,
    pub(crate) staging: String,
    /// True if YARN does not run the program again if it fails now.
    pub(crate) is_last_attempt: bool,
    tokens: PathBuf,
}

impl OwnContainer {
    /// Returns the container that the environment tells of, if it tells of one.
    pub(crate) fn of_environment() -> Result<Option<OwnContainer>, YarnError> {
        let variable = |name: &str| std::env::var(name).ok();
        let Some(application) = variable(APPLICATION_VARIABLE) else { return Ok(None) };
        let (Some(staging), Some(tokens)) = (variable(STAGING_VARIABLE), variable(TOKENS_VARIABLE)) else {
            return Err(YarnError::Configuration {
                what: format!(
                    "{APPLICATION_VARIABLE} is set, but this is no container that YARN started for `firesteel submit`"
                ),
                remedy: "unset it".into(),
            });
        };
        let attempts = variable(ATTEMPTS_VARIABLE).and_then(|text| text.parse().ok()).unwrap_or(1);
        let this = variable(CONTAINER_VARIABLE).as_deref().and_then(attempt_in).unwrap_or(attempts);
        Ok(Some(OwnContainer {
            application: application_of(&application)?,
            staging,
            is_last_attempt: this >= attempts,
            tokens: tokens.into(),
        }))
    }

    /// Returns the token of the application's master.
    pub(crate) fn token(&self) -> Result<Token, YarnError> {
        master_token(&self.tokens)
    }
}
