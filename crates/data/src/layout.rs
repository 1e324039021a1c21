//! Column layouts: the closed list of types that have a better form in bulk than row by row.
//!
//! Numbers lie side by side as in memory; strings lie end to end, with their lengths apart. Everything else is
//! a row of its serde encoding. The layout of a type is chosen by `TypeId`: the comparisons are constants to
//! the optimiser, so each instantiation keeps only its own branch. All casts go through `Any` and cannot go
//! wrong.

use compact_str::CompactString;
use std::any::{Any, TypeId};

/// The form of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Numbers, as they lie in memory.
    Fixed,
    /// Strings: lengths, and bytes end to end.
    Text,
    /// Encoded values end to end.
    Rows,
}

macro_rules! for_each_fixed {
    ($macro:ident) => {
        $macro! { u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64 }
    };
}

macro_rules! is_any_of {
    ($($t:ty),*) => {
        #[inline(always)]
        fn is_fixed<T: 'static>() -> bool {
            let id = TypeId::of::<T>();
            $(id == TypeId::of::<$t>())||*
        }
    };
}
for_each_fixed!(is_any_of);

/// Returns the layout of a column of `T`.
#[inline(always)]
pub(crate) fn layout_of<T: 'static>() -> Layout {
    let id = TypeId::of::<T>();
    if is_fixed::<T>() {
        Layout::Fixed
    } else if id == TypeId::of::<String>() || id == TypeId::of::<CompactString>() {
        Layout::Text
    } else {
        Layout::Rows
    }
}

/// Returns `value` as the type that it already is.
#[inline(always)]
pub(crate) fn cast<A: 'static, B: 'static>(value: A) -> Option<B> {
    let mut slot = Some(value);
    (&mut slot as &mut dyn Any).downcast_mut::<Option<B>>()?.take()
}

/// Returns the text of a string type.
#[inline(always)]
pub(crate) fn as_text<T: 'static>(value: &T) -> Option<&str> {
    let value = value as &dyn Any;
    if let Some(text) = value.downcast_ref::<CompactString>() {
        return Some(text);
    }
    value.downcast_ref::<String>().map(String::as_str)
}

/// Makes a string type of its text.
#[inline(always)]
pub(crate) fn from_text<T: 'static>(text: &str) -> Option<T> {
    if TypeId::of::<T>() == TypeId::of::<CompactString>() {
        cast(CompactString::from(text))
    } else {
        cast(text.to_owned())
    }
}

macro_rules! fixed_casts {
    ($($t:ty),*) => {
        /// Returns the bytes of a vector of numbers. A vector and not a slice, since only a sized type can be
        /// cast.
        #[allow(clippy::ptr_arg)]
        #[inline(always)]
        pub(crate) fn fixed_bytes<T: 'static>(items: &Vec<T>) -> Option<&[u8]> {
            let items = items as &dyn Any;
            $(if let Some(items) = items.downcast_ref::<Vec<$t>>() { return Some(bytemuck::cast_slice(items)); })*
            None
        }

        /// Makes numbers of their bytes; `None` when the bytes are not a whole number of them.
        #[inline(always)]
        pub(crate) fn fixed_from_bytes<T: 'static>(bytes: &[u8]) -> Option<Vec<T>> {
            if size_of::<T>() == 0 || bytes.len() % size_of::<T>() != 0 { return None; }
            $(if TypeId::of::<T>() == TypeId::of::<$t>() {
                return cast(bytemuck::allocation::pod_collect_to_vec::<u8, $t>(bytes));
            })*
            None
        }

        /// Makes one number of its bytes.
        #[inline(always)]
        pub(crate) fn one_fixed<T: 'static>(bytes: &[u8]) -> Option<T> {
            $(if TypeId::of::<T>() == TypeId::of::<$t>() {
                return cast(bytemuck::try_pod_read_unaligned::<$t>(bytes).ok()?);
            })*
            None
        }

        /// Folds a number into 64 bits: itself, if it fits.
        #[inline(always)]
        pub(crate) fn fixed_word<T: 'static>(item: &T) -> Option<u64> {
            let item = item as &dyn Any;
            $(if let Some(item) = item.downcast_ref::<$t>() {
                let mut word = 0u64;
                for part in bytemuck::bytes_of(item).chunks(8) {
                    let mut bytes = [0u8; 8];
                    bytes[..part.len()].copy_from_slice(part);
                    word = word.rotate_left(29) ^ u64::from_le_bytes(bytes);
                }
                return Some(word);
            })*
            None
        }
    };
}
for_each_fixed!(fixed_casts);
