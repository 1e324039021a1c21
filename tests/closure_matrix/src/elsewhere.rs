//! Closures in a crate that the program depends on.

use crate::chain::{Chain, Stage};
use firesteel_closures::Plain;
use firesteel_data::Data;

/// A generic helper, as users write them: its closure is instantiated wherever it is called.
pub fn keyed<T: Data, F: Fn(&T) -> i64 + Plain>(chain: Chain<T>, key: F) -> Chain<(i64, T)> {
    chain.map(move |record| (key(&record), record))
}

/// A function for the sake of its address: the program passes it by name.
pub fn negated(x: i64) -> i64 {
    -x
}

/// Stages whose closures are all of this crate.
pub fn stages() -> Vec<Stage> {
    let doubled = Chain::numbers().map(|x| x * 2);
    let text = Chain::numbers().map_with(String::from("#"), |sign, x| format!("{sign}{x}"));
    vec![
        doubled.collect("a dependency's closure", |numbers| numbers.map(|x| x * 2).collect()),
        text.collect("a dependency's environment", |numbers| numbers.map(|x| format!("#{x}")).collect()),
        keyed(Chain::numbers(), |x| x % 3)
            .collect("a dependency's generic function", |numbers| numbers.map(|x| (x % 3, x)).collect()),
    ]
}
