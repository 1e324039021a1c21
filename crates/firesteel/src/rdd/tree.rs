//! Tree actions, whose partial results are combined by tasks, in rounds, before the driver gets them: for
//! many partitions with large results.

use super::Rdd;
use crate::{Error, Result};
use firesteel_closures::{Plain, assert_captures_nothing};
use firesteel_data::{Data, Environment};
use firesteel_driver::site;
use firesteel_types::CallSite;
use std::panic::Location;

impl<T: Data> Rdd<T> {
    /// [`Rdd::reduce`], with the partitions' results combined by tasks in `depth` rounds instead of by the
    /// driver.
    ///
    /// # Errors
    /// As [`Rdd::reduce`].
    #[track_caller]
    pub fn tree_reduce<F: Fn(T, T) -> T + Plain>(&self, f: F, depth: usize) -> Result<T> {
        const { assert_captures_nothing::<F>() };
        self.tree_reduce_at(site("tree_reduce", Location::caller()), (), move |(), a, b| f(a, b), depth)
    }

    /// [`Rdd::tree_reduce`] with an environment.
    ///
    /// # Errors
    /// As [`Rdd::reduce`].
    #[track_caller]
    pub fn tree_reduce_with<E: Environment + Clone, F: Fn(&E, T, T) -> T + Plain>(
        &self,
        environment: E,
        f: F,
        depth: usize,
    ) -> Result<T> {
        const { assert_captures_nothing::<F>() };
        self.tree_reduce_at(site("tree_reduce_with", Location::caller()), environment, f, depth)
    }

    fn tree_reduce_at<E: Environment + Clone>(
        &self,
        site: CallSite,
        environment: E,
        f: impl Fn(&E, T, T) -> T + Plain,
        depth: usize,
    ) -> Result<T> {
        let add = move |env: &E, state: Option<T>, x: T| {
            Some(match state {
                Some(state) => f(env, state, x),
                None => x,
            })
        };
        let unite = move |env: &E, a: Option<T>, b: Option<T>| match (a, b) {
            (Some(a), Some(b)) => Some(f(env, a, b)),
            (a, b) => a.or(b),
        };
        let reduced = self.tree_aggregate_at(site.clone(), (None, environment), add, unite, depth)?;
        reduced.ok_or(Error::Empty { site, instead: " Use `fold` with a first value" })
    }

    /// [`Rdd::aggregate`], with the partitions' values combined by tasks in `depth` rounds instead of by the
    /// driver.
    ///
    /// # Errors
    /// When a job fails.
    #[track_caller]
    pub fn tree_aggregate<U: Data, A: Fn(U, T) -> U + Plain, B: Fn(U, U) -> U + Plain>(
        &self,
        zero: U,
        add: A,
        unite: B,
        depth: usize,
    ) -> Result<U> {
        const { assert_captures_nothing::<A>() };
        const { assert_captures_nothing::<B>() };
        let site = site("tree_aggregate", Location::caller());
        let (add, unite) = (move |_: &(), u, x| add(u, x), move |_: &(), a, b| unite(a, b));
        self.tree_aggregate_at(site, (zero, ()), add, unite, depth)
    }

    /// [`Rdd::tree_aggregate`] with an environment for its two functions.
    ///
    /// # Errors
    /// When a job fails.
    #[track_caller]
    pub fn tree_aggregate_with<E: Environment + Clone, U: Data, A, B>(
        &self,
        environment: E,
        zero: U,
        add: A,
        unite: B,
        depth: usize,
    ) -> Result<U>
    where
        A: Fn(&E, U, T) -> U + Plain,
        B: Fn(&E, U, U) -> U + Plain,
    {
        const { assert_captures_nothing::<A>() };
        const { assert_captures_nothing::<B>() };
        let site = site("tree_aggregate_with", Location::caller());
        self.tree_aggregate_at(site, (zero, environment), add, unite, depth)
    }

    fn tree_aggregate_at<E: Environment + Clone, U: Data>(
        &self,
        site: CallSite,
        (zero, environment): (U, E),
        add: impl Fn(&E, U, T) -> U + Plain,
        unite: impl Fn(&E, U, U) -> U + Plain,
        depth: usize,
    ) -> Result<U> {
        let sent = (zero.clone(), environment.clone());
        let mut level =
            self.whole_partition(site.clone(), None, &sent, move |(zero, env): &(U, E), _, records| {
                [records.fold(zero.clone(), |u, x| add(env, u, x))]
            });
        let partitions = self.num_partitions();
        let scale = ((partitions as f64).powf(1.0 / depth.max(1) as f64).ceil() as usize).max(2);
        let mut left = partitions;
        while left > scale + left.div_ceil(scale) {
            left = left.div_ceil(scale);
            let spread =
                level.whole_partition(site.clone(), None, &(left as u32), |n: &u32, partition, records| {
                    let reducer = partition.0 % *n;
                    records.map(move |u| (reducer, u))
                });
            let united = spread.reduce_by_key_at(site.clone(), Some(left as u32), environment.clone(), unite);
            level = united.map_at(site.clone(), &(), |_: &(), (_, u)| u);
        }
        let sent = (zero, environment);
        level.aggregate_at(site, sent, unite, unite)
    }
}
