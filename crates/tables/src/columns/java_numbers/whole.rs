//! Whole numbers that are divided digit by digit: of 32 and 64 bits, and of any size.

use std::cmp::Ordering;

/// The operations that long division needs.
pub(super) trait Whole: Clone {
    /// Divides by a number that is more than a tenth, and keeps the rest.
    fn take_quotient(&mut self, by: &Self) -> u8;
    fn times_ten(&mut self);
    fn is_below(&self, other: &Self) -> bool;
    /// Returns whether the sum with `other` is above `limit`.
    fn sum_exceeds(&self, other: &Self, limit: &Self) -> bool;
    /// Compares twice the number.
    fn double_against(&self, other: &Self) -> Ordering;
}

/// Half a unit may outgrow its type, where the number cannot: Java then takes a negative one as above all, and
/// lets sums wrap.
macro_rules! narrow {
    ($($type:ty),*) => {$(
        impl Whole for $type {
            fn take_quotient(&mut self, by: &$type) -> u8 {
                let quotient = *self / by;
                *self %= by;
                quotient as u8
            }

            fn times_ten(&mut self) {
                *self = self.wrapping_mul(10);
            }

            fn is_below(&self, half: &$type) -> bool {
                *half <= 0 || self < half
            }

            fn sum_exceeds(&self, half: &$type, limit: &$type) -> bool {
                *half <= 0 || self.wrapping_add(*half) > *limit
            }

            fn double_against(&self, other: &$type) -> Ordering {
                self.wrapping_mul(2).wrapping_sub(*other).cmp(&0)
            }
        }
    )*};
}

narrow!(i32, i64);

/// A number of any size, lowest part first, without zeros at its end.
#[derive(Clone)]
pub(super) struct Big(Vec<u32>);

impl Big {
    /// Returns a number times a power of five and one of two.
    pub(super) fn of(number: u64, fives: i32, twos: i32) -> Big {
        let mut big = Big(vec![number as u32, (number >> 32) as u32]);
        for _ in 0..fives / 13 {
            big.times(5_u32.pow(13));
        }
        big.times(5_u32.pow((fives % 13) as u32));
        big.times(1 << (twos % 32));
        big.0.splice(0..0, std::iter::repeat_n(0, (twos / 32) as usize));
        big
    }

    fn times(&mut self, factor: u32) {
        let mut carry = 0_u64;
        for part in &mut self.0 {
            carry += u64::from(*part) * u64::from(factor);
            *part = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
        self.trim();
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn order(&self, other: &Big) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    fn subtract(&mut self, other: &Big) {
        let mut borrow = 0_i64;
        for (at, part) in self.0.iter_mut().enumerate() {
            borrow += i64::from(*part) - i64::from(other.0.get(at).copied().unwrap_or(0));
            *part = borrow as u32;
            borrow >>= 32;
        }
        self.trim();
    }

    fn plus(&self, other: &Big) -> Big {
        let mut sum = Vec::with_capacity(self.0.len().max(other.0.len()) + 1);
        let mut carry = 0_u64;
        for at in 0..self.0.len().max(other.0.len()) {
            let part = |big: &Big| u64::from(big.0.get(at).copied().unwrap_or(0));
            carry += part(self) + part(other);
            sum.push(carry as u32);
            carry >>= 32;
        }
        if carry > 0 {
            sum.push(carry as u32);
        }
        Big(sum)
    }
}

impl Whole for Big {
    fn take_quotient(&mut self, by: &Big) -> u8 {
        let mut quotient = 0;
        while self.order(by).is_ge() {
            self.subtract(by);
            quotient += 1;
        }
        quotient
    }

    fn times_ten(&mut self) {
        self.times(10);
    }

    fn is_below(&self, other: &Big) -> bool {
        self.order(other).is_lt()
    }

    fn sum_exceeds(&self, other: &Big, limit: &Big) -> bool {
        self.plus(other).order(limit).is_gt()
    }

    fn double_against(&self, other: &Big) -> Ordering {
        self.plus(self).order(other)
    }
}
