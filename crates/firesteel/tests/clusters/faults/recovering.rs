//! Drivers that are killed and started again with `spark.driver.recovery.dir`: one program of a dozen jobs is killed at each of its
//! places, between jobs and in the middle of them, and comes to the answer of one that is left alone; what was done is not done again.

mod stages;

use super::support::*;
use firesteel::{Order, StorageLevel};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Tells this program to be a driver that is killed at its places, and the directory in which it is one.
const VARIABLE: &str = "FIRESTEEL_TEST_RECOVERING";

/// The places of the program at which its driver is killed.
const PLACES: [&str; 16] = [
    "at the beginning",
    "in a map",
    "after the count",
    "in a reduce",
    "after the sums",
    "in the sort",
    "after the sort",
    "in a save",
    "after the save",
    "in what is checkpointed",
    "after the checkpoint",
    "behind the checkpoint",
    "after the broadcast",
    "in an action",
    "after the action",
    "before the end",
];

/// What tasks know: where they leave their signs.
#[derive(Clone, Serialize, Deserialize)]
struct Here {
    dir: String,
}

impl Here {
    /// The driver is killed the first time that it, or one of its tasks, comes here.
    fn pass(&self, place: &str) {
        let dir = Path::new(&self.dir);
        if dir.join("kills").exists() && Signs(format!("{}/kills", self.dir)).give(place) {
            let driver: u32 = fs::read_to_string(dir.join("pid")).unwrap().parse().unwrap();
            kill(driver);
            if driver == std::process::id() {
                die();
            }
        }
    }

    /// Notes that a task runs.
    fn note(&self, name: &str, partition: usize) {
        let runs = fs::OpenOptions::new().append(true).create(true).open(Path::new(&self.dir).join("runs"));
        runs.unwrap().write_all(format!("{name}-{partition}\n").as_bytes()).unwrap();
    }

    /// Notes that a task runs, and passes a place if it is in the middle of others.
    fn task(&self, name: &str, partition: usize, place: &str) {
        self.note(name, partition);
        if partition == 1 {
            self.pass(place);
        }
    }
}

/// The program: a dozen jobs. It ends with its answers in a file.
fn program(dir: &Path) -> firesteel::Result<()> {
    fs::write(dir.join("pid"), std::process::id().to_string()).unwrap();
    let here = Here { dir: dir.to_str().unwrap().into() };
    let below = |name: &str| format!("{}/{name}", here.dir);
    let mark = fs::read_to_string(dir.join("mark")).unwrap();
    let sc = builder("local-cluster[2,1,512]", &dir.join("local"), &mark);
    let sc = sc.conf("spark.driver.recovery.dir", &below("recovery")).create()?;
    sc.set_checkpoint_dir(&below("checkpoints"))?;
    let (added, acted) = (sc.long_accumulator(), sc.long_accumulator());
    here.pass("at the beginning");

    let numbers = sc.parallelize((0..400_i64).collect::<Vec<_>>(), 4).map_partitions_with_index_with(
        (here.clone(), added.adder()),
        |(here, added), partition, all| {
            here.task("map", partition, "in a map");
            let added = added.clone();
            all.inspect(move |_| added.add(1))
        },
    );
    let count = numbers.count()?;
    let added_by_count = added.value();
    here.pass("after the count");

    let pairs = sc.range_in(0..400, 4).map(|x| (x % 10, x));
    let sums =
        pairs.reduce_by_key(|a, b| a + b).map_partitions_with_index_with(here.clone(), |here, at, all| {
            here.task("reduce", at, "in a reduce");
            all
        });
    let sums = sorted(sums.collect()?);
    here.pass("after the sums");

    let backwards = numbers.map_partitions_with_index_with(here.clone(), |here, partition, all| {
        here.task("sort", partition, "in the sort");
        all
    });
    let backwards = backwards.sort_by(|x| -x, Order::Ascending).take(5)?;
    here.pass("after the sort");

    let lines = numbers.map_partitions_with_index_with(here.clone(), |here, partition, all| {
        here.task("save", partition, "in a save");
        all.map(|x| x.to_string())
    });
    lines.save_as_text_file(&below("out"))?;
    here.pass("after the save");

    let squares = numbers.map_partitions_with_index_with(here.clone(), |here, partition, all| {
        here.task("square", partition, "in what is checkpointed");
        all.map(|x| x * x)
    });
    squares.checkpoint()?;
    let squared: i64 = squares.reduce(|a, b| a + b)?;
    here.pass("after the checkpoint");
    let behind = squares.map_partitions_with_index_with(here.clone(), |here, partition, all| {
        here.task("behind", partition, "behind the checkpoint");
        all.map(|x| x + 1)
    });
    let behind: i64 = behind.reduce(|a, b| a + b)?;

    let names = sc.broadcast(sums.clone())?;
    let known =
        numbers.map_with(names, |names, x| names.value()[x as usize % 10].1).reduce(|a, b| a.max(b))?;
    here.pass("after the broadcast");

    numbers.foreach_partition_with((here.clone(), acted.adder()), |(here, acted), all| {
        let mut all = all.peekable();
        here.task("act", all.peek().map_or(0, |first| *first as usize / 100), "in an action");
        all.for_each(|x| acted.add(x));
    })?;
    here.pass("after the action");

    // The directory is there: no driver writes it twice.
    let refused = numbers.map(|x| x.to_string()).save_as_text_file(&below("out"));
    let refused = refused.is_err_and(|error| error.to_string().contains("exists"));
    here.pass("before the end");
    let answers = (count, added_by_count, sums, backwards, squared, behind);
    let answers = (answers, known, added.value(), acted.value(), refused, squares.is_checkpointed());
    fs::write(dir.join("answers"), format!("{answers:?}")).unwrap();
    sc.stop();
    Ok(())
}

/// Not a test: the driver that the tests below start.
#[test]
fn driver_process() {
    if let Some(dir) = std::env::var_os(VARIABLE) {
        let dir = Path::new(&dir);
        let told = |name: &str| fs::read_to_string(dir.join(name));
        if dir.join("numbers").exists() {
            return caching_program(dir);
        }
        match (told("changing"), told("saving"), told("staged")) {
            (Ok(told), ..) => changing_program(dir, &told),
            (_, Ok(told), _) => saving_program(dir, &told),
            (.., Ok(told)) => stages::program(dir, &told),
            _ => program(dir).unwrap(),
        }
    }
}

/// One application, whose driver is started as often as is needed.
struct Application {
    dir: tempfile::TempDir,
}

impl Application {
    fn new(kills: bool) -> Application {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::write(dir.path().join("mark"), new_mark()).unwrap();
        if kills {
            fs::create_dir(dir.path().join("kills")).unwrap();
        }
        Application { dir }
    }

    fn start(&self) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["faults::recovering::driver_process", "--exact", "--nocapture"]);
        let log = |name: &str| {
            fs::OpenOptions::new().append(true).create(true).open(self.dir.path().join(name)).unwrap()
        };
        command
            .env(VARIABLE, self.dir.path())
            .stdin(Stdio::null())
            .stdout(log("stdout"))
            .stderr(log("stderr"));
        command.spawn().unwrap()
    }

    /// Starts drivers until one ends by itself. Returns how many were killed.
    #[track_caller]
    fn run(&self) -> usize {
        for killed in 0..=PLACES.len() {
            let status = self.start().wait().unwrap();
            if status.success() {
                return killed;
            }
            let told = fs::read_to_string(self.dir.path().join("stderr")).unwrap();
            assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}: {told}");
        }
        panic!("it is killed for ever");
    }

    fn answers(&self) -> String {
        fs::read_to_string(self.dir.path().join("answers")).unwrap()
    }

    /// How often each task ran.
    fn runs(&self) -> BTreeMap<String, usize> {
        let runs = fs::read_to_string(self.dir.path().join("runs")).unwrap();
        runs.lines().fold(BTreeMap::new(), |mut counts, task| {
            *counts.entry(task.to_string()).or_default() += 1;
            counts
        })
    }

    /// The files of its output, with their contents.
    fn output(&self) -> BTreeMap<String, String> {
        let files = fs::read_dir(self.dir.path().join("out")).unwrap();
        let contents = |path: &Path| fs::read_to_string(path).unwrap();
        let files = files.map(|file| file.unwrap().path());
        files
            .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), contents(&path)))
            .collect()
    }
}

#[test]
fn a_driver_that_is_killed_at_each_place_takes_up_where_it_was() {
    let (calm, killed) = (Application::new(false), Application::new(true));
    assert_eq!(calm.run(), 0);
    assert_eq!(killed.run(), PLACES.len(), "each place has killed it once");
    assert_eq!(killed.answers(), calm.answers());
    assert_eq!(killed.output(), calm.output());
    // A job in whose middle the driver was killed runs once more. The maps run for each job that needs them.
    let calm_runs = calm.runs();
    for (task, runs) in killed.runs() {
        let jobs_killed = if task.starts_with("map-") { 6 } else { 1 };
        assert!(runs <= calm_runs[&task] + jobs_killed, "{task} ran {runs} times, not {}", calm_runs[&task]);
    }
    for application in [&calm, &killed] {
        let dir = application.dir.path();
        let left = files_below(&dir.join("recovery"), "");
        assert!(left.is_empty(), "the journal of an application that has ended is removed: {left:?}");
        assert_eq!(files_below(&dir.join("checkpoints"), ""), Vec::<std::path::PathBuf>::new());
        let mark = fs::read_to_string(dir.join("mark")).unwrap();
        wait_until("no executor is left", || marked(&mark).is_empty());
    }
}

#[test]
fn two_drivers_do_not_share_a_journal() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let recovery = dir.path().join("recovery");
    let start = || {
        let builder = builder("local[1]", &dir.path().join("local"), "");
        builder.conf("spark.driver.recovery.dir", recovery.to_str().unwrap()).create()
    };
    let first = start().unwrap();
    says(start(), &["another driver has the journal", "spark.driver.recovery.dir"]);
    first.stop();
    start().unwrap().stop();
    let encrypted =
        builder("local[1]", &dir.path().join("local"), "").conf("spark.io.encryption.enabled", "true");
    let encrypted = encrypted.conf("spark.driver.recovery.dir", recovery.to_str().unwrap());
    says(encrypted.create(), &["spark.io.encryption.enabled", "encrypted file system"]);
}

/// Another program, whose data are told by a file. It ends as the file says: as one that is done, or as one that has failed.
fn changing_program(dir: &Path, told: &str) {
    let (factor, is_last) = told.split_once(' ').unwrap();
    let factor: i64 = factor.parse().unwrap();
    let sc = builder("local[2]", &dir.join("local"), "");
    let sc = sc.conf("spark.driver.recovery.dir", dir.join("recovery").to_str().unwrap()).create().unwrap();
    let ran = sc.long_accumulator();
    let here = Here { dir: dir.to_str().unwrap().into() };
    let first: i64 = sc.range_in(0..10, 2).reduce(|a, b| a + b).unwrap();
    let numbers = sc.parallelize((0..10).map(|x| x * factor).collect::<Vec<_>>(), 2);
    let numbers = numbers.map_with((ran.adder(), here), |(ran, here), x| {
        ran.add(1);
        here.task("number", x as usize, "nowhere");
        x
    });
    let second: i64 = numbers.reduce(|a, b| a + b).unwrap();
    let third: i64 = numbers.map(|x| x + 1).reduce(|a, b| a + b).unwrap();
    fs::write(dir.join("answers"), format!("{:?}", (first, second, third, ran.value()))).unwrap();
    match is_last {
        "done" => sc.stop(),
        _ => drop(sc.range_in(0..1, 1).foreach(|_| panic!("the program fails"))),
    }
}

#[test]
fn a_program_that_has_changed_runs_anew_from_there_on() {
    let application = Application::new(false);
    let run = |told: &str| {
        fs::write(application.dir.path().join("changing"), told).unwrap();
        fs::write(application.dir.path().join("runs"), "").unwrap();
        assert_eq!(application.run(), 0);
        (application.answers(), application.runs().values().sum::<usize>())
    };
    assert_eq!(run("1 failed"), ("(45, 45, 55, 10)".into(), 20));
    assert_eq!(
        run("1 failed"),
        ("(45, 45, 55, 10)".into(), 0),
        "all that was added is there, and nothing ran"
    );
    assert_eq!(run("3 failed"), ("(45, 135, 145, 10)".into(), 20), "other data: both jobs run");
    let told = fs::read_to_string(application.dir.path().join("stderr")).unwrap();
    assert!(told.contains("the program has changed") && told.contains("recovering.rs"), "{told}");
    assert_eq!(run("3 done"), ("(45, 135, 145, 10)".into(), 0));
    assert_eq!(run("3 done"), ("(45, 135, 145, 10)".into(), 20), "the application had ended");
}

/// A program that removes its output before it saves, and checkpoints between two jobs whose data a file tells. It ends
/// as one that has failed.
fn saving_program(dir: &Path, told: &str) {
    let (factor, what) = told.split_once(' ').unwrap();
    let factor: i64 = factor.parse().unwrap();
    let below = |name: &str| dir.join(name).to_str().unwrap().to_string();
    let sc = builder("local[2]", &dir.join("local"), "");
    let sc = sc.conf("spark.driver.recovery.dir", &below("recovery")).create().unwrap();
    sc.set_checkpoint_dir(&below("checkpoints")).unwrap();
    let here = Here { dir: dir.to_str().unwrap().into() };
    let ran = |name: &'static str, factor: i64| {
        let numbers = sc.parallelize((0..10).map(|x| x * factor).collect::<Vec<_>>(), 2);
        numbers.map_with((here.clone(), name.to_string()), |(here, name), x| {
            here.task(name, 0, "nowhere");
            x
        })
    };
    if what == "removes" {
        let _ = fs::remove_dir_all(dir.join("out"));
    }
    let before: i64 = ran("before", 1).reduce(|a, b| a + b).unwrap();
    let saved = ran("saved", factor).map(|x| x.to_string()).save_as_text_file(&below("out"));
    let saved = saved.map_err(|error| error.to_string().contains("exists"));
    let kept = ran("kept", 1);
    kept.checkpoint().unwrap();
    let counted: i64 = kept.reduce(|a, b| a + b).unwrap();
    let answers = format!("{:?}", (before, saved, counted, kept.is_checkpointed()));
    fs::write(dir.join("answers"), answers).unwrap();
    sc.range_in(0..1, 1).foreach(|_| panic!("the program fails")).unwrap_err();
}

/// Runs [`saving_program`] as it is told; returns its answers, and the names of the parts that ran.
fn run_saving(application: &Application, told: &str) -> (String, Vec<String>) {
    fs::write(application.dir.path().join("saving"), told).unwrap();
    fs::write(application.dir.path().join("runs"), "").unwrap();
    assert_eq!(application.run(), 0);
    (application.answers(), application.runs().into_keys().collect())
}

const SAVED: &str = "(45, Ok(()), 45, true)";

#[test]
fn an_output_that_the_program_removes_before_it_saves_is_written_again() {
    let application = Application::new(false);
    let all = ["before-0", "kept-0", "saved-0"].map(String::from).to_vec();
    assert_eq!(run_saving(&application, "1 removes"), (SAVED.into(), all));
    let output = application.output();
    assert!(output.contains_key("_SUCCESS") && output["part-00001"].ends_with("9\n"), "{output:?}");
    for _ in 0..2 {
        let (answers, ran) = run_saving(&application, "1 removes");
        assert_eq!(
            (answers.as_str(), ran),
            (SAVED, vec!["saved-0".to_string()]),
            "the jobs round it are known"
        );
        assert_eq!(application.output(), output);
    }
    let (answers, ran) = run_saving(&application, "1 leaves");
    assert_eq!((answers.as_str(), ran), (SAVED, vec![]), "it is there");
    assert_eq!(application.output(), output);
}

#[test]
fn a_program_that_has_changed_makes_its_checkpoints_again_and_leaves_what_others_saved() {
    let application = Application::new(false);
    run_saving(&application, "1 removes");
    let output = application.output();
    let refused = "(45, Err(true), 45, true)";
    for _ in 0..2 {
        let (answers, ran) = run_saving(&application, "3 leaves");
        assert_eq!(answers, refused, "what is saved is another thing, and the directory is there");
        assert!(!ran.contains(&"saved-0".to_string()), "{ran:?}");
        assert_eq!(application.output(), output, "it stays as it was");
    }
    let (answers, _) = run_saving(&application, "3 removes");
    assert_eq!(answers, SAVED);
    assert!(application.output()["part-00001"].ends_with("27\n"));
    let (answers, ran) = run_saving(&application, "3 leaves");
    assert_eq!((answers.as_str(), ran), (SAVED, vec![]));
}

/// A program whose driver is killed between two jobs over a file that it has cached.
fn caching_program(dir: &Path) {
    fs::write(dir.join("pid"), std::process::id().to_string()).unwrap();
    let here = Here { dir: dir.to_str().unwrap().into() };
    let mark = fs::read_to_string(dir.join("mark")).unwrap();
    let sc = builder("local-cluster[1,1,512]", &dir.join("local"), &mark);
    let sc = sc.conf("spark.driver.recovery.dir", dir.join("recovery").to_str().unwrap()).create().unwrap();
    let lines = sc.text_file(dir.join("numbers").to_str().unwrap(), Some(2)).unwrap();
    let numbers = lines.map_partitions_with(here.clone(), |here, lines| {
        here.task("numbers", 0, "nowhere");
        lines.map(|line| line.parse::<i64>().unwrap())
    });
    numbers.persist(StorageLevel::DISK_ONLY);
    let sum: i64 = numbers.reduce(|a, b| a + b).unwrap();
    here.pass("after the sum");
    let doubled: i64 = numbers.map(|x| 2 * x).reduce(|a, b| a + b).unwrap();
    fs::write(dir.join("answers"), format!("{:?}", (sum, doubled))).unwrap();
    sc.stop();
}

#[test]
fn what_a_killed_driver_had_cached_is_not_read_by_the_next() {
    let application = Application::new(true);
    let numbers = application.dir.path().join("numbers");
    fs::write(&numbers, "1\n2\n3\n").unwrap();
    assert_eq!(application.start().wait().unwrap().signal(), Some(Signal::KILL.as_raw()));
    assert_eq!(application.runs()["numbers-0"], 2);
    fs::write(&numbers, "4\n5\n6\n").unwrap();
    assert_eq!(application.run(), 0);
    // The answer of the first job is known: its files have the lengths that they had.
    assert_eq!((application.answers().as_str(), application.runs()["numbers-0"]), ("(6, 30)", 4));
}
