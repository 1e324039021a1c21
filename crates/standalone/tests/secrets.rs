//! Secrets after the end: a master remembers and shows nothing of ended applications with which processes could
//! be started.

use firesteel_standalone::*;
use firesteel_types::Millis;

const SECRET: &[u8] = b"a secret of the application's";

fn holds(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|window| window == SECRET)
}

/// All that was written down and all that was said to clients, as text of their encodings.
fn told(effects: &[Effect]) -> Vec<Vec<u8>> {
    let shown = effects.iter().filter_map(|effect| match effect {
        Effect::Persist(snapshot) => postcard::to_allocvec(snapshot).ok(),
        Effect::ToClient { answer, .. } => postcard::to_allocvec(answer).ok(),
        _ => None,
    });
    shown.collect()
}

#[test]
fn who_has_ended_leaves_no_secret() {
    let mut effects = vec![];
    let mut master = Master::new(Millis(0), Epoch(1), MasterSettings::default(), &mut effects);
    let spec = ApplicationSpec {
        name: "count".into(),
        user: "ada".into(),
        cores_max: None,
        cores_per_executor: None,
        memory_per_executor_mib: 1024,
        pages: None,
        launch: Payload::new(SECRET),
    };
    let (key, status) = (RequestKey::new("by chance"), ApplicationStatus::default());
    let message = ApplicationMessage::Register { key, known_as: None, spec, status };
    master.handle(Millis(1), Event::Application { link: Link(1), message }, &mut effects);
    let spec = DriverSpec { resources: Resources::new(1, 1), supervise: false, launch: Payload::new(SECRET) };
    let message = ClientMessage::SubmitDriver { key: RequestKey::new("another"), spec };
    master.handle(Millis(1), Event::Client { link: Link(2), message }, &mut effects);
    let driver = effects.iter().find_map(|effect| match effect {
        Effect::ToClient { answer: ClientAnswer::DriverSubmitted { driver }, .. } => Some(driver.clone()),
        _ => None,
    });
    assert!(
        told(&effects).iter().any(|bytes| holds(bytes)),
        "while they live it is kept, else this tests nothing"
    );

    let message = ApplicationMessage::Finished { failure: None };
    master.handle(Millis(2), Event::Application { link: Link(1), message }, &mut effects);
    let message = ClientMessage::KillDriver { driver: driver.unwrap() };
    master.handle(Millis(3), Event::Client { link: Link(2), message }, &mut effects);
    effects.clear();
    master.handle(Millis(4), Event::Client { link: Link(2), message: ClientMessage::Overview }, &mut effects);
    let answers = told(&effects);
    assert!(!answers.is_empty() && !answers.iter().any(|bytes| holds(bytes)), "{effects:?}");
    let overview = master.overview();
    assert_eq!((overview.ended_applications.len(), overview.ended_drivers.len()), (1, 1));
    assert!(!holds(&postcard::to_allocvec(&master.snapshot()).unwrap()));
}
