//! [`TotalF64`]: floating-point numbers as keys, with the order and hash that `f64` lacks for sorting,
//! grouping, and finding extremes.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A floating-point number that can be a key. Rust's own have no order, since not-a-number is neither less
/// nor greater than others; these are ordered by [`f64::total_cmp`]: -∞, negative, -0, 0, positive, ∞,
/// not-a-number.
///
/// ```
/// use firesteel::{Order, TotalF64};
/// # fn main() -> firesteel::Result<()> {
/// # let sc = firesteel::Context::builder().master("local[2]").create()?;
/// let ranks = sc.parallelize([("libc6", 9.5), ("zlib1g", 2.5), ("tar", 0.5)].map(|(a, b)| (a.to_string(), b)), 2);
/// assert_eq!(ranks.top_by(1, |(_, rank)| TotalF64(*rank))?, [("libc6".to_string(), 9.5)]);
/// let ascending = ranks.sort_by(|(_, rank)| TotalF64(*rank), Order::Ascending);
/// assert_eq!(ascending.values().collect()?, [0.5, 2.5, 9.5]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TotalF64(pub f64);

impl Ord for TotalF64 {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for TotalF64 {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for TotalF64 {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for TotalF64 {}

impl Hash for TotalF64 {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The total order tells two numbers apart exactly if their bits differ.
        self.0.to_bits().hash(state);
    }
}

impl fmt::Display for TotalF64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<f64> for TotalF64 {
    fn from(number: f64) -> Self {
        TotalF64(number)
    }
}

impl From<TotalF64> for f64 {
    fn from(number: TotalF64) -> Self {
        number.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    proptest! {
        #[test]
        fn order_equality_and_hash_agree(a in proptest::num::f64::ANY, b in proptest::num::f64::ANY) {
            let (x, y) = (TotalF64(a), TotalF64(b));
            prop_assert_eq!(x.cmp(&y), y.cmp(&x).reverse());
            prop_assert_eq!(x == y, a.to_bits() == b.to_bits());
            if a < b {
                prop_assert!(x < y);
            }
            let hasher = BuildHasherDefault::<DefaultHasher>::default();
            prop_assert_eq!(hasher.hash_one(x) == hasher.hash_one(y), x == y);
        }
    }

    #[test]
    fn what_is_no_number_is_greater_than_all() {
        let mut numbers = [f64::NAN, 0.0, f64::INFINITY, -0.0, -1.0].map(TotalF64);
        numbers.sort();
        let sorted = numbers.map(|number| number.to_string());
        assert_eq!(sorted, ["-1", "-0", "0", "inf", "NaN"]);
    }
}
