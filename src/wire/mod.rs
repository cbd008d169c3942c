//! The chat's dialects as data: what a member asks, and what it is told.
//!
//! ```text
//!     "/join dev"  ── text::parse ──▶  Command::Join { room }  ─▶  the chat
//!     "* dev: 3 here"  ◀── text::render ──  Event::Joined { room, members }  ◀─┘
//! ```
//!
//! The chat knows commands and events, and a dialect knows how they are written. A member who types into `nc` and a
//! program with a library of its own are the same to the rooms. So whatever is true of the chat stands here once, as a
//! type, and whatever is true of one way of writing it stands in that dialect's file.
//!
//! Everything is borrowed, a command from the bytes that a peer sent and an event from the chat's own tables: a message
//! is copied once on its way through, into the log of its room.

pub mod name;
pub mod text;
pub mod visible;

pub use name::{BadName, BadRoomName, Name, RoomName};

/// What a member asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Say this to the room.
    Say(&'a str),
    /// Be called so from now on.
    Rename(Name<'a>),
    /// Go to that room, and leave the one before.
    Join(RoomName<'a>),
    /// Tell who is in the room.
    Who,
    /// Tell which commands there are.
    Help,
    /// End the connection.
    Quit,
}

/// What a member is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The first thing that anybody is told: the name that it goes by until it chooses one.
    Welcome {
        /// The name.
        name: &'a str,
    },
    /// The name was changed.
    Renamed {
        /// The new one.
        name: &'a str,
    },
    /// The member is in the room now, and follows it from here.
    Joined {
        /// The room.
        room: &'a str,
        /// How many are in it, the member counted.
        members: usize,
    },
    /// Somebody said something.
    Message {
        /// Who.
        name: &'a str,
        /// What, as it was sent: a dialect decides how much of it is safe to show.
        text: &'a str,
    },
    /// Others came and went.
    Presence {
        /// Where.
        room: &'a str,
        /// Who, or how many.
        changes: Changes<'a>,
        /// How many are in the room now.
        members: usize,
    },
    /// Who is in the room.
    Members {
        /// The room.
        room: &'a str,
        /// How many are in it.
        members: usize,
        /// The names of the first of them.
        names: &'a [&'a str],
    },
    /// One command, and what it does.
    Help {
        /// How it is written.
        usage: &'static str,
        /// What it does.
        purpose: &'static str,
    },
    /// So many entries of the room went by that the member was not sent, because it reads too slowly.
    Missed {
        /// How many.
        entries: u64,
    },
    /// What the member asked was not done.
    Refused(Refusal<'a>),
    /// The connection is about to end.
    Goodbye(Goodbye),
}

/// Who came and went in a room since the last notice of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes<'a> {
    /// By name. Nobody stands on both sides.
    Named {
        /// Who came.
        joined: &'a [&'a str],
        /// Who went.
        left: &'a [&'a str],
    },
    /// There were too many to keep their names.
    Counted {
        /// How many came.
        joined: usize,
        /// How many went.
        left: usize,
    },
}

impl Changes<'_> {
    /// Whether nobody came or went.
    pub fn is_empty(&self) -> bool {
        match self {
            Changes::Named { joined, left } => joined.is_empty() && left.is_empty(),
            Changes::Counted { joined, left } => (*joined, *left) == (0, 0),
        }
    }
}

/// Why something was not done. The connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// There is no such command.
    UnknownCommand(&'a str),
    /// That is no name.
    BadName(BadName),
    /// Somebody else has this name, or it is one of those that only the server gives.
    NameTaken(Name<'a>),
    /// That is no name of a room.
    BadRoomName(BadRoomName),
    /// One has to be in a room for this.
    NotJoined,
    /// The message is longer than this many bytes.
    MessageTooBig {
        /// The limit.
        bytes_max: usize,
    },
    /// A line was too long to be read at all.
    LineTooLong,
    /// A line was not UTF-8.
    NotUtf8,
}

/// Why the chat ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    /// The member asked for it.
    Quit,
    /// The member has said nothing for this long.
    Idle {
        /// In seconds.
        secs: u64,
    },
}
