//! The link by which one logs in to a server of pages, where it asks for that: in a file that only this user can read, and in no log.

use firesteel_ui::UiServer;
use std::fs::{DirBuilder, OpenOptions, remove_file};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The file with the link, which goes when this is dropped. None where everybody may read, or where it could not be written.
pub(crate) struct LoginLink(Option<PathBuf>);

impl LoginLink {
    /// Writes the link to a file of this directory, if the server asks for a login.
    pub(crate) fn leave(server: &UiServer, directory: &Path) -> LoginLink {
        if server.login_url() == server.url() {
            return LoginLink(None);
        }
        let written = write(directory, server).inspect_err(|error| {
            tracing::warn!("the link to the pages cannot be written to {}: {error}", directory.display());
        });
        LoginLink(written.ok())
    }

    /// Returns in words where the server is, and how one comes in: `at http://127.0.0.1:8080`.
    pub(crate) fn place(&self, server: &UiServer) -> String {
        let url = server.url();
        match &self.0 {
            None if server.login_url() == url => format!("at {url}"),
            None => format!("at {url}, which asks for a login"),
            Some(path) => format!("at {url}, which asks for a login; {} has the link", path.display()),
        }
    }
}

impl Drop for LoginLink {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            let _ = remove_file(path);
        }
    }
}

/// Writes the link to a file for this user alone. Servers that share a directory have a file each.
fn write(directory: &Path, server: &UiServer) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let place = server.url().split_once("://").map_or("", |(_, place)| place);
    let place = place.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.', "-");
    let path = std::path::absolute(directory)?.join(format!("login-link-{place}"));
    match remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    writeln!(file, "{}", server.login_url())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::MasterPages;
    use firesteel_ui::{SHORTEST_TOKEN, UiConfig, serve_master};
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    fn server(token: Option<String>) -> UiServer {
        serve_master(&UiConfig { port: 0, token, ..UiConfig::default() }, Arc::new(MasterPages::default()))
            .unwrap()
    }

    #[test]
    fn the_link_is_in_a_file_for_this_user_and_in_no_sentence() {
        let (dir, token) = (tempfile::tempdir().unwrap(), "t".repeat(SHORTEST_TOKEN));
        let server = server(Some(token.clone()));
        let link = LoginLink::leave(&server, &dir.path().join("state"));
        let path = link.0.clone().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), server.login_url());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let place = link.place(&server);
        assert!(place.contains(&path.display().to_string()) && !place.contains(&token), "{place}");
        drop(link);
        assert!(!path.exists());
    }

    #[test]
    fn a_server_that_is_open_leaves_no_file() {
        let (dir, server) = (tempfile::tempdir().unwrap(), server(None));
        let link = LoginLink::leave(&server, &dir.path().join("state"));
        assert_eq!(link.place(&server), format!("at {}", server.url()));
        assert!(!dir.path().join("state").exists());
    }
}
