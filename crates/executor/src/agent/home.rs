//! The files of an agent: their directories, and the server that other hosts fetch blocks from.

use firesteel_data::Cipher;
use firesteel_net::bulk::serve_blocks;
use firesteel_net::{Connection, Credentials, Limits, Listener, Purpose, Serving};
use firesteel_protocol::handshake::{AgentConfig, SHARED_DIRECTORY};
use firesteel_storage::{LocalDirs, SharedFiles, sweep};
use firesteel_transfer::BlockServer;
use std::sync::Arc;

/// The directories of an agent's files, and the server of the files.
pub(super) struct Home {
    pub(super) dirs: Arc<LocalDirs>,
    pub(super) files: Arc<SharedFiles>,
    /// The address at which the files are served.
    pub(super) blocks: String,
    /// The server, unless a service of the host serves the files.
    serving: Option<Serving>,
}

impl Home {
    pub(super) fn make(config: &AgentConfig, credentials: &Credentials) -> Result<Self, String> {
        let text = |error: firesteel_data::DataError| error.to_string();
        // Worker processes change their directory.
        let directory = std::path::absolute(&config.directory).map_err(|e| e.to_string())?;
        let dirs = match config.service {
            Some(_) => LocalDirs::within(directory.clone()),
            None => LocalDirs::create(&directory),
        };
        let dirs = Arc::new(dirs.map_err(text)?);
        if config.service.is_none() {
            sweep(&directory, |_| ()).map_err(|e| e.to_string())?;
        }
        let files = Arc::new(SharedFiles::open(dirs.path().join(SHARED_DIRECTORY)).map_err(text)?);
        let (serving, blocks) = match &config.service {
            Some(service) => (None, service.clone()),
            None => {
                let served = BlockServer::new(files.clone(), dirs.clone());
                let listener = Listener::bind(&config.bind, credentials.clone(), Limits::default());
                let listener = listener.map_err(|e| format!("nothing can listen at {}: {e}", config.bind))?;
                let port = listener.address().port();
                let handle = move |connection: Connection| {
                    if connection.purpose() == Purpose::Blocks {
                        serve_blocks(connection, &served);
                    }
                };
                let serving = listener.serve("firesteel-blocks", handle).map_err(|e| e.to_string())?;
                (Some(serving), format!("{}:{port}", config.host))
            }
        };
        Ok(Home { dirs, files, blocks, serving })
    }

    /// Encrypts all files that are written from now on. The driver asks for it before there is anything to write.
    pub(super) fn encrypt_files(&self, secret: Option<&str>) -> Result<(), String> {
        let cipher =
            Cipher::of_secret(secret.ok_or("files are encrypted with a secret's key, and there is none")?);
        self.dirs.encrypt_with(&cipher);
        self.files.encrypt_with(&cipher);
        Ok(())
    }

    /// Removes the files, unless a service of the host serves them on.
    pub(super) fn remove(&self) {
        if let Some(serving) = &self.serving {
            serving.stop();
            self.dirs.clear();
        }
    }
}
