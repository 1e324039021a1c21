//! The guard before every page: the decision of [`Access`] is carried out, and each answer gets the headers that keep
//! browsers from doing more with it than showing it.

use crate::server::access::{Access, Verdict};
use crate::server::assets;
use askama::Template;
use axum::extract::{Form, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use std::sync::Arc;

/// Only our own files are loaded, nothing inline runs, and no page may hold one of ours in a frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    assets: &'a assets::Paths,
    was_wrong: bool,
    next: &'a str,
    /// A link of another site was followed, so the browser held a cookie back that it sends when the page itself asks again.
    is_from_elsewhere: bool,
}

/// The login form's fields.
#[derive(serde::Deserialize)]
pub(super) struct Login {
    token: String,
    #[serde(default)]
    next: String,
}

/// Serves the request, or does what the rule says instead.
pub(super) async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let here = request.uri().path().to_owned();
    let is_from_elsewhere = request.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    let mut response = match access.judge(request.method(), request.uri(), request.headers()) {
        Verdict::Pass => next.run(request).await,
        verdict => answer(&access, verdict, &here, is_from_elsewhere),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Pages are of the moment, and those behind a login are nobody else's.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Takes the login form.
pub(super) async fn login(State(access): State<Arc<Access>>, Form(login): Form<Login>) -> Response {
    answer(&access, access.judge_login(&login.token, &login.next), &login.next, false)
}

fn answer(access: &Access, verdict: Verdict, next: &str, is_from_elsewhere: bool) -> Response {
    match verdict {
        Verdict::Pass => StatusCode::NO_CONTENT.into_response(),
        Verdict::Refuse(status, why) => (status, why).into_response(),
        Verdict::Enter { location } => {
            let headers = [(header::SET_COOKIE, access.set_cookie()), (header::LOCATION, location)];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Verdict::AskToken { was_wrong } => {
            let page = LoginPage { assets: assets::paths(), was_wrong, next, is_from_elsewhere }.render();
            (StatusCode::UNAUTHORIZED, page.map(Html).map_err(|_| "a token is asked for")).into_response()
        }
    }
}
