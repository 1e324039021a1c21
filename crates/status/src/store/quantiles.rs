//! Quantiles of many figures, without sorting or copying them all.
//!
//! The places of the quantiles are Spark's: of `n` figures in order, quantile `q` is that at `min(q * n, n - 1)`. One
//! pass counts how many figures fall in each of 4096 equal ranges, a second collects those of the few ranges in which a
//! quantile lies, and only these are put in order.

const BUCKETS: usize = 1 << 12;
const BUCKET_BITS: u32 = BUCKETS.trailing_zeros();

/// Below this number, sorting is as fast.
const FEW: usize = 4096;

/// The number of figures that are looked at together.
const SOME: usize = 16;

/// Returns the quantiles of figures.
pub(crate) fn quantiles(values: &[i64], asked: &[f64]) -> Vec<f64> {
    quantiles_of(values, &[], values.len(), asked)
}

/// Returns the quantiles of the lowest `count` of figures, but for those at the positions `without`, which stand in
/// order.
pub(crate) fn quantiles_of<T: Copy + Into<i64>>(
    values: &[T],
    without: &[u32],
    count: usize,
    asked: &[f64],
) -> Vec<f64> {
    let (mut min, mut max) = (i64::MAX, i64::MIN);
    each(values, without, |value| {
        min = value.min(min);
        max = value.max(max);
    });
    quantiles_within(values, without, count, asked, (min, max))
}

/// Returns the same of figures of which none is lower than `min` or higher than `max`.
pub(crate) fn quantiles_within<T: Copy + Into<i64>>(
    values: &[T],
    without: &[u32],
    count: usize,
    asked: &[f64],
    (min, max): (i64, i64),
) -> Vec<f64> {
    let count = count.min(values.len() - without.len());
    if count == 0 {
        return vec![0.0; asked.len()];
    }
    let places: Vec<usize> = asked.iter().map(|quantile| place(*quantile, count)).collect();
    if min == max {
        return vec![min as f64; asked.len()];
    }
    if values.len() <= FEW {
        let mut all = Vec::with_capacity(values.len());
        each(values, without, |value| all.push(value));
        all.sort_unstable();
        return places.iter().map(|place| all[*place] as f64).collect();
    }
    select(values, without, &places, (min, max))
}

fn place(quantile: f64, count: usize) -> usize {
    // A cast of a float stops at the ends of the range, and turns what is no number to 0.
    ((quantile * count as f64) as usize).min(count - 1)
}

/// Calls `take` with each run of figures between those at the positions `without`.
fn runs<T>(values: &[T], without: &[u32], mut take: impl FnMut(&[T])) {
    let mut from = 0;
    for end in without.iter().map(|at| *at as usize).chain([values.len()]) {
        take(&values[from..end]);
        from = end + 1;
    }
}

/// Calls `take` with each figure, but for those at the positions `without`.
fn each<T: Copy + Into<i64>>(values: &[T], without: &[u32], mut take: impl FnMut(i64)) {
    runs(values, without, |run| run.iter().for_each(|value| take((*value).into())));
}

fn select<T: Copy + Into<i64>>(
    values: &[T],
    without: &[u32],
    places: &[usize],
    (min, max): (i64, i64),
) -> Vec<f64> {
    let span = max.wrapping_sub(min) as u64;
    let shift = (u64::BITS - span.leading_zeros()).saturating_sub(BUCKET_BITS);
    // The mask changes nothing but that no bound need be checked.
    let bucket = |value: i64| (value.wrapping_sub(min) as u64 >> shift) as usize & (BUCKETS - 1);
    // 1. Count.
    let mut counts = vec![0_u32; BUCKETS];
    each(values, without, |value| counts[bucket(value)] += 1);
    // 2. Find the range of each place, and the number of figures below that range.
    let mut found: Vec<(usize, usize)> = Vec::with_capacity(places.len());
    for place in places {
        let (mut at, mut below) = (0, 0);
        while below + counts[at] as usize <= *place {
            below += counts[at] as usize;
            at += 1;
        }
        found.push((at, below));
    }
    if shift == 0 {
        return found.iter().map(|(at, _)| min.wrapping_add(*at as i64) as f64).collect();
    }
    // 3. Collect the figures of those ranges, each range in a list of its own.
    let mut lists: Vec<Vec<i64>> = vec![];
    let (mut list_of, mut is_wanted) = (vec![0_u16; BUCKETS], vec![false; BUCKETS]);
    for (at, _) in &found {
        if !std::mem::replace(&mut is_wanted[*at], true) {
            list_of[*at] = lists.len() as u16;
            lists.push(Vec::with_capacity(counts[*at] as usize));
        }
    }
    // Most figures are in none of them, and a few of those at a time are soon seen to be none.
    runs(values, without, |run| {
        for some in run.chunks(SOME) {
            let is_any = some.iter().fold(false, |is_any, value| is_any | is_wanted[bucket((*value).into())]);
            if !is_any {
                continue;
            }
            for value in some.iter().map(|value| (*value).into()) {
                if is_wanted[bucket(value)] {
                    lists[usize::from(list_of[bucket(value)])].push(value);
                }
            }
        }
    });
    // 4. In its list, each place is looked for. Where most figures are alike but a few are huge, one list has nearly all:
    // then its own range is divided again.
    let mut quantiles = vec![0.0; places.len()];
    for (number, list) in lists.iter_mut().enumerate() {
        let here = found.iter().enumerate().filter(|(_, (at, _))| usize::from(list_of[*at]) == number);
        let (asked, within): (Vec<usize>, Vec<usize>) =
            here.map(|(asked, (_, below))| (asked, places[asked] - below)).unzip();
        for (asked, quantile) in asked.into_iter().zip(select_again(list, &within)) {
            quantiles[asked] = quantile;
        }
    }
    quantiles
}

/// Returns the figures at these places of a list.
fn select_again(list: &mut [i64], places: &[usize]) -> Vec<f64> {
    if list.len() <= FEW {
        list.sort_unstable();
        return places.iter().map(|place| list[*place] as f64).collect();
    }
    match (list.iter().min(), list.iter().max()) {
        (Some(min), Some(max)) if min < max => select(list, &[], places, (*min, *max)),
        _ => places.iter().map(|place| list[*place] as f64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

    #[test]
    fn places_are_those_of_spark() {
        assert_eq!(quantiles(&[8000, 4000], &FIVE), [4000.0, 4000.0, 8000.0, 8000.0, 8000.0]);
        assert_eq!(quantiles(&[3], &FIVE), [3.0; 5]);
        assert_eq!(quantiles(&[], &[0.5]), [0.0]);
        assert_eq!(quantiles(&[1, 2], &[-1.0, f64::NAN, 7.0]), [1.0, 1.0, 2.0]);
    }

    #[test]
    fn figures_that_are_alike_beside_a_huge_one_give_what_sorting_gives() {
        for huge in [1 << 20, 1 << 40, i64::MAX] {
            let mut values: Vec<i64> = (0..50_000).map(|n| n * 7_919 % 9_000 - 20).collect();
            values[30_000] = huge;
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let expected: Vec<f64> = FIVE.iter().map(|q| sorted[place(*q, sorted.len())] as f64).collect();
            assert_eq!(quantiles(&values, &FIVE), expected, "{huge}");
        }
        assert_eq!(
            quantiles(&[vec![5; 20_000], vec![i64::MAX]].concat(), &[0.5, 1.0]),
            [5.0, i64::MAX as f64]
        );
    }

    #[test]
    fn many_figures_give_what_sorting_gives() {
        let mut state = 1_u64;
        for bits in [8, 20, 40, 63] {
            let mut values: Vec<i64> = (0..20_000)
                .map(|_| {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> (64 - bits)) as i64 - 100
                })
                .collect();
            values.extend([i64::MIN, i64::MAX].iter().filter(|_| bits == 63));
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let asked: Vec<f64> = (0..=100).map(|percent| f64::from(percent) / 100.0).collect();
            let expected: Vec<f64> =
                asked.iter().map(|quantile| sorted[place(*quantile, sorted.len())] as f64).collect();
            assert_eq!(quantiles(&values, &asked), expected, "{bits} bits");
            // The same with figures between them that do not count.
            let mixed: Vec<i64> = values.iter().flat_map(|value| [i64::MAX, *value]).collect();
            let without: Vec<u32> = (0..mixed.len() as u32).step_by(2).collect();
            assert_eq!(quantiles_of(&mixed, &without, usize::MAX, &asked), expected, "{bits} bits");
        }
    }
}
