//! One rule of the table: some of Spark's keys, their treatment, and the reason.

/// The treatment of some of Spark's keys, and the reason.
pub struct Rule {
    /// The keys. A `*` stands for any text; of several rules that fit, the one with the longest key counts.
    pub keys: &'static [&'static str],
    /// The treatment.
    pub treatment: Treatment,
    /// The reason why that is right, or, if keys are refused, what to do instead.
    pub why: &'static str,
}

/// The treatment of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It does what it does in Spark, in Rust and in Python: the engine has a setting of this name.
    Obeyed,
    /// It does what it does in Spark, in Python programs.
    InPython(InRust),
    /// It changes nothing that a program can observe, so it is accepted.
    Harmless,
    /// Other values than these are accepted with a warning, once.
    Warned(&'static [&'static str]),
    /// Other values than these are refused.
    Refused(&'static [&'static str]),
}

/// The treatment in a Rust program of a key that Python programs obey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InRust {
    /// It has no meaning in a Rust program.
    Harmless,
    /// It is refused; what to do instead.
    Refused(&'static str),
}

pub(super) const fn obeyed(keys: &'static [&'static str], why: &'static str) -> Rule {
    Rule { keys, treatment: Treatment::Obeyed, why }
}

pub(super) const fn in_python(keys: &'static [&'static str], why: &'static str) -> Rule {
    Rule { keys, treatment: Treatment::InPython(InRust::Harmless), why }
}

pub(super) const fn in_python_only(
    keys: &'static [&'static str],
    instead: &'static str,
    why: &'static str,
) -> Rule {
    Rule { keys, treatment: Treatment::InPython(InRust::Refused(instead)), why }
}

pub(super) const fn harmless(keys: &'static [&'static str], why: &'static str) -> Rule {
    Rule { keys, treatment: Treatment::Harmless, why }
}

pub(super) const fn warned(
    keys: &'static [&'static str],
    but: &'static [&'static str],
    why: &'static str,
) -> Rule {
    Rule { keys, treatment: Treatment::Warned(but), why }
}

pub(super) const fn refused(
    keys: &'static [&'static str],
    but: &'static [&'static str],
    why: &'static str,
) -> Rule {
    Rule { keys, treatment: Treatment::Refused(but), why }
}
