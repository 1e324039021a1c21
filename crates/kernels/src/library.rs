//! The library that the kernels ask for what only it computes: numpy, as the program has it.

use std::fmt;
use std::rc::Rc;

/// The answers of a library.
pub trait Ask {
    /// Returns what a function, by its name, gives of each item; `None` where it raises something.
    fn of_each(&self, function: &str, items: &[f64]) -> Option<Vec<f64>>;

    /// Returns the products of pairs of arrays of one length, each added up; `None` where something is raised. All first arrays
    /// lie behind each other, and all second ones; of either there may be one for all.
    fn products(&self, one: &[f64], two: &[f64], length: usize) -> Option<Vec<f64>>;
}

/// The library of a program. Copies are the same one.
#[derive(Clone)]
pub struct Library(Rc<dyn Ask>);

impl Library {
    /// Makes one of what answers.
    pub fn new(ask: impl Ask + 'static) -> Library {
        Library(Rc::new(ask))
    }

    pub(crate) fn of_each(&self, function: &str, items: &[f64]) -> Option<Vec<f64>> {
        self.0.of_each(function, items)
    }

    pub(crate) fn products(&self, one: &[f64], two: &[f64], length: usize) -> Option<Vec<f64>> {
        self.0.products(one, two, length)
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Library")
    }
}
