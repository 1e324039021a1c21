//! Cogroup: brings equal keys of several inputs together. Joins are made of it.
//!
//! The inputs have equal keys in partitions of equal index already: each is a shuffle's reading side, or an
//! input that was partitioned by the same partitioner.

use crate::code::{self, OperatorRef};
use crate::combine::CombinedStream;
use crate::hot_keys::HotKeys;
use crate::stream::{Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch;
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased};
use firesteel_data::block::KeyRef;
use firesteel_data::combine::Combiner;
use firesteel_data::hash::hash_key;
use firesteel_data::{Data, DataError};
use firesteel_types::Partition;
use std::hash::Hash;
use std::sync::Arc;

macro_rules! cogroup {
    ($(#[$doc:meta])* $name:ident -> $groups:ty: $($value:ident $input:ident $at:tt),*) => {
        $(#[$doc])*
        pub struct $name<K, $($value),*> {
            $($input: Op<(K, $value)>,)*
            origin: Origin,
        }

        impl<K: Data + Hash + Eq, $($value: Data),*> $name<K, $($value),*> {
            const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

            /// The operator's code.
            ///
            /// # Errors
            /// Never, in practice: there is nothing to encode.
            pub fn code() -> Result<OperatorRef, DataError> {
                OperatorRef::new(Self::DESCRIPTOR, &())
            }

            fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
                let operator = Self { $($input: code::input(&args, $at)?,)* origin: code::origin(&args) };
                Ok(Arc::new(Op::new(operator)))
            }
        }

        impl<K: Data + Hash + Eq, $($value: Data),*> Operator<(K, $groups)> for $name<K, $($value),*> {
            #[allow(clippy::type_complexity)]
            fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<(K, $groups)>> {
                let scope = self.origin.scope(partition);
                let _scope = watch::enter(&scope);
                let mut combiner = Combiner::<K, $groups>::new(task.dyn_workspace(), true);
                let mut hot_keys = HotKeys::default();
                $(
                    self.$input.open(partition, task)?.for_each(|batch| {
                        let (records, mut last) = (batch.len(), 0);
                        batch.for_each(|(key, value)| combiner.insert(
                            noted(hash_key(&key), &mut last),
                            KeyRef::Owned(key),
                            value,
                            |value| first_of(|groups: &mut $groups| groups.$at.push(value)),
                            |mut groups, value| {
                                groups.$at.push(value);
                                groups
                            },
                        ));
                        hot_keys.note(last, records);
                        combiner.check_memory().map_err(|e| self.origin.data_failure(e))
                    })?;
                )*
                let combined = combiner.finish(|mut earlier: $groups, later| {
                    $(earlier.$at.extend(later.$at);)*
                    earlier
                });
                let combined = combined.map_err(|e| self.origin.data_failure(e))?;
                let (hot_key, scope) = (hot_keys.hottest(), scope.clone());
                Ok(Stream::new(task, CombinedStream { combined, hot_key, task: task.clone(), scope }))
            }
        }
    };
}

/// Returns the hash, and leaves it for who asks for the last one.
#[inline(always)]
fn noted(hash: u64, last: &mut u64) -> u64 {
    *last = hash;
    hash
}

/// Makes the groups of a key that was not met before.
fn first_of<G: Default>(put: impl FnOnce(&mut G)) -> G {
    let mut groups = G::default();
    put(&mut groups);
    groups
}

cogroup! {
    /// Groups by key the values of two inputs.
    CoGroup2 -> (Vec<A>, Vec<B>): A a 0, B b 1
}
cogroup! {
    /// Groups by key the values of three inputs.
    CoGroup3 -> (Vec<A>, Vec<B>, Vec<C>): A a 0, B b 1, C c 2
}
cogroup! {
    /// Groups by key the values of four inputs.
    CoGroup4 -> (Vec<A>, Vec<B>, Vec<C>, Vec<D>): A a 0, B b 1, C c 2, D d 3
}
