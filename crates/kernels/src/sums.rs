//! Sums in the order in which numpy adds: in pairs, so that the error grows slowly.

/// Up to so many items are added by eight sums side by side; more are cut in two.
const BLOCK: usize = 128;

/// Returns the sum of an array of 64-bit floats that lie behind each other, as `numpy.sum` computes it.
///
/// Before its first use a process compares it with numpy's own, of whatever version that is.
#[must_use]
pub fn pairwise(items: &[f64]) -> f64 {
    // numpy begins with nothing, so that the sum of negative zeros is a positive one.
    0.0 + added(items)
}

fn added(items: &[f64]) -> f64 {
    if items.len() < 8 {
        return items.iter().fold(-0.0, |sum, item| sum + item);
    }
    if items.len() > BLOCK {
        let half = items.len() / 2;
        let (left, right) = items.split_at(half - half % 8);
        return added(left) + added(right);
    }
    let (rows, rest) = items.as_chunks::<8>();
    let mut sums = rows[0];
    for row in &rows[1..] {
        for (sum, item) in sums.iter_mut().zip(row) {
            *sum += item;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, item| sum + item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_items_are_added_one_by_one_and_more_side_by_side() {
        assert_eq!(pairwise(&[]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(pairwise(&[-0.0; 9]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(pairwise(&[1e16, 1.0, -1e16]), 0.0);
        // What is left over comes last: of the others, one is lost beside the first.
        let mut items = [1.0; 9];
        (items[0], items[8]) = (1e16, -1e16);
        assert_eq!(pairwise(&items), 6.0);
        // The first and the ninth are of one sum, and leave nothing.
        let mut items = [1.0; 16];
        (items[0], items[8]) = (1e16, -1e16);
        assert_eq!(pairwise(&items), 14.0);
    }
}
