//! Spans of the application for OpenTelemetry, where a setting asks for them: a listener makes them, a thread sends them.

mod sender;
mod spans;

use crate::error::{Error, Result};
use crate::listener::Listener;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_events::ListenerEvent;
use percent_encoding::percent_decode_str;
use sender::{Collector, Sender};
use spans::{Attributes, Span, Spans, Value};
use std::hash::{BuildHasher, RandomState};

/// The value of the setting that asks for the address that the environment has.
const FROM_ENVIRONMENT: &str = "env";

/// The end of the address to which spans go.
const TRACES: &str = "/v1/traces";

/// The spans of one request.
const BATCH: usize = 512;

/// Makes spans of events, and sends them.
pub(crate) struct OtelSpans {
    spans: Spans,
    made: Vec<Span>,
    sender: Sender,
}

impl OtelSpans {
    /// Begins to send spans of an application, if settings ask for that.
    ///
    /// # Errors
    /// When what they say is no address, or the environment has none.
    pub(crate) fn open(conf: &Conf, application: &str) -> Result<Option<Self>> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let Some(url) = address(&conf.get(&conf::OTEL_ENDPOINT)?, &variable).map_err(Error::Start)? else {
            return Ok(None);
        };
        let headers =
            variable("OTEL_EXPORTER_OTLP_TRACES_HEADERS").or_else(|| variable("OTEL_EXPORTER_OTLP_HEADERS"));
        let name = variable("OTEL_SERVICE_NAME").unwrap_or(conf.get(&conf::APP_NAME)?);
        let trace = new_trace(application);
        let collector = Collector {
            url,
            headers: headers.map(|headers| parse_headers(&headers)).unwrap_or_default(),
            trace,
            resource: resource(name, application),
        };
        let sender =
            Sender::start(collector).map_err(|why| Error::Start(format!("spans cannot be sent: {why}")))?;
        let tasks = conf.get(&conf::OTEL_TASKS)? as usize;
        Ok(Some(OtelSpans { spans: Spans::new(trace, tasks), made: vec![], sender }))
    }

    fn flush(&mut self) {
        while !self.made.is_empty() {
            let rest = self.made.split_off(self.made.len().min(BATCH));
            self.sender.send(std::mem::replace(&mut self.made, rest));
        }
    }
}

impl Listener for OtelSpans {
    fn on_event(&mut self, event: &ListenerEvent) {
        self.spans.take(event, &mut self.made);
        if self.made.len() >= BATCH {
            self.flush();
        }
    }

    fn on_quiet(&mut self) {
        self.flush();
    }
}

impl Drop for OtelSpans {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Returns the address to which spans go; `None` if nobody asks for them.
fn address(
    setting: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> std::result::Result<Option<String>, String> {
    let (url, is_whole) = match setting.trim() {
        "" => return Ok(None),
        FROM_ENVIRONMENT => {
            match (variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), variable("OTEL_EXPORTER_OTLP_ENDPOINT")) {
                (Some(whole), _) => (whole, true),
                (None, Some(base)) => (base, false),
                (None, None) => {
                    return Err(format!(
                        "`{}` is `{FROM_ENVIRONMENT}`, and the variable OTEL_EXPORTER_OTLP_ENDPOINT is not set. Set it, or write the \
                     address into the setting: http://localhost:4318",
                        conf::OTEL_ENDPOINT.key
                    ));
                }
            }
        }
        url => (url.to_owned(), url.ends_with(TRACES)),
    };
    let url = url.trim().to_owned();
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    if host.is_none_or(|host| host.is_empty() || host.starts_with('/') || reqwest::Url::parse(&url).is_err())
    {
        return Err(format!(
            "`{}` leads to `{url}`, which is no address of a collector that takes OTLP over HTTP. Write it like http://localhost:4318",
            conf::OTEL_ENDPOINT.key
        ));
    }
    if host.is_some_and(|host| host.split('/').next().unwrap_or_default().contains('@')) {
        // Settings and addresses are shown; headers are not.
        return Err(format!(
            "`{}` leads to an address with a name or password in it. Send what identifies you in a header: \
             OTEL_EXPORTER_OTLP_HEADERS=authorization=...",
            conf::OTEL_ENDPOINT.key
        ));
    }
    Ok(Some(if is_whole { url } else { format!("{}{TRACES}", url.trim_end_matches('/')) }))
}

/// Parses `name=value,name=value`, in which values may have percent signs for letters.
fn parse_headers(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let decoded = |value: &str| percent_decode_str(value.trim()).decode_utf8_lossy().into_owned();
    pairs.map(|(name, value)| (name.trim().to_owned(), decoded(value))).collect()
}

fn new_trace(application: &str) -> [u8; 16] {
    let mut hash = blake3::Hasher::new();
    hash.update(application.as_bytes()).update(&std::process::id().to_le_bytes());
    // Two programs that begin in the same moment, on two hosts, are told apart by chance.
    for _ in 0..2 {
        hash.update(&RandomState::new().hash_one(application).to_le_bytes());
    }
    let mut trace = [0; 16];
    trace.copy_from_slice(&hash.finalize().as_bytes()[..16]);
    trace
}

fn resource(name: String, application: &str) -> Attributes {
    let text = |value: &str| Value::Text(value.to_owned());
    vec![
        ("service.name", Value::Text(name)),
        ("service.instance.id", text(application)),
        ("telemetry.sdk.name", text("firesteel")),
        ("telemetry.sdk.language", text("rust")),
        ("telemetry.sdk.version", text(env!("CARGO_PKG_VERSION"))),
        ("process.pid", Value::Number(i64::from(std::process::id()))),
        ("os.type", text(std::env::consts::OS)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_counts_only_if_the_setting_says_so() {
        let both = |name: &str| match name {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("https://collector:4318/base/".to_owned()),
            _ => None,
        };
        let none = |_: &str| None;
        assert_eq!(address("", &both), Ok(None));
        assert_eq!(address("env", &both), Ok(Some("https://collector:4318/base/v1/traces".into())));
        assert_eq!(address("http://here:1", &both), Ok(Some("http://here:1/v1/traces".into())));
        assert_eq!(address("http://here:1/v1/traces", &none), Ok(Some("http://here:1/v1/traces".into())));
        let whole =
            |name: &str| (name == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").then(|| "http://t/x".to_owned());
        assert_eq!(address("env", &whole), Ok(Some("http://t/x".into())));
        assert!(address("env", &none).unwrap_err().contains("OTEL_EXPORTER_OTLP_ENDPOINT is not set"));
        for wrong in ["localhost:4318", "http://", "grpc://x", "http:///v1/traces", "http://[::"] {
            assert!(address(wrong, &none).unwrap_err().contains("http://localhost:4318"), "{wrong}");
        }
        let secret = address("https://me:hunter2@collector", &none).unwrap_err();
        assert!(secret.contains("OTEL_EXPORTER_OTLP_HEADERS") && !secret.contains("hunter2"), "{secret}");
    }

    #[test]
    fn headers_are_pairs_with_commas_between() {
        let headers = parse_headers("api-key=a%20b%zz, x = y=z ,nothing");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(headers, [pair("api-key", "a b%zz"), pair("x", "y=z")]);
        assert!(parse_headers("").is_empty());
    }
}
