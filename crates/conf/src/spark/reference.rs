//! The table as Markdown, for docs/configuration.md.

use super::GROUPS;
use super::rule::{InRust, Treatment};
use std::fmt;

/// The table as Markdown, for docs/configuration.md.
pub struct Reference;

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, rules) in GROUPS {
            writeln!(
                f,
                "### {title}\n\n| settings of Spark | here | why, or what to do |\n| --- | --- | --- |"
            )?;
            for rule in *rules {
                let keys: Vec<_> = rule.keys.iter().map(|key| format!("`{key}`")).collect();
                writeln!(
                    f,
                    "| {} | {} | {}. |",
                    keys.join(", "),
                    Here(rule.treatment),
                    first_upper(rule.why)
                )?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The treatment, in a few words.
struct Here(Treatment);

impl fmt::Display for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let but = |f: &mut fmt::Formatter<'_>, what: &str, values: &[&str]| match values {
            [] => write!(f, "{what}"),
            values => write!(f, "{what}, but for `{}`", values.join("`, `")),
        };
        match self.0 {
            Treatment::Obeyed => write!(f, "obeyed"),
            Treatment::InPython(InRust::Harmless) => write!(f, "obeyed in Python"),
            Treatment::InPython(InRust::Refused(instead)) => {
                write!(f, "obeyed in Python; refused in Rust: {instead}")
            }
            Treatment::Harmless => write!(f, "harmless"),
            Treatment::Warned(values) => but(f, "a warning", values),
            Treatment::Refused(values) => but(f, "refused", values),
        }
    }
}
