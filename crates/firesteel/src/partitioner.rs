//! Partitioners: rules of the user's that place keys in partitions.

use firesteel_data::block::encode_value;
use firesteel_data::hash::{hash_bytes, hash_key, partition_of};
use firesteel_data::{Data, DataError, Environment};
use std::any::Any;
use std::hash::Hash;

/// A rule of the user's that places keys in partitions.
///
/// The same key must always go to the same partition. Two RDDs placed by equal values of one type join
/// without a shuffle.
///
/// ```
/// use firesteel::{Context, Partitioner};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct ByFirstLetter;
///
/// impl Partitioner<String> for ByFirstLetter {
///     fn partitions(&self) -> u32 {
///         26
///     }
///     fn partition(&self, key: &String) -> u32 {
///         key.bytes().next().map_or(0, |letter| u32::from(letter.to_ascii_lowercase().saturating_sub(b'a')).min(25))
///     }
/// }
/// # fn main() -> firesteel::Result<()> {
/// # let sc = Context::builder().master("local[2]").create()?;
/// let words = sc.parallelize(["beech", "ash"].map(|w| (w.to_string(), 1)), 2).partition_by(ByFirstLetter);
/// assert_eq!(words.glom().collect()?[0], [("ash".to_string(), 1)]);
/// # Ok(())
/// # }
/// ```
pub trait Partitioner<K>: Environment {
    /// The number of partitions.
    fn partitions(&self) -> u32;

    /// Returns the partition of a key, from 0. One that is too large fails the task.
    fn partition(&self, key: &K) -> u32;
}

/// Places keys by their hash: the default of every shuffle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HashPartitioner {
    partitions: u32,
}

impl HashPartitioner {
    /// Makes a rule for `partitions` partitions, at least one.
    pub fn new(partitions: u32) -> Self {
        HashPartitioner { partitions: partitions.max(1) }
    }
}

impl<K: Data + Hash> Partitioner<K> for HashPartitioner {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    #[inline]
    fn partition(&self, key: &K) -> u32 {
        partition_of(hash_key(key), self.partitions)
    }
}

/// Returns the identity of a rule, by which an RDD remembers the rule that placed its records.
pub(crate) fn identity<K, P: Partitioner<K>>(
    partitioner: &P,
) -> Result<firesteel_plan::Partitioner, DataError> {
    if let Some(hash) = (partitioner as &dyn Any).downcast_ref::<HashPartitioner>() {
        return Ok(firesteel_plan::Partitioner::Hash { partitions: hash.partitions });
    }
    let mut identity = encode_value(partitioner)?;
    identity.extend_from_slice(std::any::type_name::<P>().as_bytes());
    Ok(firesteel_plan::Partitioner::Custom {
        identity: hash_bytes(&identity),
        partitions: partitioner.partitions(),
    })
}
