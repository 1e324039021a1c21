//! The messages over connections to a master: each says from or to which kind of process it is.

use super::clients::{ClientAnswer, ClientMessage};
use super::messages::{ApplicationMessage, ApplicationOrder, FencedOrder, WorkerMessage};
use serde::{Deserialize, Serialize};

/// To a master.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToMaster {
    /// From a worker.
    Worker {
        /// Its message.
        message: WorkerMessage,
    },
    /// From an application.
    Application {
        /// Its message.
        message: ApplicationMessage,
    },
    /// From a client.
    Client {
        /// Its question.
        message: ClientMessage,
    },
}

/// From a master.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromMaster {
    /// To a worker.
    Worker {
        /// The order.
        order: FencedOrder,
    },
    /// To an application.
    Application {
        /// The message.
        order: ApplicationOrder,
    },
    /// To a client.
    Client {
        /// The answer.
        answer: ClientAnswer,
    },
    /// It does not lead; this one does, as far as it knows.
    Standby {
        /// The leader's address, `host:port`.
        leader: Option<String>,
    },
}
