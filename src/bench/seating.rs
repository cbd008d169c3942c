//! Who sits in which room, and whom one hears there.
//!
//! There are as many seats as there are rooms or connections, whichever is more. Seat k is connection k, counted round,
//! in room k, counted round:
//!
//! ```text
//!     5 connections, 2 rooms                    2 connections, 5 rooms
//!
//!     room 0    0  2  4                         connection 0    rooms 0  2  4
//!     room 1    1  3                            connection 1    rooms 1  3
//! ```
//!
//! A connection speaks in the first of its rooms, its home, and so do the others of that room: what it hears, it hears
//! there. Who goes from room to room has one seat, and starts at home. The first connections are the senders, so the first
//! rooms are loud and the others are quiet.
//!
//! Of several servers that are no cluster each has its own rooms. Then room r of server s is number r * servers + s here,
//! so that connection k, which goes to server k, counted round, sits in rooms of that server.
//!
//! Senders have numbers of their own, voices, that go through room by room. So those whom a receiver hears are a range, and
//! a voice beyond it is one from another room.

use super::plan::{Plan, Scenario};
use std::ops::Range;

/// Of a connection that does not send.
pub const NO_VOICE: u32 = u32::MAX;

/// Who sits where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seating {
    connections: u32,
    rooms: u32,
    seats: u32,
    senders: u32,
    /// Servers that have rooms of their own.
    servers: u32,
}

impl Seating {
    /// That of a plan.
    pub fn of(plan: &Plan) -> Seating {
        let narrow = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let servers = plan.separate_servers();
        let rooms = plan.rooms.max(1).saturating_mul(servers);
        let seats = match plan.scenario {
            Scenario::Hop => plan.connections,
            _ => plan.connections.max(rooms),
        };
        Seating {
            connections: narrow(plan.connections.max(1)),
            rooms: narrow(rooms),
            seats: narrow(seats),
            senders: narrow(plan.senders),
            servers: narrow(servers),
        }
    }

    /// How many rooms there are, on all servers.
    pub fn rooms(&self) -> u32 {
        self.rooms
    }

    /// How many of them each server has.
    pub fn rooms_each(&self) -> u32 {
        self.rooms / self.servers
    }

    /// The number that a room has on its server.
    #[inline]
    pub fn on_its_server(&self, room: u32) -> u32 {
        // No division on the path of each delivery.
        if self.servers == 1 { room } else { room / self.servers }
    }

    /// The room that has that number on the server of a connection, if the server has so many.
    pub fn at_server_of(&self, connection: u32, room: u32) -> Option<u32> {
        (room < self.rooms_each()).then(|| room * self.servers + connection % self.servers)
    }

    /// Whether a voice speaks on another server, in the room that is called as this one is.
    pub fn is_namesake(&self, voice: u32, room: u32) -> bool {
        let other = self.home(self.speaker(voice));
        voice < self.senders && other != room && self.on_its_server(other) == self.on_its_server(room)
    }

    /// How far a room is from the next one of its server.
    pub fn step(&self) -> u32 {
        self.servers
    }

    /// The first room of a connection.
    pub fn home(&self, connection: u32) -> u32 {
        connection % self.rooms
    }

    /// All rooms of a connection, the home first.
    pub fn rooms_of(&self, connection: u32) -> impl Iterator<Item = u32> + use<> {
        let rooms = self.rooms;
        (connection..self.seats).step_by(self.connections as usize).map(move |seat| seat % rooms)
    }

    /// Whether a connection has a seat in that room.
    pub fn sits_in(&self, connection: u32, room: u32) -> bool {
        self.home(connection) == room
            || self.seats == self.rooms && room < self.rooms && room % self.connections == connection
    }

    /// How many connections are at home in a room.
    pub fn members(&self, room: u32) -> u32 {
        self.connections.saturating_sub(room).div_ceil(self.rooms)
    }

    /// How many rooms are spoken in: the first of them.
    pub fn loud_rooms(&self) -> u32 {
        self.rooms.min(self.senders)
    }

    /// The voice of a connection, if it has one.
    pub fn voice(&self, connection: u32) -> u32 {
        match connection < self.senders {
            true => self.voices_in(self.home(connection)).start + connection / self.rooms,
            false => NO_VOICE,
        }
    }

    /// The connection that has that voice.
    pub fn speaker(&self, voice: u32) -> u32 {
        let (each, more) = (self.senders / self.rooms, self.senders % self.rooms);
        let of_larger_rooms = more * (each + 1);
        let (room, rank) = match voice.checked_sub(of_larger_rooms) {
            None => (voice / (each + 1), voice % (each + 1)),
            Some(behind) => (more + behind / each.max(1), behind % each.max(1)),
        };
        room + rank * self.rooms
    }

    /// The voices that are heard in a room.
    pub fn voices_in(&self, room: u32) -> Range<u32> {
        let (each, more) = (self.senders / self.rooms, self.senders % self.rooms);
        let start = |room: u32| room * each + room.min(more);
        start(room)..start(room + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seating(connections: u32, rooms: u32, senders: u32) -> Seating {
        Seating { connections, rooms, seats: rooms.max(connections), senders, servers: 1 }
    }

    #[test]
    fn each_room_and_each_connection_has_a_seat() {
        let rooms_of = |seating: Seating| -> Vec<Vec<u32>> {
            (0..seating.connections).map(|i| seating.rooms_of(i).collect()).collect()
        };
        assert_eq!(rooms_of(seating(5, 2, 0)), [[0], [1], [0], [1], [0]]);
        assert_eq!(rooms_of(seating(2, 5, 0)), [vec![0, 2, 4], vec![1, 3]]);
        assert_eq!(rooms_of(seating(3, 3, 0)), [[0], [1], [2]]);
        assert_eq!(rooms_of(seating(2, 1, 0)), [[0], [0]]);
    }

    #[test]
    fn each_server_has_rooms_of_its_own_and_its_connections_sit_there() {
        let mut plan = crate::bench::plan::tests::plan();
        let url = |text: &str| text.parse().expect("a URL");
        plan.servers = crate::bench::plan::Servers::new(url("ws://a"), [url("ws://b"), url("ws://c")]);
        for (connections, rooms) in [(3, 1), (7, 2), (12, 4), (6, 5)] {
            (plan.connections, plan.rooms, plan.senders) = (connections, rooms, 3);
            let it = Seating::of(&plan);
            assert_eq!((it.rooms(), it.rooms_each()), (3 * rooms as u32, rooms as u32));
            for connection in 0..connections as u32 {
                for room in it.rooms_of(connection) {
                    let number = it.on_its_server(room);
                    assert_eq!(it.at_server_of(connection, number), Some(room), "{it:?}");
                    assert_eq!(room % 3, connection % 3, "{it:?}");
                }
            }
            assert_eq!(it.at_server_of(0, rooms as u32), None);
            assert_eq!([0, 1, 2].map(|sender| it.voice(sender)), [0, 1, 2], "one in a room of each");
        }
        plan.is_cluster = true;
        assert_eq!(Seating::of(&plan).rooms(), 5);
    }

    #[test]
    fn the_rule_holds_for_every_small_number() {
        for (connections, rooms) in
            (1..8).flat_map(|connections| (1..12).map(move |rooms| (connections, rooms)))
        {
            for senders in 0..=connections {
                let it = seating(connections, rooms, senders);
                let at_home = |room| (0..connections).filter(move |i| it.home(*i) == room);
                let mut voices = 0;
                for room in 0..rooms {
                    assert_eq!(it.members(room), at_home(room).count() as u32, "{it:?}");
                    let heard = at_home(room).filter(|i| *i < senders).map(|i| it.voice(i));
                    assert_eq!(heard.collect::<Vec<_>>(), it.voices_in(room).collect::<Vec<_>>(), "{it:?}");
                    assert_eq!(it.voices_in(room).is_empty(), room >= it.loud_rooms(), "{it:?}");
                    assert_eq!(it.voices_in(room).start, voices, "{it:?}");
                    voices = it.voices_in(room).end;
                    // Where somebody sits who is not at home, nobody speaks.
                    let sits = (0..connections).filter(|i| it.sits_in(*i, room)).count() as u32;
                    assert!(sits >= 1 && (sits == it.members(room) || room >= it.loud_rooms()), "{it:?}");
                }
                assert_eq!(voices, senders);
                for sender in 0..connections {
                    match it.voice(sender) {
                        NO_VOICE => assert!(sender >= senders),
                        voice => assert_eq!(it.speaker(voice), sender, "{it:?}"),
                    }
                }
            }
        }
    }
}
