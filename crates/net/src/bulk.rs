//! Bulk transfer: blocks of bytes over [`crate::Purpose::Blocks`] connections, as a request and a stream of
//! items.
//!
//! ```
//! use firesteel_net::bulk::{Answer, BlockClient, BlockClientSettings, Item, Serve, serve_blocks};
//! use firesteel_net::{Credentials, Limits, Listener, Secret};
//!
//! struct Echo;
//! impl Serve for Echo {
//!     fn serve(&self, request: &[u8], answer: &mut Answer<'_>) -> std::io::Result<()> {
//!         answer.item(request)?;
//!         answer.missing()
//!     }
//! }
//!
//! let credentials = Credentials::of(&Secret::generate());
//! let listener = Listener::bind("127.0.0.1:0", credentials.clone(), Limits::default())?;
//! let serving = listener.serve("blocks", |connection| serve_blocks(connection, &Echo))?;
//! let client = BlockClient::new(credentials, BlockClientSettings::default());
//! let mut answer = client.request(&serving.address().to_string(), b"block 7")?;
//! let mut bytes = vec![];
//! assert_eq!(answer.next_item(&mut bytes)?, Item::Here);
//! assert_eq!(bytes, b"block 7");
//! assert_eq!(answer.next_item(&mut bytes)?, Item::Missing);
//! assert_eq!(answer.next_item(&mut bytes)?, Item::End);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing is queued. If a client reads slowly, TCP makes the server's writes wait.

mod adaptive;
mod client;
mod frame;
mod line;
mod pool;
mod serve;
mod shared;
mod stream;

pub use adaptive::Adaptive;
pub use client::BlockClient;
pub use frame::{FRAME_AT_MOST, FrameError, Header, Kind, unpack};
pub use serve::{Answer, REQUEST_AT_MOST, Serve, serve_blocks};
pub use shared::{BlockClientSettings, BlockError};
pub use stream::{AnswerStream, Chunk, Item};
