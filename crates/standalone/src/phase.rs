//! The phase of a master: it has begun only now and waits for those whom an earlier one knew, or it goes its ordinary way.

use firesteel_types::Millis;

/// The phase that a master is in: while it recovers, it waits for those whom an earlier one knew.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    Recovering { until: Millis },
    Alive,
}

impl Phase {
    pub(crate) fn is_recovering(self) -> bool {
        matches!(self, Phase::Recovering { .. })
    }

    pub(crate) fn deadline(self) -> Option<Millis> {
        match self {
            Phase::Recovering { until } => Some(until),
            Phase::Alive => None,
        }
    }

    /// The master stood still.
    pub(crate) fn postpone(&mut self, by_ms: u64) {
        if let Phase::Recovering { until } = self {
            *until = *until + by_ms;
        }
    }
}
