//! Output when executors die in the middle of it: committed once, exactly the right lines, `_SUCCESS` last.

use super::support::*;
use std::fs;
use std::path::Path;

/// All lines of a saved directory, which is complete.
#[track_caller]
fn lines(out: &Path, parts: usize) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let expected: Vec<String> =
        ["_SUCCESS".into()].into_iter().chain((0..parts).map(|part| format!("part-{part:05}"))).collect();
    assert_eq!(names, expected);
    let texts = names[1..].iter().map(|name| fs::read_to_string(out.join(name)).unwrap());
    texts.collect::<String>().lines().map(String::from).collect()
}

fn expected(records: i64) -> Vec<String> {
    (0..records).map(|x| x.to_string()).collect()
}

#[test]
fn its_writer_dies_in_the_middle_of_a_file() {
    let cluster = Cluster::start(2, 1, &[SERVED]);
    let (signs, out, added) = (cluster.signs(), cluster.path("out"), cluster.sc.long_accumulator());
    let numbers = cluster.sc.range_in(0..200_000, 4).map_with((signs.clone(), added.adder()), |env, x| {
        env.1.add(1);
        if x == 120_000 && env.0.give("dead") {
            die();
        }
        x
    });
    numbers.save_as_text_file(out.to_str().unwrap()).unwrap();
    assert_eq!(lines(&out, 4), expected(200_000));
    assert_eq!(added.value(), 200_000);
    cluster.end();
}

/// It has asked, or renamed, or not yet told: at any of these moments the directory of its attempt is there, or has just gone.
#[test]
fn its_writer_dies_while_it_commits() {
    let cluster = Cluster::start(2, 1, &[ALONE]);
    let (signs, out) = (cluster.signs(), cluster.path("out"));
    let env = (signs.clone(), out.to_str().unwrap().to_string());
    let numbers = cluster.sc.range_in(0..40, 8).map_partitions_with_index_with(env, |env, index, all| {
        let (signs, out) = env.clone();
        // Two of them die as soon as something is committed for their partition; others at some moment after they have written.
        if index % 3 == 0 && signs.give(&format!("doomed-{index}")) {
            std::thread::spawn(move || {
                let committed = |path: &std::path::PathBuf| {
                    path.to_string_lossy().contains(&format!("committed/{index}/"))
                };
                wait_until("it is committed", || files_below(Path::new(&out), "part-").iter().any(committed));
                die()
            });
        }
        all
    });
    numbers.save_as_text_file(out.to_str().unwrap()).unwrap();
    assert_eq!(lines(&out, 8), expected(40));
    cluster.end();
}

#[test]
fn a_job_that_fails_leaves_no_output() {
    let cluster = Cluster::start(2, 1, &[SERVED]);
    let out = cluster.path("out");
    let numbers = cluster.sc.range_in(0..4, 4).map(|x| if x == 3 { die() } else { x });
    says(numbers.save_as_text_file(out.to_str().unwrap()), &["was lost", "SIGKILL"]);
    assert!(!out.exists());
    cluster.end();
}
