//! The pages of masters and workers: options, who may look, and the server. What they show comes from the daemons, by the
//! files below.
//!
//! Only the command line starts these servers. On loopback everybody may read; on any other address a visitor shows a token,
//! which follows from the cluster's secret, so that one token opens the pages of all daemons of a cluster. It is in a file
//! that only this user can read, and in no log.

mod login_link;
mod master;
mod tls;
mod worker;

pub(crate) use login_link::LoginLink;
pub(crate) use master::MasterPages;
pub(crate) use tls::PageTls;
pub(crate) use worker::WorkerPages;

use clap::Args;
use firesteel_net::Secret;
use firesteel_ui::{UiConfig, UiError, UiServer};
use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;

/// The number of further ports that are tried when one is taken, as in Spark.
const RETRIES: u16 = 16;

/// The purpose for which the token follows from the cluster's secret.
const PURPOSE: &str = "firesteel pages of masters and workers, token, version 1";

/// The port of a daemon's pages; none for no pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PagePort(Option<u16>);

/// Parses a port, or `none`.
pub(crate) fn page_port(text: &str) -> Result<PagePort, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(PagePort(None));
    }
    let port =
        text.parse().map_err(|_| format!("`{text}` is no port: write a number up to 65535, or none"))?;
    Ok(PagePort(Some(port)))
}

/// The options of pages that masters and workers share.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PageOptions {
    /// The address at which pages listen; where the daemon does if not given. Everything but this machine's own asks for a login.
    #[arg(long, value_name = "ADDRESS")]
    webui_host: Option<String>,
    /// Show no pages.
    #[arg(long)]
    no_webui: bool,
    #[command(flatten)]
    tls: PageTls,
}

impl PageOptions {
    /// Returns the settings of the server for a daemon that listens at `bind` and is called `name`; none if there are no pages.
    pub(crate) fn config(
        &self,
        port: PagePort,
        bind: &str,
        name: &str,
        secret: Option<&Secret>,
    ) -> Option<UiConfig> {
        let port = port.0.filter(|_| !self.no_webui)?;
        let host = self.webui_host.as_deref().unwrap_or(bind);
        let config = UiConfig { port, retries: RETRIES, tls: self.tls.files(), ..UiConfig::default() };
        if let Some(address) = loopback(host) {
            // Under its number, since the server answers to no other names there.
            return Some(UiConfig { host: address.to_string(), ..config });
        }
        let is_told = self.webui_host.as_ref().is_some_and(|host| !is_any(host));
        Some(UiConfig {
            host: host.into(),
            public_host: (!is_told).then(|| name.to_owned()),
            // Without a secret the server makes a token of its own.
            token: secret.map(|secret| secret.derived(PURPOSE)),
            ..config
        })
    }
}

/// Returns the address of a name that means this machine only.
fn loopback(host: &str) -> Option<IpAddr> {
    let mut addresses = (host, 0).to_socket_addrs().ok()?.map(|address| address.ip()).peekable();
    addresses.peek()?;
    let all: Vec<IpAddr> = addresses.collect();
    let first = all.iter().min_by_key(|address| address.is_ipv6())?;
    all.iter().all(IpAddr::is_loopback).then_some(*first)
}

fn is_any(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
}

/// The server of a daemon's pages, if it has one.
pub(crate) struct DaemonPages {
    server: Option<(UiServer, LoginLink)>,
}

impl DaemonPages {
    /// Starts the server, and leaves the link by which one logs in, where that is needed, in a file of `directory`. A daemon does
    /// without pages rather than not start.
    pub(crate) fn start(
        config: Option<UiConfig>,
        directory: &Path,
        serve: impl FnOnce(&UiConfig) -> Result<UiServer, UiError>,
    ) -> DaemonPages {
        let none = DaemonPages { server: None };
        let Some(config) = config else { return none };
        let server = match serve(&config) {
            Ok(server) => server,
            Err(UiError::PortsTaken { host, first, last }) => {
                tracing::warn!(
                    "no pages: the ports {first} to {last} of {host} are taken; --webui-port names another, 0 means any"
                );
                return none;
            }
            Err(error) => {
                tracing::warn!("{error}");
                return none;
            }
        };
        let link = LoginLink::leave(&server, directory);
        DaemonPages { server: Some((server, link)) }
    }

    /// Returns the address of the pages.
    fn url(&self) -> Option<String> {
        self.server.as_ref().map(|(server, _)| server.url().to_owned())
    }

    /// Returns the address that others are told of a daemon with this name. A link to loopback leads each reader to another
    /// machine, so it is told only where the whole cluster is on this one.
    pub(crate) fn told(&self, daemon: &str) -> Option<String> {
        let url = self.url()?;
        let host = url.split_once("://")?.1.rsplit_once(':')?.0.trim_matches(['[', ']']);
        (loopback(host).is_none() || loopback(daemon).is_some()).then_some(url)
    }

    /// Tells the log where the pages are.
    pub(crate) fn tell(&self) {
        if let Some((server, link)) = &self.server {
            tracing::info!("the pages are {}", link.place(server));
        }
    }

    /// Ends the server, and removes the link.
    pub(crate) fn stop(self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(webui_host: Option<&str>, bind: &str) -> UiConfig {
        let options = PageOptions { webui_host: webui_host.map(Into::into), ..PageOptions::default() };
        options.config(PagePort(Some(0)), bind, "name", Some(&Secret::generate())).unwrap()
    }

    #[test]
    fn ports_are_numbers_or_none() {
        assert_eq!(page_port("8080"), Ok(PagePort(Some(8080))));
        assert_eq!(page_port("none"), Ok(PagePort(None)));
        assert!(page_port("http").unwrap_err().contains("no port"));
        let off = PageOptions { no_webui: true, ..PageOptions::default() };
        assert!(off.config(PagePort(Some(8080)), "127.0.0.1", "name", None).is_none());
    }

    #[test]
    fn only_loopback_is_open_and_the_token_is_not_the_secret() {
        for open in [config(None, "127.0.0.1"), config(Some("localhost"), "0.0.0.0")] {
            assert!(open.token.is_none() && open.public_host.is_none(), "{open:?}");
            assert!(open.host.parse::<IpAddr>().unwrap().is_loopback());
        }
        let secret = Secret::generate();
        let options = PageOptions::default();
        let closed = options.config(PagePort(Some(0)), "0.0.0.0", "name", Some(&secret)).unwrap();
        let token = closed.token.unwrap();
        assert!(token.len() == 64 && !token.contains(&secret.to_text()), "{token}");
        assert_eq!(closed.public_host.as_deref(), Some("name"));
        let same = options.config(PagePort(Some(1)), "0.0.0.0", "other", Some(&secret)).unwrap();
        assert_eq!(same.token.unwrap(), token, "one token opens the pages of all daemons");
        assert!(
            config(Some("no.such.host.invalid"), "127.0.0.1").token.is_some(),
            "unknown names are not open"
        );
    }

    fn start(config: UiConfig, directory: &Path) -> DaemonPages {
        DaemonPages::start(Some(config), directory, |config| {
            firesteel_ui::serve_master(config, std::sync::Arc::new(MasterPages::default()))
        })
    }

    #[test]
    fn others_are_told_no_link_that_logs_in_and_it_goes_with_the_daemon() {
        let (dir, token) = (tempfile::tempdir().unwrap(), "t".repeat(64));
        let config = UiConfig { port: 0, token: Some(token.clone()), ..UiConfig::default() };
        let pages = start(config, dir.path());
        assert!(!pages.url().unwrap().contains(&token) && !pages.told("localhost").unwrap().contains(&token));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        pages.stop();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_daemon_does_without_pages_where_all_ports_are_taken() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let config = UiConfig { port, retries: 0, ..UiConfig::default() };
        assert_eq!(start(config, Path::new("/nowhere")).url(), None);
    }

    #[test]
    fn links_to_loopback_are_told_on_one_machine_only() {
        let config = UiConfig { port: 0, ..UiConfig::default() };
        let pages = start(config, Path::new("/nowhere"));
        assert_eq!(pages.told("localhost"), pages.url());
        assert_eq!(pages.told("192.0.2.7"), None);
    }
}
