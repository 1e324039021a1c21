//! The retry policy for hosts that cannot be reached: Spark's `spark.shuffle.io.maxRetries` and `retryWait`, as a value.
//!
//! A fetcher tells [`Retries`] what went wrong and when, and is told whether and when to try again. There is no clock and no waiting in
//! here.

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

/// The failures so far of fetching one thing.
///
/// ```
/// use firesteel_transfer::{Retries, RetryPolicy};
/// use firesteel_types::Millis;
///
/// let mut retries = Retries::new(RetryPolicy { retries: 1, wait_ms: 500 });
/// assert_eq!(retries.unreachable(Millis(100)), Some(Millis(600)), "wait until then");
/// assert_eq!(retries.unreachable(Millis(700)), None, "give up");
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

    /// The host, or the way to it, was gone or broken. Returns until when to wait before the next try; `None` when no other is due.
    pub fn unreachable(&mut self, now: Millis) -> Option<Millis> {
        if self.unreachable == self.policy.retries {
            return None;
        }
        self.unreachable += 1;
        Some(now + self.policy.wait_ms)
    }

    /// The host answered that it cannot give it. Returns whether to ask the driver where it is by now, and to try there at once: it may
    /// have moved. A second refusal is final.
    pub fn refused(&mut self) -> bool {
        !std::mem::replace(&mut self.has_located, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays failures, one a line: `at MS unreachable` or `refused`; gives what is to be done after each.
    fn play(policy: RetryPolicy, failures: &str) -> String {
        let mut retries = Retries::new(policy);
        let play = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["refused"] if retries.refused() => "locate".to_owned(),
            ["refused"] => "give up".to_owned(),
            ["at", now, "unreachable"] => match retries.unreachable(Millis(now.parse().expect("a number"))) {
                Some(until) => format!("wait until {}", until.0),
                None => "give up".to_owned(),
            },
            _ => panic!("no such failure: {line}"),
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
