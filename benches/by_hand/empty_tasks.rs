//! Empty tasks by hand: boxed closures through a channel to a few threads, and their results back through
//! another.

use std::sync::{Mutex, mpsc};

use firesteel_benches::{params, report};

fn main() {
    let (tasks, threads) = (params::records(10_000), params::threads());
    report::measure(|| format!("count={} tasks={tasks}", run(tasks, threads)));
}

type Task = Box<dyn FnOnce() -> u64 + Send>;

fn run(tasks: u64, threads: usize) -> u64 {
    let (give, take) = mpsc::channel::<Task>();
    let (answer, answers) = mpsc::channel();
    let take = Mutex::new(take);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (take, answer) = (&take, answer.clone());
            scope.spawn(move || {
                loop {
                    let task = take.lock().expect("no task panics while it holds this").recv();
                    let Ok(task) = task else { break };
                    answer.send(task()).expect("the answers are read until the end");
                }
            });
        }
        drop(answer);
        (0..tasks).for_each(|_| give.send(Box::new(|| 0)).expect("the tasks are taken until the end"));
        drop(give);
        answers.iter().sum()
    })
}
