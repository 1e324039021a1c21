//! The executor process: reads plans from standard input, runs their tasks with the real decoder and runner,
//! and answers on standard output.
//!
//! It greets with the hash of its file and an address of its code. Then come requests (what to do, partition, length,
//! plan), each of which it answers (how it went, length, bytes), until its input ends.

use crate::remote::{Answer, Request};
use firesteel_closures::executable_hash;
use firesteel_executor::decode::decode;
use firesteel_executor::runner;
use firesteel_operators::{BarrierGate, CommitGate, Services, Stores, Task};
use firesteel_protocol::{BarrierOutcome, BarrierRefusal, DeliveredOutcome, TaskSpec};
use firesteel_storage::{Broadcasts, CachedBlocks, LocalDirs, MemoryPool};
use firesteel_types::{ExecutorId, JobId, Partition, StageAttempt, StageId, TaskId};
use std::io::{BufReader, BufWriter, Write, stdin, stdout};
use std::sync::Arc;

/// How much memory tasks may take.
const MEMORY: usize = 64 << 20;

struct AlwaysCommit;

impl CommitGate for AlwaysCommit {
    fn may_commit(&self, _: TaskId) -> bool {
        true
    }
}

impl BarrierGate for AlwaysCommit {
    fn sync(&self, _: TaskId, _: u32, _: Option<String>) -> BarrierOutcome {
        Err(BarrierRefusal::driver_is_gone())
    }
}

/// What tasks are lent.
pub fn services() -> Arc<Services> {
    let memory = Arc::new(MemoryPool::new(MEMORY));
    let dirs = LocalDirs::create(&std::env::temp_dir()).expect("the directory for temporary files takes one");
    let dirs = Arc::new(dirs);
    Arc::new(Services {
        executor: ExecutorId::DRIVER,
        application: 0,
        cached: CachedBlocks::new(memory.clone(), dirs.clone()),
        broadcasts: Arc::new(Broadcasts::new(memory.clone(), dirs.clone())),
        remote: None,
        memory,
        dirs,
        shuffles: Arc::default(),
        blocks: Arc::default(),
        stores: Stores::default(),
        commit: Arc::new(AlwaysCommit),
        barrier: Arc::new(AlwaysCommit),
    })
}

/// Serves until standard input ends.
pub fn serve() {
    let (mut from, mut to) = (BufReader::new(stdin().lock()), BufWriter::new(stdout().lock()));
    let hash = executable_hash().expect("this process has an executable file");
    let address = serve as *const () as usize as u64;
    to.write_all(&hash.0).and_then(|()| to.write_all(&address.to_le_bytes())).expect("the driver listens");
    to.flush().expect("the driver listens");
    let services = services();
    while let Some(request) = Request::read(&mut from).expect("the driver speaks in whole requests") {
        answer(&request, &services).write(&mut to).expect("the driver listens");
    }
}

/// Does what was asked.
pub fn answer(request: &Request, services: &Arc<Services>) -> Answer {
    let terminal = match decode(&request.plan, &services.broadcasts) {
        Ok(terminal) => terminal,
        Err(why) => return Answer::Refused(why),
    };
    let Some(partition) = request.partition else { return Answer::Decoded };
    let spec = TaskSpec {
        task: TaskId(0),
        stage: StageId(0),
        stage_attempt: StageAttempt(0),
        partition: Partition(partition),
        attempt: 0,
        inputs: Arc::new([]),
        cached: Arc::new([]),
        barrier_hosts: None,
        properties: Arc::default(),
        job: JobId(0),
    };
    let (outcome, _) = runner::run(&*terminal, &Task::new(spec, services.clone(), Arc::default()));
    match outcome {
        DeliveredOutcome::Result { bytes } => Answer::Result(bytes.0),
        DeliveredOutcome::Failed { failure } => Answer::Failed(failure.to_string()),
        DeliveredOutcome::MapOutput { .. } => Answer::Failed("the stage ended in a map output".into()),
    }
}
