//! Decoders of messages between the processes of a cluster, after the handshake: messages to and from masters, agents and
//! workers, and requests for blocks. A message that is decoded can be encoded, and is then the same.

use firesteel_data::block::{decode_value, encode_value};
use firesteel_net::{receive, receive_at_most, send};
use firesteel_protocol::handshake::{
    AgentReply, FilesSecret, RegisterAgent, RemoteConfig, StorageConfig, StorageWrite, Welcome, WorkerInit,
    WorkerReady,
};
use firesteel_protocol::standalone::{
    ApplicationMessage, ApplicationSpec, ApplicationStatus, ClientAnswer, ClientMessage, Epoch, FencedOrder,
    FileRequest, FromMaster, LaunchDriver, LaunchExecutor, Payload, Program, RequestKey, Resources, ToMaster,
    WorkerId, WorkerMessage, WorkerOffer, WorkerOrder, WorkerReport,
};
use firesteel_protocol::{
    BlockRequest, DeliveredOutcome, FromExecutor, MigrateOrder, OutputsName, PlanBytes, ResultOnExecutor,
    StoreOrder, TaskReport, TaskSpec, ToExecutor,
};
use firesteel_types::{
    BlockKey, BroadcastId, ExecutorId, JobId, Partition, RddId, ShuffleId, ShuffleOutputs, StageAttempt,
    StageId, StoredObject, StoredOutputs, TaskFailure, TaskId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Decodes the same bytes as each kind of message, by themselves and framed.
pub(crate) fn messages(data: &[u8]) {
    message::<ToMaster>(data);
    message::<FromMaster>(data);
    message::<LaunchDriver>(data);
    message::<LaunchExecutor>(data);
    message::<FileRequest>(data);
    message::<RegisterAgent>(data);
    message::<AgentReply>(data);
    message::<WorkerInit>(data);
    message::<WorkerReady>(data);
    message::<ToExecutor>(data);
    message::<FromExecutor>(data);
    message::<BlockRequest>(data);
    // A length that is promised takes no memory, and one that no message has is an error at once.
    while_there_are::<ToMaster>(data, u64::MAX);
    while_there_are::<FromExecutor>(data, 100);
}

fn message<T: Serialize + DeserializeOwned>(data: &[u8]) {
    let Ok(value) = decode_value::<T>(data) else { return };
    let bytes = encode_value(&value).expect("what was decoded can be encoded");
    let again = decode_value::<T>(&bytes).expect("and decoded again");
    assert_eq!(encode_value(&again).expect("once more"), bytes);
    let mut framed = vec![];
    send(&mut framed, &value).expect("a buffer takes everything");
    assert!(matches!(receive::<T>(&mut &framed[..]), Ok(Some(_))));
    assert!(!matches!(receive::<T>(&mut &framed[..framed.len() - 1]), Ok(Some(_))), "it was cut");
}

fn while_there_are<T: DeserializeOwned>(mut data: &[u8], most: u64) {
    while let Ok(Some(_)) = receive_at_most::<T>(&mut data, most) {}
}

pub(crate) fn message_seeds() -> Vec<Vec<u8>> {
    [standalone_seeds(), handshake_seeds(), executor_seeds(), request_seeds()].concat()
}

fn standalone_seeds() -> Vec<Vec<u8>> {
    let spec = ApplicationSpec {
        name: "count".into(),
        user: "ada".into(),
        cores_max: Some(4),
        cores_per_executor: None,
        memory_per_executor_mib: 1024,
        pages: None,
        launch: Payload::new(&b"what a worker needs"[..]),
    };
    let (key, status) = (RequestKey::new("by chance"), ApplicationStatus::default());
    let offer = WorkerOffer { host: "a".into(), resources: Resources::new(4, 4096), pages: None };
    let register =
        WorkerMessage::Register { worker: WorkerId::new("worker-a"), offer, report: WorkerReport::default() };
    let launch = LaunchExecutor {
        program: Program::Shipped { hash: [7; 32] },
        arguments: vec!["-v".into()],
        environment: vec![("KEY".into(), "value".into())],
        driver: "a:7000".into(),
        secret: None,
        service: true,
        encrypted: false,
    };
    vec![
        encoded(&ToMaster::Application {
            message: ApplicationMessage::Register { key, known_as: None, spec, status },
        }),
        encoded(&ToMaster::Worker { message: register }),
        encoded(&ToMaster::Client { message: ClientMessage::Overview }),
        encoded(&FromMaster::Worker {
            order: FencedOrder { epoch: Epoch(3), order: WorkerOrder::Registered { pages: None } },
        }),
        encoded(&FromMaster::Client { answer: ClientAnswer::Unknown }),
        encoded(&launch),
        encoded(&FileRequest::Put { hash: [7; 32], at: 3, bytes: vec![1, 2] }),
    ]
}

fn handshake_seeds() -> Vec<Vec<u8>> {
    let register = RegisterAgent {
        name: "0".into(),
        program: [7; 32],
        host: "a".into(),
        cores: 2,
        memory: 1 << 30,
        has_processes: false,
        blocks: "a:7000".into(),
        cached: "a:7001".into(),
        outputs_survive: true,
        process: 4711,
    };
    let storage = StorageConfig {
        life: 0,
        directory: "s3a://bucket/a".into(),
        write: StorageWrite::Through,
        object_bytes: 1 << 20,
    };
    let welcome = Welcome {
        application: 1,
        executors: vec![ExecutorId(0)],
        slots: 2,
        settings: vec![("spark.app.name".into(), "count".into())],
        heartbeat_ms: 1000,
        timeout_ms: 5000,
        retries: 3,
        retry_wait_ms: 100,
        setting: Some("{}".into()),
        encrypted: true,
        storage: Some(storage.clone()),
    };
    let remote = RemoteConfig {
        secret: Some("s".into()),
        driver: "a:1".into(),
        here: "b:1".into(),
        retries: 3,
        retry_wait_ms: 100,
        timeout_ms: 1000,
        storage: Some(storage),
    };
    let init = WorkerInit {
        executor: ExecutorId(1),
        application: 1,
        directory: "/tmp/a".into(),
        memory: 1 << 20,
        settings: vec![],
        remote: Some(remote),
        files_secret: Some(FilesSecret("f".into())),
    };
    vec![
        encoded(&register),
        encoded(&AgentReply::Accepted { welcome }),
        encoded(&AgentReply::Refused { reason: "no".into() }),
        encoded(&init),
        encoded(&WorkerReady { process: 4711 }),
    ]
}

fn executor_seeds() -> Vec<Vec<u8>> {
    let (executor, task, key) =
        (ExecutorId(1), TaskId(3), BlockKey { rdd: RddId(1), partition: Partition(2), version: 0 });
    let spec = TaskSpec {
        task,
        stage: StageId(1),
        stage_attempt: StageAttempt(0),
        job: JobId(0),
        partition: Partition(2),
        attempt: 0,
        inputs: Arc::from([]),
        cached: Arc::from([(RddId(1), 0)]),
        barrier_hosts: Some(Arc::from(["a".to_owned()])),
        properties: Arc::default(),
    };
    let outputs = Arc::new(ShuffleOutputs { shuffle: ShuffleId(1), generation: 2, maps: vec![] });
    let announced = vec![OutputsName { shuffle: ShuffleId(1), generation: 2 }];
    let order = MigrateOrder { number: 1, executor, from: "a:1".into(), outputs: vec![], cached: vec![key] };
    let result = ResultOnExecutor { bytes: 1 << 30, address: "a:1".into() };
    let reports = [
        TaskReport::ResultOnExecutor { result },
        DeliveredOutcome::of_result(vec![1, 2, 3]).into(),
        DeliveredOutcome::MapOutput { shuffle: ShuffleId(1), map: Partition(0), bytes: 9, checksum: 8 }
            .into(),
        DeliveredOutcome::failed(TaskFailure::CommitDenied).into(),
    ];
    let finished = reports.map(|report| {
        encoded(&FromExecutor::Finished { executor, task, report, updates: vec![], metrics: None })
    });
    let mut seeds = vec![
        encoded(&ToExecutor::Outputs { outputs }),
        encoded(&ToExecutor::Launch { executor, task: spec, announced }),
        encoded(&ToExecutor::Kill { executor, task }),
        encoded(&ToExecutor::Plan { stage: StageId(1), plan: Ok(PlanBytes(vec![1])) }),
        encoded(&ToExecutor::BarrierAnswer {
            executor,
            task,
            epoch: 0,
            outcome: Ok(Arc::from(["said".to_owned()])),
        }),
        encoded(&ToExecutor::Migrate { order }),
        encoded(&ToExecutor::Store {
            order: StoreOrder { number: 1, outputs: vec![(ShuffleId(1), Partition(2), task)] },
        }),
        encoded(&ToExecutor::ForgetStored { shuffle: ShuffleId(1) }),
        encoded(&FromExecutor::OutputsStored {
            stored: StoredOutputs {
                shuffle: ShuffleId(1),
                object: StoredObject { life: 0, by: executor, number: 1, index_at: 100, length: 120 },
                outputs: vec![(Partition(2), task)],
            },
        }),
        encoded(&FromExecutor::Stored { executor, key, size: Default::default() }),
        encoded(&FromExecutor::BarrierSync { executor, task, epoch: 0, message: Some("said".into()) }),
        encoded(&FromExecutor::Alive { running: vec![(executor, vec![task])], memory: vec![] }),
    ];
    seeds.extend(finished);
    seeds
}

fn request_seeds() -> Vec<Vec<u8>> {
    let maps = vec![(Partition(0), TaskId(1)), (Partition(1), TaskId(2))];
    vec![
        encoded(&BlockRequest::MapOutputs { shuffle: ShuffleId(1), reducer: 2, maps }),
        encoded(&BlockRequest::BroadcastFrom { id: BroadcastId(1), asker: "a:1".into() }),
        encoded(&BlockRequest::Plan { stage: StageId(1) }),
    ]
}

fn encoded(value: &impl Serialize) -> Vec<u8> {
    encode_value(value).expect("plain data can be encoded")
}
