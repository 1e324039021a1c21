//! Closures in a shared object that a host loads: driver and executor are the same host with the same plugin.
//!
//! The plugin has everything of Firesteel's inside, as Python's native module has; the host knows nothing of it but
//! [`plugin_main`]. The plugin reads the arguments of the process: `plugin PATH ROLE [NEWER]`.

use closure_matrix::chain::{Chain, Stage};
use closure_matrix::remote::{Answer, Remote, Request, check_here, encode};
use closure_matrix::{Checked, elsewhere, executor};
use std::process::Command;

/// Does what the arguments of the process say. Whether it went well; if not, it has said why.
// SAFETY: the host has no function of this name, and loads one plugin only.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_main() -> bool {
    let words: Vec<String> = std::env::args().skip(2).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let checked = match words[..] {
        [_, "executor"] => {
            executor::serve();
            Ok(())
        }
        [path, "driver"] => drive(path),
        [path, "replaced-unnamed", newer] => replaced_before_it_was_named(path, newer),
        [path, "replaced-named", newer] => replaced_after_it_was_named(path, newer),
        _ => Err(format!("did not understand {words:?}")),
    };
    checked.inspect_err(|why| eprintln!("plugin: {why}")).is_ok()
}

fn stages() -> Vec<Stage> {
    let mut stages = elsewhere::stages();
    let scaled = Chain::numbers().map_with(5, |factor, x| x * factor);
    stages.push(scaled.collect("a plugin's closure", |numbers| numbers.map(|x| x * 5).collect()));
    stages
}

fn other_host(path: &str) -> Checked<Remote> {
    Remote::start(Command::new("/proc/self/exe").args(["plugin", path, "executor"]))
}

fn drive(path: &str) -> Checked {
    let mut executor = other_host(path)?;
    for stage in stages() {
        check_here(&stage)?;
        executor.check(&stage)?;
    }
    // The plans name the plugin and not its host, whose hash the greeting has.
    let plan = stages()[0].plan().map_err(|e| e.to_string())?;
    if plan.objects.len() == 1 && plan.objects[0] != executor.hash.0 {
        Ok(())
    } else {
        Err(format!("the plan names {:?}", plan.objects))
    }
}

fn replace(path: &str, newer: &str) -> Checked {
    std::fs::rename(newer, path).map_err(|e| format!("{newer} does not take the place of {path}: {e}"))
}

/// The file is gone from which the code could be identified.
fn replaced_before_it_was_named(path: &str, newer: &str) -> Checked {
    replace(path, newer)?;
    match encode(&stages()[0]) {
        Err(why) if why.contains("replaced on disk") && why.contains(path) => Ok(()),
        other => Err(format!("code in a replaced plugin was named: {other:?}")),
    }
}

/// The code was identified in time; an executor that loads the newer file has other code.
fn replaced_after_it_was_named(path: &str, newer: &str) -> Checked {
    let plan = encode(&stages()[0])?;
    let hash = stages()[0].plan().map_err(|e| e.to_string())?.objects[0];
    replace(path, newer)?;
    check_here(&stages()[0])?;
    let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match other_host(path)?.ask(&Request { partition: Some(0), plan })? {
        Answer::Refused(why) if why.contains(&hash) => Ok(()),
        other => Err(format!("an executor with a newer plugin answered {other:?}")),
    }
}
