//! The pages and the REST interface of applications, and the history server.
//!
//! **Architecture Invariant.** Nothing here runs on the scheduler's thread, and nothing of HTTP is known elsewhere.

mod config;
pub mod history;
mod redact;
pub mod rest;
mod server;

pub use config::{DEFAULT_PATTERN, SHORTEST_TOKEN, TlsFiles, UiConfig, UiError};
pub use redact::{HIDDEN, Redaction};
pub use server::UiServer;

use axum::Router;
use firesteel_status::store::Applications;
use std::sync::Arc;

/// Serves routes on a thread of its own, guarded as all pages are.
///
/// # Errors
/// When no port is free, or a setting is wrong.
pub fn serve_routes(config: &UiConfig, routes: Router) -> Result<UiServer, UiError> {
    server::serve(config, |_| routes)
}

/// Serves the pages and the REST interface of applications.
///
/// # Errors
/// As [`serve_routes`].
pub fn serve(config: &UiConfig, _applications: Arc<dyn Applications>) -> Result<UiServer, UiError> {
    serve_routes(config, Router::new())
}
