//! A listing of logs, as the REST interface tells it.

use firesteel_eventlog::{ApplicationLog, LogListing};
use firesteel_status::store::{ApplicationAttemptInfo, ApplicationInfo, Date};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// All applications of all directories.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Those that ended last first, as with Spark; those that run after them.
    pub(super) applications: Vec<ApplicationInfo>,
    places: BTreeMap<String, usize>,
    /// The logs of each, the newest attempt first.
    logs: BTreeMap<String, Vec<ApplicationLog>>,
    pub(super) refused: Vec<(String, String)>,
}

impl Listed {
    pub(super) fn of(listings: Vec<LogListing>) -> Self {
        let mut logs: BTreeMap<String, Vec<ApplicationLog>> = BTreeMap::new();
        let mut refused = vec![];
        for listing in listings {
            refused.extend(listing.refused.into_iter().map(|log| (log.path, log.reason)));
            for log in listing.applications {
                logs.entry(log.id.clone()).or_default().push(log);
            }
        }
        for attempts in logs.values_mut() {
            attempts.sort_by_key(|log| (Reverse(log.start_ms), Reverse(log.modified_ms)));
            // A log under two names, as when it is renamed while it is listed, is one.
            attempts.dedup_by(|one, other| one.attempt == other.attempt);
        }
        let mut applications: Vec<ApplicationInfo> =
            logs.values().map(|attempts| described(attempts)).collect();
        let age = |one: &ApplicationInfo| one.attempts.first().map(|newest| newest.end_time);
        applications.sort_by(|one, other| age(other).cmp(&age(one)).then_with(|| other.id.cmp(&one.id)));
        let places = applications.iter().enumerate().map(|(place, one)| (one.id.clone(), place)).collect();
        Listed { applications, places, logs, refused }
    }

    pub(super) fn info(&self, id: &str) -> Option<&ApplicationInfo> {
        self.places.get(id).and_then(|place| self.applications.get(*place))
    }

    /// Returns the log of an attempt. Where none is named, only an application that has no named ones is meant, as with
    /// Spark.
    pub(super) fn log(&self, id: &str, attempt: Option<&str>) -> Option<&ApplicationLog> {
        self.logs.get(id)?.iter().find(|log| log.attempt.as_deref() == attempt)
    }
}

fn described(attempts: &[ApplicationLog]) -> ApplicationInfo {
    let newest = attempts.first();
    ApplicationInfo {
        id: newest.map(|log| log.id.clone()).unwrap_or_default(),
        name: newest.map(|log| log.name.clone()).unwrap_or_default(),
        attempts: attempts.iter().map(attempt).collect(),
        ..ApplicationInfo::default()
    }
}

fn attempt(log: &ApplicationLog) -> ApplicationAttemptInfo {
    let modified = log.modified_ms.map_or(log.start_ms, |ms| ms as i64);
    // An application whose log is closed has ended, whatever its last line says.
    let end = if log.is_complete { log.end_ms.unwrap_or(modified) } else { -1 };
    // Spark's server does not say how long one runs by now.
    let duration = if log.is_complete { end.saturating_sub(log.start_ms) } else { 0 };
    let directory = log.path.trim_end_matches('/').rsplit_once('/').map_or("", |(directory, _)| directory);
    let source = if directory.contains(":/") { directory.to_owned() } else { format!("file:{directory}") };
    ApplicationAttemptInfo {
        attempt_id: log.attempt.clone(),
        start_time: Date(log.start_ms),
        end_time: Date(end),
        last_updated: Date(modified),
        duration,
        spark_user: log.user.clone(),
        completed: log.is_complete,
        app_spark_version: log.spark_version.clone(),
        exit_code: log.exit_code,
        log_source_name: Some(source.clone()),
        log_source_full_path: Some(source),
        start_time_epoch: log.start_ms,
        end_time_epoch: end,
        last_updated_epoch: modified,
    }
}
