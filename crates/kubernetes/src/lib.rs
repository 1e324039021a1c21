//! Kubernetes: an application's executors as pods, and its driver as one in cluster mode.
//!
//! [`pods`] makes the objects, [`watch`] folds what the API server tells of pods into what it means for executors; both
//! are data and functions. [`Client`] asks the server, on a thread of its own.

mod error;
mod names;

mod settings;
mod volumes;

pub mod pods;

pub mod cause;
pub mod watch;

mod client;

mod manager;

mod config;

mod submit;

pub use client::{Access, Client, Namespaced};
pub use config::{Application, Start};
pub use error::{KubernetesError, Refusal};
pub use manager::{Kubernetes, KubernetesConfig};
pub use names::Names;
pub use pods::POD_ADDRESS_VARIABLE;
pub use settings::{Overhead, PodSettings, Role};
pub use submit::{Drivers, Submission};
pub use volumes::VolumeSetting;
