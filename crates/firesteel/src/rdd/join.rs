//! Joins and co-groups of pairs. Inputs that are placed by the same rule already are not shuffled.

// The record of a join is a nested tuple, and its type says so.
#![allow(clippy::type_complexity)]

use super::{Rdd, count};
use crate::HashPartitioner;
use firesteel_data::Data;
use firesteel_driver::{Parts, UntypedRdd, site};
use firesteel_operators::{
    CoGroup2, CoGroup3, CoGroup4, FullOuter, Inner, Join, JoinKind, LeftOuter, RightOuter,
};
use firesteel_plan::{Mapping, Partitioner as Placed};
use firesteel_types::CallSite;
use std::hash::Hash;
use std::panic::Location;

type Grouped2<K, V, W> = Rdd<(K, (Vec<V>, Vec<W>))>;

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    /// Joins two RDDs: for each key that both have, each pair of their values.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let names = sc.parallelize([(1, "ash".to_string()), (2, "beech".to_string())], 2);
    /// let heights = sc.parallelize([(2, 30.0), (3, 40.0)], 2);
    /// assert_eq!(names.join(&heights).collect()?, [(2, ("beech".to_string(), 30.0))]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn join<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (V, W))> {
        self.join_at::<_, Inner>(site("join", Location::caller()), None, other)
    }

    /// [`Rdd::join`] into `partitions` partitions.
    #[track_caller]
    pub fn join_into<W: Data>(&self, partitions: usize, other: &Rdd<(K, W)>) -> Rdd<(K, (V, W))> {
        self.join_at::<_, Inner>(site("join_into", Location::caller()), Some(count(partitions)), other)
    }

    fn join_at<W: Data, J: JoinKind<V, W>>(
        &self,
        site: CallSite,
        partitions: Option<u32>,
        other: &Rdd<(K, W)>,
    ) -> Rdd<(K, (J::Left, J::Right))> {
        let rule = self.common_rule(partitions, &[other.placement()]);
        let inputs = vec![self.placed(&site, rule), other.placed(&site, rule)];
        self.grouped(site, rule, inputs, Join::<K, V, W, J>::code())
    }

    /// [`Rdd::join`] that keeps each of this RDD's pairs, with `None` where the other has no such key.
    #[track_caller]
    pub fn left_outer_join<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (V, Option<W>))> {
        self.join_at::<_, LeftOuter>(site("left_outer_join", Location::caller()), None, other)
    }

    /// [`Rdd::join`] that keeps each of the other's pairs, with `None` where this RDD has no such key.
    #[track_caller]
    pub fn right_outer_join<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (Option<V>, W))> {
        self.join_at::<_, RightOuter>(site("right_outer_join", Location::caller()), None, other)
    }

    /// [`Rdd::join`] that keeps all pairs of both, with `None` on the side that has no such key.
    #[track_caller]
    pub fn full_outer_join<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (Option<V>, Option<W>))> {
        self.join_at::<_, FullOuter>(site("full_outer_join", Location::caller()), None, other)
    }

    /// Groups the values of two RDDs: for each key of either, its values in both.
    #[track_caller]
    pub fn cogroup<W: Data>(&self, other: &Rdd<(K, W)>) -> Grouped2<K, V, W> {
        self.cogroup_at(site("cogroup", Location::caller()), None, other)
    }

    /// [`Rdd::cogroup`] into `partitions` partitions.
    #[track_caller]
    pub fn cogroup_into<W: Data>(&self, partitions: usize, other: &Rdd<(K, W)>) -> Grouped2<K, V, W> {
        self.cogroup_at(site("cogroup_into", Location::caller()), Some(count(partitions)), other)
    }

    pub(crate) fn cogroup_at<W: Data>(
        &self,
        site: CallSite,
        partitions: Option<u32>,
        other: &Rdd<(K, W)>,
    ) -> Grouped2<K, V, W> {
        let rule = self.common_rule(partitions, &[other.placement()]);
        let inputs = vec![self.placed(&site, rule), other.placed(&site, rule)];
        self.grouped(site, rule, inputs, CoGroup2::<K, V, W>::code())
    }

    /// Groups the values of three RDDs: for each key of any, its values in all of them.
    #[track_caller]
    pub fn cogroup3<W: Data, X: Data>(
        &self,
        second: &Rdd<(K, W)>,
        third: &Rdd<(K, X)>,
    ) -> Rdd<(K, (Vec<V>, Vec<W>, Vec<X>))> {
        let site = site("cogroup3", Location::caller());
        let rule = self.common_rule(None, &[second.placement(), third.placement()]);
        let inputs = vec![self.placed(&site, rule), second.placed(&site, rule), third.placed(&site, rule)];
        self.grouped(site, rule, inputs, CoGroup3::<K, V, W, X>::code())
    }

    /// Groups the values of four RDDs: for each key of any, its values in all of them.
    #[track_caller]
    pub fn cogroup4<W: Data, X: Data, Y: Data>(
        &self,
        second: &Rdd<(K, W)>,
        third: &Rdd<(K, X)>,
        fourth: &Rdd<(K, Y)>,
    ) -> Rdd<(K, (Vec<V>, Vec<W>, Vec<X>, Vec<Y>))> {
        let site = site("cogroup4", Location::caller());
        let rule = self.common_rule(None, &[second.placement(), third.placement(), fourth.placement()]);
        let inputs = vec![
            self.placed(&site, rule),
            second.placed(&site, rule),
            third.placed(&site, rule),
            fourth.placed(&site, rule),
        ];
        self.grouped(site, rule, inputs, CoGroup4::<K, V, W, X, Y>::code())
    }

    /// Returns this RDD's pairs whose keys the other does not have.
    #[track_caller]
    pub fn subtract_by_key<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, V)> {
        self.subtract_by_key_at(site("subtract_by_key", Location::caller()), other)
    }

    pub(crate) fn subtract_by_key_at<W: Data>(&self, site: CallSite, other: &Rdd<(K, W)>) -> Rdd<(K, V)> {
        // Only the keys of the other side are needed, so its values are not sent.
        let others = other.map_values_at(site.clone(), &(), |_: &(), _| ());
        let groups = self.cogroup_at(site.clone(), None, &others);
        groups.flat_map_values_at(site, &(), |_: &(), (vs, there)| if there.is_empty() { vs } else { vec![] })
    }

    fn placement(&self) -> (Option<Placed>, u32) {
        (self.partitioner(), self.partitions())
    }

    /// Returns the rule for several inputs: one that all of them can follow. A rule of the user's, or of a
    /// sort, cannot be applied to another input from here, so it serves only if all inputs have it.
    fn common_rule(&self, partitions: Option<u32>, others: &[(Option<Placed>, u32)]) -> Placed {
        let mine = self.partitioner();
        let all_alike = mine.is_some() && others.iter().all(|(rule, _)| *rule == mine);
        if let (true, None, Some(rule)) = (all_alike, partitions, mine) {
            return rule;
        }
        let hashed =
            |(rule, n): (Option<Placed>, u32)| (rule.filter(|r| matches!(r, Placed::Hash { .. })), n);
        let others: Vec<_> = others.iter().copied().chain([self.placement()]).map(hashed).collect();
        match self.rule(partitions, &others) {
            rule @ Placed::Hash { .. } => rule,
            other => Placed::Hash { partitions: other.partitions() },
        }
    }

    /// Returns this RDD, placed by the rule.
    fn placed(&self, site: &CallSite, rule: Placed) -> UntypedRdd {
        if self.partitioner() == Some(rule) {
            return self.untyped().clone();
        }
        let placed = self.partition_by_at(site.clone(), HashPartitioner::new(rule.partitions()));
        placed.untyped().clone()
    }

    fn grouped<G: Data>(
        &self,
        site: CallSite,
        rule: Placed,
        inputs: Vec<UntypedRdd>,
        code: Result<firesteel_operators::OperatorRef, firesteel_data::DataError>,
    ) -> Rdd<(K, G)> {
        let narrow = inputs.into_iter().map(|input| (input, Mapping::OneToOne)).collect();
        let parts = Parts { partitioner: Some(rule), narrow, ..Parts::source(site, rule.partitions(), code) };
        Rdd::of(self.context().driver().rdd(parts))
    }
}
