//! Answers that all pages share: a page, the page that says why there is none, and what becomes of a form.

use crate::pages::frame;
use crate::pages::looking::NoPage;
use crate::server::access::Access as Door;
use crate::site::Unavailable;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use std::sync::Arc;

/// The header by which a page asks for news: the revision that it shows.
const SINCE: &str = "firesteel-since";

/// Returns the revision that a request has; none if it does not ask for news.
pub(super) fn since(headers: &HeaderMap) -> Option<u64> {
    headers.get(SINCE)?.to_str().ok()?.parse().ok()
}

/// Answers with a page, or with plain text.
pub(super) fn answer(text: Arc<str>, is_text: bool) -> Response {
    let kind = if is_text { "text/plain; charset=utf-8" } else { "text/html; charset=utf-8" };
    ([(header::CONTENT_TYPE, kind)], text.to_string()).into_response()
}

impl IntoResponse for NoPage {
    /// Answers with the page that says why there is no other.
    fn into_response(self) -> Response {
        let (status, title, text) = match self {
            NoPage::Unknown(text) => (StatusCode::NOT_FOUND, "Nothing here", text),
            NoPage::Refused(status, text) => (status, "Not now", text),
            NoPage::Broken(error) => {
                tracing::error!(%error, "a page could not be made");
                (StatusCode::INTERNAL_SERVER_ERROR, "Broken", "This page could not be made.".into())
            }
        };
        (status, Html(frame::message(title, &text, "/").unwrap_or_default())).into_response()
    }
}

impl From<Unavailable> for NoPage {
    fn from(why: Unavailable) -> Self {
        NoPage::Refused(StatusCode::SERVICE_UNAVAILABLE, why.0)
    }
}

/// Carries out what a form asks for, if the form is of our own pages and they may end things, and leads to the page `to`.
pub(super) async fn carry_out(
    door: &Door,
    form_token: &str,
    is_kill_enabled: bool,
    to: &'static str,
    act: impl FnOnce() -> Result<(), Unavailable> + Send + 'static,
) -> Response {
    let refused = |text: &str| NoPage::Refused(StatusCode::FORBIDDEN, text.into()).into_response();
    if !door.is_own_form(form_token) {
        return refused("This form is of another page, or of an earlier run. Load the page again.");
    }
    if !is_kill_enabled {
        return refused("spark.ui.killEnabled is false.");
    }
    match tokio::task::spawn_blocking(act).await {
        Ok(Ok(())) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Ok(Err(why)) => NoPage::Refused(StatusCode::CONFLICT, why.0).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
