//! The limits of tries: the times and the number for which a request is tried again.

use crate::error::IoCause;
use crate::settings::StoreSettings;
use firesteel_conf::{STORE_BACKOFF_MS, STORE_MAX_RETRIES, STORE_RETRY_TIMEOUT_MS, Setting};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use std::time::Duration;

/// The longest pause between two tries.
const MAX_BACKOFF_SECONDS: u64 = 15;

/// The longest time that a server may take to accept a connection.
const CONNECT_TIMEOUT_SECONDS: u64 = 5;

/// The longest time that one request may take: a range or a part, over a slow line.
const REQUEST_TIMEOUT_SECONDS: u64 = 60;

pub(crate) fn retries(settings: &StoreSettings) -> Result<RetryConfig, IoCause> {
    let backoff = Duration::from_millis(value(settings, &STORE_BACKOFF_MS)?);
    Ok(RetryConfig {
        backoff: BackoffConfig {
            init_backoff: backoff,
            max_backoff: Duration::from_secs(MAX_BACKOFF_SECONDS).max(backoff),
            base: 2.0,
        },
        max_retries: value(settings, &STORE_MAX_RETRIES)? as usize,
        retry_timeout: Duration::from_millis(value(settings, &STORE_RETRY_TIMEOUT_MS)?),
    })
}

/// Returns the options of a client. Connections are unencrypted only to an endpoint whose address says so.
pub(crate) fn options(allow_http: bool) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(allow_http)
        .with_connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_SECONDS))
        .with_timeout(Duration::from_secs(REQUEST_TIMEOUT_SECONDS))
}

fn value<T>(settings: &StoreSettings, setting: &Setting<T>) -> Result<T, IoCause> {
    let text = settings.get(setting.key).unwrap_or(setting.default);
    setting
        .parse(text)
        .map_err(|error| IoCause::NotConfigured { what: error.to_string(), set: String::new() })
}
