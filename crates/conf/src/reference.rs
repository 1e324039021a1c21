//! The reference of all settings, for docs/configuration.md.

use crate::settings::ALL;
use std::fmt;

/// The reference of all settings, as a Markdown table.
pub struct Reference;

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| setting | default | meaning |\n| --- | --- | --- |")?;
        ALL.iter().try_for_each(|entry| {
            let default =
                if entry.default.is_empty() { "(none)".into() } else { format!("`{}`", entry.default) };
            writeln!(f, "| `{}` | {default} | {} |", entry.key, entry.doc)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_holds_the_reference() {
        let documented = include_str!("../../../docs/configuration.md");
        let reference = Reference.to_string();
        assert!(
            documented.contains(&reference),
            "docs/configuration.md should hold this table:\n{reference}"
        );
    }

    #[test]
    fn the_reference_names_every_setting() {
        let text = Reference.to_string();
        assert!(ALL.iter().all(|entry| text.contains(entry.key)));
    }
}
