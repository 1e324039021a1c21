//! Answers: JSON, or a refusal with Spark's status and words.

use super::json;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use firesteel_status::store::OpenError;
use serde::Serialize;

/// The reason why there is no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Refusal { status: StatusCode::NOT_FOUND, text: text.into() }
    }

    pub(super) fn bad(text: impl Into<String>) -> Self {
        Refusal { status: StatusCode::BAD_REQUEST, text: text.into() }
    }

    pub(super) fn unavailable(text: impl Into<String>) -> Self {
        Refusal { status: StatusCode::SERVICE_UNAVAILABLE, text: text.into() }
    }

    pub(super) fn broken(text: impl Into<String>) -> Self {
        Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, text: text.into() }
    }

    /// Says why an application could not be opened.
    pub(super) fn unopened(error: OpenError, application: &str, attempt: Option<&str>) -> Self {
        let attempt = attempt.map(|attempt| format!("/{attempt}")).unwrap_or_default();
        match error {
            OpenError::Unknown => Refusal::not_found(format!("no such app: {application}{attempt}")),
            OpenError::Busy => Refusal::unavailable("too many applications are being opened; try again"),
            OpenError::Unreadable(why) => {
                Refusal::broken(format!("the log of {application}{attempt} cannot be read: {why}"))
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, [(header::CONTENT_TYPE, "text/plain")], self.text).into_response()
    }
}

/// Answers with JSON.
pub(super) fn json(value: &impl Serialize) -> Result<Response, Refusal> {
    let bytes = json::to_bytes(value).map_err(|error| Refusal::broken(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from(bytes)).into_response())
}
