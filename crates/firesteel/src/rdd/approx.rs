//! Approximate answers, which do not wait for all of the data.

use super::Rdd;
use crate::{Error, Result};
use firesteel_data::Data;
use firesteel_data::block::{decode_value, encode_value};
use firesteel_driver::{JobMessage, site};
use firesteel_operators::data_failure;
use firesteel_types::JobFailure;
use std::panic::Location;
use std::time::{Duration, Instant};

/// A value with the range that holds the true one with some confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedDouble {
    /// The estimate.
    pub mean: f64,
    /// The probability, from 0 to 1, that the true value lies in the range.
    pub confidence: f64,
    /// The range's lower end.
    pub low: f64,
    /// The range's upper end.
    pub high: f64,
}

/// The result that was known when the time was over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartialResult<R> {
    /// The value so far.
    pub value: R,
    /// True if all partitions were counted, so that the value is exact.
    pub is_final: bool,
}

impl<T: Data> Rdd<T> {
    /// Estimates the number of records from the partitions that were counted before `timeout`. The rest of
    /// the job is then cancelled.
    ///
    /// The estimate treats the partitions that were counted as a sample of all; the range is that of the
    /// normal distribution for the given confidence (between 0 and 1).
    ///
    /// # Errors
    /// When the job fails before `timeout`.
    #[track_caller]
    pub fn count_approx(&self, timeout: Duration, confidence: f64) -> Result<PartialResult<BoundedDouble>> {
        let site = site("count_approx", Location::caller());
        let deadline = Instant::now() + timeout;
        let terminal = self.terminal(&site, &(), |_: &(), _, stream| {
            let mut count = 0u64;
            stream.for_each(|batch| {
                count += batch.len() as u64;
                Ok(())
            })?;
            encode_value(&count).map_err(data_failure)
        })?;
        let partitions = self.all_partitions();
        let all = partitions.len();
        let job = self.untyped().submit(site.clone(), terminal, partitions)?.leaving_checkpoints();
        let mut counts: Vec<u64> = vec![];
        loop {
            match job.recv_until(deadline) {
                Some(JobMessage::Result { bytes, .. }) => {
                    counts.push(
                        decode_value(&bytes).map_err(|source| Error::Data { site: site.clone(), source })?,
                    );
                }
                Some(JobMessage::Ended(None)) => break,
                Some(JobMessage::Ended(Some(failure))) => return Err(failed(site, failure)),
                None => {
                    job.cancel("its time was over");
                    break;
                }
            }
        }
        Ok(PartialResult { value: estimate(&counts, all, confidence), is_final: counts.len() == all })
    }
}

fn failed(action: firesteel_types::CallSite, failure: JobFailure) -> Error {
    Error::Job { action, failure }
}

/// Estimates the total of `all` partitions, from the counts of some.
fn estimate(counts: &[u64], all: usize, confidence: f64) -> BoundedDouble {
    let sum: f64 = counts.iter().map(|n| *n as f64).sum();
    let (n, all) = (counts.len() as f64, all as f64);
    if n == all {
        return BoundedDouble { mean: sum, confidence: 1.0, low: sum, high: sum };
    }
    if n == 0.0 {
        return BoundedDouble { mean: 0.0, confidence: 0.0, low: 0.0, high: f64::INFINITY };
    }
    let mean = sum / n;
    let variance = counts.iter().map(|c| (*c as f64 - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    // Each partition that was not counted has the mean and the variance of those that were.
    let left = all - n;
    let spread =
        (left * variance + left * left * variance / n).sqrt() * normal_quantile(0.5 + confidence / 2.0);
    let total = mean * all;
    let high = if n == 1.0 { f64::INFINITY } else { total + spread };
    BoundedDouble { mean: total, confidence, low: (total - spread).max(sum), high }
}

/// Returns the quantile of the standard normal distribution for `p` from 0.5 to 1: Abramowitz and Stegun
/// 26.2.23, to 0.00045.
fn normal_quantile(p: f64) -> f64 {
    let t = (-2.0 * (1.0 - p.clamp(0.5, 1.0 - 1e-12)).ln()).sqrt();
    t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_as_in_the_tables() {
        for (p, z) in [(0.5, 0.0), (0.975, 1.96), (0.995, 2.576)] {
            assert!((normal_quantile(p) - z).abs() < 0.001, "{p}");
        }
    }

    #[test]
    fn all_partitions_make_an_exact_count_and_half_of_them_a_range() {
        assert_eq!(estimate(&[3, 4], 2, 0.9).low, 7.0);
        let half = estimate(&[100, 110, 90, 100], 8, 0.95);
        assert_eq!(half.mean, 800.0);
        assert!(half.low > 700.0 && half.low < 800.0 && half.high > 800.0 && half.high < 900.0, "{half:?}");
    }
}
