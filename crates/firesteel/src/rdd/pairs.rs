//! Transformations of pairs by key.
//!
//! If equal keys already are in one partition, nothing is shuffled. Otherwise values are combined on the map
//! side, if the combination is smaller than the values, and once more on the reduce side.

use super::{Rdd, count};
use crate::Partitioner;
use crate::partitioner;
use firesteel_closures::{Plain, ZeroSized, assert_captures_nothing};
use firesteel_conf::DEFAULT_PARALLELISM;
use firesteel_data::hash::{hash_key, partition_of};
use firesteel_data::{Data, Environment};
use firesteel_driver::OperatorCode;
use firesteel_driver::site;
use firesteel_operators::{
    Combine, CombineWrite, Combining, FlatMap, Records, ShuffleRead, ShuffleWrite, fan_out,
};
use firesteel_plan::Partitioner as Placed;
use firesteel_types::CallSite;
use std::hash::Hash;
use std::panic::Location;
use std::sync::Arc;

impl<K: Data, V: Data> Rdd<(K, V)> {
    /// Changes the value of each pair. Keys stay, so records stay placed.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// assert_eq!(sc.parallelize([("a", 1).into_owned_pair(), ("b", 2).into_owned_pair()], 2).map_values(|v| v * 10).values().collect()?, [10, 20]);
    /// # Ok(())
    /// # }
    /// # trait Owned { fn into_owned_pair(self) -> (String, i32); }
    /// # impl Owned for (&str, i32) { fn into_owned_pair(self) -> (String, i32) { (self.0.into(), self.1) } }
    /// ```
    #[track_caller]
    pub fn map_values<U: Data, F: Fn(V) -> U + Plain>(&self, f: F) -> Rdd<(K, U)> {
        const { assert_captures_nothing::<F>() };
        self.map_values_at(site("map_values", Location::caller()), &(), move |_: &(), v| f(v))
    }

    /// [`Rdd::map_values`] with an environment.
    #[track_caller]
    pub fn map_values_with<E: Environment, U: Data, F: Fn(&E, V) -> U + Plain>(
        &self,
        environment: E,
        f: F,
    ) -> Rdd<(K, U)> {
        const { assert_captures_nothing::<F>() };
        self.map_values_at(site("map_values_with", Location::caller()), &environment, f)
    }

    pub(crate) fn map_values_at<E: Environment, U: Data>(
        &self,
        site: CallSite,
        environment: &E,
        f: impl Fn(&E, V) -> U + Plain,
    ) -> Rdd<(K, U)> {
        self.batchwise(site, self.partitioner(), environment, move |env: &E, batch, records: &Records| {
            records.map(batch, |(k, v)| (k, f(env, v)))
        })
    }

    /// Replaces the value of each pair by all values that a function makes of it. Keys stay, so records stay
    /// placed.
    #[track_caller]
    pub fn flat_map_values<I: IntoIterator<Item: Data> + 'static, F: Fn(V) -> I + Plain>(
        &self,
        f: F,
    ) -> Rdd<(K, I::Item)> {
        const { assert_captures_nothing::<F>() };
        self.flat_map_values_at(site("flat_map_values", Location::caller()), &(), move |_: &(), v| f(v))
    }

    /// [`Rdd::flat_map_values`] with an environment.
    #[track_caller]
    pub fn flat_map_values_with<
        E: Environment,
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(&E, V) -> I + Plain,
    >(
        &self,
        environment: E,
        f: F,
    ) -> Rdd<(K, I::Item)> {
        const { assert_captures_nothing::<F>() };
        self.flat_map_values_at(site("flat_map_values_with", Location::caller()), &environment, f)
    }

    pub(crate) fn flat_map_values_at<E: Environment, I: IntoIterator<Item: Data> + 'static>(
        &self,
        site: CallSite,
        environment: &E,
        f: impl Fn(&E, V) -> I + Plain,
    ) -> Rdd<(K, I::Item)> {
        let broadcast_tree =
            move |env: &E, (k, v): (K, V)| f(env, v).into_iter().map(move |u| (k.clone(), u));
        self.narrow(site, self.partitioner(), FlatMap::<(K, V), _, E, _>::code(environment, broadcast_tree))
    }

    /// Returns the keys.
    #[track_caller]
    pub fn keys(&self) -> Rdd<K> {
        self.map_at(site("keys", Location::caller()), &(), |_: &(), (k, _)| k)
    }

    /// Returns the values.
    #[track_caller]
    pub fn values(&self) -> Rdd<V> {
        self.map_at(site("values", Location::caller()), &(), |_: &(), (_, v)| v)
    }

    /// Places the pairs by a rule: [`HashPartitioner`](crate::HashPartitioner) or one of your own. Does
    /// nothing when the rule has placed them already.
    #[track_caller]
    pub fn partition_by<P: Partitioner<K>>(&self, partitioner: P) -> Rdd<(K, V)> {
        self.partition_by_at(site("partition_by", Location::caller()), partitioner)
    }

    pub(crate) fn partition_by_at<P: Partitioner<K>>(&self, site: CallSite, partitioner: P) -> Rdd<(K, V)> {
        let placed = match partitioner::identity(&partitioner) {
            Ok(placed) => placed,
            Err(error) => return self.narrow(site, None, OperatorCode::Broken(error.to_string())),
        };
        if self.partitioner() == Some(placed) {
            return self.clone();
        }
        self.shuffled(
            site,
            placed,
            |shuffle| {
                let place = |partitioner: &P, key: &K| partitioner.partition(key);
                ShuffleWrite::<K, V, P, _>::code(shuffle, placed.partitions(), &partitioner, place).into()
            },
            |shuffle| ShuffleRead::<K, V>::code(shuffle).into(),
        )
    }

    /// Returns the rule for an operation by key: a rule by which one of the inputs is placed already, or else
    /// hashing, into as many partitions as the largest input has (or `firesteel.default.parallelism`).
    pub(crate) fn rule(&self, wanted: Option<u32>, others: &[(Option<Placed>, u32)]) -> Placed {
        if let Some(partitions) = wanted {
            return Placed::Hash { partitions };
        }
        let inputs = others.iter().copied().chain([(self.partitioner(), self.partitions())]);
        let most = inputs.clone().map(|(_, partitions)| partitions).max().unwrap_or(1).max(1);
        let known = inputs.filter_map(|(rule, _)| rule).max_by_key(|rule| rule.partitions());
        let conf = self.context().conf();
        let partitions = match conf.is_set(&DEFAULT_PARALLELISM) {
            true => self.context().default_parallelism(),
            false => most,
        };
        match known {
            // A rule of an input saves a shuffle, unless it would leave too few tasks for the other inputs.
            Some(rule) if u64::from(rule.partitions()) * 10 >= u64::from(partitions) => rule,
            _ => Placed::Hash { partitions },
        }
    }
}

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    /// Combines the values of each key into one by a function of two, which must be associative and
    /// commutative.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let mut sums = sc.range(0..10).map(|x| (x % 2, x)).reduce_by_key(|a, b| a + b).collect()?;
    /// sums.sort();
    /// assert_eq!(sums, [(0, 20), (1, 25)]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn reduce_by_key<F: Fn(V, V) -> V + Plain>(&self, f: F) -> Rdd<(K, V)> {
        const { assert_captures_nothing::<F>() };
        self.reduce_by_key_at(site("reduce_by_key", Location::caller()), None, (), move |_: &(), a, b| {
            f(a, b)
        })
    }

    /// [`Rdd::reduce_by_key`] into `partitions` partitions.
    #[track_caller]
    pub fn reduce_by_key_into<F: Fn(V, V) -> V + Plain>(&self, partitions: usize, f: F) -> Rdd<(K, V)> {
        const { assert_captures_nothing::<F>() };
        let site = site("reduce_by_key_into", Location::caller());
        self.reduce_by_key_at(site, Some(count(partitions)), (), move |_: &(), a, b| f(a, b))
    }

    /// [`Rdd::reduce_by_key`] with an environment.
    #[track_caller]
    pub fn reduce_by_key_with<E: Environment, F: Fn(&E, V, V) -> V + Plain>(
        &self,
        environment: E,
        f: F,
    ) -> Rdd<(K, V)> {
        const { assert_captures_nothing::<F>() };
        self.reduce_by_key_at(site("reduce_by_key_with", Location::caller()), None, environment, f)
    }

    /// [`Rdd::reduce_by_key_into`] with an environment.
    #[track_caller]
    pub fn reduce_by_key_into_with<E: Environment, F: Fn(&E, V, V) -> V + Plain>(
        &self,
        environment: E,
        partitions: usize,
        f: F,
    ) -> Rdd<(K, V)> {
        const { assert_captures_nothing::<F>() };
        let site = site("reduce_by_key_into_with", Location::caller());
        self.reduce_by_key_at(site, Some(count(partitions)), environment, f)
    }

    pub(crate) fn reduce_by_key_at<E: Environment, F: Fn(&E, V, V) -> V + Plain>(
        &self,
        site: CallSite,
        partitions: Option<u32>,
        environment: E,
        f: F,
    ) -> Rdd<(K, V)> {
        let combining = Combining {
            environment: Arc::new(environment),
            create: ZeroSized::new(|_: &E, v: V| v),
            merge: ZeroSized::new(f),
            unite: ZeroSized::new(f),
            accumulates: false,
        };
        self.combine_at(site, partitions, combining, true)
    }

    /// Adds the values of each key to `zero` by a function of two. `zero` is used once for each key and map
    /// task, so it must be neutral.
    #[track_caller]
    pub fn fold_by_key<F: Fn(V, V) -> V + Plain>(&self, zero: V, f: F) -> Rdd<(K, V)> {
        const { assert_captures_nothing::<F>() };
        self.fold_by_key_at(site("fold_by_key", Location::caller()), (zero, ()), move |(), a, b| f(a, b))
    }

    /// [`Rdd::fold_by_key`] with an environment.
    #[track_caller]
    pub fn fold_by_key_with<E: Environment, F: Fn(&E, V, V) -> V + Plain>(
        &self,
        environment: E,
        zero: V,
        f: F,
    ) -> Rdd<(K, V)> {
        const { assert_captures_nothing::<F>() };
        self.fold_by_key_at(site("fold_by_key_with", Location::caller()), (zero, environment), f)
    }

    fn fold_by_key_at<E: Environment>(
        &self,
        site: CallSite,
        sent: (V, E),
        f: impl Fn(&E, V, V) -> V + Plain,
    ) -> Rdd<(K, V)> {
        let combining = Combining {
            environment: Arc::new(sent),
            create: ZeroSized::new(move |(zero, env): &(V, E), v: V| f(env, zero.clone(), v)),
            merge: ZeroSized::new(move |(_, env): &(V, E), a: V, b: V| f(env, a, b)),
            unite: ZeroSized::new(move |(_, env): &(V, E), a: V, b: V| f(env, a, b)),
            accumulates: false,
        };
        self.combine_at(site, None, combining, true)
    }

    /// Gathers the values of each key into a value of another type: `add` takes in a value, `unite` combines
    /// two tasks' values. `zero` begins each key in each map task.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let pairs = sc.range(0..6).map(|x| (x % 2, x));
    /// let means = pairs
    ///     .aggregate_by_key((0, 0), |(sum, n), x| (sum + x, n + 1), |(s, n), (t, m)| (s + t, n + m))
    ///     .map_values(|(sum, n)| sum / n);
    /// let mut means = means.collect()?;
    /// means.sort();
    /// assert_eq!(means, [(0, 2), (1, 3)]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn aggregate_by_key<C: Data, A: Fn(C, V) -> C + Plain, B: Fn(C, C) -> C + Plain>(
        &self,
        zero: C,
        add: A,
        unite: B,
    ) -> Rdd<(K, C)> {
        const { assert_captures_nothing::<A>() };
        const { assert_captures_nothing::<B>() };
        let (add, unite) = (move |_: &(), c, v| add(c, v), move |_: &(), a, b| unite(a, b));
        self.aggregate_by_key_at(site("aggregate_by_key", Location::caller()), (zero, ()), add, unite)
    }

    /// [`Rdd::aggregate_by_key`] with an environment for its two functions.
    #[track_caller]
    pub fn aggregate_by_key_with<E: Environment, C: Data, A, B>(
        &self,
        environment: E,
        zero: C,
        add: A,
        unite: B,
    ) -> Rdd<(K, C)>
    where
        A: Fn(&E, C, V) -> C + Plain,
        B: Fn(&E, C, C) -> C + Plain,
    {
        const { assert_captures_nothing::<A>() };
        const { assert_captures_nothing::<B>() };
        let site = site("aggregate_by_key_with", Location::caller());
        self.aggregate_by_key_at(site, (zero, environment), add, unite)
    }

    fn aggregate_by_key_at<E: Environment, C: Data>(
        &self,
        site: CallSite,
        sent: (C, E),
        add: impl Fn(&E, C, V) -> C + Plain,
        unite: impl Fn(&E, C, C) -> C + Plain,
    ) -> Rdd<(K, C)> {
        let combining = Combining {
            environment: Arc::new(sent),
            create: ZeroSized::new(move |(zero, env): &(C, E), v: V| add(env, zero.clone(), v)),
            merge: ZeroSized::new(move |(_, env): &(C, E), c: C, v: V| add(env, c, v)),
            unite: ZeroSized::new(move |(_, env): &(C, E), a: C, b: C| unite(env, a, b)),
            accumulates: true,
        };
        self.combine_at(site, None, combining, true)
    }

    /// Combines the values of each key: `create` makes a combination of a first value, `merge` adds a value
    /// to one, `unite` makes one of two. The basis of all operations by key.
    #[track_caller]
    pub fn combine_by_key<C: Data, A, B, D>(&self, create: A, merge: B, unite: D) -> Rdd<(K, C)>
    where
        A: Fn(V) -> C + Plain,
        B: Fn(C, V) -> C + Plain,
        D: Fn(C, C) -> C + Plain,
    {
        const { assert_captures_nothing::<A>() };
        const { assert_captures_nothing::<B>() };
        const { assert_captures_nothing::<D>() };
        let combining = Combining {
            environment: Arc::new(()),
            create: ZeroSized::new(move |_: &(), v: V| create(v)),
            merge: ZeroSized::new(move |_: &(), c: C, v: V| merge(c, v)),
            unite: ZeroSized::new(move |_: &(), a: C, b: C| unite(a, b)),
            accumulates: true,
        };
        self.combine_at(site("combine_by_key", Location::caller()), None, combining, true)
    }

    /// [`Rdd::combine_by_key`] with an environment for its three functions.
    #[track_caller]
    pub fn combine_by_key_with<E: Environment, C: Data, A, B, D>(
        &self,
        environment: E,
        create: A,
        merge: B,
        unite: D,
    ) -> Rdd<(K, C)>
    where
        A: Fn(&E, V) -> C + Plain,
        B: Fn(&E, C, V) -> C + Plain,
        D: Fn(&E, C, C) -> C + Plain,
    {
        const { assert_captures_nothing::<A>() };
        const { assert_captures_nothing::<B>() };
        const { assert_captures_nothing::<D>() };
        let combining = Combining {
            environment: Arc::new(environment),
            create: ZeroSized::new(create),
            merge: ZeroSized::new(merge),
            unite: ZeroSized::new(unite),
            accumulates: true,
        };
        self.combine_at(site("combine_by_key_with", Location::caller()), None, combining, true)
    }

    /// Groups all values of each key, as one vector in memory: in the order of partitions, and within one in
    /// their order.
    ///
    /// For sums, counts and the like use [`Rdd::reduce_by_key`], which sends one value for each key and task.
    #[track_caller]
    pub fn group_by_key(&self) -> Rdd<(K, Vec<V>)> {
        self.group_by_key_at(site("group_by_key", Location::caller()), None)
    }

    /// [`Rdd::group_by_key`] into `partitions` partitions.
    #[track_caller]
    pub fn group_by_key_into(&self, partitions: usize) -> Rdd<(K, Vec<V>)> {
        self.group_by_key_at(site("group_by_key_into", Location::caller()), Some(count(partitions)))
    }

    pub(crate) fn group_by_key_at(&self, site: CallSite, partitions: Option<u32>) -> Rdd<(K, Vec<V>)> {
        let combining = Combining {
            environment: Arc::new(()),
            create: ZeroSized::new(|_: &(), v: V| vec![v]),
            merge: ZeroSized::new(|_: &(), mut group: Vec<V>, v: V| {
                group.push(v);
                group
            }),
            unite: ZeroSized::new(|_: &(), mut earlier: Vec<V>, later: Vec<V>| {
                earlier.extend(later);
                earlier
            }),
            accumulates: true,
        };
        self.combine_at(site, partitions, combining, false)
    }

    /// Combines values by key, behind a shuffle unless equal keys are in one partition already. Combines on
    /// the map side too, if that leaves less to send.
    pub(crate) fn combine_at<C: Data, E: Environment, A, B, D>(
        &self,
        site: CallSite,
        partitions: Option<u32>,
        combining: Combining<E, A, B, D>,
        on_map_side: bool,
    ) -> Rdd<(K, C)>
    where
        A: Fn(&E, V) -> C + Plain,
        B: Fn(&E, C, V) -> C + Plain,
        D: Fn(&E, C, C) -> C + Plain,
    {
        let rule = self.rule(partitions, &[]);
        if self.partitioner() == Some(rule) {
            return self.narrow(site, Some(rule), Combine::<K, V, C, E, A, B, D>::code(None, &combining));
        }
        let reducers = rule.partitions();
        let write = |shuffle| match on_map_side {
            true => CombineWrite::<K, V, C, E, A, B, D>::code(shuffle, reducers, &combining).into(),
            false => {
                let chunks = reducers * fan_out(reducers);
                let place = |chunks: &u32, key: &K| partition_of(hash_key(key), *chunks);
                ShuffleWrite::<K, V, u32, _>::code(shuffle, chunks, &chunks, place).into()
            }
        };
        let read = |shuffle| match on_map_side {
            true => {
                let combined = Combining {
                    environment: combining.environment.clone(),
                    create: ZeroSized::new(|_: &E, c: C| c),
                    merge: combining.unite,
                    unite: combining.unite,
                    accumulates: combining.accumulates,
                };
                Combine::<K, C, C, E, _, D, D>::code(Some((shuffle, fan_out(reducers))), &combined).into()
            }
            false => {
                Combine::<K, V, C, E, A, B, D>::code(Some((shuffle, fan_out(reducers))), &combining).into()
            }
        };
        self.shuffled(site, rule, write, read)
    }
}

impl<T: Data> Rdd<T> {
    /// Groups the records by a key that is computed from each.
    #[track_caller]
    pub fn group_by<K: Data + Hash + Eq, F: Fn(&T) -> K + Plain>(&self, key: F) -> Rdd<(K, Vec<T>)> {
        const { assert_captures_nothing::<F>() };
        let site = site("group_by", Location::caller());
        self.map_at(site.clone(), &(), move |_: &(), x| (key(&x), x)).group_by_key_at(site, None)
    }

    /// [`Rdd::group_by`] with an environment.
    #[track_caller]
    pub fn group_by_with<E: Environment, K: Data + Hash + Eq, F: Fn(&E, &T) -> K + Plain>(
        &self,
        environment: E,
        key: F,
    ) -> Rdd<(K, Vec<T>)> {
        const { assert_captures_nothing::<F>() };
        let site = site("group_by_with", Location::caller());
        self.map_at(site.clone(), &environment, move |env: &E, x| (key(env, &x), x))
            .group_by_key_at(site, None)
    }

    /// Returns the records without repetitions.
    #[track_caller]
    pub fn distinct(&self) -> Rdd<T>
    where
        T: Hash + Eq,
    {
        self.distinct_at(site("distinct", Location::caller()), None)
    }

    /// [`Rdd::distinct`] into `partitions` partitions.
    #[track_caller]
    pub fn distinct_into(&self, partitions: usize) -> Rdd<T>
    where
        T: Hash + Eq,
    {
        self.distinct_at(site("distinct_into", Location::caller()), Some(count(partitions)))
    }

    fn distinct_at(&self, site: CallSite, partitions: Option<u32>) -> Rdd<T>
    where
        T: Hash + Eq,
    {
        let keys = self.map_at(site.clone(), &(), |_: &(), x| (x, ()));
        let distinct = keys.reduce_by_key_at(site.clone(), partitions, (), |_: &(), (), ()| ());
        distinct.map_at(site, &(), |_: &(), (x, ())| x)
    }
}
