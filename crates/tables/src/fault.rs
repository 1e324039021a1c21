//! Faults: serde's errors while a row is decoded or encoded, with the column. Readers make a
//! [`BadRow`](crate::BadRow) of one, which adds the position in the file.

use crate::error::shorten_value;
use serde::{de, ser};
use std::fmt;

/// An error of one row. In a box, so that results stay small in the loop over cells.
#[derive(Debug)]
pub(crate) struct Fault(Box<Parts>);

#[derive(Debug)]
struct Parts {
    /// The column's name, with the enclosing ones when it is nested.
    column: Option<String>,
    value: Option<String>,
    what: What,
}

/// The kind of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Described by a sentence.
    Message(String),
    /// The type needs a field that was not given.
    Missing(&'static str),
    /// A field was given twice.
    Duplicate(&'static str),
}

impl Fault {
    #[cold]
    pub(crate) fn new(message: impl Into<String>) -> Fault {
        Fault::of(What::Message(message.into()))
    }

    #[cold]
    fn of(what: What) -> Fault {
        Fault(Box::new(Parts { column: None, value: None, what }))
    }

    /// Adds a column to blame, which encloses the one already blamed, if any.
    #[cold]
    pub(crate) fn in_column(mut self, name: &str, show: impl FnOnce() -> Option<String>) -> Fault {
        self.0.column = Some(match self.0.column.take() {
            Some(inner) => format!("{name}.{inner}"),
            None => name.into(),
        });
        if self.0.value.is_none() {
            self.0.value = show().map(|value| shorten_value(&value));
        }
        self
    }

    pub(crate) fn what(&self) -> &What {
        &self.0.what
    }

    /// Returns the column, the value, and the reason as a sentence.
    pub(crate) fn into_parts(self) -> (Option<String>, Option<String>, String) {
        let reason = self.0.what.to_string();
        (self.0.column, self.0.value, reason)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Message(message) => f.write_str(message),
            What::Missing(name) => write!(f, "the field `{name}` of the record has no column"),
            What::Duplicate(name) => write!(f, "two columns stand for the field `{name}`"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.column {
            Some(column) => write!(f, "column `{column}`: {}", self.0.what),
            None => self.0.what.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<M: fmt::Display>(message: M) -> Fault {
        Fault::new(message.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Fault {
        Fault::new(format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Fault {
        Fault::new(format!("expected {expected}, and {found} is none"))
    }

    fn missing_field(field: &'static str) -> Fault {
        Fault::of(What::Missing(field))
    }

    fn duplicate_field(field: &'static str) -> Fault {
        Fault::of(What::Duplicate(field))
    }
}

impl ser::Error for Fault {
    fn custom<M: fmt::Display>(message: M) -> Fault {
        Fault::new(message.to_string())
    }
}
