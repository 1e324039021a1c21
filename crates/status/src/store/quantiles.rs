//! Quantiles of many figures, without sorting them all.
//!
//! The places of the quantiles are Spark's: of `n` figures in order, quantile `q` is that at `min(q * n, n - 1)`. One
//! pass counts how many figures fall in each of 65,536 equal ranges, a second collects those of the few ranges in which
//! a quantile lies, and only these are sorted.

const BUCKETS: usize = 1 << 16;

/// Below this number, sorting is as fast.
const FEW: usize = 4096;

/// Returns the quantiles of figures, which it may put in another order.
pub(crate) fn quantiles(values: &mut [i64], asked: &[f64]) -> Vec<f64> {
    if values.is_empty() {
        return vec![0.0; asked.len()];
    }
    let places: Vec<usize> = asked.iter().map(|quantile| place(*quantile, values.len())).collect();
    let (min, max) =
        values.iter().fold((i64::MAX, i64::MIN), |(min, max), value| (min.min(*value), max.max(*value)));
    if min == max {
        return vec![min as f64; asked.len()];
    }
    if values.len() <= FEW {
        values.sort_unstable();
        return places.iter().map(|place| values[*place] as f64).collect();
    }
    select(values, &places, min, max)
}

fn place(quantile: f64, count: usize) -> usize {
    // A cast of a float stops at the ends of the range, and turns what is no number to 0.
    ((quantile * count as f64) as usize).min(count - 1)
}

fn select(values: &[i64], places: &[usize], min: i64, max: i64) -> Vec<f64> {
    let span = max.wrapping_sub(min) as u64;
    let shift = (u64::BITS - span.leading_zeros()).saturating_sub(16);
    let bucket = |value: i64| (value.wrapping_sub(min) as u64 >> shift) as usize;
    // 1. Count.
    let mut counts = vec![0_u32; BUCKETS];
    for value in values {
        counts[bucket(*value)] += 1;
    }
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
    // 3. Collect the figures of those ranges, and sort them.
    let mut wanted = vec![false; BUCKETS];
    found.iter().for_each(|(at, _)| wanted[*at] = true);
    let mut near: Vec<i64> = values.iter().copied().filter(|value| wanted[bucket(*value)]).collect();
    near.sort_unstable();
    places
        .iter()
        .zip(&found)
        .map(|(place, (at, below))| {
            let first = near.partition_point(|value| bucket(*value) < *at);
            near[first + place - below] as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

    #[test]
    fn places_are_those_of_spark() {
        assert_eq!(quantiles(&mut [8000, 4000], &FIVE), [4000.0, 4000.0, 8000.0, 8000.0, 8000.0]);
        assert_eq!(quantiles(&mut [3], &FIVE), [3.0; 5]);
        assert_eq!(quantiles(&mut [], &[0.5]), [0.0]);
        assert_eq!(quantiles(&mut [1, 2], &[-1.0, f64::NAN, 7.0]), [1.0, 1.0, 2.0]);
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
            assert_eq!(quantiles(&mut values, &asked), expected, "{bits} bits");
        }
    }
}
