//! The chat: people in rooms.
//!
//! ```text
//!     service.rs   connections, bytes, deadlines: the chat as a Service
//!        │   ▲
//!        │   └── delivery.rs ◀── Effects   tell, answer, say, notify, follow, unfollow, replay, close
//!        ▼
//!     hub.rs            members and their names; turns a Command into effects
//!        ├── membership.rs   coming into rooms, with what was missed, and going
//!        ├── talk.rs         publishing, and answers about rooms
//!        ├── rooms.rs        all rooms, by name
//!        ├── room.rs         one room: who is in it
//!        ├── history.rs      what a room remembers
//!        ├── keys.rs         that publishing twice is publishing once
//!        ├── pressure.rs     what becomes of slow readers
//!        ├── presence.rs     who came and went, told at most once a second
//!        ├── pace.rs         when a room is told, within a budget for all
//!        ├── rate.rs         how fast one may ask
//!        ├── seed.rs         secrets, epochs
//!        └── index.rs        from a name to a member or a room
//! ```
//!
//! [`Hub`] is the chat itself. It knows neither bytes nor connections, so it can be driven from a test, a simulation or
//! somebody else's program: see its documentation. [`Chat`] plugs it to a server.

mod delivery;
mod history;
mod hub;
mod index;
mod keys;
mod membership;
mod names;
mod observers;
mod pace;
mod presence;
mod pressure;
mod rate;
mod room;
mod rooms;
mod seed;
mod service;
mod talk;

#[cfg(test)]
mod readers;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod stage;

use crate::time::Millis;
use crate::wire::{Event, Goodbye, Message, RequestId};
use std::ops::Range;

pub use history::Record;
pub use hub::Hub;
pub use pressure::{Replayed, Slow};
pub use rate::Rate;
pub use seed::Seed;
pub use service::Chat;

/// The room that everybody who types is in to begin with.
pub const LOBBY: &str = "lobby";

/// What can be set about a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest message, in bytes.
    pub message_bytes_max: usize,
    /// How often somebody may publish.
    pub publish: Rate,
    /// How often somebody may ask for anything else.
    pub command: Rate,
    /// How many rooms somebody may be in at once. Who types is in one.
    pub rooms_per_member_max: usize,
    /// How many rooms there may be.
    pub rooms_max: usize,
    /// How many members a room may have.
    pub members_max: usize,
    /// How many messages a room remembers.
    pub history_messages_max: usize,
    /// How many bytes of them.
    pub history_bytes_max: usize,
    /// How many bytes all rooms together; the coldest give first.
    pub history_bytes_total_max: usize,
    /// How long an empty room is kept.
    pub room_keep: Millis,
    /// How long a key is remembered at least.
    pub key_window: Millis,
    /// How many keys a room remembers at most.
    pub keys_max: usize,
    /// How many all rooms together; those that were published first go first.
    pub keys_total_max: usize,
    /// What becomes of those who read too slowly.
    pub slow: Slow,
    /// How long somebody on the line port may say nothing; `None` lets them stay. A WebSocket is asked by pings whether
    /// its peer is there, a line connection cannot be.
    pub line_idle_timeout: Option<Millis>,
    /// The same for WebSockets.
    pub ws_idle_timeout: Option<Millis>,
    /// How long a room hears nothing of who comes and goes after a notice of it.
    pub presence_interval: Millis,
    /// How many deliveries of such notices there are in a second, over all rooms; 0 for any number. A room's interval grows
    /// with its size, once it takes a fourth of this.
    pub presence_per_second: u32,
    /// How many changes are kept by name until the next such notice. If there are more, they are only counted.
    pub presence_changes_max: usize,
    /// How large a room may be in which names are told.
    pub presence_names_max: usize,
    /// How many names, rooms or messages an answer holds, if not asked for fewer.
    pub list_len: usize,
    /// How many it holds at most.
    pub list_len_max: usize,
    /// How often a silent WebSocket is sent a Ping, as members are told.
    pub ping_interval: Millis,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            message_bytes_max: 4096,
            publish: Rate { per_second: 10, burst: 20 },
            command: Rate { per_second: 50, burst: 100 },
            rooms_per_member_max: 32,
            rooms_max: 100_000,
            members_max: 100_000,
            history_messages_max: 100,
            history_bytes_max: 1 << 20,
            history_bytes_total_max: 256 << 20,
            room_keep: Millis::from_secs(10 * 60),
            key_window: Millis::from_secs(5 * 60),
            keys_max: 1 << 20,
            keys_total_max: 1 << 21,
            slow: Slow::CatchUp,
            line_idle_timeout: Some(Millis::from_secs(5 * 60)),
            ws_idle_timeout: None,
            presence_interval: Millis::from_secs(1),
            presence_per_second: 5000,
            presence_changes_max: 256,
            presence_names_max: 200,
            list_len: 100,
            list_len_max: 1000,
            ping_interval: Millis::from_secs(25),
        }
    }
}

/// One member: a small number that its caller chooses and reuses, such as a connection's slot. The hub indexes a table
/// with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u32);

/// One room, for as long as it is kept. A room that is made again under the same name has another id. In order of age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId {
    /// Which of all rooms that were ever made it is.
    pub serial: u32,
    /// Its place in the hub's table, which is used again.
    pub index: u32,
}

/// How somebody speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A person who types. In one room at a time, and welcomed at once.
    Text,
    /// A program. In as many rooms as it likes, and welcomed when it says hello, or anything else.
    Json,
}

/// What the hub wants done.
///
/// Each room has a stream, which its followers read. The order in which the effects of one call come is the order in
/// which they take place: who is told something and follows a room after that reads the two in this order.
pub trait Effects {
    /// The time by the calendar, in milliseconds since 1970. It may go back, as calendars do.
    fn unix_ms(&self) -> u64;

    /// Tells one member. `id` is the request's that this answers.
    fn tell(&mut self, member: MemberId, id: Option<RequestId>, event: &Event<'_>);

    /// Tells one member, behind everything that the room's stream has said so far.
    fn answer(&mut self, member: MemberId, room: RoomId, id: Option<RequestId>, event: &Event<'_>);

    /// Whether so much waits for a member that others may not add to it.
    fn is_crowded(&self, _member: MemberId) -> bool {
        false
    }

    /// Tells everybody who follows the room a message, except these. `json` is the message as JSON programs read it.
    /// Returns its number in the room's stream, where numbers rise, and by one as long as anybody follows it.
    fn say(&mut self, room: RoomId, message: &Message<'_>, json: &[u8], except: &[MemberId]) -> u64;

    /// Tells everybody who follows the room of something else, except these. It has a number there too.
    fn notify(&mut self, room: RoomId, event: &Event<'_>, except: &[MemberId]);

    /// From now on the member follows the room.
    fn follow(&mut self, member: MemberId, room: RoomId);

    /// From now on it does not; what was said until now still reaches it.
    fn unfollow(&mut self, member: MemberId, room: RoomId);

    /// Tells one member a message that is remembered, behind everything that the room's stream has said so far.
    fn recall(&mut self, member: MemberId, room: RoomId, record: &Record);

    /// The member is to be sent these entries of the room's stream, behind what it has been told: [`Hub::replay`] gives
    /// them.
    fn replay(&mut self, member: MemberId, room: RoomId, entries: Range<u64>);

    /// Messages are shown to the member with their numbers from now on, or without.
    fn show_seq(&mut self, member: MemberId, shows: bool);

    /// Ends the member's connection, once it has been told everything. [`Hub::leave`] is still to be called.
    fn close(&mut self, member: MemberId, goodbye: Goodbye);
}
