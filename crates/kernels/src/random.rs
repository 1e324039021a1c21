//! The generator behind `random.random()`: MT19937, whose state CPython gives and takes back.
//!
//! The recurrence is that of M. Matsumoto and T. Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform
//! pseudo-random number generator" (ACM TOMACS 8, 1998); the 53 bits of a float are taken as CPython's documentation of
//! `random` says. It stands here since no crate lets the state in and out as `random.getstate()` has it.

/// The number of words of the state.
pub const WORDS: usize = 624;

const MIDDLE: usize = 397;
const TWIST: u32 = 0x9908_b0df;

/// A generator at some point of its stream.
#[derive(Clone)]
pub struct Twister {
    words: Box<[u32; WORDS]>,
    /// The number of words that were used.
    used: usize,
}

impl Twister {
    /// Makes a generator that goes on behind so many words of a state. `None` if there are not so many.
    pub fn new(words: Box<[u32; WORDS]>, used: usize) -> Option<Twister> {
        (used <= WORDS).then_some(Twister { words, used })
    }

    /// Returns the words of the state, and how many of them were used.
    pub fn state(&self) -> (&[u32; WORDS], usize) {
        (&self.words, self.used)
    }

    /// Returns the next float, at least 0 and less than 1.
    ///
    /// ```
    /// # use firesteel_kernels::{Twister, WORDS};
    /// let mut one = Twister::new(Box::new([1; WORDS]), WORDS).unwrap();
    /// let mut two = one.clone();
    /// assert_eq!(one.next_float(), two.next_float());
    /// ```
    pub fn next_float(&mut self) -> f64 {
        let (high, low) = (self.next_word() >> 5, self.next_word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    fn next_word(&mut self) -> u32 {
        if self.used == WORDS {
            self.twist();
        }
        let mut word = self.words[self.used];
        self.used += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// Makes the next words of all.
    fn twist(&mut self) {
        let words = &mut *self.words;
        // In three runs, in which no place has to be turned back to the beginning but the last.
        let mut mix = |at: usize, next: usize, middle: usize| {
            let mixed = (words[at] & 0x8000_0000) | (words[next] & 0x7fff_ffff);
            words[at] = words[middle] ^ (mixed >> 1) ^ ((mixed & 1) * TWIST);
        };
        (0..WORDS - MIDDLE).for_each(|at| mix(at, at + 1, at + MIDDLE));
        (WORDS - MIDDLE..WORDS - 1).for_each(|at| mix(at, at + 1, at + MIDDLE - WORDS));
        mix(WORDS - 1, 0, MIDDLE - 1);
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state after `init_genrand(seed)` of the paper's authors.
    fn seeded(seed: u32) -> Twister {
        let mut words = Box::new([seed; WORDS]);
        for at in 1..WORDS {
            let before = words[at - 1];
            words[at] = 1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(at as u32);
        }
        Twister::new(words, WORDS).unwrap()
    }

    /// The C++ standard says what the ten thousandth word from the seed 5489 is ([rand.predef]).
    #[test]
    fn the_ten_thousandth_word_is_that_of_the_standard() {
        let mut twister = seeded(5489);
        let word = (0..10_000).map(|_| twister.next_word()).last();
        assert_eq!(word, Some(4_123_659_995));
    }

    #[test]
    fn a_state_goes_on_where_it_was_taken() {
        let mut twister = seeded(1);
        for _ in 0..1000 {
            let (words, used) = twister.state();
            let mut other = Twister::new(Box::new(*words), used).unwrap();
            assert_eq!(other.next_float().to_bits(), twister.next_float().to_bits());
        }
        assert!(Twister::new(Box::new([0; WORDS]), WORDS + 1).is_none());
    }
}
