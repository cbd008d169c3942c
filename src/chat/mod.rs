//! The chat: people in rooms.
//!
//! ```text
//!     service.rs   connections, bytes, deadlines: the chat as a Service
//!        │   ▲
//!        │   └── Effects   tell, answer, publish, follow, unfollow, close
//!        ▼
//!     hub.rs       members and their names; turns a Command into effects
//!        ├── rooms.rs      all rooms, by name
//!        ├── room.rs       one room: who is in it
//!        ├── presence.rs   who came and went, told at most once a second
//!        └── index.rs      from a name to a member or a room
//! ```
//!
//! [`Hub`] is the chat itself. It knows neither bytes nor connections, so it can be driven from a test, a simulation or
//! somebody else's program: see its documentation. [`Chat`] plugs it to a server.

mod hub;
mod index;
mod presence;
mod room;
mod rooms;
mod service;

use crate::time::Millis;
use crate::wire::{Event, Goodbye};

pub use hub::Hub;
pub use service::Chat;

/// The room that everybody who types is in to begin with.
pub const LOBBY: &str = "lobby";

/// What can be set about a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest message, in bytes.
    pub message_bytes_max: usize,
    /// How long somebody on the line port may say nothing, if there is a limit. A WebSocket is asked by pings whether
    /// its peer is there; a line connection cannot be asked.
    pub line_idle_timeout: Option<Millis>,
    /// How long a room hears nothing of who comes and goes after a notice of it.
    pub presence_interval: Millis,
    /// How many changes are kept by name until the next such notice. If there are more, they are only counted.
    pub presence_changes_max: usize,
    /// How many names `/who` tells.
    pub who_names_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            message_bytes_max: 4096,
            line_idle_timeout: Some(Millis::from_secs(5 * 60)),
            presence_interval: Millis::from_secs(1),
            presence_changes_max: 256,
            who_names_max: 100,
        }
    }
}

/// One member: a small number that its caller chooses and reuses, such as a connection's slot. The hub indexes a table
/// with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u32);

/// One room, for as long as it has members. A room that is made again under the same name has another id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId {
    /// Its place in the hub's table, which is used again.
    pub index: u32,
    /// Which of all rooms that were ever made it is.
    pub serial: u32,
}

/// What the hub wants done.
///
/// Each room has a stream, which its followers read. The order in which the effects of one call come is the order in
/// which they take place: who is told something and follows a room after that reads the two in this order.
pub trait Effects {
    /// Tells one member.
    fn tell(&mut self, member: MemberId, event: &Event<'_>);

    /// Tells one member, behind everything that the room's stream has said so far.
    fn answer(&mut self, member: MemberId, room: RoomId, event: &Event<'_>);

    /// Tells everybody who follows the room, except these.
    fn publish(&mut self, room: RoomId, event: &Event<'_>, except: &[MemberId]);

    /// From now on the member follows the room.
    fn follow(&mut self, member: MemberId, room: RoomId);

    /// From now on it does not; what was published until now still reaches it.
    fn unfollow(&mut self, member: MemberId, room: RoomId);

    /// Ends the member's connection, once it has been told everything. [`Hub::leave`] is still to be called.
    fn close(&mut self, member: MemberId, goodbye: Goodbye);
}

#[cfg(test)]
mod readers;
#[cfg(test)]
mod stage;
