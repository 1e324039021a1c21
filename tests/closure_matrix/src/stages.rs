//! The stages that are sent: each kind of closure that a program may hold.

use closure_matrix::chain::{Chain, Stage};
use closure_matrix::elsewhere;
use serde::{Deserialize, Serialize};

/// Closures of one text, so that a linker may fold their code.
pub const TWINS: usize = 100;

/// An environment of the user's own.
#[derive(Serialize, Deserialize)]
struct Scale {
    factor: i64,
    unit: String,
    table: Vec<(i64, Option<char>)>,
}

macro_rules! ten {
    ($each:expr) => {
        [$each, $each, $each, $each, $each, $each, $each, $each, $each, $each]
    };
}

/// A hundred closures of a hundred types with the same body.
pub fn twins() -> Vec<Stage> {
    let chains = ten!(ten!(Chain::numbers().map(|x| x * 2 + 1)));
    let twins = chains.into_iter().flatten().enumerate();
    twins
        .map(|(index, chain)| {
            chain.collect(&format!("twin {index}"), |numbers| numbers.map(|x| x * 2 + 1).collect())
        })
        .collect()
}

/// A closure that differs from instance to instance by a constant.
fn plus<const N: i64>() -> Stage {
    Chain::numbers().map(|x| x + N).collect(&format!("plus {N}"), |numbers| numbers.map(|x| x + N).collect())
}

fn with_environment() -> Stage {
    let scale = Scale { factor: 7, unit: "mm".into(), table: vec![(14, Some('!')), (21, None)] };
    Chain::numbers()
        .map_with(scale, |scale, x| {
            let value = x * scale.factor;
            let mark = scale.table.iter().find(|(key, _)| *key == value).and_then(|(_, mark)| *mark);
            format!("{value} {}{}", scale.unit, mark.unwrap_or('.'))
        })
        .collect("an environment", |numbers| {
            numbers.map(|x| format!("{} mm{}", x * 7, if x == 2 { '!' } else { '.' })).collect()
        })
}

fn in_whole_partitions() -> Stage {
    Chain::numbers()
        .flat_map(|x| (0..x % 4).map(|y| y * y).collect::<Vec<_>>())
        .map_partitions(|records| [records.sum::<i64>()])
        .collect("whole partitions", |numbers| vec![numbers.flat_map(|x| 0..x % 4).map(|y| y * y).sum()])
}

fn functions_by_name() -> Stage {
    Chain::numbers()
        .map(elsewhere::negated)
        .map(i64::abs)
        .map(Some)
        .collect("functions by name", |numbers| numbers.map(Some).collect())
}

fn a_long_chain() -> Stage {
    let chain = (0..500).fold(Chain::numbers(), |chain, step| chain.map_with(step % 3, |step, x| x + step));
    chain.collect("a chain of 500", |numbers| numbers.map(|x| x + 499).collect())
}

/// All that should run.
pub fn all() -> Vec<Stage> {
    let mut stages = twins();
    stages.extend([plus::<0>(), plus::<1>(), plus::<-1>(), plus::<2>(), plus::<{ i64::MAX - 100 }>()]);
    stages.extend([with_environment(), in_whole_partitions(), functions_by_name(), a_long_chain()]);
    // Instantiated here, with a closure of this crate around one of that crate.
    stages.push(
        elsewhere::keyed(Chain::numbers().map(|x| x.to_string()), |text| text.len() as i64)
            .collect("a generic function", |numbers| {
                numbers.map(|x| (x.to_string().len() as i64, x.to_string())).collect()
            }),
    );
    stages.extend(elsewhere::stages());
    stages
}

/// One whose function panics.
pub fn panicking() -> Stage {
    Chain::numbers().map(|x| 100 / (x - 1)).collect("a panic", |_| vec![])
}
