//! Actions that do not block: each runs on a thread of its own and can be waited for, awaited, or cancelled.

use super::Rdd;
use crate::{Context, Error, Result};
use firesteel_closures::{Plain, assert_captures_nothing};
use firesteel_data::{Data, Environment};
use firesteel_driver::site;
use firesteel_operators::PartitionIter;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

/// A running action.
///
/// ```
/// # fn main() -> firesteel::Result<()> {
/// # let sc = firesteel::Context::builder().master("local[2]").create()?;
/// let (small, large) = (sc.range(0..10).count_async(), sc.range(0..1000).count_async());
/// assert_eq!((small.wait()?, large.wait()?), (10, 1000));
/// # Ok(())
/// # }
/// ```
pub struct FutureAction<R> {
    context: Context,
    tag: String,
    shared: Arc<Shared<R>>,
}

struct Shared<R> {
    state: Mutex<State<R>>,
    done: Condvar,
}

struct State<R> {
    result: Option<Result<R>>,
    is_done: bool,
    waker: Option<Waker>,
}

impl<R: Send + 'static> FutureAction<R> {
    fn start(context: &Context, action: impl FnOnce() -> Result<R> + Send + 'static) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let tag = format!("firesteel-async-{}", SERIAL.fetch_add(1, Ordering::Relaxed));
        let state = State { result: None, is_done: false, waker: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), done: Condvar::new() });
        let future = FutureAction { context: context.clone(), tag: tag.clone(), shared: shared.clone() };
        let (context, local) = (context.clone(), context.driver().with_local(|local| local.clone()));
        let body = move || {
            context.driver().with_local(|mine| *mine = local);
            context.add_job_tag(&tag);
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(action));
            context.driver().with_local(|mine| *mine = Default::default());
            shared.finish(
                result.unwrap_or_else(|_| Err(Error::Start("the action panicked on the driver".into()))),
            );
        };
        let thread = std::thread::Builder::new().name("firesteel-action".into()).spawn(body);
        if let Err(error) = thread {
            future.shared.finish(Err(Error::Start(format!("no thread for the action: {error}"))));
        }
        future
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// When the job failed or was cancelled.
    pub fn wait(self) -> Result<R> {
        let mut state = self.shared.state();
        loop {
            match state.result.take() {
                Some(result) => return result,
                None => self.shared.done.wait(&mut state),
            }
        }
    }

    /// Asks for the job to end. Waiting then gives an error, unless the answer came first.
    pub fn cancel(&self) {
        self.context.cancel_jobs_with_tag(&self.tag);
    }

    /// Returns whether the answer, or the failure, has come.
    pub fn is_completed(&self) -> bool {
        self.shared.state().is_done
    }
}

impl<R> Shared<R> {
    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock()
    }

    fn finish(&self, result: Result<R>) {
        let mut state = self.state();
        state.result = Some(result);
        state.is_done = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
        self.done.notify_all();
    }
}

impl<R: Send + 'static> Future for FutureAction<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<Result<R>> {
        let mut state = self.shared.state();
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T: Data> Rdd<T> {
    /// [`Rdd::collect`] without blocking.
    #[track_caller]
    pub fn collect_async(&self) -> FutureAction<Vec<T>> {
        let (rdd, site) = (self.clone(), site("collect_async", Location::caller()));
        FutureAction::start(self.context(), move || rdd.collect_at(site, rdd.all_partitions()))
    }

    /// [`Rdd::count`] without blocking.
    #[track_caller]
    pub fn count_async(&self) -> FutureAction<u64> {
        let (rdd, site) = (self.clone(), site("count_async", Location::caller()));
        FutureAction::start(self.context(), move || Ok(rdd.counts(site)?.into_iter().sum()))
    }

    /// [`Rdd::take`] without blocking.
    #[track_caller]
    pub fn take_async(&self, n: usize) -> FutureAction<Vec<T>> {
        let (rdd, site) = (self.clone(), site("take_async", Location::caller()));
        FutureAction::start(self.context(), move || rdd.take_at(site, n))
    }

    /// [`Rdd::foreach`] without blocking.
    #[track_caller]
    pub fn foreach_async<F: Fn(T) + Plain>(&self, f: F) -> FutureAction<()> {
        const { assert_captures_nothing::<F>() };
        let (rdd, site) = (self.clone(), site("foreach_async", Location::caller()));
        FutureAction::start(self.context(), move || rdd.foreach_at(site, &(), move |_: &(), x| f(x)))
    }

    /// [`Rdd::foreach_partition`] without blocking.
    #[track_caller]
    pub fn foreach_partition_async<F: Fn(PartitionIter<T>) + Plain>(&self, f: F) -> FutureAction<()> {
        const { assert_captures_nothing::<F>() };
        let (rdd, site) = (self.clone(), site("foreach_partition_async", Location::caller()));
        let each = move |_: &(), records| f(records);
        FutureAction::start(self.context(), move || rdd.foreach_partition_at(site, &(), each))
    }

    /// [`Rdd::foreach_with`] without blocking.
    #[track_caller]
    pub fn foreach_async_with<E: Environment, F: Fn(&E, T) + Plain>(
        &self,
        environment: E,
        f: F,
    ) -> FutureAction<()> {
        const { assert_captures_nothing::<F>() };
        let (rdd, site) = (self.clone(), site("foreach_async_with", Location::caller()));
        FutureAction::start(self.context(), move || rdd.foreach_at(site, &environment, f))
    }

    /// [`Rdd::foreach_partition_with`] without blocking.
    #[track_caller]
    pub fn foreach_partition_async_with<E: Environment, F: Fn(&E, PartitionIter<T>) + Plain>(
        &self,
        environment: E,
        f: F,
    ) -> FutureAction<()> {
        const { assert_captures_nothing::<F>() };
        let (rdd, site) = (self.clone(), site("foreach_partition_async_with", Location::caller()));
        FutureAction::start(self.context(), move || rdd.foreach_partition_at(site, &environment, f))
    }
}
