//! Fuzzing regressions: inputs that once failed, and seeds broken in simple ways, through the functions that
//! the fuzzer runs.

use firesteel_fuzz::TARGETS;
use std::path::PathBuf;

fn regressions(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions").join(target)
}

#[test]
fn what_once_went_wrong_does_not_any_more() {
    for target in TARGETS {
        let Ok(files) = std::fs::read_dir(regressions(target.name)) else { continue };
        for file in files {
            let path = file.unwrap().path();
            eprintln!("{}", path.display());
            (target.run)(&std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn every_directory_of_regressions_has_a_target_and_every_target_a_binary() {
    // Not by way of the directory of regressions: there is none before the first.
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    for target in TARGETS {
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{} has no binary", target.name);
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    let Ok(directories) = std::fs::read_dir(regressions("")) else { return };
    for directory in directories {
        let name = directory.unwrap().file_name().into_string().unwrap();
        assert!(TARGETS.iter().any(|target| target.name == name), "{name} is no target");
    }
}

#[test]
fn seeds_cut_and_changed_everywhere() {
    for target in TARGETS {
        for seed in (target.seeds)() {
            (target.run)(&seed);
            let step = seed.len() / 60 + 1;
            for at in (0..seed.len()).step_by(step) {
                (target.run)(&seed[..at]);
                for flip in [0x01, 0x80, 0xFF] {
                    let mut changed = seed.clone();
                    changed[at] ^= flip;
                    (target.run)(&changed);
                }
            }
        }
    }
}

/// Writes the seeds where the fuzzer begins; `cargo xtask fuzz` runs it.
#[test]
#[ignore = "writes files: cargo xtask fuzz runs it"]
fn write_seeds() {
    for target in TARGETS {
        let directory = regressions("../corpus").join(target.name);
        std::fs::create_dir_all(&directory).unwrap();
        for (index, seed) in (target.seeds)().into_iter().enumerate() {
            std::fs::write(directory.join(format!("seed-{index}")), seed).unwrap();
        }
    }
}
