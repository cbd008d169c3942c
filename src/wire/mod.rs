//! The chat's dialects as data: what a member asks, and what it is told.
//!
//! ```text
//!     "/join dev"                      ── text::parse ──▶  Command::Join { room, .. }  ─▶  the chat
//!     {"type":"join","room":"dev"}     ── json::parse ──▶           the same
//!
//!     "* dev: 3 here"                  ◀── text::render ──  Event::Joined { room, members, .. }  ◀── the chat
//!     {"type":"joined","room":"dev",…} ◀── json::render ──           the same
//! ```
//!
//! The chat knows commands and events, and a dialect knows how they are written. A member who types into `nc` and a
//! program with a library of its own are the same to the rooms. So whatever is true of the chat stands here once, as a
//! type, and whatever is true of one way of writing it stands in that dialect's file.
//!
//! What a dialect has no words for it writes as nothing, and then there is nothing to send: people are not told that a
//! message of theirs was taken, and programs need no help.
//!
//! Everything is borrowed, a command from the bytes that a peer sent and an event from the chat's own tables: a message
//! is copied once on its way through, into the log of its room.

pub mod json;
pub mod marks;
pub mod name;
#[cfg(test)]
pub(crate) mod samples;
mod search;
pub mod text;
pub mod visible;

pub use name::{BadName, BadRoomName, Name, RoomName};

/// The number by which a client tells the answer to a request from the others: any JSON number, as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RequestId {
    /// Not negative, and whole.
    Unsigned(u64),
    /// Negative, and whole.
    Signed(i64),
    /// Anything else.
    Float(f64),
}

/// What was said: any JSON value. People say text, which is a JSON string once it is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data<'a> {
    /// A string, not yet written as JSON.
    Text(&'a str),
    /// One JSON value, as it was sent: sound, and without white space around it.
    Json(&'a str),
}

impl Data<'_> {
    /// How long it is, in bytes as it was sent. The two quotes of a string do not count, so that the same words are as long
    /// in every dialect, unless they had to be escaped.
    pub fn len_bytes(&self) -> usize {
        match self {
            Data::Text(text) => text.len(),
            Data::Json(json) if json.starts_with('"') => json.len().saturating_sub(2),
            Data::Json(json) => json.len(),
        }
    }
}

/// A place in a room's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// The life of the numbering.
    pub epoch: &'a str,
    /// The last message that one has; 0 for none.
    pub seq: u64,
}

/// From where a page of history is read. Both are exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The newest messages.
    Newest,
    /// The newest of those before this one.
    Before(u64),
    /// The oldest of those after this one.
    After(u64),
}

/// What a member asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command<'a> {
    /// Be known, under a name if one is given, before anything else is said.
    Hello {
        /// The name that is wanted.
        name: Option<Name<'a>>,
        /// The secret that came with that name: it is taken over from whoever has it.
        secret: Option<&'a str>,
        /// Whatever proves who one is.
        token: Option<&'a str>,
        /// Whether one's own messages come back too.
        echo: bool,
    },
    /// Be called so from now on.
    Rename(Name<'a>),
    /// Go into a room. In text, that leaves the one before.
    Join {
        /// Which.
        room: RoomName<'a>,
        /// Send what came after this.
        since: Option<Position<'a>>,
        /// Or else so many of the newest messages.
        history: usize,
    },
    /// Text only: leave the room and join it again, to be sent what came after this.
    Resume(Position<'a>),
    /// Go out of a room.
    Leave {
        /// Which.
        room: RoomName<'a>,
    },
    /// Say this to a room.
    Publish {
        /// Which; none means the one that one is in.
        room: Option<RoomName<'a>>,
        /// What.
        data: Data<'a>,
        /// Under this key a repeat is known for one.
        key: Option<&'a str>,
    },
    /// Show earlier messages.
    History {
        /// Of this room; none means the one that one is in.
        room: Option<RoomName<'a>>,
        /// From where.
        page: Page,
        /// At most so many.
        limit: Option<usize>,
    },
    /// Tell who is in a room.
    Members {
        /// Which; none means the one that one is in.
        room: Option<RoomName<'a>>,
        /// Go on where an earlier answer said that the rest begins.
        after: Option<&'a str>,
        /// At most so many.
        limit: Option<usize>,
    },
    /// Tell which rooms there are.
    Rooms {
        /// Go on where an earlier answer said that the rest begins.
        after: Option<&'a str>,
        /// At most so many.
        limit: Option<usize>,
    },
    /// Say this to one person.
    Direct {
        /// Whom.
        to: &'a str,
        /// What.
        data: Data<'a>,
    },
    /// Answer.
    Ping,
    /// Text only: send one's own messages too, or no longer.
    Echo(bool),
    /// Text only: show the numbers of messages, or no longer.
    ShowSeq(bool),
    /// Text only: tell which commands there are.
    Help,
    /// Text only: end the connection.
    Quit,
}

/// What somebody may ask, as a newcomer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsTold {
    /// Bytes of `data` in one message.
    pub message_bytes: usize,
    /// Messages a second, in the long run; 0 for any number.
    pub publish_per_second: u32,
    /// Messages at once.
    pub burst: u32,
    /// Rooms at once.
    pub rooms: usize,
    /// Messages that a room keeps.
    pub history: usize,
}

/// A message of a room, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The room.
    pub room: &'a str,
    /// Its number there.
    pub seq: u64,
    /// Who said it.
    pub name: &'a str,
    /// The publisher's key for it.
    pub key: Option<&'a str>,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What.
    pub data: Data<'a>,
}

/// What followed from `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// It was not asked for.
    NotAsked,
    /// Everything after it follows.
    Yes,
    /// It means nothing any more: it is of another life of the room.
    Epoch {
        /// The oldest message that there is.
        oldest: u64,
    },
    /// It is of the future.
    Ahead {
        /// The oldest message that there is.
        oldest: u64,
    },
    /// Some of what came after it is gone.
    Trimmed {
        /// The oldest message that there is.
        oldest: u64,
    },
}

/// Why messages are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapReason {
    /// The member read so slowly that the room forgot them before it was sent them.
    Slow,
}

/// What a member is told. What answers a request is sent together with that request's id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// The first thing that anybody is told.
    Welcome {
        /// A name for this connection, for logs and complaints.
        connection: &'a str,
        /// What one is called until one chooses otherwise.
        name: &'a str,
        /// Takes the name back after the connection is lost.
        secret: &'a str,
        /// How often a silent connection is sent a Ping.
        ping_ms: u64,
        /// What one may do.
        limits: LimitsTold,
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
        /// The life of its numbering.
        epoch: &'a str,
        /// The newest message; 0 for none.
        seq: u64,
        /// The first of the messages that follow at once.
        from: u64,
        /// How many they are.
        count: u64,
        /// Whether they are what was asked for.
        resumed: Resumed,
        /// How many are in the room, the member counted.
        members: usize,
    },
    /// It is done.
    Done {
        /// In this room, if it was about one.
        room: Option<&'a str>,
    },
    /// A message was taken; this stands in its place.
    Published {
        /// Where.
        room: &'a str,
        /// Its number.
        seq: u64,
        /// When, in milliseconds since 1970.
        at: u64,
        /// It had been published before, under the same key.
        is_duplicate: bool,
    },
    /// Somebody said something.
    Message(Message<'a>),
    /// A page of earlier messages.
    History {
        /// Of this room.
        room: &'a str,
        /// The life of its numbering.
        epoch: &'a str,
        /// In order, each as [`json::render_message`] wrote it: a room keeps its messages so.
        messages: &'a [&'a [u8]],
        /// Whether there are more in the direction that was asked for.
        has_more: bool,
    },
    /// Messages that were to follow will not.
    Gap {
        /// Of this room.
        room: &'a str,
        /// The life of its numbering.
        epoch: &'a str,
        /// The first that is missing.
        from: u64,
        /// The last.
        to: u64,
        /// Why.
        reason: GapReason,
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
        /// Some of the names.
        names: &'a [&'a str],
        /// Where the rest begins.
        next: Option<&'a str>,
    },
    /// Which rooms there are, and how many are in each.
    Rooms {
        /// Some of them.
        rooms: &'a [(&'a str, usize)],
        /// Where the rest begins.
        next: Option<&'a str>,
    },
    /// Somebody said something to this member alone.
    Direct {
        /// Who.
        from: &'a str,
        /// To whom: the member.
        to: &'a str,
        /// When, in milliseconds since 1970.
        at: u64,
        /// What.
        data: Data<'a>,
    },
    /// The answer to a ping.
    Pong {
        /// When, in milliseconds since 1970.
        at: u64,
    },
    /// Own messages come back, or no longer.
    EchoIs(bool),
    /// Numbers are shown, or no longer.
    ShowSeqIs {
        /// Whether they are.
        is_on: bool,
        /// Where the room is that one is in: what a later [`Command::Resume`] can name.
        at: Option<Position<'a>>,
    },
    /// One command, and what it does.
    Help {
        /// How it is written.
        usage: &'static str,
        /// What it does.
        purpose: &'static str,
    },
    /// What the member asked was not done.
    Refused(Refusal<'a>),
    /// The connection is about to end.
    Goodbye(Goodbye),
}

/// Who came and went in a room since the last notice of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes<'a> {
    /// By name. Each member that changed stands in exactly one of the three lists, and no name is in both `joined` and
    /// `left`. A name can still occur twice: when bob is renamed to robert and another member joins as bob, `renamed` has
    /// bob to robert, and `joined` has bob.
    Named {
        /// Members that joined.
        joined: &'a [&'a str],
        /// Members that left.
        left: &'a [&'a str],
        /// Members that stayed under another name.
        renamed: &'a [Rename<'a>],
    },
    /// There were too many to keep their names.
    Counted {
        /// How many members joined.
        joined: usize,
        /// How many members left.
        left: usize,
        /// How many members were renamed.
        renamed: usize,
    },
}

/// The old and the new name of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rename<'a> {
    /// The old name.
    pub from: &'a str,
    /// The new name.
    pub to: &'a str,
}

impl<'a> Changes<'a> {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        matches!(self.counted(), Changes::Counted { joined: 0, left: 0, renamed: 0 })
    }

    /// The same changes without the names.
    pub fn counted(&self) -> Changes<'static> {
        let (joined, left, renamed) = match self {
            Changes::Named { joined, left, renamed } => (joined.len(), left.len(), renamed.len()),
            Changes::Counted { joined, left, renamed } => (*joined, *left, *renamed),
        };
        Changes::Counted { joined, left, renamed }
    }

    /// The names that are new in the room, new names of renamed members included. A name that changed its holder is not
    /// new. Empty if the names were not kept.
    pub fn names_added(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (joined, left, renamed) = self.lists();
        let was_there = move |name| left.contains(&name) || renamed.iter().any(|it| it.from == name);
        let after = joined.iter().copied().chain(renamed.iter().map(|it| it.to));
        after.filter(move |&name| renamed.is_empty() || !was_there(name))
    }

    /// The names that are no longer in the room, old names of renamed members included. Empty if the names were not kept.
    pub fn names_removed(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (joined, left, renamed) = self.lists();
        let is_there = move |name| joined.contains(&name) || renamed.iter().any(|it| it.to == name);
        let before = left.iter().copied().chain(renamed.iter().map(|it| it.from));
        before.filter(move |&name| renamed.is_empty() || !is_there(name))
    }

    fn lists(&self) -> (&'a [&'a str], &'a [&'a str], &'a [Rename<'a>]) {
        match *self {
            Changes::Named { joined, left, renamed } => (joined, left, renamed),
            Changes::Counted { .. } => (&[], &[], &[]),
        }
    }
}

/// Why something was not done. The connection goes on. Each has a code in JSON (in brackets).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// There is no such command (`unknown_type`).
    UnknownCommand(&'a str),
    /// The request makes no sense; what is wrong with it (`bad_request`).
    BadRequest(&'static str),
    /// That is no name (`bad_name`).
    BadName(BadName),
    /// Somebody else has this name, or it is one of those that only the server gives (`name_taken`).
    NameTaken(Name<'a>),
    /// Or another member has a name that looks like this one (`name_taken`).
    NameAlike(Name<'a>),
    /// Nobody has this name (`no_such_name`).
    NoSuchName(&'a str),
    /// That is no name of a room (`bad_room`).
    BadRoomName(BadRoomName),
    /// One has to be in the room for this (`not_joined`).
    NotJoined,
    /// One is in that room (`already_joined`).
    AlreadyJoined,
    /// One may be in no more rooms (`too_many_rooms`).
    TooManyRooms {
        /// The limit.
        rooms_max: usize,
    },
    /// There may be no more rooms, or no more members in this one (`denied`).
    Full,
    /// The message is longer than this many bytes (`too_big`).
    MessageTooBig {
        /// The limit.
        bytes_max: usize,
    },
    /// A line was too long to be read at all (`too_big`).
    LineTooLong,
    /// A line was not UTF-8 (`bad_request`).
    NotUtf8,
    /// Whoever it is for reads so slowly that nothing can be added to what waits (`busy`).
    Busy {
        /// When to try again.
        retry_ms: u64,
    },
    /// Too much was asked in too short a time (`rate_limited`).
    RateLimited {
        /// When to try again.
        retry_ms: u64,
    },
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
    /// Another connection has taken the name over with its secret.
    Replaced,
    /// The member went on at ten times what is allowed.
    RateAbuse,
    /// The room does not wait for slow readers.
    TooSlow,
    /// The server stops for good.
    Stopping,
    /// The server stops, and another takes its place.
    Restarting {
        /// When to come back.
        retry_ms: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_as_long_as_it_was_sent_but_for_its_quotes() {
        let cases = [
            (Data::Text(""), 0),
            (Data::Text("né"), 3),
            (Data::Text("\"hi\""), 4),
            (Data::Json(r#""""#), 0),
            (Data::Json(r#""hi""#), 2),
            (Data::Json(r#""h\u0069""#), 7),
            (Data::Json("null"), 4),
            (Data::Json(r#"["hi"]"#), 6),
        ];
        for (data, len) in cases {
            assert_eq!(data.len_bytes(), len, "{data:?}");
        }
    }
}
