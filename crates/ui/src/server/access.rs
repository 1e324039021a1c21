//! The decision about who may come in. All of it is made here, from a request's head; [`crate::server`] carries it out.
//!
//! On loopback everyone may read, as with Spark, but the request must name a host that is loopback, too: else a page of a
//! stranger could have its own name resolve to 127.0.0.1 and read along (DNS rebinding). On any other address, or when
//! a token is set, a visitor logs in once: by a link with `?token=`, which is answered by a cookie and a redirection to
//! the same page without it, by the form, or in each request by `Authorization: Bearer`. What changes things is POST,
//! comes from a page of this server, and holds a text that only such pages know.

use axum::http::{HeaderMap, Method, StatusCode, Uri, header};

/// The bytes of a token or of a session's secret that are drawn, at random: nobody guesses 256 bits.
const RANDOM_BYTES: usize = 32;

/// The rule of one server.
pub(crate) struct Access {
    /// The text that opens the server; without one it is open for reading.
    token: Option<String>,
    /// The value of the cookie of those who are in. It is not the token, since cookies go to all ports of a host.
    session: String,
    /// The text in forms of our own pages.
    form_token: String,
    /// The cookie's name, with the port: cookies of one host meet.
    cookie: String,
    is_tls: bool,
}

/// The decision about a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It is served.
    Pass,
    /// The visitor proved to know the token: they get the cookie, and are sent to the page without the token.
    Enter { location: String },
    /// The visitor is asked for the token.
    AskToken { was_wrong: bool },
    /// It is refused.
    Refuse(StatusCode, &'static str),
}

impl Access {
    /// Makes the rule for a server on a port.
    pub(crate) fn new(token: Option<String>, port: u16, is_tls: bool) -> Result<Self, getrandom::Error> {
        Ok(Access {
            token,
            session: random_text()?,
            form_token: random_text()?,
            cookie: format!("firesteel-ui-{port}"),
            is_tls,
        })
    }

    /// Decides about a request.
    pub(crate) fn judge(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Verdict {
        let is_reading = [Method::GET, Method::HEAD].contains(method);
        if !is_reading && method != Method::POST {
            return Verdict::Refuse(StatusCode::METHOD_NOT_ALLOWED, "only GET, HEAD and POST are answered");
        }
        if !is_reading && !comes_from_own_page(headers) {
            return Verdict::Refuse(
                StatusCode::FORBIDDEN,
                "this request comes from a page of another server",
            );
        }
        let Some(token) = &self.token else {
            return if names_loopback(headers) {
                Verdict::Pass
            } else {
                Verdict::Refuse(
                    StatusCode::FORBIDDEN,
                    "this server is for its own machine: call it 127.0.0.1 or localhost",
                )
            };
        };
        if let (true, Some(given)) = (is_reading, query_value(uri, "token")) {
            return match is_same(&given, token) {
                true => Verdict::Enter { location: without_token(uri) },
                false => Verdict::AskToken { was_wrong: true },
            };
        }
        let is_in = cookies(headers, &self.cookie).any(|given| is_same(given, &self.session))
            || bearer(headers).is_some_and(|given| is_same(given, token));
        let is_public = is_reading && uri.path().starts_with("/static/") || uri.path() == LOGIN_PATH;
        if is_in || is_public { Verdict::Pass } else { Verdict::AskToken { was_wrong: false } }
    }

    /// Decides about the form in which a visitor gave a token.
    pub(crate) fn judge_login(&self, given: &str, next: &str) -> Verdict {
        let is_right = self.token.as_ref().is_none_or(|token| is_same(given, token));
        if is_right {
            Verdict::Enter { location: local_path(next) }
        } else {
            Verdict::AskToken { was_wrong: true }
        }
    }

    /// Returns the header that makes a visitor one who is in, until the server or the browser ends.
    pub(crate) fn set_cookie(&self) -> String {
        let secure = if self.is_tls { "; Secure" } else { "" };
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict{secure}", self.cookie, self.session)
    }

    /// Returns the text that a form of our own pages holds.
    pub(crate) fn form_token(&self) -> &str {
        &self.form_token
    }

    /// Tells a form of our own pages from one of a stranger's.
    pub(crate) fn is_own_form(&self, given: &str) -> bool {
        is_same(given, &self.form_token)
    }

    /// Returns the token that opens the server.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// The path to which the login form is sent.
pub(crate) const LOGIN_PATH: &str = "/login";

/// Draws 256 bits, as hexadecimal digits.
pub(crate) fn random_text() -> Result<String, getrandom::Error> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Compares in a time that tells nothing about the texts: hashes of them are compared, and those in constant time.
fn is_same(given: &str, wanted: &str) -> bool {
    blake3::hash(given.as_bytes()) == blake3::hash(wanted.as_bytes())
}

/// Browsers say where a request comes from; what is no browser need not. Older ones, and all on plain HTTP to another
/// machine, say only its origin, and `null` instead of ours since our pages have no referrer: then the text in the form
/// decides.
fn comes_from_own_page(headers: &HeaderMap) -> bool {
    if let Some(site) = text(headers, "sec-fetch-site") {
        return site == "same-origin";
    }
    let host = text(headers, header::HOST.as_str());
    text(headers, header::ORIGIN.as_str()).is_none_or(|origin| {
        let (_, origin_host) = origin.split_once("://").unwrap_or(("", origin));
        origin == "null" || Some(origin_host) == host
    })
}

fn names_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = text(headers, header::HOST.as_str()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or(""))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers, header::AUTHORIZATION.as_str())?.strip_prefix("Bearer ")
}

fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(given, _)| *given == name)
        .map(|(_, value)| value)
}

fn query_value(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
}

/// Returns path and query of a request without the token.
fn without_token(uri: &Uri) -> String {
    let kept: Vec<&str> = uri
        .query()
        .unwrap_or("")
        .split('&')
        .filter(|pair| !pair.is_empty() && *pair != "token" && !pair.starts_with("token="))
        .collect();
    let path = local_path(uri.path());
    if kept.is_empty() { path } else { format!("{path}?{}", kept.join("&")) }
}

/// Returns the path if it leads to a page of this server, and that of the first page if it does not: browsers take
/// `//host` and `/\host` for another server's.
fn local_path(path: &str) -> String {
    let is_local = path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_local { path.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn judge(access: &Access, method: Method, uri: &str, headers: &[(&'static str, &str)]) -> Verdict {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        access.judge(&method, &uri.parse().unwrap(), &map)
    }

    fn is_refused(verdict: Verdict) -> bool {
        matches!(verdict, Verdict::Refuse(StatusCode::FORBIDDEN, _))
    }

    #[test]
    fn loopback_is_open_for_those_who_call_it_so() {
        let access = Access::new(None, 4040, false).unwrap();
        for host in ["localhost:4040", "127.0.0.1:4040", "127.3.0.1", "[::1]:4040", "LOCALHOST:5000"] {
            assert_eq!(judge(&access, Method::GET, "/jobs/", &[("host", host)]), Verdict::Pass, "{host}");
        }
        for host in
            ["evil.example:4040", "localhost.evil.example", "10.0.0.1:4040", "[::2]", "", "127.0.0.1.evil"]
        {
            assert!(is_refused(judge(&access, Method::GET, "/jobs/", &[("host", host)])), "{host}");
        }
        assert!(is_refused(judge(&access, Method::GET, "/jobs/", &[])));
    }

    #[test]
    fn what_changes_things_comes_from_own_pages() {
        let access = Access::new(None, 4040, false).unwrap();
        let host = ("host", "localhost:4040");
        let pass = |headers: &[(&'static str, &str)]| {
            judge(&access, Method::POST, "/kill", headers) == Verdict::Pass
        };
        assert!(pass(&[host, ("origin", "http://localhost:4040"), ("sec-fetch-site", "same-origin")]));
        assert!(pass(&[host]));
        assert!(!pass(&[host, ("origin", "http://evil.example")]));
        assert!(!pass(&[host, ("origin", "http://localhost:9999")]));
        assert!(pass(&[host, ("origin", "null")]));
        assert!(pass(&[host, ("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(!pass(&[host, ("origin", "null"), ("sec-fetch-site", "cross-site")]));
        assert!(!pass(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(!pass(&[host, ("sec-fetch-site", "same-site")]));
        assert!(access.is_own_form(access.form_token()) && !access.is_own_form(""));
        let put = judge(&access, Method::PUT, "/", &[host]);
        assert!(matches!(put, Verdict::Refuse(StatusCode::METHOD_NOT_ALLOWED, _)));
    }

    #[test]
    fn a_token_opens_once_and_a_cookie_from_then_on() {
        let access = Access::new(Some(TOKEN.into()), 4040, true).unwrap();
        let host = ("host", "a.example:4040");
        let get = |uri: &str, more: &[(&'static str, &str)]| {
            judge(&access, Method::GET, uri, &[&[host], more].concat())
        };
        assert_eq!(get("/jobs/", &[]), Verdict::AskToken { was_wrong: false });
        assert_eq!(get("/jobs/?token=x", &[]), Verdict::AskToken { was_wrong: true });
        let location = "/jobs/?page=2".to_owned();
        assert_eq!(get(&format!("/jobs/?token={TOKEN}&page=2"), &[]), Verdict::Enter { location });
        let cookie = access.set_cookie();
        assert!(cookie.contains("HttpOnly; SameSite=Strict; Secure") && !cookie.contains(TOKEN));
        let pair = format!("other=1; {}", cookie.split(';').next().unwrap());
        assert_eq!(get("/jobs/", &[("cookie", &pair)]), Verdict::Pass);
        assert_eq!(
            get("/jobs/", &[("cookie", "firesteel-ui-4040=")]),
            Verdict::AskToken { was_wrong: false }
        );
        assert_eq!(get("/jobs/", &[("authorization", &format!("Bearer {TOKEN}"))]), Verdict::Pass);
        assert_eq!(get("/static/x.css", &[]), Verdict::Pass);
        let post = judge(&access, Method::POST, &format!("/kill?token={TOKEN}"), &[host]);
        assert_eq!(post, Verdict::AskToken { was_wrong: false });
    }

    #[test]
    fn nobody_is_sent_to_another_server() {
        let access = Access::new(Some(TOKEN.into()), 4040, false).unwrap();
        for next in
            ["//evil.example/", "/\\evil.example", "https://evil.example", "", "/a\nb", "javascript:alert(1)"]
        {
            assert_eq!(access.judge_login(TOKEN, next), Verdict::Enter { location: "/".into() }, "{next:?}");
        }
        assert_eq!(access.judge_login(TOKEN, "/jobs/?a=b"), Verdict::Enter { location: "/jobs/?a=b".into() });
        assert_eq!(access.judge_login("", "/"), Verdict::AskToken { was_wrong: true });
        let entered = judge(&access, Method::GET, &format!("//evil.example/?token={TOKEN}"), &[]);
        assert_eq!(entered, Verdict::Enter { location: "/".into() });
    }
}
