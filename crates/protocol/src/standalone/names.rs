//! Names of things: newtypes, printed as Spark prints them.

use super::date;
use firesteel_types::{ExecutorId, Millis};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as it came over a wire or from a command line.
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                $name(name.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

name! {
    /// One worker process. It makes its own name when it starts, and no other process ever has the same: what a worker of
    /// this name ran, the process knows that comes back with it.
    WorkerId
}
name! {
    /// One application, as the master names it: `app-20261126205743-0000`.
    ApplicationId
}
name! {
    /// One driver that the cluster runs: `driver-20261126205743-0000`.
    DriverId
}
name! {
    /// The name that an application or a submission gives itself before it has one: made by chance, and the same each time that it
    /// asks again because it heard no answer. So asking twice is asking once.
    RequestKey
}

/// One executor of one application. Numbers are handed out in order, from 0, and never twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExecutorName {
    /// The application.
    pub application: ApplicationId,
    /// Its number there.
    pub executor: ExecutorId,
}

impl ExecutorName {
    /// Names the executor of an application that has this number.
    pub fn of(application: ApplicationId, number: u32) -> Self {
        ExecutorName { application, executor: ExecutorId(number) }
    }
}

impl fmt::Display for ExecutorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.application, self.executor)
    }
}

/// One run of a driver: the first is attempt 0; supervision begins others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DriverRun {
    /// The driver.
    pub driver: DriverId,
    /// How often it was launched before.
    pub attempt: u32,
}

impl fmt::Display for DriverRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (attempt {})", self.driver, self.attempt)
    }
}

/// The number of a master's reign, by which workers know whose orders count: each master that begins to lead has a higher epoch than all before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The one after.
    pub fn next(self) -> Epoch {
        Epoch(self.0 + 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ApplicationId {
    /// The name of the application with this number that came at this time, in milliseconds since 1970.
    ///
    /// ```
    /// use firesteel_protocol::standalone::ApplicationId;
    /// use firesteel_types::Millis;
    /// assert_eq!(ApplicationId::numbered(Millis(1_795_726_663_000), 7).as_str(), "app-20261126205743-0007");
    /// ```
    pub fn numbered(at: Millis, number: u32) -> Self {
        ApplicationId::new(format!("app-{}-{number:04}", date::stamp(at)))
    }
}

impl DriverId {
    /// The name of the driver with this number that came at this time, in milliseconds since 1970.
    pub fn numbered(at: Millis, number: u32) -> Self {
        DriverId::new(format!("driver-{}-{number:04}", date::stamp(at)))
    }
}
