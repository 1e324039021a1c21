//! Drivers that are killed in the second stage of a job, whose first stage has ended, with a shuffle storage: the next driver runs
//! none of the first stage's tasks again but those whose outputs are not there any more.

use super::*;

/// The number of map tasks, and of objects in the storage, which have one output each.
const MAPS: usize = 4;

/// The program: a job of two stages. Words tell the factor of its data, the directory of its storage, and whether its data have a
/// local checkpoint.
pub(super) fn program(dir: &Path, told: &str) {
    let words: Vec<&str> = told.split(' ').collect();
    let (factor, storage): (i64, &str) = (words[0].parse().unwrap(), words[1]);
    fs::write(dir.join("pid"), std::process::id().to_string()).unwrap();
    let below = |name: &str| dir.join(name).to_str().unwrap().to_string();
    let here = Here { dir: dir.to_str().unwrap().into() };
    let mark = fs::read_to_string(dir.join("mark")).unwrap();
    let sc = builder("local-cluster[2,1,512]", &dir.join("local"), &mark);
    let sc = sc.conf("spark.driver.recovery.dir", &below("recovery"));
    let sc = sc.conf("spark.shuffle.storage", &format!("file://{}", below(storage)));
    let sc = sc.conf("spark.shuffle.storage.write", "through").conf("spark.shuffle.storage.objectSize", "1");
    let sc = sc.create().unwrap();
    let (mapped, reduced) = (sc.long_accumulator(), sc.long_accumulator());
    let numbers: Vec<i64> = (0..400).map(|x| x * factor).collect();
    let numbers = sc.parallelize(numbers, MAPS);
    if words.contains(&"checkpointed") {
        numbers.local_checkpoint();
        assert_eq!(numbers.count().unwrap(), 400);
    }
    let pairs = numbers.map_partitions_with_index_with(
        (here.clone(), mapped.adder()),
        |(here, mapped), partition, all| {
            here.note("map", partition);
            let mapped = mapped.clone();
            all.inspect(move |_| mapped.add(1)).map(|x| (x % 10, x))
        },
    );
    let sums = pairs.reduce_by_key_into(3, |a, b| a + b).map_partitions_with_index_with(
        (here, reduced.adder()),
        |(here, reduced), partition, all| {
            here.task("reduce", partition, "in the second stage");
            let reduced = reduced.clone();
            all.inspect(move |_| reduced.add(1))
        },
    );
    let sums = sorted(sums.collect().unwrap());
    let answers = format!("{:?}", (sums, mapped.value(), reduced.value()));
    fs::write(dir.join("answers"), answers).unwrap();
    sc.stop();
}

/// The answers for the data of a factor.
fn expected(factor: i64) -> String {
    let mut sums: BTreeMap<i64, i64> = BTreeMap::new();
    (0..400).map(|x| x * factor).for_each(|x| *sums.entry(x % 10).or_default() += x);
    let keys = sums.len();
    format!("{:?}", (sums.into_iter().collect::<Vec<_>>(), 400, keys))
}

/// An application whose first driver was killed in the second stage.
fn killed_in_the_second_stage() -> Application {
    killed_in_the_second_stage_of("1 storage")
}

fn killed_in_the_second_stage_of(program: &str) -> Application {
    let application = Application::new(true);
    fs::write(application.dir.path().join("staged"), program).unwrap();
    let status = application.start().wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}: {}", said(&application));
    assert_eq!(maps(&application), MAPS);
    assert_eq!(objects(&application).len(), MAPS, "the storage outlives the driver");
    application
}

fn said(application: &Application) -> String {
    fs::read_to_string(application.dir.path().join("stderr")).unwrap()
}

/// The number of times that map tasks ran.
fn maps(application: &Application) -> usize {
    application.runs().iter().filter(|(task, _)| task.starts_with("map-")).map(|(_, runs)| runs).sum()
}

fn objects(application: &Application) -> Vec<std::path::PathBuf> {
    files_below(&application.dir.path().join("storage"), "")
}

/// Runs the next driver to its end. Returns the number of times that its map tasks ran.
#[track_caller]
fn next(application: &Application, factor: i64) -> usize {
    let before = maps(application);
    let status = application.start().wait().unwrap();
    assert!(status.success(), "{status}: {}", said(application));
    assert_eq!(application.answers(), expected(factor), "{}", said(application));
    let storage = application.dir.path().join("storage");
    assert_eq!(
        fs::read_dir(storage).unwrap().count(),
        0,
        "the application has ended, and leaves nothing there"
    );
    maps(application) - before
}

#[test]
fn a_stage_that_has_ended_is_not_run_again_by_the_next_driver() {
    let application = killed_in_the_second_stage();
    assert_eq!(next(&application, 1), 0, "{}", said(&application));
}

#[test]
fn a_map_task_whose_object_is_gone_or_cut_short_runs_again_alone() {
    for is_cut in [false, true] {
        let application = killed_in_the_second_stage();
        let object = &objects(&application)[1];
        match is_cut {
            true => fs::OpenOptions::new().write(true).open(object).unwrap().set_len(3).unwrap(),
            false => fs::remove_file(object).unwrap(),
        }
        assert_eq!(next(&application, 1), 1, "{}", said(&application));
        assert!(said(&application).contains("1 of the 4 map outputs"), "{}", said(&application));
    }
}

#[test]
fn an_object_that_is_broken_is_found_out_when_it_is_read() {
    let application = killed_in_the_second_stage();
    let object = &objects(&application)[1];
    let mut bytes = fs::read(object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(object, bytes).unwrap();
    assert_eq!(next(&application, 1), 1, "{}", said(&application));
}

#[test]
fn another_storage_has_nothing_and_the_first_one_is_cleaned_all_the_same() {
    let application = killed_in_the_second_stage();
    fs::write(application.dir.path().join("staged"), "1 elsewhere").unwrap();
    assert_eq!(next(&application, 1), MAPS);
    let elsewhere = application.dir.path().join("elsewhere");
    assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 0, "nor is anything left there");
}

#[test]
fn map_outputs_of_a_program_that_has_changed_are_not_believed() {
    let application = killed_in_the_second_stage();
    fs::write(application.dir.path().join("staged"), "3 storage").unwrap();
    assert_eq!(next(&application, 3), MAPS);
    let said = said(&application);
    assert!(
        said.contains("shuffle 0") && said.contains("is not the one of this number in the journal"),
        "{said}"
    );
}

#[test]
fn what_reads_a_local_checkpoint_runs_again_since_that_is_made_anew() {
    let application = killed_in_the_second_stage_of("1 storage checkpointed");
    assert_eq!(next(&application, 1), MAPS, "{}", said(&application));
}
