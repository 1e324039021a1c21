//! Connections: each has a master's end and another, keeps the order of what is sent through it unless the plot says otherwise,
//! and can be closed at one end, or cut, without the other end noticing for a while, or at all.

use super::world::{Happening, World};
use firesteel_standalone::{
    ApplicationOrder, ApplicationMessage, ClientAnswer, ClientMessage, FencedOrder, Link, WorkerMessage,
};
use std::collections::BTreeMap;

/// Who is at the end that is not the master's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Worker(u32),
    Program(u32),
    Submission(u32),
}

/// What a master is told.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Worker(WorkerMessage),
    Application(ApplicationMessage),
    Client(ClientMessage),
}

/// What a master tells.
#[derive(Clone, Debug)]
pub(crate) enum Sent {
    Order(FencedOrder),
    Application(ApplicationOrder),
    Answer(ClientAnswer),
}

/// One connection.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) master: u32,
    pub(crate) peer: Peer,
    pub(crate) master_open: bool,
    pub(crate) peer_open: bool,
    cut: bool,
    /// When the last message arrives, towards either end.
    last_to_master: u64,
    last_to_peer: u64,
}

impl Wire {
    /// The worker at its end, if there is one.
    pub(crate) fn machine(&self) -> Option<u32> {
        match self.peer {
            Peer::Worker(worker) => Some(worker),
            Peer::Program(_) | Peer::Submission(_) => None,
        }
    }
}

/// All connections there ever were, by the number that masters know them by.
#[derive(Debug, Default)]
pub(crate) struct Wires {
    table: BTreeMap<Link, Wire>,
}

impl Wires {
    pub(crate) fn get(&self, wire: Link) -> Option<&Wire> {
        self.table.get(&wire)
    }

    /// Those that somebody still holds.
    pub(crate) fn open(&self) -> Vec<Link> {
        let is_open = |wire: &Wire| !wire.cut && wire.master_open && wire.peer_open;
        self.table.iter().filter(|(_, wire)| is_open(wire)).map(|(link, _)| *link).collect()
    }
}

impl World {
    /// A new connection to a master.
    pub(crate) fn connect(&mut self, master: u32, peer: Peer) -> Link {
        let link = Link(self.wires.table.len() as u64 + 1);
        let wire = Wire {
            master,
            peer,
            master_open: true,
            peer_open: true,
            cut: false,
            last_to_master: self.now,
            last_to_peer: self.now,
        };
        self.wires.table.insert(link, wire);
        link
    }

    pub(crate) fn send_to_master(&mut self, link: Link, message: Message) {
        let wire = &self.wires.table[&link];
        if wire.cut || !wire.peer_open {
            return;
        }
        let is_workers = wire.machine().is_some();
        for (copy, delay, keeps_order) in self.copies(is_workers) {
            let mut at = self.now + delay;
            let wire = self.wires.table.get_mut(&link).expect("it was there just now");
            if keeps_order {
                at = at.max(wire.last_to_master);
                wire.last_to_master = at;
            }
            self.at(at + copy, Happening::ToMaster { wire: link, message: message.clone() });
        }
    }

    pub(crate) fn send_to_peer(&mut self, link: Link, traced: Sent) {
        let Some(wire) = self.wires.table.get(&link) else { return };
        if wire.cut || !wire.master_open {
            return;
        }
        let is_workers = wire.machine().is_some();
        let sent_at = self.now;
        for (copy, delay, keeps_order) in self.copies(is_workers) {
            let mut at = self.now + delay;
            let wire = self.wires.table.get_mut(&link).expect("it was there just now");
            if keeps_order {
                at = at.max(wire.last_to_peer);
                wire.last_to_peer = at;
            }
            self.at(at + copy, Happening::ToPeer { wire: link, traced: traced.clone(), sent_at });
        }
    }

    /// How often a message arrives, after how long, and whether after all that were sent before.
    fn copies(&mut self, is_workers: bool) -> Vec<(u64, u64, bool)> {
        let prompt = self.chance.between(1, 15);
        if !is_workers || self.is_quiet() {
            return vec![(0, prompt, true)];
        }
        let faults = self.plot.faults.clone();
        if self.chance.per_mille(faults.message_lost) {
            self.report.messages_lost += 1;
            return vec![];
        }
        let mut copies = vec![];
        if self.chance.per_mille(faults.message_late) {
            copies.push((0, self.chance.between(200, 30_000), false));
        } else {
            copies.push((0, prompt, true));
        }
        if self.chance.per_mille(faults.message_doubled) {
            copies.push((1, self.chance.between(1, 20_000), false));
        }
        copies
    }

    pub(crate) fn is_intact(&self, link: Link) -> bool {
        self.wires.table.get(&link).is_some_and(|wire| !wire.cut)
    }

    /// One that holds the other end gives it up. The master may notice, soon or never.
    pub(crate) fn hang_up(&mut self, link: Link) {
        let wire = self.wires.table.get_mut(&link).expect("whoever hangs up was connected");
        wire.peer_open = false;
        if !wire.cut && self.chance.per_mille(800) {
            let delay = self.chance.between(1, 3_000);
            let at = (self.now + delay).max(self.wires.table[&link].last_to_master + 1);
            self.at(at, Happening::MasterNotices { wire: link });
        }
    }

    /// The master gives it up.
    pub(crate) fn master_hangs_up(&mut self, link: Link) {
        let wire = self.wires.table.get_mut(&link).expect("whoever hangs up was connected");
        if !std::mem::replace(&mut wire.master_open, false) {
            return;
        }
        if !wire.cut && self.chance.per_mille(900) {
            let delay = self.chance.between(1, 3_000);
            let at = (self.now + delay).max(self.wires.table[&link].last_to_peer + 1);
            self.at(at, Happening::PeerNotices { wire: link });
        }
    }

    /// Nothing goes through any more, in either direction.
    pub(crate) fn cut(&mut self, link: Link) {
        self.wires.table.get_mut(&link).expect("only what is there is cut").cut = true;
        for notice in [Happening::MasterNotices { wire: link }, Happening::PeerNotices { wire: link }] {
            if self.chance.per_mille(700) {
                let delay = self.chance.between(1, 20_000);
                self.after(delay, notice);
            }
        }
    }

    /// All connections of a master, or of a worker, that somebody still holds.
    pub(crate) fn wires_of(&self, master: Option<u32>, peer: Option<Peer>) -> Vec<Link> {
        let is_of = |wire: &Wire| {
            master.is_none_or(|master| wire.master == master) && peer.is_none_or(|peer| wire.peer == peer)
        };
        let open = self.wires.open();
        open.into_iter().filter(|link| is_of(&self.wires.table[link])).collect()
    }

    /// Marks the master's end as closed once it has noticed; false if it was before.
    pub(crate) fn close_masters_end(&mut self, link: Link) -> bool {
        let wire = self.wires.table.get_mut(&link).expect("what is noticed is there");
        std::mem::replace(&mut wire.master_open, false)
    }
}
