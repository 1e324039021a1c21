//! Network namespaces as machines, on a bridge in one more namespace: made by the test, and removed with it.
//! The machine's own network is not touched.

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Some machines, by their numbers from 1.
pub(crate) struct Network {
    prefix: String,
    machines: u32,
    /// One network at a time: they share the machine's two cores.
    _alone: std::sync::MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Network {
    /// Makes machines; `None`, aloud, where that is not allowed.
    pub(crate) fn make(machines: u32) -> Option<Network> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let prefix = format!("fs{}x{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
        let network = Network { prefix, machines, _alone: alone };
        match network.wire() {
            Ok(()) => Some(network),
            Err(why) => {
                eprintln!(
                    "skipped: network namespaces cannot be made here ({why}); they want root and iproute2"
                );
                None
            }
        }
    }

    fn wire(&self) -> Result<(), String> {
        let hub = self.hub();
        ip(&["netns", "add", &hub])?;
        ip(&["-n", &hub, "link", "add", "br0", "type", "bridge"])?;
        ip(&["-n", &hub, "link", "set", "br0", "up"])?;
        for number in 1..=self.machines {
            let (name, port) = (self.name(number), format!("m{number}"));
            ip(&["netns", "add", &name])?;
            ip(&["-n", &hub, "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &name])?;
            ip(&["-n", &hub, "link", "set", &port, "master", "br0", "up"])?;
            ip(&["-n", &name, "addr", "add", &format!("{}/24", self.address(number)), "dev", "eth0"])?;
            ip(&["-n", &name, "link", "set", "eth0", "up"])?;
            ip(&["-n", &name, "link", "set", "lo", "up"])?;
        }
        Ok(())
    }

    fn hub(&self) -> String {
        format!("{}-hub", self.prefix)
    }

    fn name(&self, machine: u32) -> String {
        format!("{}-{machine}", self.prefix)
    }

    /// The address of a machine, seen from all.
    pub(crate) fn address(&self, machine: u32) -> String {
        format!("10.77.0.{machine}")
    }

    /// A command that runs on a machine.
    pub(crate) fn command(&self, machine: u32, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(machine), program]);
        command
    }

    /// Pulls a machine's plug, or puts it in again.
    pub(crate) fn plug(&self, machine: u32, is_in: bool) {
        let state = if is_in { "up" } else { "down" };
        ip(&["-n", &self.hub(), "link", "set", &format!("m{machine}"), state]).unwrap();
    }

    /// Packets between two machines are lost, or not any more. Both reach all others.
    pub(crate) fn part(&self, one: u32, other: u32, parted: bool) {
        let word = if parted { "add" } else { "del" };
        for (from, to) in [(one, other), (other, one)] {
            ip(&["-n", &self.name(from), "route", word, "blackhole", &format!("{}/32", self.address(to))])
                .unwrap();
        }
    }

    /// From now on a machine's link is slow in both directions, and drops what it cannot take: 20 Mbit/s and a queue of a few packets.
    pub(crate) fn make_slow_and_lossy(&self, machine: u32) {
        let port = format!("m{machine}");
        for (namespace, device) in [(self.hub(), port.as_str()), (self.name(machine), "eth0")] {
            let words = ["netns", "exec", &namespace, "tc", "qdisc", "add", "dev", device, "root"];
            let shape = ["tbf", "rate", "20mbit", "burst", "16kb", "latency", "3ms"];
            ip(&[&words[..], &shape].concat()).unwrap();
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for number in 1..=self.machines {
            let _ = ip(&["netns", "del", &self.name(number)]);
        }
        let _ = ip(&["netns", "del", &self.hub()]);
    }
}

fn ip(words: &[&str]) -> Result<(), String> {
    let done =
        Command::new("ip").args(words).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    match done.status.success() {
        true => Ok(()),
        false => Err(format!("ip {}: {}", words.join(" "), String::from_utf8_lossy(&done.stderr).trim())),
    }
}
