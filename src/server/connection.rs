//! One connection: what the server keeps for it, and when it next wants to be looked at.
//!
//! ```text
//!              upgrade                           close()
//!     Http ───────────────▶ WebSocket ─────────────┬────────▶ Closing     our Close is on its way; the peer's is awaited
//!      │                        │                  │             │
//!      │ last response          │ peer's Close,    │             │ peer's Close, or too late
//!      │              Line      │ a broken rule    │             ▼
//!      └────────────────┴───────┴──────────────────┴────────▶ Flushing    the last bytes are going out
//!                                                                │
//!                                                                │ FIN
//!                                                                ▼
//!                                                             Draining    what still comes is dropped, until EOF
//!                                                                │
//!                                   reset, or too late ─────────▶ Gone    freed at the end of the turn
//! ```
//!
//! The server says FIN first and then listens on for a while (7.1.1): a socket that is closed with unread bytes in it is
//! reset, and the reset would overtake our Close frame. A peer that has said EOF itself is spared the draining.
//!
//! What is idle costs nothing: no buffers, no request head, no message assembled; a joined, idle member is this struct.

use super::close_reason::CloseReason;
use super::limits::Limits;
use super::lines::Lines;
use super::topic::Framing;
use crate::net::Peer;
use crate::net::outbox::Outbox;
use crate::proto::ws;
use crate::proto::ws::deflate::WindowBits;
use crate::service::ConnId;
use crate::time::Millis;

/// How the bytes of a connection are read, and what is known of a unit that has not come whole.
#[derive(Debug, Default)]
pub enum Codec {
    /// Requests. A head that has not come whole lies in [`Connection::unread`].
    #[default]
    Http,
    /// Frames.
    WebSocket(ws::Connection),
    /// Lines.
    Line(Lines),
}

impl Codec {
    /// Whether it remembers what the peer has said before.
    pub fn keeps_context(&self) -> bool {
        matches!(self, Codec::WebSocket(ws) if ws.keeps_context())
    }
}

/// The same, without the state: what stays known while the codec is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Requests and responses.
    Http,
    /// WebSocket frames.
    WebSocket,
    /// Lines.
    Line,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is served.
    Open,
    /// A WebSocket to which we have sent, or queued, a Close that the peer has not answered.
    Closing,
    /// Its last bytes are queued; when they are out, FIN follows.
    Flushing,
    /// FIN is out.
    Draining,
    /// To be freed.
    Gone,
}

/// Whether a connection is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// It is.
    Open,
    /// So much waits for it that it is not, until much of that has been taken.
    Paused,
    /// That has been taken; what it had sent before comes first, and then it is read again.
    Resuming,
}

/// A subscription: a log, and the member's slot in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The log.
    pub log: u32,
    /// The slot.
    pub slot: u32,
}

/// A connection's subscriptions: most have one or none, and spend no allocation on it.
#[derive(Debug, Default)]
pub enum Subscriptions {
    /// None.
    #[default]
    None,
    /// One.
    One(Subscription),
    /// Several, in no order.
    #[allow(clippy::box_collection, reason = "a word less in every connection that has one or none")]
    Many(Box<Vec<Subscription>>),
}

impl Subscriptions {
    /// All of them.
    pub fn as_slice(&self) -> &[Subscription] {
        match self {
            Subscriptions::None => &[],
            Subscriptions::One(one) => std::slice::from_ref(one),
            Subscriptions::Many(many) => many,
        }
    }

    /// The slot in a log.
    pub fn slot(&self, log: u32) -> Option<u32> {
        self.as_slice()
            .iter()
            .find(|subscription| subscription.log == log)
            .map(|subscription| subscription.slot)
    }

    /// Adds one.
    pub fn push(&mut self, subscription: Subscription) {
        *self = match std::mem::take(self) {
            Subscriptions::None => Subscriptions::One(subscription),
            Subscriptions::One(one) => Subscriptions::Many(Box::new(vec![one, subscription])),
            Subscriptions::Many(mut many) => {
                many.push(subscription);
                Subscriptions::Many(many)
            }
        };
    }

    /// Removes one; returns its slot.
    pub fn remove(&mut self, log: u32) -> Option<u32> {
        let at = self.as_slice().iter().position(|subscription| subscription.log == log)?;
        match std::mem::take(self) {
            Subscriptions::None => None,
            Subscriptions::One(one) => Some(one.slot),
            Subscriptions::Many(mut many) => {
                let removed = many.swap_remove(at);
                *self = match many[..] {
                    [one] => Subscriptions::One(one),
                    _ => Subscriptions::Many(many),
                };
                Some(removed.slot)
            }
        }
    }

    /// The member has been moved to another slot of a log.
    pub fn set_slot(&mut self, log: u32, slot: u32) {
        let subscriptions = match self {
            Subscriptions::None => &mut [][..],
            Subscriptions::One(one) => std::slice::from_mut(one),
            Subscriptions::Many(many) => many,
        };
        if let Some(subscription) = subscriptions.iter_mut().find(|subscription| subscription.log == log) {
            subscription.slot = slot;
        }
    }
}

/// What the server keeps for one connection.
#[derive(Debug)]
pub struct Connection {
    /// Tells this connection from the others that have had its slot.
    pub generation: u32,
    /// The service that it belongs to, once that is known.
    pub service: Option<u16>,
    /// How far it has come.
    pub phase: Phase,
    /// What its bytes are.
    pub wire: Wire,
    /// Whether the service has been told of it and not yet of its end.
    pub is_announced: bool,
    /// On the list of those to be written to.
    pub is_pending: bool,
    /// The kernel takes no more bytes; we will hear when it does.
    pub is_blocked: bool,
    /// Whether it is read.
    pub intake: Intake,
    /// The peer has ended its side.
    pub is_eof: bool,
    /// A Ping is out since `deadline - pong_timeout`, and nothing has come since.
    pub is_pinged: bool,
    /// The first bytes of a request have come, and its last have not.
    pub is_mid_request: bool,
    /// Its sender has been told to go on with the body.
    pub is_continued: bool,
    /// How many of the unread bytes have been searched for the end of a head, in vain.
    pub head_searched: u32,
    /// Its requests must name a host that the server answers for.
    pub is_host_checked: bool,
    /// The service is about to be asked for what a log has forgotten.
    pub is_asking: bool,
    /// It has been blocked since the service last heard `on_drain`.
    pub was_blocked: bool,
    /// It has been blocked for so long that it is tried whether the kernel takes anything.
    pub is_probed: bool,
    /// Who it is.
    pub peer: Peer,
    /// The window for which what it is sent is deflated, if that was agreed on.
    pub deflate: Option<WindowBits>,
    /// How its bytes are read.
    pub codec: Codec,
    /// What it reads.
    pub subscriptions: Subscriptions,
    /// What waits for it alone.
    pub outbox: Option<Box<Outbox>>,
    /// Bytes that have come and could not be handled yet: a head that is not whole, or what came behind the message
    /// whose answer brought the outbox to its high mark.
    #[allow(clippy::box_collection, reason = "one word rather than three in every connection that has none")]
    pub unread: Option<Box<Vec<u8>>>,
    /// When it came.
    pub opened_at: Millis,
    /// When its last byte came.
    pub heard_at: Millis,
    /// While blocked: since when the kernel has taken nothing.
    pub stalled_at: Millis,
    /// What this means depends on wire and phase: the end of the wait for a request, a Pong, a Close, an EOF.
    pub deadline: Millis,
    /// What the service has asked for.
    pub service_deadline: Millis,
    /// Why it ends.
    pub reason: Option<CloseReason>,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes that the kernel took.
    pub bytes_out: u64,
    /// Messages, lines or requests received.
    pub messages_in: u32,
}

impl Connection {
    /// Its name, while it lives in this slot.
    pub fn id(&self, index: u32) -> ConnId {
        ConnId { index, generation: self.generation }
    }

    /// How a topic's entries are wrapped for it.
    pub fn framing(&self) -> Framing {
        match (self.wire, self.deflate) {
            (Wire::WebSocket, None) => Framing::Frame,
            (Wire::WebSocket, Some(window)) => Framing::Deflated(window),
            (Wire::Line | Wire::Http, _) => Framing::Line,
        }
    }

    /// When to look at it again, though nothing happens.
    pub fn next_deadline(&self, limits: &Limits) -> Millis {
        let stall = if self.is_blocked { self.stalled_at + limits.stall_timeout } else { Millis::NEVER };
        match (self.phase, self.wire) {
            (Phase::Open, Wire::Http) => stall.min(self.deadline),
            (Phase::Open, Wire::WebSocket) => {
                stall.min(self.service_deadline).min(self.liveness_deadline(limits))
            }
            (Phase::Open, Wire::Line) => stall.min(self.service_deadline),
            (Phase::Closing | Phase::Flushing | Phase::Draining, _) => self.deadline,
            (Phase::Gone, _) => Millis::NEVER,
        }
    }

    /// When a silent WebSocket peer is to be sent a Ping, or is taken for dead. Never while it cannot be written to: the
    /// Ping would stand behind what it does not take, and what it does take is proof of life.
    pub fn liveness_deadline(&self, limits: &Limits) -> Millis {
        match (self.is_blocked, self.is_pinged) {
            (true, _) => Millis::NEVER,
            (false, true) => self.deadline,
            (false, false) => self.heard_at + limits.ping_interval,
        }
    }

    /// Whether there is any use for what it says.
    pub fn is_heard(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Closing)
    }

    /// Whether bytes of it are to be read now.
    pub fn wants_bytes(&self) -> bool {
        match self.phase {
            Phase::Open | Phase::Closing => self.intake == Intake::Open,
            Phase::Flushing | Phase::Draining => true,
            Phase::Gone => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_are_found_moved_and_removed() {
        let mut subscriptions = Subscriptions::default();
        for log in 0..4 {
            subscriptions.push(Subscription { log, slot: 10 + log });
        }
        subscriptions.set_slot(2, 99);
        assert_eq!(subscriptions.slot(2), Some(99));
        assert_eq!(subscriptions.remove(1), Some(11));
        assert_eq!(subscriptions.remove(1), None);
        assert_eq!((subscriptions.remove(2), subscriptions.remove(0)), (Some(99), Some(10)));
        assert!(matches!(subscriptions, Subscriptions::One(Subscription { log: 3, slot: 13 })));
        assert_eq!(subscriptions.remove(3), Some(13));
        assert!(subscriptions.as_slice().is_empty());
    }

    #[test]
    fn an_idle_connection_is_this_large() {
        assert!(size_of::<Connection>() <= 168, "{} bytes", size_of::<Connection>());
    }
}
