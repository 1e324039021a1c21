//! The server: a thread named `firesteel-ui` with a runtime of its own, so that people who look at pages take no time
//! from the scheduler's thread; sockets, TLS, limits, and the order in which a request is judged and served.
//!
//! What is served comes in as a [`Router`]; who may come in is decided in [`access`].

pub(crate) mod access;
pub(crate) mod assets;
mod guard;
mod tls;

use crate::config::{SHORTEST_TOKEN, UiConfig, UiError};
use access::Access;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;

/// The most connections at a time; further ones wait in the system's queue. Each takes a few kilobytes.
const MAX_CONNECTIONS: usize = 512;

/// The longest that a client may take to send a request's head, or to shake hands: else 512 silent strangers would
/// shut everybody out.
const PATIENCE: Duration = Duration::from_secs(20);

/// The most threads that make pages and answers at a time: they take cores from tasks.
const MAX_MAKERS: usize = 8;

/// The most bytes of a request's body: forms of a few fields.
const MAX_BODY: usize = 16 << 10;

/// The pause after the system refused a connection, since it has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server of pages. It ends when it is dropped.
pub struct UiServer {
    url: String,
    token: Option<String>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl UiServer {
    /// Returns the address of the first page.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address that logs in who opens it, for the person who runs the program and for nobody else. It is the
    /// same as [`UiServer::url`] where no login is asked for.
    pub fn login_url(&self) -> String {
        match &self.token {
            Some(token) => format!("{}/?token={token}", self.url),
            None => self.url.clone(),
        }
    }

    /// Ends the server and all its connections.
    pub fn stop(mut self) {
        self.end_thread();
    }

    fn end_thread(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the page server's thread has panicked");
        }
    }
}

impl Drop for UiServer {
    fn drop(&mut self) {
        self.end_thread();
    }
}

/// Listens, and serves what `routes` returns for the rule of who may come in.
///
/// # Errors
/// When no port is free, or a setting is wrong.
pub(crate) fn serve(
    config: &UiConfig,
    routes: impl FnOnce(Arc<Access>) -> Router,
) -> Result<UiServer, UiError> {
    if config.token.as_ref().is_some_and(|token| token.chars().count() < SHORTEST_TOKEN) {
        return Err(UiError::ShortToken);
    }
    let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
    let listener = listen(config)?;
    let address = listener.local_addr().map_err(UiError::System)?;
    let random = |error: getrandom::Error| UiError::System(std::io::Error::other(error.to_string()));
    let token = match &config.token {
        Some(token) => Some(token.clone()),
        None if address.ip().is_loopback() => None,
        None => Some(access::random_text().map_err(random)?),
    };
    let access = Access::new(token, address.port(), tls.is_some()).map_err(random)?;
    let url = url_of(config, address, tls.is_some());
    let access = Arc::new(access);
    let router = guarded(routes(Arc::clone(&access)), &access);
    let (end, ended) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("firesteel-ui".into())
        .spawn(move || run(listener, tls, router, ended))
        .map_err(UiError::System)?;
    let token = access.token().map(str::to_owned);
    Ok(UiServer { url, token, end: Some(end), thread: Some(thread) })
}

fn guarded(routes: Router, access: &Arc<Access>) -> Router {
    Router::new()
        .route("/static/{hash}/{name}", get(assets::serve))
        .route(access::LOGIN_PATH, post(guard::login))
        .with_state(Arc::clone(access))
        .merge(routes)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(access), guard::guard))
}

/// Binds the first free port.
fn listen(config: &UiConfig) -> Result<TcpListener, UiError> {
    let bind_error = |error| UiError::Bind { host: config.host.clone(), error };
    let retries = if config.port == 0 { 0 } else { config.retries };
    let last = config.port.saturating_add(retries);
    for port in config.port..=last {
        let addresses = (config.host.as_str(), port).to_socket_addrs().map_err(bind_error)?;
        // A name with several addresses is listened on at one: `localhost` as IPv6, too, would be another server's.
        let address = addresses.min_by_key(SocketAddr::is_ipv6);
        let address = address.ok_or_else(|| bind_error(std::io::Error::other("the name has no address")))?;
        match TcpListener::bind(address) {
            Ok(listener) => {
                listener.set_nonblocking(true).map_err(UiError::System)?;
                return Ok(listener);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(bind_error(error)),
        }
    }
    Err(UiError::PortsTaken { host: config.host.clone(), first: config.port, last })
}

fn url_of(config: &UiConfig, address: SocketAddr, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    let host = match &config.public_host {
        Some(host) => host.clone(),
        None if address.ip().is_unspecified() => "127.0.0.1".into(),
        None => config.host.clone(),
    };
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
    format!("{scheme}://{host}:{}", address.port())
}

fn run(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, ended: oneshot::Receiver<()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().max_blocking_threads(MAX_MAKERS).thread_name("firesteel-ui");
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "the page server has no runtime"),
    };
    runtime.block_on(async {
        tokio::select! {
            _ = ended => {}
            () = accept(listener, tls, router) => {}
        }
    });
    // Connections end with it. A page that is being made from a log on another thread is not waited for.
    runtime.shutdown_background();
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the page server cannot listen"),
    };
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "the page server could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (tls, router) = (tls.clone(), router.clone());
        tokio::spawn(async move {
            match tls {
                None => talk(stream, router).await,
                Some(tls) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
                        talk(stream, router).await;
                    }
                }
            }
            drop(place);
        });
    }
}

/// Serves one connection. How it ends is the client's business.
async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, router: Router) {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    let served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the page server ended");
    }
}
