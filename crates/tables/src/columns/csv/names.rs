//! The names of columns, from the fields of a header.

use std::collections::HashMap;

/// Returns the names of columns: `_c0` for a field that is missing or the text of nulls, and a number behind a name that
/// comes twice, whose case does not matter.
pub(super) fn column_names(fields: &[Option<String>], null: &str) -> Vec<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for name in fields.iter().flatten() {
        *counts.entry(name.to_lowercase()).or_default() += 1;
    }
    let name = |(index, field): (usize, &Option<String>)| match field {
        None => format!("_c{index}"),
        Some(name) if name == null => format!("_c{index}"),
        Some(name) if counts.get(&name.to_lowercase()).is_some_and(|count| *count > 1) => {
            format!("{name}{index}")
        }
        Some(name) => name.clone(),
    };
    fields.iter().enumerate().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(fields: &str) -> String {
        let fields: Vec<_> =
            fields.split(',').map(|name| (!name.is_empty()).then(|| name.to_string())).collect();
        column_names(&fields, "N").join(",")
    }

    #[test]
    fn nulls_and_twins_get_numbers() {
        assert_eq!(names("a,b,c"), "a,b,c");
        assert_eq!(names("a,A,b"), "a0,A1,b");
        assert_eq!(names("a,,b"), "a,_c1,b");
        assert_eq!(names("a,a1,a"), "a0,a1,a2");
        assert_eq!(names(",,"), "_c0,_c1,_c2");
        assert_eq!(names("N,n,b"), "_c0,n1,b");
    }
}
