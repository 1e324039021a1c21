//! Connections: each has a master's end and another, keeps the order of what is sent through it unless the plot says otherwise,
//! and can be closed at one end, or cut, without the other end noticing for a while, or at all.

mod connection;

pub(crate) use connection::{Connection, Message, Network, Peer, Sent};

use super::happening::Happening;
use super::world::World;
use firesteel_standalone::Link;

impl World {
    /// A new connection to a master.
    pub(crate) fn connect(&mut self, master: u32, peer: Peer) -> Link {
        let link = Link(self.network.table.len() as u64 + 1);
        let connection = Connection {
            master,
            peer,
            master_open: true,
            peer_open: true,
            cut: false,
            last_to_master: self.time.now,
            last_to_peer: self.time.now,
        };
        self.network.table.insert(link, connection);
        link
    }

    pub(crate) fn send_to_master(&mut self, link: Link, message: Message) {
        let connection = &self.network.table[&link];
        if connection.cut || !connection.peer_open {
            return;
        }
        let is_workers = connection.machine().is_some();
        for (copy, delay, keeps_order) in self.copies(is_workers) {
            let mut at = self.time.now + delay;
            let connection = self.network.table.get_mut(&link).expect("it was there just now");
            if keeps_order {
                at = at.max(connection.last_to_master);
                connection.last_to_master = at;
            }
            self.time.at(at + copy, Happening::ToMaster { connection: link, message: message.clone() });
        }
    }

    pub(crate) fn send_to_peer(&mut self, link: Link, traced: Sent) {
        let Some(connection) = self.network.table.get(&link) else { return };
        if connection.cut || !connection.master_open {
            return;
        }
        let is_workers = connection.machine().is_some();
        let sent_at = self.time.now;
        for (copy, delay, keeps_order) in self.copies(is_workers) {
            let mut at = self.time.now + delay;
            let connection = self.network.table.get_mut(&link).expect("it was there just now");
            if keeps_order {
                at = at.max(connection.last_to_peer);
                connection.last_to_peer = at;
            }
            self.time.at(at + copy, Happening::ToPeer { connection: link, traced: traced.clone(), sent_at });
        }
    }

    /// How often a message arrives, after how long, and whether after all that were sent before.
    fn copies(&mut self, is_workers: bool) -> Vec<(u64, u64, bool)> {
        let prompt = self.rng.between(1, 15);
        if !is_workers || self.is_quiet() {
            return vec![(0, prompt, true)];
        }
        let faults = self.scenario.faults.clone();
        if self.rng.per_mille(faults.message_lost) {
            self.report.messages_lost += 1;
            return vec![];
        }
        let mut copies = vec![];
        if self.rng.per_mille(faults.message_late) {
            copies.push((0, self.rng.between(200, 30_000), false));
        } else {
            copies.push((0, prompt, true));
        }
        if self.rng.per_mille(faults.message_doubled) {
            copies.push((1, self.rng.between(1, 20_000), false));
        }
        copies
    }

    pub(crate) fn is_intact(&self, link: Link) -> bool {
        self.network.table.get(&link).is_some_and(|connection| !connection.cut)
    }

    /// One that holds the other end gives it up. The master may notice, soon or never.
    pub(crate) fn hang_up(&mut self, link: Link) {
        let connection = self.network.table.get_mut(&link).expect("only a connected process hangs up");
        connection.peer_open = false;
        if !connection.cut && self.rng.per_mille(800) {
            let delay = self.rng.between(1, 3_000);
            let at = (self.time.now + delay).max(self.network.table[&link].last_to_master + 1);
            self.time.at(at, Happening::MasterNotices { connection: link });
        }
    }

    /// The master gives it up.
    pub(crate) fn master_hangs_up(&mut self, link: Link) {
        let connection = self.network.table.get_mut(&link).expect("only a connected process hangs up");
        if !std::mem::replace(&mut connection.master_open, false) {
            return;
        }
        if !connection.cut && self.rng.per_mille(900) {
            let delay = self.rng.between(1, 3_000);
            let at = (self.time.now + delay).max(self.network.table[&link].last_to_peer + 1);
            self.time.at(at, Happening::PeerNotices { connection: link });
        }
    }

    /// Nothing goes through any more, in either direction.
    pub(crate) fn cut(&mut self, link: Link) {
        self.network.table.get_mut(&link).expect("only what is there is cut").cut = true;
        for notice in
            [Happening::MasterNotices { connection: link }, Happening::PeerNotices { connection: link }]
        {
            if self.rng.per_mille(700) {
                let delay = self.rng.between(1, 20_000);
                self.time.after(delay, notice);
            }
        }
    }

    /// Returns all connections of a master, or of a worker, that a process still holds.
    pub(crate) fn connections_of(&self, master: Option<u32>, peer: Option<Peer>) -> Vec<Link> {
        let is_of = |connection: &Connection| {
            master.is_none_or(|master| connection.master == master)
                && peer.is_none_or(|peer| connection.peer == peer)
        };
        let open = self.network.open();
        open.into_iter().filter(|link| is_of(&self.network.table[link])).collect()
    }

    /// Marks the master's end as closed once it has noticed; false if it was before.
    pub(crate) fn close_masters_end(&mut self, link: Link) -> bool {
        let connection = self.network.table.get_mut(&link).expect("what is noticed is there");
        std::mem::replace(&mut connection.master_open, false)
    }
}
