//! The server as a client sees it: ports, headers, who may come in, TLS.

use axum::Router;
use axum::routing::{get, post};
use firesteel_ui::{SHORTEST_TOKEN, TlsFiles, UiConfig, UiError, UiServer, serve_routes};
use reqwest::StatusCode;
use reqwest::blocking::{Client, ClientBuilder, Response};
use std::net::TcpListener;

fn routes() -> Router {
    Router::new().route("/", get(|| async { "first page" })).route("/change", post(|| async { "changed" }))
}

fn config() -> UiConfig {
    UiConfig { port: 0, ..UiConfig::default() }
}

fn serve(config: &UiConfig) -> UiServer {
    serve_routes(config, routes()).unwrap()
}

fn client() -> ClientBuilder {
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy()
}

fn get_page(url: &str) -> Response {
    client().build().unwrap().get(url).send().unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn loopback_is_open_and_each_answer_is_guarded() {
    let server = serve(&config());
    assert_eq!(server.login_url(), server.url());
    for path in ["/", "/none", "/static/0000/style.css"] {
        let response = get_page(&format!("{}{path}", server.url()));
        let policy = header(&response, "content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header(&response, "x-frame-options"), "DENY");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "cache-control"), "no-store");
        let wanted = if path == "/" { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(response.status(), wanted, "{path}");
    }
}

#[test]
fn a_name_that_is_not_loopbacks_is_refused() {
    let server = serve(&config());
    let request = client().build().unwrap().get(server.url()).header("host", "evil.example");
    assert_eq!(request.send().unwrap().status(), StatusCode::FORBIDDEN);
}

#[test]
fn a_page_of_another_server_changes_nothing() {
    let server = serve(&config());
    let send = |origin: &str| {
        let request = client().build().unwrap().post(format!("{}/change", server.url()));
        request.header("origin", origin).send().unwrap().status()
    };
    assert_eq!(send(server.url()), StatusCode::OK);
    assert_eq!(send("https://evil.example"), StatusCode::FORBIDDEN);
}

#[test]
fn other_addresses_ask_for_a_token() {
    let server = serve(&UiConfig { host: "0.0.0.0".into(), ..config() });
    assert_eq!(get_page(server.url()).status(), StatusCode::UNAUTHORIZED);
    let login = server.login_url();
    let token = login.split_once("?token=").unwrap().1;
    assert_eq!(token.len(), 64);

    let entered = get_page(&login);
    assert_eq!((entered.status(), header(&entered, "location")), (StatusCode::SEE_OTHER, "/"));
    let cookie = header(&entered, "set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains(token) && !cookie.contains("Secure"), "{cookie}");

    let pair = cookie.split(';').next().unwrap();
    let request = client().build().unwrap().get(server.url()).header("cookie", pair);
    assert_eq!(request.send().unwrap().text().unwrap(), "first page");
    let request = client().build().unwrap().get(server.url()).bearer_auth(token);
    assert_eq!(request.send().unwrap().status(), StatusCode::OK);
    let request = client().build().unwrap().get(server.url()).bearer_auth("x");
    assert_eq!(request.send().unwrap().status(), StatusCode::UNAUTHORIZED);
    // Other servers of the host get the same cookies of the browser; their names differ.
    assert!(pair.starts_with(&format!("firesteel-ui-{}=", server.url().rsplit(':').next().unwrap())));
}

#[test]
fn the_login_form_lets_in_who_knows_the_token() {
    let token = "0123456789abcdef0123456789abcdef";
    let server = serve(&UiConfig { token: Some(token.into()), ..config() });
    let send = |body: String| {
        let request = client().build().unwrap().post(format!("{}/login", server.url()));
        request.header("content-type", "application/x-www-form-urlencoded").body(body).send().unwrap()
    };
    let entered = send(format!("token={token}&next=%2Fjobs%2F%3Fpage%3D2"));
    assert_eq!((entered.status(), header(&entered, "location")), (StatusCode::SEE_OTHER, "/jobs/?page=2"));
    let entered = send(format!("token={token}&next=%2F%2Fevil.example"));
    assert_eq!(header(&entered, "location"), "/");
    let wrong = send("token=%22%3E%3Cscript%3E&next=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E".into());
    assert_eq!((wrong.status(), header(&wrong, "set-cookie")), (StatusCode::UNAUTHORIZED, ""));
    let page = wrong.text().unwrap();
    assert!(page.contains("not the token") && !page.contains("<script>alert"), "{page}");
    assert!(!page.contains(token), "{page}");
    // What the page loads is there for those who are not in yet.
    let style = page.split("href=\"/static/").nth(2).unwrap().split('"').next().unwrap();
    let style = get_page(&format!("{}/static/{style}", server.url()));
    assert_eq!(style.status(), StatusCode::OK);
    assert!(header(&style, "cache-control").contains("immutable"));
    let huge = send(format!("token={}", "x".repeat(100_000)));
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn a_taken_port_is_passed_over_as_with_spark() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let server = serve(&UiConfig { port, ..UiConfig::default() });
    let got: u16 = server.url().rsplit(':').next().unwrap().parse().unwrap();
    assert!(got > port && got <= port + 16, "{got}");
    let refused = serve_routes(&UiConfig { port, retries: 0, ..UiConfig::default() }, routes());
    assert!(
        matches!(refused.err(), Some(UiError::PortsTaken { first, last, .. }) if first == port && last == port)
    );
}

#[test]
fn a_stopped_server_is_gone() {
    let server = serve(&config());
    let url = server.url().to_owned();
    assert_eq!(get_page(&url).status(), StatusCode::OK);
    server.stop();
    assert!(client().build().unwrap().get(&url).send().is_err());
}

#[test]
fn tls_by_files() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificates, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificates, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let files = TlsFiles { certificates: certificates.clone(), key: key.clone() };
    let token = Some("t".repeat(SHORTEST_TOKEN));
    let server = serve(&UiConfig { host: "localhost".into(), tls: Some(files), token, ..config() });
    assert!(server.url().starts_with("https://localhost:"));
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let trusting = client().tls_certs_only([root]).build().unwrap();
    let entered = trusting.get(server.login_url()).send().unwrap();
    assert!(header(&entered, "set-cookie").contains("; Secure"));
    assert!(client().build().unwrap().get(server.url()).send().is_err());

    let wrong = TlsFiles { certificates: key, key: certificates };
    let refused = serve_routes(&UiConfig { tls: Some(wrong), ..config() }, routes());
    assert!(matches!(refused.err(), Some(UiError::Tls { .. })));
}

#[test]
fn settings_that_would_open_the_server_are_refused() {
    let short = UiConfig { token: Some("secret".into()), ..config() };
    assert!(matches!(serve_routes(&short, routes()).err(), Some(UiError::ShortToken)));
}
