//! Threads for the by-hand programs, which have no engine.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `task` for 0 to `tasks`, each thread taking the next number, and returns the results in order.
pub fn parallel<R: Send>(threads: usize, tasks: usize, task: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = (0..tasks).map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= tasks {
                break;
            }
            let result = task(index);
            *results[index].lock().expect("no task panics while it holds this") = Some(result);
        }
    };
    if threads == 1 {
        work();
    } else {
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    }
    let taken = results.into_iter().map(|result| result.into_inner().expect("no task panicked"));
    taken.map(|result| result.expect("every task ran")).collect()
}

/// Returns part `index` of `parts` of the range from 0 to `n`.
pub fn part(n: u64, index: usize, parts: usize) -> std::ops::Range<u64> {
    let (index, parts) = (index as u64, parts as u64);
    n * index / parts..n * (index + 1) / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_parts_cover_the_range() {
        assert_eq!(parallel(3, 10, |index| index * index)[9], 81);
        let parts: Vec<u64> = (0..3).flat_map(|index| part(10, index, 3)).collect();
        assert_eq!(parts, (0..10).collect::<Vec<_>>());
    }
}
