//! Keys: Spark's spelling of a key, the key that an unknown one looks most like, and the keys of secrets.

use crate::settings::{ALL, IGNORE_EMPTY_SPLITS};

/// Returns whether the value of a setting must not be shown: keys, secrets and tokens.
///
/// ```
/// assert!(firesteel_conf::is_secret("firesteel.hadoop.fs.s3a.secret.key") && !firesteel_conf::is_secret("firesteel.master"));
/// ```
pub fn is_secret(key: &str) -> bool {
    key.ends_with(".key")
        || key.ends_with(".token")
        || key.ends_with(".secret")
        || key.to_ascii_lowercase().ends_with("password")
}

/// Translates Spark's spelling to Firesteel's: another prefix, and words with underscores instead of capitals.
pub(crate) fn canonical(key: &str) -> String {
    // The one name of Spark's that the rule does not translate.
    if key == "spark.hadoopRDD.ignoreEmptySplits" {
        return IGNORE_EMPTY_SPLITS.key.into();
    }
    let bare = key.strip_prefix("spark.").or_else(|| key.strip_prefix("firesteel.")).unwrap_or(key);
    let mut text = String::from("firesteel.");
    for c in bare.chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

pub(crate) fn nearest(key: &str) -> Option<&'static str> {
    const CLOSE: usize = 5;
    let distances = ALL.iter().map(|entry| (edits(key, entry.key), entry.key));
    distances.min().filter(|(distance, _)| *distance <= CLOSE).map(|(_, key)| key)
}

/// Returns Levenshtein's distance.
pub(crate) fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
