//! The thread of an application master: it sends heartbeats, passes on what their answers bring, and ends the application.
//!
//! A connection that breaks is opened again, and the same heartbeat is sent: the ResourceManager answers it in the same way.

use crate::YarnError;
use crate::application_master::ApplicationMaster;
use crate::ledger::{Command, News};
use crate::messages::{AllocateRequest, AllocateResponse, FinalStatus, Resource, Token};
use crate::shared::Shared;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The pause before the first heartbeat after a request. It doubles while containers are waited for, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The pause before a broken connection is opened again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The time for which a ResourceManager may be away: about as long as it waits for an application master.
const AWAY_AT_MOST: Duration = Duration::from_secs(600);

/// The time for which requests may be outstanding without a word to people.
const PATIENCE: Duration = Duration::from_secs(10);

/// The time from the announcement of a preemption to the container's end, unless the cluster says another.
const PREEMPTED_WITHIN: Duration = Duration::from_secs(15);

/// The thread's own.
pub(crate) struct Heart {
    shared: Arc<Shared>,
    master: ApplicationMaster,
    /// The newest token: the ResourceManager changes it daily.
    token: Token,
    pause: Duration,
    /// Since when containers are waited for, and whether people know.
    waiting: Option<(Instant, bool)>,
    free: Resource,
}

/// How a heartbeat went.
enum Beat {
    Answered(Box<AllocateResponse>),
    /// The application stops.
    Stopping,
    /// YARN has ended the application; why.
    Over(String),
    /// YARN will never lend it containers as they are asked for; why.
    Refused(String),
}

impl Heart {
    /// Makes the thread's part from a registered master.
    pub(crate) fn new(shared: Arc<Shared>, master: ApplicationMaster, token: Token) -> Heart {
        Heart { shared, master, token, pause: FIRST_PAUSE, waiting: None, free: Resource::default() }
    }

    /// Sends heartbeats until the application ends.
    pub(crate) fn run(mut self) {
        let over = loop {
            let Some(request) = self.next() else { break None };
            match self.beat(request) {
                Beat::Answered(answer) => {
                    if let Some(over) = self.answered(*answer) {
                        break Some(over);
                    }
                }
                Beat::Stopping => break None,
                Beat::Over(why) => break Some(why),
                Beat::Refused(why) => {
                    self.finish_with(FinalStatus::Failed, &why);
                    break Some(why);
                }
            }
        };
        match over {
            Some(why) => self.shared.listener.over(&why),
            None => self.finish(),
        }
        self.shared.state.lock().has_ended = true;
        self.shared.changed.notify_all();
    }

    /// Ends the application as its program did.
    fn finish(&mut self) {
        let status = self.shared.state.lock().status;
        let (status, why) = match status {
            None => return tracing::info!("the program failed, and YARN runs it again"),
            Some(status @ FinalStatus::Failed) => (
                status,
                "the program failed: what it wrote to standard error, in its container's logs, says why",
            ),
            Some(status @ (FinalStatus::Succeeded | FinalStatus::Killed)) => (status, ""),
        };
        self.finish_with(status, why);
    }

    fn finish_with(&mut self, status: FinalStatus, why: &str) {
        let pages = self.shared.settings.pages.clone();
        let mut finished = self.master.finish(status, why, &pages);
        if matches!(finished, Err(YarnError::Broken { .. })) {
            finished = self.reconnect().and_then(|()| self.master.finish(status, why, &pages));
        }
        if let Err(error) = finished {
            tracing::warn!("the application's end could not be told to YARN: {error}");
            self.shared.kill("its driver has ended");
        }
    }

    /// Waits for the time of the next heartbeat, or for something to tell. Returns none when the application stops.
    fn next(&mut self) -> Option<AllocateRequest> {
        let deadline = Instant::now() + self.pause;
        let mut state = self.shared.state.lock();
        while !state.is_stopping && !state.ledger.has_something_to_tell() {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        if state.is_stopping {
            return None;
        }
        let most = self.shared.settings.heartbeat;
        self.pause = match (state.ledger.has_something_to_tell(), state.ledger.outstanding()) {
            (true, _) => FIRST_PAUSE.min(most),
            (false, 0) => most,
            (false, _) => (self.pause * 2).min(most),
        };
        Some(state.ledger.heartbeat())
    }

    /// Sends a heartbeat until it is answered.
    fn beat(&mut self, mut request: AllocateRequest) -> Beat {
        let mut gone_since: Option<Instant> = None;
        loop {
            let error = match self.master.allocate(&request) {
                Ok(answer) => return Beat::Answered(Box::new(answer)),
                Err(error) => error,
            };
            if error.is("ApplicationAttemptNotFoundException")
                || matches!(error, YarnError::Unauthorized { .. })
            {
                return Beat::Over(self.shared.verdict(&error));
            }
            if error.is("ApplicationMasterNotRegisteredException") {
                match self.register_again(&request) {
                    Ok(again) => request = again,
                    Err(error) => {
                        tracing::warn!("the application could not register with YARN again: {error}")
                    }
                }
            } else if error.is("InvalidLabelResourceRequestException") {
                return Beat::Refused(self.refused_label(&error));
            } else if error.is("InvalidResourceRequestException") {
                let count = self.shared.state.lock().ledger.refused();
                self.shared.listener.refused(count, &error.to_string());
                request.ask.clear();
                continue;
            }
            let since = *gone_since.get_or_insert_with(|| {
                tracing::warn!("{error}; it is tried again");
                Instant::now()
            });
            if since.elapsed() > AWAY_AT_MOST {
                return Beat::Over(self.shared.verdict(&error));
            }
            if self.pauses() {
                return Beat::Stopping;
            }
            if let Err(error @ YarnError::Unauthorized { .. }) = self.reconnect() {
                return Beat::Over(self.shared.verdict(&error));
            }
        }
    }

    fn refused_label(&self, error: &YarnError) -> String {
        let label = self.shared.settings.node_labels.as_deref().unwrap_or_default();
        let queue = &self.shared.settings.labels.queue;
        format!(
            "YARN does not lend containers with the node label `{label}`: {error}. Set \
             `firesteel.yarn.executor.node_label_expression` to one that the cluster has (`yarn cluster --list-node-labels`) and the \
             queue `{queue}` may use, or leave it out"
        )
    }

    /// Waits a moment; returns whether the application stops meanwhile.
    fn pauses(&self) -> bool {
        let mut state = self.shared.state.lock();
        let deadline = Instant::now() + RETRY_PAUSE;
        while !state.is_stopping && !self.shared.changed.wait_until(&mut state, deadline).timed_out() {}
        state.is_stopping
    }

    fn reconnect(&mut self) -> Result<(), YarnError> {
        let schedulers = self.shared.settings.place.configuration.schedulers()?;
        self.master = ApplicationMaster::connect(&schedulers, &self.token)?;
        Ok(())
    }

    /// Registers with a ResourceManager that was started again; returns a heartbeat that tells it everything.
    fn register_again(&mut self, request: &AllocateRequest) -> Result<AllocateRequest, YarnError> {
        let settings = &self.shared.settings;
        match self.master.register(settings.host(), &settings.pages) {
            Err(error) if !error.is("InvalidApplicationMasterRequestException") => return Err(error),
            _ => {}
        }
        let mut state = self.shared.state.lock();
        state.ledger.registered_again();
        let mut again = state.ledger.heartbeat();
        again.release.extend(request.release.iter().cloned());
        Ok(again)
    }

    /// Passes on what an answer brings; returns why the application is over, if it is.
    fn answered(&mut self, answer: AllocateResponse) -> Option<String> {
        self.free = answer.limit.clone().unwrap_or_default();
        let (news, outstanding) = {
            let mut state = self.shared.state.lock();
            let news = state.ledger.answered(answer);
            if news.command == Some(Command::Resync) {
                state.ledger.registered_again();
            }
            (news, state.ledger.outstanding())
        };
        let News { lent, gone, taken_soon, command, token } = news;
        if let Some(token) = token {
            self.token = token;
        }
        self.tell_of_waiting(outstanding, !lent.is_empty());
        if !lent.is_empty() {
            self.shared.launch_all(lent);
        }
        for name in taken_soon {
            self.shared.listener.preempted(&name, self.preempted_within());
        }
        for (name, loss) in gone {
            self.shared.listener.lost(&name, loss);
        }
        // `YarnManager::stop` waits for the last one.
        self.shared.changed.notify_all();
        match command {
            Some(Command::ShutDown) => {
                let error =
                    YarnError::malformed("the application", "its ResourceManager told it to shut down");
                Some(self.shared.verdict(&error))
            }
            Some(Command::Resync) => {
                let settings = &self.shared.settings;
                if let Err(error) = self.master.register(settings.host(), &settings.pages) {
                    tracing::warn!("the application could not register with YARN again: {error}");
                }
                None
            }
            None => None,
        }
    }

    /// Returns the time from the announcement of a preemption to the container's end, as the cluster has it.
    fn preempted_within(&self) -> Duration {
        let key = "yarn.resourcemanager.monitor.capacity.preemption.max_wait_before_kill";
        let set = self.shared.settings.place.configuration.get(key).and_then(|text| text.parse().ok());
        set.map_or(PREEMPTED_WITHIN, Duration::from_millis)
    }

    /// Tells people when nothing has come for a while. YARN itself does not say why.
    fn tell_of_waiting(&mut self, outstanding: u32, has_come: bool) {
        if outstanding == 0 || has_come {
            self.waiting = None;
        }
        if outstanding == 0 {
            return;
        }
        let (since, is_told) = self.waiting.get_or_insert_with(|| (Instant::now(), false));
        if *is_told || since.elapsed() < PATIENCE {
            return;
        }
        *is_told = true;
        let queue = &self.shared.settings.labels.queue;
        let avoided = self.shared.state.lock().ledger.avoided();
        let off = match avoided.is_empty() {
            true => String::new(),
            false => format!(
                " on other hosts than {avoided}, from which the application keeps away since tasks failed there"
            ),
        };
        let (memory, cores) = (self.free.memory.unwrap_or(0), self.free.virtual_cores.unwrap_or(0));
        self.shared.listener.waits(&format!(
            "YARN's queue `{queue}` has lent none of {outstanding} containers{off} for {} s; it says that {memory} MiB and {cores} cores are \
             free for this application. Others may use the queue or the cluster, or it is at its limit: its ResourceManager's pages tell",
            since.elapsed().as_secs()
        ));
    }
}
