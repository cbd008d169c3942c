//! What runs on the server: the [`Service`] trait and the [`Context`] it acts through.
//!
//! A service is told what happened to its connections, one callback at a time, and answers by calling its context.
//! Nothing that it calls blocks, writes to a socket or frees a connection: the context notes what must happen, and the
//! server does it later in the same turn of its loop. So a service is plain single-threaded code with `&mut self`, and
//! a test can drive it with a context of its own.
//!
//! ```text
//!     request ─▶ on_upgrade ─▶ on_open ─▶ on_message … ─▶ on_close       exactly one on_close for each on_open
//!                    │                      ▲   │
//!                    └─▶ Refuse             │   └─▶ cx.send  cx.publish  cx.subscribe  cx.close  cx.deadline
//!                                           └── on_deadline  on_replay  on_drain
//! ```
//!
//! A whole service, which sends back what it gets:
//!
//! ```
//! use chinwag::service::{ConnId, Context, Message, Service};
//!
//! struct Echo;
//!
//! impl Service for Echo {
//!     fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
//!         cx.send(conn, message);
//!     }
//! }
//! ```

#[cfg(feature = "json")]
pub mod add;
pub mod echo;

use crate::proto::http::{Head, Response};
use crate::proto::ws::handshake;
use crate::time::Millis;
use std::ops::Range;

/// One connection, for as long as the server runs: an index into its slab, and how often that slot was used before.
///
/// The generation makes an id that outlived its connection name nobody rather than somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    /// The slot: dense and reused, fit to index a service's own table.
    pub index: u32,
    /// How many connections have had the slot before this one.
    pub generation: u32,
}

/// A conversation that connections subscribe to. The number is the service's to choose; two services never meet in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(pub u64);

/// The dialect in which a connection reads a topic. What is published is rendered once for each class that has a
/// reader, however many readers that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u8);

/// What a connection said or is told. On the line port a message is a line, without its line end, and always text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text. Its UTF-8 has been judged.
    Text(&'a str),
    /// Bytes. Never comes from a line connection, and is not sent to one.
    Binary(&'a [u8]),
}

impl Message<'_> {
    /// The payload.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
        }
    }
}

/// Why a line is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLine {
    /// It is longer than the server takes. It has been, or is being, skipped to its end.
    TooLong {
        /// Its first byte.
        first: u8,
    },
    /// It is not UTF-8.
    NotUtf8 {
        /// Its first byte.
        first: u8,
    },
}

/// An HTTP request, whole: its head, and its body as far as `Content-Length` said.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Method, target and header fields.
    pub head: &'a Head<'a>,
    /// The body; empty when there is none.
    pub body: &'a [u8],
}

/// How a connection came to the service.
#[derive(Clone, Copy, Debug)]
pub enum Opening<'a> {
    /// By a WebSocket handshake.
    WebSocket {
        /// The request that was upgraded.
        request: &'a Head<'a>,
        /// What [`Service::on_upgrade`] chose.
        subprotocol: Option<&'static str>,
    },
    /// By the line port.
    Line,
}

/// The answer to a request for a WebSocket connection.
#[derive(Debug)]
pub enum Upgrade {
    /// Welcome, with the subprotocol chosen from those that the client offered (RFC 6455, 4.2.2).
    Accept {
        /// The one that goes back in `Sec-WebSocket-Protocol`; `None` sends no such field.
        subprotocol: Option<&'static str>,
    },
    /// Answered with this response instead.
    Refuse(Response),
}

/// What a connection's stream lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Of this topic.
    pub topic: Topic,
    /// The entries, as [`Context::publish`] numbered them.
    pub entries: Range<u64>,
    /// Why.
    pub cause: Cause,
}

/// Why entries are missing in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The connection reads so slowly that the topic's log forgot them.
    Lagged,
    /// They have been asked for.
    Requested,
}

/// How the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// For good: peers are told 1001.
    Stop,
    /// Another process takes over: peers are told 1012, and to come back.
    Restart,
}

/// Messages that stand in for entries that are missing.
#[derive(Debug, Default)]
pub struct Replay {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Replay {
    /// Adds one text message, which `render` appends to the buffer that it is given.
    pub fn push(&mut self, render: impl FnOnce(&mut Vec<u8>)) {
        render(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// How many bytes there are: a service stops at a bound of its own, and goes on when it is asked again.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The messages, in order.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }

    /// Makes it empty again.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// Why a connection is no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The WebSocket close code; 1006 when none was exchanged (RFC 6455, 7.1.5).
    pub code: u16,
    /// The same as one word, for logs and labels.
    pub word: &'static str,
}

/// What a service is told. Every method has a default, so a service says only what it cares about.
pub trait Service {
    /// Somebody asks for a WebSocket connection here. The handshake is sound and its Origin allowed.
    fn on_upgrade(&mut self, _cx: &mut dyn Context, _request: &Request<'_>) -> Upgrade {
        Upgrade::Accept { subprotocol: None }
    }

    /// The methods that requests for a path of this service may have. OPTIONS is answered with them by the server.
    fn methods(&self) -> &'static [&'static str] {
        &["GET"]
    }

    /// A plain HTTP request for a path of this service.
    fn on_request(&mut self, _cx: &mut dyn Context, _request: &Request<'_>) -> Response {
        handshake::Error::Upgrade.response()
    }

    /// A connection is open. What was sent in `on_open` follows the handshake's response.
    fn on_open(&mut self, _cx: &mut dyn Context, _conn: ConnId, _opening: Opening<'_>) {}

    /// The connection said something. `message` lies in the loop's read buffer: copy what must last.
    fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>);

    /// A line connection sent a line that is no message. The connection goes on with the next.
    fn on_bad_line(&mut self, _cx: &mut dyn Context, _conn: ConnId, _error: BadLine) {}

    /// Entries are missing in the connection's stream: because it reads so slowly that the topic's log has forgotten them,
    /// or because [`Context::replay`] has asked for them. It has been sent everything before. What is pushed into `replay`
    /// is sent in their place; returns the number of the first entry that this does not cover. If that is less than the
    /// end of what is missing, the rest is asked for once the peer has taken this: so a long hole is filled a slice at a
    /// time, and waits in nobody's memory. The default closes the connection.
    fn on_replay(
        &mut self,
        cx: &mut dyn Context,
        conn: ConnId,
        missing: Missing,
        _replay: &mut Replay,
    ) -> u64 {
        cx.close(conn, close::TOO_SLOW, "too slow");
        missing.entries.end
    }

    /// A connection that could not be written to for a while has now been sent all that waited for it.
    fn on_drain(&mut self, _cx: &mut dyn Context, _conn: ConnId) {}

    /// The moment set by [`Context::deadline`] has come. It is not set any more.
    fn on_deadline(&mut self, _cx: &mut dyn Context, _conn: ConnId) {}

    /// The server is about to close all connections: the moment for farewells.
    fn on_shutdown(&mut self, _cx: &mut dyn Context, _shutdown: Shutdown) {}

    /// The moment set by [`Context::wake_at`] has come. It is not set any more.
    fn on_wake(&mut self, _cx: &mut dyn Context) {}

    /// The connection has ended, or has begun to: nothing more comes from it, and what is sent to it goes nowhere.
    /// Called once for each `on_open`.
    fn on_close(&mut self, _cx: &mut dyn Context, _conn: ConnId, _ending: Ending) {}

    /// Plain numbers about the service, each with its name.
    fn stats(&self, _report: &mut dyn FnMut(&'static str, u64)) {}
}

/// What a service can do. An id whose connection has ended is accepted everywhere and names nobody.
pub trait Context {
    /// The time of this turn of the loop.
    fn now(&self) -> Millis;

    /// The same by the calendar, in milliseconds since 1970. The calendar may be set forward and back at any time, so this is
    /// for telling people when something was, and not for measuring how long it took. It is read at most once in a turn.
    fn unix_ms(&self) -> u64;

    /// Sends one message to one connection, behind what it has been sent before.
    fn send(&mut self, conn: ConnId, message: Message<'_>);

    /// The same, but behind everything that the topic has said so far: an answer about a topic, in its stream.
    fn send_after(&mut self, conn: ConnId, topic: Topic, message: Message<'_>);

    /// Whether so much waits for a connection that it is not read any more. Its own requests cannot make that more then;
    /// what others have sent to it would.
    fn is_crowded(&self, conn: ConnId) -> bool;

    /// Keeps a message for the end of the connection: whoever closes it, this is sent behind everything else. Unlike what
    /// is sent before a close, it is not lost when something before it is, since it does not wait behind questions
    /// that nobody will answer any more. A later one takes its place.
    fn farewell(&mut self, conn: ConnId, message: Message<'_>);

    /// Ends the connection once what it has been sent is out. `code` and `reason` go into the Close frame of a
    /// WebSocket; a line connection just ends, so a service leaves it a farewell that says why.
    fn close(&mut self, conn: ConnId, code: u16, reason: &str);

    /// Sets the one moment at which [`Service::on_deadline`] is called for the connection; `None` takes it back.
    fn deadline(&mut self, conn: ConnId, at: Option<Millis>);

    /// The first byte of the line that a line connection has begun and not ended, as it is between its messages: when a
    /// deadline comes, or the end.
    fn begun_line(&self, conn: ConnId) -> Option<u8>;

    /// Sets the one moment at which [`Service::on_wake`] is called; `None` takes it back.
    fn wake_at(&mut self, at: Option<Millis>);

    /// Everything published in `topic` from now on reaches `conn`, rendered for `class`. A subscription that exists
    /// is left as it is.
    fn subscribe(&mut self, conn: ConnId, topic: Topic, class: Class);

    /// The end of that: what was published until now still arrives, and nothing later.
    fn unsubscribe(&mut self, conn: ConnId, topic: Topic);

    /// Earlier entries of a topic are to be sent to a connection, behind what it has been sent before: the service will be
    /// asked for them by [`Service::on_replay`].
    fn replay(&mut self, conn: ConnId, topic: Topic, entries: Range<u64>);

    /// Publishes one entry. `render` is called once for each class that has a subscriber and appends the text that
    /// such a subscriber reads. Those in `except` are not sent it: the publisher, as a rule. An answer that
    /// [`Context::send_after`] gives one of them next stands in its stream exactly where the entry would have stood.
    ///
    /// Returns the entry's number. A topic's numbers rise, by one as long as it has a subscriber.
    fn publish(
        &mut self,
        topic: Topic,
        render: &mut dyn FnMut(Class, &mut Vec<u8>),
        except: &[ConnId],
    ) -> u64;
}

/// The close codes that this server's applications add to the RFC's, from the range that 7.4.2 leaves to them.
pub mod close {
    /// The connection does not read what it is sent. Come back with backoff.
    pub const TOO_SLOW: u16 = 4108;
    /// Another connection has taken the name over. Not to be answered by coming back.
    pub const REPLACED: u16 = 4005;
    /// Nothing was said for too long.
    pub const IDLE: u16 = 4109;
    /// Too much was asked, however often it was refused.
    pub const RATE_ABUSE: u16 = 4129;
}

#[cfg(test)]
pub(crate) mod fake;
