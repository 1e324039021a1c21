//! What processes of a cluster say to each other, once they have shown each other the secret: words to and from masters and agents, and
//! requests for blocks. What is decoded can be encoded, and is then the same.

use firesteel_cluster::standalone::messages::{FromMaster, ToMaster};
use firesteel_data::block::{decode_value, encode_value};
use firesteel_executor::agent_messages::{FromAgent, Register, ToAgent};
use firesteel_executor::blocks::BlockRequest;
use firesteel_executor::messages::{receive, receive_at_most, send};
use firesteel_standalone::{
    ApplicationMessage, ApplicationSpec, ApplicationStatus, ClientAnswer, ClientMessage, Epoch, FencedOrder,
    Payload, RequestKey, Resources, WorkerId, WorkerMessage, WorkerOffer, WorkerOrder, WorkerReport,
};
use firesteel_types::{BroadcastId, ExecutorId, Partition, ShuffleId, StageId, TaskId};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The same bytes as each kind of word, by themselves and framed.
pub(crate) fn messages(data: &[u8]) {
    word::<ToMaster>(data);
    word::<FromMaster>(data);
    word::<ToAgent>(data);
    word::<FromAgent>(data);
    word::<BlockRequest>(data);
    // A length that is promised takes no memory, and one that no word has is an error at once.
    while_there_are::<ToMaster>(data, u64::MAX);
    while_there_are::<FromAgent>(data, 100);
}

fn word<T: Serialize + DeserializeOwned>(data: &[u8]) {
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
    let spec = ApplicationSpec {
        name: "count".into(),
        user: "ada".into(),
        cores_max: Some(4),
        cores_per_executor: None,
        memory_per_executor_mib: 1024,
        launch: Payload::new(&b"what a worker needs"[..]),
    };
    let (key, status) = (RequestKey::new("by chance"), ApplicationStatus::default());
    let offer = WorkerOffer { host: "a".into(), resources: Resources::new(4, 4096) };
    let register = Register {
        name: "0".into(),
        program: [7; 32],
        host: "a".into(),
        cores: 2,
        memory: 1 << 30,
        has_processes: false,
        blocks: "a:7000".into(),
        outputs_survive: true,
        process: 4711,
    };
    let order = FencedOrder { epoch: Epoch(3), order: WorkerOrder::Registered };
    let maps = vec![(Partition(0), TaskId(1)), (Partition(1), TaskId(2))];
    vec![
        encoded(&ToMaster::Application(ApplicationMessage::Register { key, known_as: None, spec, status })),
        encoded(&ToMaster::Worker(WorkerMessage::Register {
            worker: WorkerId::new("worker-a"),
            offer,
            report: WorkerReport::default(),
        })),
        encoded(&ToMaster::Client(ClientMessage::Overview)),
        encoded(&FromMaster::Worker(order)),
        encoded(&FromMaster::Client(ClientAnswer::Unknown)),
        encoded(&ToAgent::Kill(ExecutorId(1), TaskId(3))),
        encoded(&FromAgent::Register(register)),
        encoded(&FromAgent::Alive(vec![(ExecutorId(0), vec![TaskId(3)])])),
        encoded(&BlockRequest::MapOutputs { shuffle: ShuffleId(1), reducer: 2, maps }),
        encoded(&BlockRequest::BroadcastFrom(BroadcastId(1), "a:1".into())),
        encoded(&BlockRequest::Plan(StageId(1))),
    ]
}

fn encoded(value: &impl Serialize) -> Vec<u8> {
    encode_value(value).expect("plain data can be encoded")
}
