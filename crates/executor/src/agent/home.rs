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
    /// The address at which cached partitions are served.
    pub(super) cached: String,
    /// The server of what this process alone has, if it has anything.
    pub(super) server: Option<Arc<BlockServer>>,
    serving: Option<Serving>,
    /// True if the files are this process's own, and no service's.
    owns_files: bool,
}

impl Home {
    /// Makes the directories, and a server for what this process alone has: the files that no service serves, and, with `has_memory`, the
    /// partitions that it caches.
    pub(super) fn make(
        config: &AgentConfig,
        credentials: &Credentials,
        has_memory: bool,
    ) -> Result<Self, String> {
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
        let owns_files = config.service.is_none();
        let mut home = Home {
            dirs,
            files,
            blocks: config.service.clone().unwrap_or_default(),
            cached: config.service.clone().unwrap_or_default(),
            server: None,
            serving: None,
            owns_files,
        };
        if owns_files || has_memory {
            let server = Arc::new(BlockServer::new(home.files.clone(), home.dirs.clone()));
            let served = server.clone();
            let listener = Listener::bind(&config.bind, credentials.clone(), Limits::default());
            let listener = listener.map_err(|e| format!("nothing can listen at {}: {e}", config.bind))?;
            home.cached = format!("{}:{}", config.host, listener.address().port());
            let handle = move |connection: Connection| {
                if connection.purpose() == Purpose::Blocks {
                    serve_blocks(connection, &*served);
                }
            };
            home.serving = Some(listener.serve("firesteel-blocks", handle).map_err(|e| e.to_string())?);
            home.server = Some(server);
        }
        if owns_files {
            home.blocks.clone_from(&home.cached);
        }
        Ok(home)
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
        }
        if self.owns_files {
            self.dirs.clear();
        }
    }
}
