//! Contexts whose tasks run in two processes of their own, for tests that are to hold there, too. Those processes are the test's own
//! program, told to run [`executor_process`].

use firesteel::{AgentCommand, Builder, Context};

/// Not a test: an executor of a context on a local cluster.
#[test]
fn executor_process() {
    firesteel::become_executor_if_asked();
}

/// A context to be: two processes that have so many slots together, one each at least.
pub(crate) fn two_processes(slots: u32) -> Builder {
    let agents = AgentCommand {
        arguments: ["processes::executor_process", "--exact", "--nocapture"].map(String::from).into(),
        ..AgentCommand::own_program()
    };
    let master = format!("local-cluster[2,{},1024]", slots.div_ceil(2));
    // Blocks go from one to the other, not through files that both see.
    let builder = Context::builder().master(&master).conf("firesteel.shuffle.service.enabled", "false");
    builder
        .agent_command(agents)
        .conf("firesteel.local.dir", concat!(env!("CARGO_TARGET_TMPDIR"), "/processes"))
}
