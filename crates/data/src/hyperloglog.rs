//! HyperLogLog: counts distinct things approximately (Flajolet, Fusy, Gandouet, Meunier, 2007), with 64-bit
//! hashes, so that the correction for large counts is not needed, and with linear counting for small ones.

use serde::{Deserialize, Serialize};

/// A sketch of a set. Sketches of the same precision merge; the order of additions does not matter.
///
/// ```
/// use firesteel_data::{hash::hash_key, hyperloglog::HyperLogLog};
/// let mut sketch = HyperLogLog::with_relative_error(0.02);
/// (0..10_000u32).for_each(|x| sketch.add(hash_key(&x)));
/// assert!((9_400..10_600).contains(&sketch.estimate()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HyperLogLog {
    precision: u8,
    registers: Vec<u8>,
}

impl HyperLogLog {
    const MIN_PRECISION: u8 = 4;
    const MAX_PRECISION: u8 = 24;

    /// Makes a sketch whose estimates have this relative standard deviation: 1.04 / sqrt(registers), rounded to
    /// more registers. Between 0.0002 (16 MiB) and 0.26 (16 bytes); other values are clamped.
    pub fn with_relative_error(relative_error: f64) -> Self {
        let wanted = 2.0 * (1.04 / relative_error.max(1e-9)).log2();
        let precision =
            (wanted.ceil()).clamp(f64::from(Self::MIN_PRECISION), f64::from(Self::MAX_PRECISION)) as u8;
        HyperLogLog { precision, registers: vec![0; 1 << precision] }
    }

    /// Adds a thing by its hash.
    pub fn add(&mut self, hash: u64) {
        let register = (hash >> (64 - self.precision)) as usize;
        let rest = hash << self.precision;
        let rank = (rest.leading_zeros() as u8).min(64 - self.precision) + 1;
        self.registers[register] = self.registers[register].max(rank);
    }

    /// Adds everything that was added to another sketch.
    ///
    /// # Panics
    /// When the precisions differ.
    pub fn merge(&mut self, other: &HyperLogLog) {
        assert_eq!(self.precision, other.precision, "sketches of different precision cannot be merged");
        self.registers
            .iter_mut()
            .zip(&other.registers)
            .for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
    }

    /// Estimates how many different things were added.
    pub fn estimate(&self) -> u64 {
        let m = self.registers.len() as f64;
        let alpha = match self.precision {
            4 => 0.673,
            5 => 0.697,
            6 => 0.709,
            _ => 0.7213 / (1.0 + 1.079 / m),
        };
        let sum: f64 = self.registers.iter().map(|&rank| 2f64.powi(-i32::from(rank))).sum();
        let raw = alpha * m * m / sum;
        let empty = self.registers.iter().filter(|&&rank| rank == 0).count() as f64;
        let estimate = if raw <= 2.5 * m && empty > 0.0 { m * (m / empty).ln() } else { raw };
        estimate.round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hash_key;

    #[test]
    fn estimates_stay_within_four_standard_deviations() {
        for n in [0u64, 1, 10, 1_000, 50_000, 1_000_000] {
            let mut sketch = HyperLogLog::with_relative_error(0.01);
            (0..n).for_each(|x| sketch.add(hash_key(&x)));
            let error = (sketch.estimate() as f64 - n as f64).abs() / (n.max(1) as f64);
            assert!(error <= 0.04, "{n}: {}", sketch.estimate());
        }
    }

    #[test]
    fn merging_is_the_same_as_adding_all() {
        let sketch = |range: std::ops::Range<u64>| {
            let mut sketch = HyperLogLog::with_relative_error(0.05);
            range.for_each(|x| sketch.add(hash_key(&x)));
            sketch
        };
        let mut left = sketch(0..600);
        left.merge(&sketch(400..1_000));
        assert_eq!(left, sketch(0..1_000));
    }
}
