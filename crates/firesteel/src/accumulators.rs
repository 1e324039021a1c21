//! Accumulators on the context: those of types of a program's own, and the most common ones.

use crate::Context;
use firesteel_driver::Accumulator;
use firesteel_operators::Accumulate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::hash::Hash;

/// # Accumulators
///
/// ```
/// # fn main() -> firesteel::Result<()> {
/// # let sc = firesteel::Context::builder().master("local[2]").create()?;
/// let odd = sc.long_accumulator().named("odd numbers");
/// let halves = sc.range(0..10).map_with(odd.adder(), |odd, x| {
///     odd.add(x % 2);
///     x / 2
/// });
/// assert_eq!(odd.value(), 0); // nothing was computed yet
/// halves.count()?;
/// halves.collect()?;
/// assert_eq!(odd.value(), 5);
/// # Ok(())
/// # }
/// ```
impl Context {
    /// Makes an accumulator of a type of your own, which defines its zero, how it adds and how it merges: see
    /// [`Accumulate`].
    ///
    /// ```
    /// use firesteel::Accumulate;
    /// use serde::{Deserialize, Serialize};
    ///
    /// /// The longest word, and how many there were.
    /// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    /// struct Words {
    ///     longest: String,
    ///     count: u64,
    /// }
    ///
    /// impl Accumulate for Words {
    ///     type Input = String;
    ///
    ///     fn zero() -> Self {
    ///         Words { longest: String::new(), count: 0 }
    ///     }
    ///
    ///     fn add(&mut self, word: String) {
    ///         self.merge(Words { longest: word, count: 1 });
    ///     }
    ///
    ///     fn merge(&mut self, other: Self) {
    ///         self.count += other.count;
    ///         if other.longest.len() > self.longest.len() {
    ///             self.longest = other.longest;
    ///         }
    ///     }
    /// }
    ///
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let words = sc.accumulator::<Words>();
    /// let lines = sc.parallelize(["to be or".to_string(), "nevertheless".to_string()], 2);
    /// lines.foreach_with(words.adder(), |words, line| line.split(' ').for_each(|word| words.add(word.into())))?;
    /// assert_eq!(words.value(), Words { longest: "nevertheless".into(), count: 4 });
    /// # Ok(())
    /// # }
    /// ```
    pub fn accumulator<A: Accumulate>(&self) -> Accumulator<A> {
        self.driver().accumulator()
    }

    /// Makes an accumulator that sums whole numbers, in 128 bits.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let bad = sc.long_accumulator();
    /// let lines = sc.parallelize(["1", "two", "3"].map(String::from), 2);
    /// let numbers = lines.flat_map_with(bad.adder(), |bad, line: String| {
    ///     line.parse::<i64>().inspect_err(|_| bad.add(1))
    /// });
    /// assert_eq!(numbers.sum()?, 4);
    /// assert_eq!(bad.value(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn long_accumulator(&self) -> Accumulator<i128> {
        self.accumulator()
    }

    /// Makes an accumulator that sums floating-point numbers: within a partition in the order of `add`s, then
    /// by RDD and partition.
    pub fn double_accumulator(&self) -> Accumulator<f64> {
        self.accumulator()
    }

    /// Makes an accumulator that collects the added values: for few values, since the driver holds them all.
    pub fn collection_accumulator<T>(&self) -> Accumulator<Vec<T>>
    where
        T: Serialize + DeserializeOwned + Clone + Send + 'static,
    {
        self.accumulator()
    }

    /// Makes an accumulator that counts the additions of each key.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let by_length = sc.map_counter::<usize>();
    /// let words = sc.parallelize(["to", "be", "not"].map(String::from), 2);
    /// words.foreach_with(by_length.adder(), |by_length, word| by_length.add(word.len()))?;
    /// assert_eq!(by_length.value()[&2], 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn map_counter<K>(&self) -> Accumulator<HashMap<K, u64>>
    where
        K: Hash + Eq + Serialize + DeserializeOwned + Clone + Send + 'static,
    {
        self.accumulator()
    }
}
