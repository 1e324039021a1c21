//! The messages between a master and its clients, which submit drivers and ask how everything is.

use super::messages::DriverSpec;
use super::names::{ApplicationId, DriverId, RequestKey, WorkerId};
use super::overview::{DriverView, Overview};
use serde::{Deserialize, Serialize};

/// A message of a client: a command, or a program that submits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// Run a driver. Answered with [`ClientAnswer::DriverSubmitted`].
    SubmitDriver {
        /// How the submission calls itself.
        key: RequestKey,
        /// The driver.
        spec: DriverSpec,
    },
    /// End a driver. Answered with [`ClientAnswer::Driver`] or [`ClientAnswer::Unknown`].
    KillDriver {
        /// Which.
        driver: DriverId,
    },
    /// How is a driver? Answered alike.
    DriverStatus {
        /// Which.
        driver: DriverId,
    },
    /// End an application. Answered with [`ClientAnswer::Done`] or [`ClientAnswer::Unknown`].
    KillApplication {
        /// Which.
        application: ApplicationId,
    },
    /// Send a worker away. Answered with [`ClientAnswer::Done`] or [`ClientAnswer::Unknown`].
    DecommissionWorker {
        /// Which.
        worker: WorkerId,
    },
    /// Tell everything. Answered with [`ClientAnswer::Overview`].
    Overview,
}

/// The answer to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientAnswer {
    /// The driver is on record, and will be run.
    DriverSubmitted {
        /// Its name.
        driver: DriverId,
    },
    /// How a driver is.
    Driver {
        /// The driver.
        driver: DriverView,
    },
    /// It shall be so.
    Done,
    /// There is nothing of this name (any more).
    Unknown,
    /// How everything is.
    Overview {
        /// All of it.
        overview: Overview,
    },
}
