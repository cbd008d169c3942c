//! Messages that are deflated on their way out (RFC 7692): once each, for however many.
//!
//! ```text
//!   a room's message ──▶ JSON ──┬─▶ plain frame ────────────▶ the log of those who did not ask for more
//!                               └─▶ deflate ──▶ RSV1 frame ─▶ the log of those who did: as many as there are
//! ```
//!
//! The window is a part of a log's encoding, and the message is deflated anew only where it is longer than the smaller of
//! two windows. That works because the server keeps no context between two messages: what was said to one connection
//! before does not matter for what is said to all of them now. One workplace per loop is enough, and a connection that
//! deflates costs one byte more than one that does not.
//!
//! Small messages go as they are, and so do those that would not become shorter (6: each may be either).

use super::state::{State, frame_header};
use crate::metrics::Metrics;
use crate::proto::ws::deflate::{CONTEXT_BYTES, Deflaters, Inflater, Parameters, WindowBits};
use crate::proto::ws::handshake::Offer;
use crate::proto::ws::{EncodedHeader, Header, Opcode, Role};

/// The loop's workplaces.
#[derive(Debug, Default)]
pub struct Deflation {
    /// For messages that come.
    pub inflater: Inflater,
    deflaters: Deflaters,
    /// The window for which the message that is being published was deflated.
    published_for: Option<WindowBits>,
    /// How many connections have memory of their own for what their peers have said before.
    contexts: usize,
}

impl Deflation {
    /// How many bytes of memory that is.
    pub fn context_bytes(&self) -> usize {
        self.contexts * CONTEXT_BYTES
    }

    /// A message for one connection: its header, and its payload as it goes out.
    pub fn message<'a>(
        &'a mut self,
        window: WindowBits,
        bytes_min: usize,
        metrics: &mut Metrics,
        opcode: Opcode,
        payload: &'a [u8],
    ) -> (EncodedHeader, &'a [u8]) {
        let deflated = if payload.len() < bytes_min { None } else { self.deflaters.deflate(window, payload) };
        metrics.deflated += u64::from(deflated.is_some());
        metrics.deflate_bytes_saved += saved(payload, deflated);
        wrap(opcode, payload, deflated)
    }

    /// Another text is published.
    pub fn begin_publishing(&mut self) {
        self.published_for = None;
    }

    /// The text that is being published, for so many members with this window. It is deflated if it has not been for one
    /// like it.
    pub fn published<'a>(
        &'a mut self,
        window: WindowBits,
        bytes_min: usize,
        metrics: &mut Metrics,
        payload: &'a [u8],
        members: usize,
    ) -> (EncodedHeader, &'a [u8]) {
        if payload.len() < bytes_min {
            return wrap(Opcode::Text, payload, None);
        }
        let window = window.widest_for(payload.len());
        if self.published_for != Some(window) {
            self.published_for = Some(window);
            metrics.deflated += u64::from(self.deflaters.deflate(window, payload).is_some());
        }
        let deflated = self.deflaters.last();
        metrics.deflate_bytes_saved += saved(payload, deflated) * members as u64;
        wrap(Opcode::Text, payload, deflated)
    }
}

fn saved(payload: &[u8], deflated: Option<&[u8]>) -> u64 {
    deflated.map_or(0, |deflated| (payload.len() - deflated.len()) as u64)
}

fn wrap<'a>(opcode: Opcode, payload: &'a [u8], deflated: Option<&'a [u8]>) -> (EncodedHeader, &'a [u8]) {
    let rsv1 = deflated.is_some();
    let payload = deflated.unwrap_or(payload);
    let header = Header { fin: true, rsv1, opcode, masking_key: None, payload_len: payload.len() as u64 };
    (header.encode(), payload)
}

impl State {
    /// What is agreed on with a client, if its service deflates. From now on the connection does what was agreed.
    pub fn agree_on_deflate(&mut self, index: u32, offer: &Offer<'_>) -> Option<Parameters> {
        let has_memory =
            self.deflation.context_bytes() + CONTEXT_BYTES <= self.limits.deflate_context_bytes_max;
        let agreed = offer.deflate(has_memory)?;
        self.deflation.contexts += usize::from(agreed.peer_keeps_context(Role::Server));
        self.conn(index).deflate = agreed.window(Role::Server);
        Some(agreed)
    }

    /// A connection that remembered what its peer had said is gone.
    pub fn forget_context(&mut self) {
        self.deflation.contexts -= 1;
    }

    /// Queues a message of a connection's own, deflated where that was agreed on.
    pub fn push_data(&mut self, index: u32, opcode: Opcode, payload: &[u8]) {
        let Some(window) = self.conn(index).deflate else { return self.push_frame(index, opcode, payload) };
        let mut deflation = std::mem::take(&mut self.deflation);
        let bytes_min = self.limits.deflate_bytes_min;
        let (header, payload) = deflation.message(window, bytes_min, &mut self.metrics, opcode, payload);
        self.outbox(index).push_frame(&header, payload);
        self.deflation = deflation;
    }

    /// Queues a frame that goes as it is.
    pub fn push_frame(&mut self, index: u32, opcode: Opcode, payload: &[u8]) {
        let header = frame_header(opcode, payload.len());
        self.outbox(index).push_frame(&header, payload);
    }

    /// Queues messages as the answer to the first item of an outbox, each deflated where that was agreed on.
    pub fn push_replayed<'t>(&mut self, index: u32, texts: impl Iterator<Item = &'t [u8]>) {
        let mut deflation = std::mem::take(&mut self.deflation);
        let (window, bytes_min) = (self.conn(index).deflate, self.limits.deflate_bytes_min);
        for text in texts {
            let (header, payload) = match window {
                Some(window) => deflation.message(window, bytes_min, &mut self.metrics, Opcode::Text, text),
                None => wrap(Opcode::Text, text, None),
            };
            self.outbox(index).push_replayed(&header, payload);
        }
        self.deflation = deflation;
    }
}
