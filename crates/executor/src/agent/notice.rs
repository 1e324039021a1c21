//! The notice by which a cluster manager says that it takes an agent's process away: SIGTERM, and some time later the
//! end. The driver is told, so that it gives the agent no more tasks and moves its blocks to others.

use firesteel_net::Outbox;
use firesteel_protocol::FromExecutor;
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;
use std::io;
use std::thread;

/// The variable that tells worker processes that SIGTERM is a notice for their agent. Some managers send it to all
/// processes at once.
pub(super) const NOTICE_VARIABLE: &str = "FIRESTEEL_NOTICE";

/// Tells the driver of each SIGTERM from now on, which does not end this process any more.
pub(super) fn tell_of_notices(within_ms: u64, outbox: Outbox) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM])?;
    let tell = move || {
        for _ in signals.forever() {
            tracing::info!(
                "the cluster manager takes this executor away within {} s",
                within_ms.div_ceil(1000)
            );
            outbox.send(&FromExecutor::Notice { within_ms });
        }
    };
    thread::Builder::new().name("firesteel-notice".into()).spawn(tell).map(drop)
}
