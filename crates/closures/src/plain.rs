//! Plain closures, which capture nothing: how they are recognised, and how a value is made from their type
//! alone.

use std::fmt;
use std::marker::PhantomData;

/// A closure that captures nothing of the driver's, so that tasks can run it anywhere.
///
/// Implemented for every function and closure that is `Copy`, `Send`, `Sync` and `'static`; that it is also zero-sized is
/// checked when the calling method is compiled ([`assert_captures_nothing`]).
///
/// `Copy` is what makes [`ZeroSized::get`] sound: a zero-sized token that must not be duplicated is not `Copy`, so a closure
/// that captured one is refused here.
#[diagnostic::on_unimplemented(
    message = "this closure captures variables of the driver program, which tasks cannot see",
    label = "captures a variable",
    note = "tasks run on executors, maybe in other processes: name what the closure needs, and it is sent along",
    note = "write `rdd.map_with(needed, |needed, x| ...)` instead of `rdd.map(|x| ...)`; every method that takes a closure \
            has such a `_with` form; several values go as a tuple: `map_with((a, b), |(a, b), x| ...)`",
    note = "what a task changes stays in the task: instead of counting in a variable, let an action give the answer, such as \
            `filter(..).count()`, `sum()`, `reduce(..)` or `aggregate(..)`, or add to an accumulator: \
            `map_with(accumulator.adder(), |adder, x| ...)`"
)]
pub trait Plain: Copy + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<F: Copy + Send + Sync + 'static> Plain for F {}

/// Refuses, at compile time, a closure that captures something.
///
/// `cargo build` and `cargo test` show the refusal with the line of the call; `cargo check` does not, since it never
/// instantiates generic functions.
pub const fn assert_captures_nothing<F>() {
    assert!(
        size_of::<F>() == 0,
        "this closure captures variables of the driver program, which tasks cannot see. Name what it needs: write \
         `rdd.map_with(needed, |needed, x| ...)` instead of `rdd.map(|x| ...)`; every method that takes a closure has such \
         a `_with` form. A function pointer is refused for the same reason: write `|x| function(x)`"
    );
}

/// A closure reduced to its type.
pub struct ZeroSized<F>(PhantomData<fn() -> F>);

impl<F: Plain> ZeroSized<F> {
    /// Reduces a closure to its type. Taking it by value proves that a value of this type can exist.
    ///
    /// # Compile-time errors
    /// When the closure captures anything that has a size.
    pub fn new(_proof: F) -> Self {
        const { assert_captures_nothing::<F>() };
        ZeroSized(PhantomData)
    }

    /// Makes the token of a closure that another process has proved to exist.
    ///
    /// # Safety
    /// A value of type `F` must exist or have existed in a process that runs the same program: the caller got here through
    /// a checked [`Descriptor`](crate::Descriptor) that only code holding such a value could name.
    pub unsafe fn instantiate() -> Self {
        const { assert_captures_nothing::<F>() };
        ZeroSized(PhantomData)
    }

    /// Returns the closure itself.
    #[inline(always)]
    pub fn get(&self) -> F {
        const { assert_captures_nothing::<F>() };
        // SAFETY: F has no bytes, so there is nothing to initialise; it is Copy, so making another one breaks no uniqueness;
        // and it is inhabited, since `self` was made from a value of F (see `new` and `instantiate`).
        #[allow(clippy::uninit_assumed_init)]
        unsafe {
            std::mem::MaybeUninit::<F>::uninit().assume_init()
        }
    }
}

impl<F> Clone for ZeroSized<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for ZeroSized<F> {}

impl<F> fmt::Debug for ZeroSized<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<F>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_comes_back_from_its_type() {
        let shrunk = ZeroSized::new(|x: i32| x + 1);
        assert_eq!(shrunk.get()(41), 42);
    }

    #[test]
    fn a_closure_around_a_closure_is_still_plain() {
        let inner = |x: i32| x * 2;
        let shrunk = ZeroSized::new(move |x: i32| inner(x) + 1);
        assert_eq!(shrunk.get()(4), 9);
    }
}
