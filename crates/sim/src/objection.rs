//! The form in which a violated rule is reported.

/// An objection, in words.
pub(crate) type Objection = String;
