//! Statistics of numbers.

use super::Rdd;
use crate::{Error, Result};
use firesteel_data::Data;
use firesteel_driver::site;
use firesteel_types::CallSite;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::panic::Location;

/// Numbers that an RDD can sum up. Integers sum in 128 bits, so that no sum of 64-bit numbers overflows.
pub trait Number: Data + Copy {
    /// The type of their sum.
    type Sum: Data + Copy;

    /// The sum of no numbers.
    const ZERO: Self::Sum;

    /// Adds the number to a sum.
    fn add_to(self, sum: Self::Sum) -> Self::Sum;

    /// Adds two sums.
    fn unite(a: Self::Sum, b: Self::Sum) -> Self::Sum;

    /// Returns the number as a float: exact up to 2^53.
    fn as_f64(self) -> f64;
}

macro_rules! numbers {
    ($($t:ty => $sum:ty),*) => {
        $(impl Number for $t {
            type Sum = $sum;
            const ZERO: $sum = 0 as $sum;
            #[inline]
            fn add_to(self, sum: $sum) -> $sum {
                sum + self as $sum
            }
            #[inline]
            fn unite(a: $sum, b: $sum) -> $sum {
                a + b
            }
            #[inline]
            fn as_f64(self) -> f64 {
                self as f64
            }
        })*
    };
}
numbers!(
    i8 => i128, i16 => i128, i32 => i128, i64 => i128, isize => i128, u8 => u128, u16 => u128, u32 => u128, u64 => u128, usize => u128, f32 => f64, f64 => f64
);

/// Count, mean, spread and extremes of numbers, gathered in one pass (Welford's method; merging after Chan,
/// Golub, LeVeque).
///
/// ```
/// # fn main() -> firesteel::Result<()> {
/// # let sc = firesteel::Context::builder().master("local[2]").create()?;
/// let stats = sc.parallelize([1.0, 2.0, 3.0, 4.0], 2).stats()?;
/// assert_eq!((stats.count(), stats.mean(), stats.variance()), (4, 2.5, 1.25));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatCounter {
    count: u64,
    mean: f64,
    /// The sum of squared distances from the mean.
    squares: f64,
    min: f64,
    max: f64,
}

impl Default for StatCounter {
    fn default() -> Self {
        StatCounter { count: 0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl StatCounter {
    /// Adds a number.
    pub fn add(&mut self, x: f64) {
        self.count += 1;
        let distance = x - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (x - self.mean);
        self.min = self.min.min(x);
        self.max = self.max.max(x);
    }

    /// Adds the numbers that another counter has counted.
    pub fn merge(&mut self, other: &StatCounter) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (n, m) = (self.count as f64, other.count as f64);
        let distance = other.mean - self.mean;
        self.mean += distance * m / (n + m);
        self.squares += other.squares + distance * distance * n * m / (n + m);
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The number of numbers.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean of the numbers; not a number when there are none.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.mean }
    }

    /// The sum of the numbers.
    pub fn sum(&self) -> f64 {
        self.mean * self.count as f64
    }

    /// The least number; infinity when there are none.
    pub fn min(&self) -> f64 {
        self.min
    }

    /// The greatest number; minus infinity when there are none.
    pub fn max(&self) -> f64 {
        self.max
    }

    /// The mean square of the distance from the mean (of the whole population: divided by the count).
    pub fn variance(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.squares / self.count as f64 }
    }

    /// The variance as estimated from a sample: divided by one less than the count.
    pub fn sample_variance(&self) -> f64 {
        if self.count <= 1 { f64::NAN } else { self.squares / (self.count - 1) as f64 }
    }

    /// The square root of the variance.
    pub fn stdev(&self) -> f64 {
        self.variance().sqrt()
    }

    /// The square root of the sample variance.
    pub fn sample_stdev(&self) -> f64 {
        self.sample_variance().sqrt()
    }
}

impl fmt::Display for StatCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "(count: {}, mean: {}, stdev: {}, max: {}, min: {})",
            self.count,
            self.mean(),
            self.stdev(),
            self.max,
            self.min
        )
    }
}

impl<T: Number> Rdd<T> {
    /// Returns the sum. Integers are summed in 128 bits.
    ///
    /// # Errors
    /// When the job fails. Without records, the sum is 0.
    #[track_caller]
    pub fn sum(&self) -> Result<T::Sum> {
        let sums = self.each_partition(site("sum", Location::caller()), &(), |_: &(), _, stream| {
            let mut sum = T::ZERO;
            stream.for_each(|batch| {
                sum = batch.as_slice().iter().fold(sum, |sum, x| x.add_to(sum));
                Ok(())
            })?;
            Ok(sum)
        })?;
        Ok(sums.into_iter().fold(T::ZERO, T::unite))
    }

    /// Returns count, mean, spread and extremes, in one pass.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn stats(&self) -> Result<StatCounter> {
        self.stats_at(site("stats", Location::caller()))
    }

    pub(crate) fn stats_at(&self, site: CallSite) -> Result<StatCounter> {
        let parts = self.each_partition(site, &(), |_: &(), _, stream| {
            let mut stats = StatCounter::default();
            stream.for_each(|batch| {
                batch.as_slice().iter().for_each(|x| stats.add(x.as_f64()));
                Ok(())
            })?;
            Ok(stats)
        })?;
        let mut all = StatCounter::default();
        parts.iter().for_each(|part| all.merge(part));
        Ok(all)
    }

    /// Returns the mean; not a number when there are no records.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn mean(&self) -> Result<f64> {
        Ok(self.stats_at(site("mean", Location::caller()))?.mean())
    }

    /// Returns the mean square of the distance from the mean.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn variance(&self) -> Result<f64> {
        Ok(self.stats_at(site("variance", Location::caller()))?.variance())
    }

    /// Returns the square root of the variance.
    ///
    /// # Errors
    /// When the job fails.
    #[track_caller]
    pub fn stdev(&self) -> Result<f64> {
        Ok(self.stats_at(site("stdev", Location::caller()))?.stdev())
    }

    /// Counts the numbers in each of `buckets` ranges of equal width between the least and the greatest:
    /// returns the ranges' ends (one more than ranges), and the counts. A range holds its lower end; the last
    /// one its upper end too.
    ///
    /// # Errors
    /// When there are no numbers, or one is not finite, or a job fails.
    #[track_caller]
    pub fn histogram(&self, buckets: usize) -> Result<(Vec<f64>, Vec<u64>)> {
        let site = site("histogram", Location::caller());
        if buckets == 0 {
            let message = "a histogram needs at least one bucket".into();
            return Err(Error::InvalidArgument { site, message });
        }
        let stats = self.stats_at(site.clone())?;
        if stats.count() == 0 {
            return Err(Error::Empty {
                site,
                instead: " Use `histogram_between` and give the ranges yourself",
            });
        }
        let (min, max) = (stats.min(), stats.max());
        if !(min.is_finite() && max.is_finite() && stats.sum().is_finite()) {
            let message = "some numbers are infinite or not numbers; `filter` them out first".into();
            return Err(Error::InvalidArgument { site, message });
        }
        let buckets = if min == max { 1 } else { buckets };
        let width = (max - min) / buckets as f64;
        let mut ends: Vec<f64> = (0..buckets).map(|i| min + width * i as f64).collect();
        ends.push(max);
        let counts = self.histogram_at(site, &ends)?;
        Ok((ends, counts))
    }

    /// Counts the numbers in each of the ranges between neighbouring `ends`, which must ascend. Numbers
    /// outside of the ranges are left out.
    ///
    /// # Errors
    /// When there are fewer than two ends, or they do not ascend, or the job fails.
    #[track_caller]
    pub fn histogram_between(&self, ends: &[f64]) -> Result<Vec<u64>> {
        let site = site("histogram_between", Location::caller());
        if ends.len() < 2 || !ends.is_sorted_by(|a, b| a < b) {
            let message = format!("the ends of ranges must be at least two, and ascend; they are {ends:?}");
            return Err(Error::InvalidArgument { site, message });
        }
        self.histogram_at(site, ends)
    }

    fn histogram_at(&self, site: CallSite, ends: &[f64]) -> Result<Vec<u64>> {
        let parts = self.each_partition(site, &ends.to_vec(), |ends: &Vec<f64>, _, stream| {
            let mut counts = vec![0u64; ends.len() - 1];
            stream.for_each(|batch| {
                batch
                    .as_slice()
                    .iter()
                    .filter_map(|x| bucket_of(x.as_f64(), ends))
                    .for_each(|i| counts[i] += 1);
                Ok(())
            })?;
            Ok(counts)
        })?;
        let mut all = vec![0; ends.len() - 1];
        parts.iter().for_each(|part| all.iter_mut().zip(part).for_each(|(sum, n)| *sum += n));
        Ok(all)
    }
}

fn bucket_of(x: f64, ends: &[f64]) -> Option<usize> {
    let last = ends.len() - 1;
    if x == ends[last] {
        return Some(last - 1);
    }
    let above = ends.partition_point(|end| *end <= x);
    (above > 0 && above <= last && !x.is_nan()).then(|| above - 1)
}
