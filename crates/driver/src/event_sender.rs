//! [`EventSender`]: tells the driver which RDDs, shuffles and cached partitions are not needed any more, when
//! their handles are dropped.
//!
//! Handles are everywhere in a program, and live as long as the program wants. The sender is all that they
//! know of the driver, and it does not keep the driver alive.

use firesteel_types::{Generation, RddId, ShuffleId};
use std::sync::{Arc, Weak};

/// A resource that is not needed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Released {
    /// No job will compute the RDD again.
    Rdd(RddId),
    /// No job will read the shuffle's map outputs again.
    Shuffle(ShuffleId),
    /// The RDD's partitions of this generation need not be cached any more.
    Persisted(RddId, Generation),
}

/// The driver's interface for handles.
pub(crate) trait EventSink: Send + Sync {
    /// Records that a resource is not needed any more.
    fn released(&self, what: Released);
}

/// Sends events to a driver, as long as it exists.
#[derive(Clone)]
pub(crate) struct EventSender(Weak<dyn EventSink>);

impl EventSender {
    /// Makes a sender to this driver.
    pub(crate) fn to<S: EventSink + 'static>(sink: &Arc<S>) -> Self {
        let sink: Weak<S> = Arc::downgrade(sink);
        EventSender(sink)
    }

    /// Sends that a resource is not needed any more. When the driver is gone, its resources are gone too, and
    /// nothing is sent.
    pub(crate) fn send(&self, what: Released) {
        if let Some(sink) = self.0.upgrade() {
            sink.released(what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[derive(Default)]
    struct Heard(Mutex<Vec<Released>>);

    impl EventSink for Heard {
        fn released(&self, what: Released) {
            self.0.lock().push(what);
        }
    }

    #[test]
    fn a_sender_holds_no_driver_alive() {
        let driver = Arc::new(Heard::default());
        let sender = EventSender::to(&driver);
        sender.send(Released::Rdd(RddId(3)));
        assert_eq!(*driver.0.lock(), [Released::Rdd(RddId(3))]);
        assert_eq!(Arc::strong_count(&driver), 1);
        drop(driver);
        sender.send(Released::Shuffle(ShuffleId(1)));
    }
}
