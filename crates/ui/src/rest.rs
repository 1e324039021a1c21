//! Spark's REST interface, version 1, under `/api/v1`: the same paths, parameters, answers and errors, for an
//! application that runs and for a history server.
//!
//! The files, in the order of a request: `path` says which endpoint is meant, `parameters` reads what is asked, `answer`
//! writes JSON and errors, `endpoints` asks the store. `changes` are server-sent events, which Spark has not, and `zip`
//! packs a log's files.

mod answer;
mod changes;
pub(crate) mod cluster;
mod endpoints;
mod json;
mod parameters;
mod path;
mod zip;

use crate::redact::Redaction;
use answer::Refusal;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use changes::Readers;
use endpoints::Rest;
use firesteel_status::store::Applications;
use parameters::Parameters;
use path::Endpoint;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The most requests that are answered at a time; further ones wait. Each may hold a long answer in memory.
const MAX_AT_A_TIME: usize = 4;

#[derive(Clone)]
struct Served {
    rest: Arc<Rest>,
    places: Arc<Semaphore>,
    readers: Arc<Readers>,
}

/// Returns the routes of the REST interface, which does not tell settings that `redaction` hides.
pub fn routes(applications: Arc<dyn Applications>, redaction: Redaction) -> Router {
    let served = Served {
        rest: Arc::new(Rest::new(applications, redaction)),
        places: Arc::new(Semaphore::new(MAX_AT_A_TIME)),
        readers: Arc::default(),
    };
    Router::new().route("/api/v1/{*path}", get(serve)).with_state(served)
}

async fn serve(
    State(served): State<Served>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    uri: Uri,
) -> Response {
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let parameters = Parameters::of(query.as_deref().unwrap_or(""));
    let Some(endpoint) = Endpoint::of(&segments) else {
        return Refusal::not_found(uri.path()).into_response();
    };
    let answer = match endpoint {
        Endpoint::Changes(application) => served.changes(application, &parameters).await,
        endpoint => served.on_a_thread(move |rest| rest.answer(&endpoint, &parameters)).await,
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

impl Served {
    /// Answers on a thread that may wait for a log to be read, while the server's own goes on.
    async fn on_a_thread(
        &self,
        ask: impl FnOnce(&Rest) -> Result<Response, Refusal> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let rest = Arc::clone(&self.rest);
        let answer = tokio::task::spawn_blocking(move || {
            let _place = place;
            ask(&rest)
        });
        answer.await.unwrap_or_else(|_| Err(Refusal::broken("the answer could not be made")))
    }

    async fn changes(
        &self,
        application: path::Attempt,
        parameters: &Parameters,
    ) -> Result<Response, Refusal> {
        let pause = changes::pause(parameters)?;
        let open = move |rest: &Rest| rest.open(&application);
        let place = Arc::clone(&self.places).acquire_owned().await;
        let rest = Arc::clone(&self.rest);
        let opened = tokio::task::spawn_blocking(move || {
            let _place = place;
            open(&rest)
        });
        let access = opened.await.unwrap_or_else(|_| Err(Refusal::broken("the answer could not be made")))?;
        self.readers.follow(access, pause)
    }
}
