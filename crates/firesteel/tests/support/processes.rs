//! Contexts whose tasks run in two processes of their own, for tests that are to hold there, too; and a process for a test that
//! cannot share one. Those processes are the tests' own program, told to run [`executor_process`], or that test.

use firesteel::{AgentCommand, Builder, Context};

/// Not a test: an executor of a context on a local cluster.
#[test]
fn executor_process() {
    firesteel::become_executor_if_asked();
}

/// How executors are started.
pub(crate) fn agents() -> AgentCommand {
    AgentCommand {
        arguments: ["processes::executor_process", "--exact", "--nocapture"].map(String::from).into(),
        ..AgentCommand::own_program()
    }
}

/// A context to be: two processes that have so many slots together, one each at least.
pub(crate) fn two_processes(slots: u32) -> Builder {
    let master = format!("local-cluster[2,{},1024]", slots.div_ceil(2));
    // Blocks go from one to the other, not through files that both see.
    let builder = Context::builder().master(&master).conf("firesteel.shuffle.service.enabled", "false");
    builder
        .agent_command(agents())
        .conf("firesteel.local.dir", concat!(env!("CARGO_TARGET_TMPDIR"), "/processes"))
}

/// Tells this program that it was started for one test.
const ALONE_VARIABLE: &str = "FIRESTEEL_TEST_ALONE";

/// Whether this process was started for this test. In any other one, the test is run in a process to itself, and must pass there.
#[track_caller]
pub(crate) fn is_alone(test: &str) -> bool {
    if std::env::var_os(ALONE_VARIABLE).is_some() {
        return true;
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let output = command.args([test, "--exact", "--nocapture"]).env(ALONE_VARIABLE, "yes").output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{test}, in a process to itself:\n{out}{err}"
    );
    false
}
