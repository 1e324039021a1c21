//! Records: instances of a class with names for their values. Those of some classes are tuples.
//!
//! The kernels keep the class with the columns, so that what comes out is an instance of it again. What the class is
//! to Python they do not know.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

/// A class of records. Copies are the same class.
#[derive(Clone)]
pub struct Class(Rc<Inner>);

struct Inner {
    /// The identity: two classes of one number are one.
    number: usize,
    names: Vec<String>,
    is_tuple: bool,
    of: Box<dyn Any>,
}

impl Class {
    /// Makes a class with the names of its values, by what it is to the caller, and a number that is that one's alone.
    pub fn new(number: usize, names: Vec<String>, is_tuple: bool, of: Box<dyn Any>) -> Class {
        Class(Rc::new(Inner { number, names, is_tuple, of }))
    }

    /// Returns whether its instances are tuples.
    pub fn is_tuple(&self) -> bool {
        self.0.is_tuple
    }

    /// Returns the names of the values.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Returns what the class is to who made it.
    pub fn of(&self) -> &dyn Any {
        &*self.0.of
    }

    /// Returns the number of values.
    pub fn items(&self) -> usize {
        self.0.names.len()
    }

    /// Returns the place of a value.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.0.names.iter().position(|known| known == name)
    }

    pub(crate) fn number(&self) -> usize {
        self.0.number
    }

    /// Returns whether both are one class.
    pub fn is(&self, other: &Class) -> bool {
        self.0.number == other.0.number
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Class({})", self.0.names.join(", "))
    }
}
