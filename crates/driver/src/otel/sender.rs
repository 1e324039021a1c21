//! The thread that sends spans to a collector: OTLP over HTTP, as JSON. A collector that is slow or gone costs spans, never time of the
//! program's.

use super::spans::{Attributes, Span, Value};
use reqwest::blocking::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant};

/// The batches that may wait. Those beyond are dropped, and counted.
const WAITING_AT_MOST: usize = 64;

/// The time that one request may take, and that connecting may.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// The times that a batch is sent at most, and the pause before the second. The pause before the third is twice as long.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(250);

/// The time that the end of the application waits for spans that are still to be sent.
const END_WITHIN: Duration = Duration::from_secs(5);

/// The place where spans go, and what is told with all of them.
pub(super) struct Collector {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) trace: [u8; 16],
    pub(super) resource: Attributes,
}

/// The way of spans to the thread that sends them.
pub(super) struct Sender {
    to: Option<SyncSender<Vec<Span>>>,
    shared: Arc<Shared>,
    done: Receiver<()>,
}

#[derive(Default)]
struct Shared {
    dropped: AtomicU64,
    /// True when nothing more is to be tried again: the application has ended.
    is_ending: AtomicBool,
}

impl Sender {
    /// Starts the thread.
    ///
    /// # Errors
    /// When a header is none, or the system refuses a thread.
    pub(super) fn start(collector: Collector) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &collector.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("`{name}` is no name of a header"))?;
            // The value is a secret, and is not told.
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| format!("the value of the header `{name}` is none"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let (to, from) = sync_channel::<Vec<Span>>(WAITING_AT_MOST);
        let (tell, done) = channel();
        let shared = Arc::new(Shared::default());
        let for_thread = shared.clone();
        let send = move || {
            send_all(&collector, headers, &from, &for_thread);
            let _ = tell.send(());
        };
        let thread = std::thread::Builder::new().name("firesteel-otel".into()).spawn(send);
        thread.map(|_| Sender { to: Some(to), shared, done }).map_err(|error| error.to_string())
    }

    /// Hands spans over. They are dropped if too many wait.
    pub(super) fn send(&self, spans: Vec<Span>) {
        let count = spans.len() as u64;
        if let Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) =
            self.to.as_ref().map(|to| to.try_send(spans))
        {
            self.shared.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.to = None;
        self.shared.is_ending.store(true, Ordering::Relaxed);
        if let Err(RecvTimeoutError::Timeout) = self.done.recv_timeout(END_WITHIN) {
            tracing::warn!(
                "the collector of spans is slow: spans that it has not taken within {END_WITHIN:?} are lost"
            );
        }
        let dropped = self.shared.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!("{dropped} spans were not taken by their collector, and are lost");
        }
    }
}

/// Sends batches until there are no more.
fn send_all(collector: &Collector, headers: HeaderMap, from: &Receiver<Vec<Span>>, shared: &Shared) {
    let client = Client::builder()
        .connect_timeout(CONNECT_WITHIN)
        .timeout(REQUEST_WITHIN)
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("firesteel/", env!("CARGO_PKG_VERSION")))
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return tracing::warn!("spans cannot be sent: {error}"),
    };
    let (mut is_down, mut is_told) = (false, false);
    while let Ok(spans) = from.recv() {
        let is_ending = || shared.is_ending.load(Ordering::Relaxed);
        // A collector that was down a moment ago keeps no ending application waiting.
        let tries = if is_down { u32::from(!is_ending()) } else { TRIES };
        match post(&client, collector, &spans, tries, &is_ending) {
            Ok(()) => is_down = false,
            Err(why) => {
                is_down = true;
                shared.dropped.fetch_add(spans.len() as u64, Ordering::Relaxed);
                if !std::mem::replace(&mut is_told, true) {
                    tracing::warn!(
                        "spans cannot be sent to {}: {why}. The program goes on without",
                        collector.url
                    );
                }
            }
        }
    }
}

/// Sends one batch, and once more if that may help.
fn post(
    client: &Client,
    collector: &Collector,
    spans: &[Span],
    tries: u32,
    is_ending: &dyn Fn() -> bool,
) -> Result<(), String> {
    let body = encode(collector, spans).to_string();
    let (start, mut why) = (Instant::now(), "it was not there a moment ago".to_owned());
    for attempt in 0..tries {
        if attempt > 0 {
            if is_ending() && start.elapsed() > PAUSE {
                break;
            }
            std::thread::sleep(PAUSE * 2_u32.pow(attempt - 1));
        }
        let sent =
            client.post(&collector.url).header("content-type", "application/json").body(body.clone()).send();
        match sent {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => {
                why = format!("it answers {}", answer.status());
                if !matches!(answer.status().as_u16(), 429 | 502 | 503 | 504) {
                    break;
                }
            }
            Err(error) => why = innermost(&error.without_url()),
        }
    }
    Err(why)
}

/// Returns the text of the error that others were made of: `Connection refused` rather than `error sending request`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Returns the body of a request, in the JSON form of OTLP: ids in hexadecimal digits, whole numbers of 64 bits as strings.
fn encode(collector: &Collector, spans: &[Span]) -> Json {
    let spans: Vec<Json> = spans.iter().map(|span| encode_span(collector, span)).collect();
    let scope = json!({ "name": "firesteel", "version": env!("CARGO_PKG_VERSION") });
    json!({
        "resourceSpans": [{
            "resource": { "attributes": attributes(&collector.resource) },
            "scopeSpans": [{ "scope": scope, "spans": spans }],
        }],
    })
}

fn encode_span(collector: &Collector, span: &Span) -> Json {
    // The kind is "internal".
    let mut encoded = json!({
        "traceId": hex(&collector.trace),
        "spanId": hex(&span.id),
        "name": span.name,
        "kind": 1,
        "startTimeUnixNano": nanos(span.begin),
        "endTimeUnixNano": nanos(span.end),
        "attributes": attributes(&span.attributes),
        "status": match &span.failure {
            None => json!({ "code": 1 }),
            Some(why) => json!({ "code": 2, "message": why }),
        },
    });
    if let Some(parent) = &span.parent {
        encoded["parentSpanId"] = hex(parent).into();
    }
    encoded
}

fn nanos(ms: i64) -> String {
    (i128::from(ms.max(0)) * 1_000_000).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attributes(attributes: &Attributes) -> Json {
    let encode = |value: &Value| match value {
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Truth(truth) => json!({ "boolValue": truth }),
    };
    attributes.iter().map(|(key, value)| json!({ "key": key, "value": encode(value) })).collect()
}
