//! Status queries of a program about its own jobs and stages: while they run, when they ended, when they
//! failed.

use crate::waiting::wait_until;
use firesteel::{Context, JobState, StageInfo};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

fn context() -> Context {
    Context::builder().master("local[2]").conf("firesteel.memory", "64m").create().unwrap()
}

#[track_caller]
fn counts(stage: &StageInfo) -> (u32, u32, u32, u32) {
    (stage.tasks, stage.active_tasks, stage.completed_tasks, stage.failed_tasks)
}

#[test]
fn a_running_job_shows_its_tasks_and_an_ended_one_what_became_of_it() {
    static GO: AtomicBool = AtomicBool::new(false);
    let sc = context();
    sc.set_job_group("slow");
    let held = sc.range_in(0..3, 3).map(|n| {
        wait_until("the test has seen enough", || GO.load(SeqCst));
        n
    });
    let sum = held.count_async();
    sc.clear_job_group();
    wait_until("two tasks run", || sc.stage_info(0).is_some_and(|stage| stage.active_tasks == 2));
    assert_eq!((sc.active_job_ids(), sc.active_stage_ids()), (vec![0], vec![0]));
    assert_eq!((sc.job_ids_for_group(Some("slow")), sc.job_ids_for_group(None)), (vec![0], vec![]));
    assert_eq!(counts(&sc.stage_info(0).unwrap()), (3, 2, 0, 0));
    let job = sc.job_info(0).unwrap();
    assert_eq!((job.state, job.stages, job.group.as_deref()), (JobState::Running, vec![0], Some("slow")));
    assert!(job.name.starts_with("count_async at "), "{}", job.name);
    GO.store(true, SeqCst);
    assert_eq!(sum.wait().unwrap(), 3);
    assert_eq!(sc.job_info(0).unwrap().state, JobState::Succeeded);
    assert_eq!(counts(&sc.stage_info(0).unwrap()), (3, 0, 3, 0));
    assert_eq!((sc.active_job_ids(), sc.active_stage_ids()), (vec![], vec![]));
    assert_eq!((sc.job_info(1), sc.stage_info(1)), (None, None));
}

#[test]
fn a_skipped_stage_is_known_by_its_tasks_and_the_shuffle_is_written_once() {
    let sc = context();
    let sums = sc.range_in(0..10, 4).map(|n| (n % 2, n)).reduce_by_key_into(3, |a, b| a + b);
    for _ in 0..2 {
        assert_eq!(sums.count().unwrap(), 2);
    }
    assert_eq!(sc.job_ids_for_group(None), [0, 1]);
    let stages = |job| sc.job_info(job).unwrap().stages;
    let of_job =
        |job| stages(job).into_iter().map(|stage| counts(&sc.stage_info(stage).unwrap())).collect::<Vec<_>>();
    assert_eq!(of_job(0), [(4, 0, 4, 0), (3, 0, 3, 0)]);
    assert_eq!(of_job(1), [(4, 0, 0, 0), (3, 0, 3, 0)]);
    let names: Vec<String> = stages(0).into_iter().map(|stage| sc.stage_info(stage).unwrap().name).collect();
    assert!(names[0].starts_with("reduce_by_key_into at ") && names[1].starts_with("count at "), "{names:?}");
}

#[test]
fn one_job_is_cancelled_with_the_reason_that_was_given_and_others_go_on() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let sc = context();
    let endless = sc.range_in(0..1, 1).map_partitions(|_| {
        let bound = Instant::now() + Duration::from_secs(180);
        std::iter::from_fn(move || (!STOP.load(SeqCst) && Instant::now() < bound).then_some(0))
    });
    let first = endless.count_async();
    wait_until("its task runs", || sc.stage_info(0).is_some_and(|stage| stage.active_tasks == 1));
    assert_eq!(sc.range_in(0..10, 2).count().unwrap(), 10);
    assert_eq!(sc.active_job_ids(), [0]);
    sc.cancel_job(7, "there is none");
    sc.cancel_job(0, "the user went home");
    let told = first.wait().unwrap_err().to_string();
    assert!(told.contains("[SPARK_JOB_CANCELLED] Job 0 cancelled because the user went home"), "{told}");
    let job = sc.job_info(0).unwrap();
    assert_eq!(job.state, JobState::Failed);
    assert_eq!(
        job.failure.as_deref(),
        Some("[SPARK_JOB_CANCELLED] Job 0 cancelled because the user went home")
    );
    STOP.store(true, SeqCst);
}

#[test]
fn failed_attempts_are_counted() {
    let sc = context();
    let failed = sc.range_in(0..2, 2).map(|n| if n == 1 { panic!("one is too many") } else { n }).count();
    assert!(failed.is_err());
    let job = sc.job_info(0).unwrap();
    assert!(job.state == JobState::Failed && job.failure.unwrap().contains("one is too many"));
    assert_eq!(sc.stage_info(0).unwrap().failed_tasks, 4);
}

#[test]
fn old_jobs_and_stages_are_forgotten() {
    let sc = context();
    let one = sc.range_in(0..1, 1);
    for _ in 0..1001 {
        one.count().unwrap();
    }
    assert_eq!((sc.job_info(0), sc.stage_info(0)), (None, None));
    assert_eq!(sc.job_ids_for_group(None).len(), 1000);
    assert_eq!(sc.stage_info(1000).unwrap().completed_tasks, 1);
}
