//! Call sites from Python, which are lines of the program: `map at app.py:12`.

use firesteel_types::CallSite;

/// Parses the text of a call site.
pub(crate) fn parse(text: &str) -> CallSite {
    let whole = || CallSite { operation: text.into(), ..CallSite::default() };
    let Some((operation, place)) = text.split_once(" at ") else { return whole() };
    let Some((file, line)) = place.rsplit_once(':') else { return whole() };
    let Ok(line) = line.parse() else { return whole() };
    CallSite { operation: operation.into(), file: file.into(), line, column: 0 }
}
