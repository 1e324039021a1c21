//! Generated records: each a pure function of its index, so that any peer makes any part of them without reading anything.

/// Mixes one index into 64 well-mixed bits: the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", 2014). Also the checksum of a record, since a sum of mixed
/// values does not depend on their order.
#[inline]
pub fn mix(index: u64) -> u64 {
    let z = index.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns a number below `bound`, the same for the same index. `bound` must be below 2^31.
#[inline]
pub fn below(index: u64, bound: u64) -> u64 {
    (mix(index) >> 33) % bound
}

/// Returns a number in [0, 1), the same for the same index.
#[inline]
pub fn unit(index: u64) -> f64 {
    (mix(index) >> 11) as f64 / (1u64 << 53) as f64
}

/// Returns a key whose order is the same for signed and unsigned readers.
#[inline]
pub fn sort_key(index: u64) -> u64 {
    mix(index) >> 1
}

/// The index from which the right side of the join is generated.
pub const RIGHT_SIDE: u64 = 1 << 40;

/// Returns edge `index` of the graph: from, to.
#[inline]
pub fn edge(index: u64, nodes: u64) -> (u64, u64) {
    (below(2 * index, nodes), below(2 * index + 1, nodes))
}

/// The number of a point's coordinates.
pub const DIMENSIONS: usize = 8;

/// Returns point `index` of the clusters.
#[inline]
pub fn point(index: u64) -> [f64; DIMENSIONS] {
    std::array::from_fn(|axis| unit(index * DIMENSIONS as u64 + axis as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formulas_do_not_change_unnoticed() {
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert!((0..1000).all(|index| below(index, 7) < 7 && (0.0..1.0).contains(&unit(index))));
    }
}
