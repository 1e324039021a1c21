//! The pieces that pages of masters and workers share: the frame, words for states, links to what processes wrote.

use crate::pages::format::bytes;
use crate::pages::frame::{Frame, Pill};
use crate::pages::paging::encoded;
use crate::server::assets;

/// Returns the frame of a daemon's page.
pub(super) fn daemon_frame(
    kind: &str,
    id: &str,
    pill: Pill,
    revision: Option<u64>,
    kills: Option<&str>,
) -> Frame {
    Frame {
        assets: assets::paths(),
        base: String::new(),
        home: "/".into(),
        name: kind.into(),
        id: id.into(),
        pill: Some(pill),
        tabs: vec![],
        revision,
        form_token: kills.unwrap_or_default().into(),
        foot: format!("Firesteel {}", env!("CARGO_PKG_VERSION")),
    }
}

/// Returns the word for a state that Spark names.
pub(super) fn state_pill(state: &'static str) -> Pill {
    let (label, class) = match state {
        "WAITING" | "SUBMITTED" => ("waiting", "waiting"),
        "LAUNCHING" => ("starting", "waiting"),
        "RUNNING" => ("running", "running"),
        "DECOMMISSIONED" => ("leaves", "waiting"),
        "FINISHED" | "EXITED" => ("ended", "done"),
        "KILLED" => ("killed", ""),
        "FAILED" => ("failed", "failed"),
        "ERROR" => ("error", "failed"),
        "LOST" => ("lost", "failed"),
        other => (other, ""),
    };
    Pill { label, class }
}

/// Writes memory in MiB.
pub(super) fn memory(mib: u64) -> String {
    bytes(i64::try_from(mib).unwrap_or(i64::MAX).saturating_mul(1 << 20))
}

/// A link with its text.
pub(super) struct Link {
    pub(super) label: &'static str,
    pub(super) href: String,
}

/// Returns the links to what an executor wrote; `pages` is the address of its worker's pages.
pub(super) fn executor_logs(pages: &str, application: &str, executor: u32) -> Vec<Link> {
    let base = format!(
        "{}/logPage/?appId={}&executorId={executor}",
        pages.trim_end_matches('/'),
        encoded(application)
    );
    both(&base)
}

/// Returns the links to what a run of a driver wrote.
pub(super) fn driver_logs(pages: &str, driver: &str, attempt: u32) -> Vec<Link> {
    let driver = encoded(driver);
    both(&format!("{}/logPage/?driverId={driver}&attempt={attempt}", pages.trim_end_matches('/')))
}

fn both(base: &str) -> Vec<Link> {
    ["stdout", "stderr"]
        .map(|which| Link { label: which, href: format!("{base}&logType={which}") })
        .into_iter()
        .collect()
}
