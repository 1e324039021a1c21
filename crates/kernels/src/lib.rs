//! Python's expressions, computed over columns: what a lambda says, for thousands of records at once.
//!
//! CPython is the truth, and this crate a shortcut. Each kernel computes exactly what the interpreter computes, or marks
//! the row as one that it does not answer for ([`Mask`]): an overflow of 64 bits, a division by zero, a text that
//! `int()` refuses, a letter whose lower case is a matter of Unicode's tables. The caller runs the user's own
//! function on such rows. A whole batch is handed back where types have no kernel ([`Refused`]).
//!
//! A function arrives as a [`Function`]: registers in single assignment, and branches that each end in a result. Loops
//! ([`Loop`]) take turns for the rows that are still in them, comprehensions ([`Each`]) compute all items at once.
//! [`Run`] takes batches through several functions in a row (map, filter, flatMap and their kin), and remembers of which
//! source row each result is. [`Merge`], [`Fold`] and [`Table`] add results up, where that is what follows.
//!
//! The crate knows neither Python's objects nor the engine: `crates/python` makes columns of objects, and objects of
//! columns.

mod answer;
mod asked;
mod attempts;
mod calls;
mod collections;
mod column;
mod combining;
mod comprehensions;
mod cuts;
mod distinct;
mod encoding;
mod eval;
mod format;
mod formats;
mod groups;
mod items;
mod joining;
mod keys;
mod layout;
mod library;
mod lookup;
mod loops;
mod math;
mod merge;
mod methods;
mod mixed;
mod nans;
mod numbers;
mod numpy;
mod odd;
mod parts;
mod placing;
mod program;
mod random;
mod record;
mod reductions;
mod sequences;
mod single;
mod sorting;
mod sound;
mod spelling;
mod steps;
mod sums;
mod table;
mod text;
mod totals;
mod vectors;

pub use answer::{Mask, Refused};
pub use column::{Column, List, Scalar, Text, TextBuilder};
pub use combining::{First, Step as CombiningStep};
pub use encoding::{decode, encode, is_block};
pub use eval::evaluate;
pub use format::{Align, Format, Kind, Piece};
pub use groups::{Grouped, Groups, JoinResults, Joined};
pub use joining::joined;
pub use library::{Ask, Library};
pub use lookup::{Item, Keys, Lookup};
pub use merge::Merge;
pub use numpy::{Arrays, Numpy};
pub use odd::OddEntry;
pub use placing::{TextHash, hashes};
pub use program::{
    Asked, Attempt, Binary, Block, Builtin, Collection, Comparison, Each, End, Exit, Function, Instruction,
    Loop, Math, Method, NumpyFunction, Op, Register, Source,
};
pub use random::{Twister, WORDS};
pub use record::Class;
pub use single::{Single, column as column_of_singles};
pub use sorting::{Sorting, ranges};
pub use steps::{Outcome, Run, Step};
pub use sums::pairwise;
pub use table::Table;
pub use totals::{Fold, Stats, Sum, SumRules};
