//! The pages and the REST interface of applications, and the history server.
//!
//! **Architecture Invariant.** Nothing here runs on the scheduler's thread, and nothing of HTTP is known elsewhere.

mod cluster;
mod config;
pub mod history;
mod pages;
mod prometheus;
mod redact;
pub mod rest;
mod server;
mod site;

pub use cluster::{
    ClusterApplication, ClusterDriver, ClusterExecutor, ClusterWorker, MasterRole, MasterSite, MasterView,
    ProcessView, WorkerPageView, WorkerSite, WorkerState,
};
pub use config::{DEFAULT_PATTERN, SHORTEST_TOKEN, TlsFiles, UiConfig, UiError};
pub use redact::{HIDDEN, Redaction};
pub use server::UiServer;
pub use site::{Actions, Explain, LogPart, SampleAsk, SampledStack, Samples, Site, ThreadStack, Unavailable};

use axum::Router;
use std::sync::Arc;

/// Serves the pages and the REST interface of applications on a thread of its own, with `more` routes beside them.
///
/// # Errors
/// When no port is free, or a setting is wrong.
pub fn start(config: &UiConfig, site: Site, more: Router) -> Result<UiServer, UiError> {
    let redaction = Redaction::new(&config.redaction)?;
    let mut rest = rest::routes(Arc::clone(&site.applications), redaction.clone());
    if !site.applications.is_history() {
        rest = rest.merge(prometheus::routes(Arc::clone(&site.applications)));
    }
    let is_kill_enabled = config.is_kill_enabled;
    server::serve(config, |door| {
        pages::routes(site, door, redaction, is_kill_enabled).merge(rest).merge(more)
    })
}

/// Serves the pages and the REST interface of applications on a thread of its own.
///
/// # Errors
/// As [`start`].
pub fn serve(config: &UiConfig, site: Site) -> Result<UiServer, UiError> {
    start(config, site, Router::new())
}

/// Serves the pages, the JSON and the metrics of a standalone cluster's master on a thread of its own.
///
/// # Errors
/// When no port is free, or a setting is wrong.
pub fn serve_master(config: &UiConfig, site: Arc<dyn MasterSite>) -> Result<UiServer, UiError> {
    let is_kill_enabled = config.is_kill_enabled;
    server::serve(config, |door| pages::cluster::master_routes(site, door, is_kill_enabled))
}

/// Serves the pages, the JSON and the metrics of a standalone cluster's worker on a thread of its own.
///
/// # Errors
/// When no port is free, or a setting is wrong.
pub fn serve_worker(config: &UiConfig, site: Arc<dyn WorkerSite>) -> Result<UiServer, UiError> {
    server::serve(config, |_| pages::cluster::worker_routes(site))
}

/// Serves routes on a thread of its own, guarded as all pages are.
///
/// # Errors
/// When no port is free, or a setting is wrong.
pub fn serve_routes(config: &UiConfig, routes: Router) -> Result<UiServer, UiError> {
    server::serve(config, |_| routes)
}
