//! What a session tells its user.

use super::room::{PublishId, Resumption};
use super::said::Limits;
use crate::time::Millis;
use std::fmt;

/// The number of something that was said to one person.
pub type DirectId = u64;

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The server has said this; what it means follows. Not told of messages that have been told before, nor of a secret.
    Object(String),
    /// We are known.
    Welcome {
        /// Under this name.
        name: String,
        /// Whether it is another than before, or than was asked for.
        is_new: bool,
        /// What we may do.
        limits: Limits,
    },
    /// The name was changed.
    Renamed {
        /// To this.
        name: String,
    },
    /// We are in a room.
    Joined {
        /// Which.
        room: String,
        /// What that means for what was read before.
        resumption: Resumption,
        /// The number of the first message that follows at once, and how many there are of these.
        replay: (u64, u64),
        /// How many are in the room.
        members: u64,
    },
    /// All that was said in a room before we came has been told.
    CaughtUp {
        /// Which room.
        room: String,
    },
    /// We are no longer in a room.
    Left {
        /// Which.
        room: String,
    },
    /// We could not go into a room.
    NotJoined {
        /// Which.
        room: String,
        /// Why.
        why: Refusal,
    },
    /// Somebody has said something.
    Message(Told),
    /// What we have said has its place.
    Published {
        /// What [`Session::publish`](super::Session::publish) gave.
        id: PublishId,
        /// Where.
        room: String,
        /// Its number.
        seq: u64,
        /// When, in milliseconds since 1970.
        at: u64,
    },
    /// What we have said was not taken, and will not be.
    NotPublished {
        /// What [`Session::publish`](super::Session::publish) gave.
        id: PublishId,
        /// Where.
        room: String,
        /// Why.
        why: Refusal,
    },
    /// We are too fast, and wait.
    Slowed {
        /// For so long.
        wait: Millis,
    },
    /// Messages are missing, for good.
    Gap {
        /// Where.
        room: String,
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Others came and went.
    Presence {
        /// Where.
        room: String,
        /// Who came, without those who were renamed.
        joined: Vec<String>,
        /// Who went, likewise.
        left: Vec<String>,
        /// Who is called otherwise: the old name and the new one.
        renamed: Vec<(String, String)>,
        /// How many are there.
        members: u64,
    },
    /// A page of earlier messages.
    History {
        /// Where.
        room: String,
        /// In order.
        messages: Vec<Told>,
        /// Whether there are still earlier ones.
        has_more: bool,
    },
    /// Who is in a room.
    Members {
        /// Which.
        room: String,
        /// How many.
        count: u64,
        /// Some of them.
        names: Vec<String>,
    },
    /// Which rooms there are, and how many are in each.
    Rooms {
        /// Some of them.
        rooms: Vec<(String, u64)>,
        /// Whether there are more.
        has_more: bool,
    },
    /// Somebody has said something to us alone.
    Direct {
        /// Who.
        name: String,
        /// When, in milliseconds since 1970.
        at: u64,
        /// What, as JSON.
        data: String,
    },
    /// What we have said to somebody alone has reached them.
    DirectSent {
        /// What [`Session::direct`](super::Session::direct) gave.
        id: DirectId,
    },
    /// What we have said to somebody alone has not reached them, as far as we know.
    DirectNotSent {
        /// What [`Session::direct`](super::Session::direct) gave.
        id: DirectId,
        /// Why.
        why: Refusal,
    },
    /// The server has answered a ping.
    Pong {
        /// After so long.
        took: Millis,
    },
    /// Something was not done.
    Refused {
        /// What, in a word.
        what: &'static str,
        /// Why.
        why: Refusal,
    },
    /// The server has said something that we do not understand.
    Strange {
        /// What is wrong with it.
        why: String,
    },
    /// The connection is lost.
    Lost {
        /// How.
        why: String,
        /// When the next is tried.
        until: Millis,
    },
    /// There will be nothing more.
    Ended {
        /// Why, unless we wanted it.
        why: Option<String>,
    },
}

/// A message, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Where.
    pub room: String,
    /// Its number.
    pub seq: u64,
    /// Who said it.
    pub name: String,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What, as JSON.
    pub data: String,
    /// It is what we have published under this number, of which nobody knew whether it had arrived.
    pub own: Option<PublishId>,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub code: String,
    /// For humans.
    pub reason: String,
}

/// How things are, for who shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is no connection, and the next is tried then.
    Waiting {
        /// Then.
        until: Millis,
    },
    /// A connection is being made.
    Connecting,
    /// We are known.
    Online,
    /// There will be nothing more.
    Ended,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.reason.is_empty() { &self.code } else { &self.reason })
    }
}
