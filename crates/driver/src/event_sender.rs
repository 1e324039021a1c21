//! [`EventSender`]: how handles of RDDs, shuffles and cached partitions tell the driver that nobody needs these any more.
//!
//! Handles are everywhere in a program, and live as long as it likes. They know nothing of the driver but this, and hold
//! nothing of it alive.

use firesteel_types::{RddId, ShuffleId};
use std::sync::{Arc, Weak};

/// Something that is not needed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Released {
    /// No job will compute the RDD again.
    Rdd(RddId),
    /// No job will read the shuffle's map outputs again.
    Shuffle(ShuffleId),
    /// The RDD's partitions need not be cached any more.
    Persisted(RddId),
}

/// The driver, as handles see it.
pub(crate) trait EventSink: Send + Sync {
    /// Takes note of what is not needed any more.
    fn released(&self, what: Released);
}

/// Sends events to a driver while there is one.
#[derive(Clone)]
pub(crate) struct EventSender(Weak<dyn EventSink>);

impl EventSender {
    /// A sender to this driver.
    pub(crate) fn to<S: EventSink + 'static>(sink: &Arc<S>) -> Self {
        let sink: Weak<S> = Arc::downgrade(sink);
        EventSender(sink)
    }

    /// Says what is not needed any more. Nobody hears of it when the driver is gone, with all that it had.
    pub(crate) fn send(&self, what: Released) {
        if let Some(sink) = self.0.upgrade() {
            sink.released(what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Heard(Mutex<Vec<Released>>);

    impl EventSink for Heard {
        fn released(&self, what: Released) {
            self.0.lock().unwrap().push(what);
        }
    }

    #[test]
    fn a_sender_holds_no_driver_alive() {
        let driver = Arc::new(Heard::default());
        let sender = EventSender::to(&driver);
        sender.send(Released::Rdd(RddId(3)));
        assert_eq!(*driver.0.lock().unwrap(), [Released::Rdd(RddId(3))]);
        assert_eq!(Arc::strong_count(&driver), 1);
        drop(driver);
        sender.send(Released::Shuffle(ShuffleId(1)));
    }
}
