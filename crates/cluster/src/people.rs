//! People as a cluster manager, `listen://host:port`: those who have the application's secret start executors, by hand
//! or by any system that starts programs.

use crate::manager::{Manager, ManagerListener};
use firesteel_lending::Shape;
use std::sync::Arc;

/// A manager that starts nothing, and says what to start.
pub struct People {
    driver: String,
    listener: Arc<dyn ManagerListener>,
}

impl People {
    /// Makes a manager for a driver that listens at this address.
    pub fn new(driver: String, listener: Arc<dyn ManagerListener>) -> Arc<Self> {
        Arc::new(People { driver, listener })
    }
}

impl Manager for People {
    fn request(&self, _: u32, _: &Shape) -> Result<(), String> {
        self.listener.waits(&format!(
            "start more of them on any machine: `firesteel executor --driver {} --secret-file FILE`",
            self.driver
        ));
        Ok(())
    }

    fn withdraw(&self, _: u32) {
        // Nobody was asked for any in particular.
    }

    fn release(&self, _: &str) {
        // An executor ends with its connection; a frozen one is left to those who started it.
    }

    fn stop(&self) {
        // All end with their connections.
    }
}
