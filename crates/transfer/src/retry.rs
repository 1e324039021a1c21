//! The retry policy for hosts that cannot be reached: Spark's `spark.shuffle.io.maxRetries` and `retryWait`, as a value.
//!
//! Whoever fetches something tells [`Retries`] what went wrong and when, and is told what to do about it. There is no clock and no
//! waiting in here.

use firesteel_types::Millis;

/// How often, and after which pause, a host that cannot be reached is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often it is tried again.
    pub retries: u32,
    /// The pause before that, in milliseconds.
    pub wait_ms: u64,
}

impl RetryPolicy {
    /// Never tries again.
    pub const NEVER: RetryPolicy = RetryPolicy { retries: 0, wait_ms: 0 };
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// The host does not have it (any more): ask the driver where it is, and try there at once.
    LocateAndTry,
    /// Wait until this time, ask the driver where it is, and try again.
    WaitUntil {
        /// The time.
        until: Millis,
    },
    /// Another try is of no use.
    GiveUp,
}

/// The failures so far of fetching one thing.
///
/// ```
/// use firesteel_transfer::{AfterFailure, Retries, RetryPolicy};
/// use firesteel_types::Millis;
///
/// let mut retries = Retries::new(RetryPolicy { retries: 1, wait_ms: 500 });
/// assert_eq!(retries.unreachable(Millis(100)), AfterFailure::WaitUntil { until: Millis(600) });
/// assert_eq!(retries.unreachable(Millis(700)), AfterFailure::GiveUp);
/// ```
#[derive(Debug)]
pub struct Retries {
    policy: RetryPolicy,
    unreachable: u32,
    has_located: bool,
}

impl Retries {
    /// Begins without failures.
    pub fn new(policy: RetryPolicy) -> Self {
        Retries { policy, unreachable: 0, has_located: false }
    }

    /// The host, or the way to it, was gone or broken.
    pub fn unreachable(&mut self, now: Millis) -> AfterFailure {
        if self.unreachable == self.policy.retries {
            return AfterFailure::GiveUp;
        }
        self.unreachable += 1;
        AfterFailure::WaitUntil { until: Millis(now.0.saturating_add(self.policy.wait_ms)) }
    }

    /// The host answered that it cannot give it. It may have moved, of which the driver knows; a second refusal is final.
    pub fn refused(&mut self) -> AfterFailure {
        if std::mem::replace(&mut self.has_located, true) {
            return AfterFailure::GiveUp;
        }
        AfterFailure::LocateAndTry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays failures, one a line: `at MS unreachable` or `refused`; gives what is to be done after each.
    fn play(policy: RetryPolicy, failures: &str) -> String {
        let mut retries = Retries::new(policy);
        let play = |line: &str| {
            let after = match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["refused"] => retries.refused(),
                ["at", now, "unreachable"] => retries.unreachable(Millis(now.parse().expect("a number"))),
                _ => panic!("no such failure: {line}"),
            };
            match after {
                AfterFailure::LocateAndTry => "locate".to_owned(),
                AfterFailure::WaitUntil { until } => format!("wait until {}", until.0),
                AfterFailure::GiveUp => "give up".to_owned(),
            }
        };
        failures
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(play)
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn failures_and_what_is_done_about_them() {
        let policy = |retries, wait_ms| RetryPolicy { retries, wait_ms };
        let table = [
            (RetryPolicy::NEVER, "at 5 unreachable", "give up"),
            (RetryPolicy::NEVER, "refused\n refused", "locate, give up"),
            (
                policy(2, 100),
                "at 0 unreachable\n at 150 unreachable\n at 300 unreachable",
                "wait until 100, wait until 250, give up",
            ),
            // A refusal does not count as a try, and is final only the second time.
            (policy(1, 100), "refused\n at 7 unreachable\n refused", "locate, wait until 107, give up"),
            (
                policy(1, 100),
                "at 7 unreachable\n refused\n at 200 unreachable",
                "wait until 107, locate, give up",
            ),
            (policy(1, u64::MAX), "at 7 unreachable", "wait until 18446744073709551615"),
        ];
        for (policy, failures, expected) in table {
            assert_eq!(play(policy, failures), expected, "{policy:?}: {failures}");
        }
    }
}
