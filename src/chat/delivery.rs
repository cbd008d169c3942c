//! What the hub wants done, done by the server: effects become what the context does.
//!
//! ```text
//!     conn      ⇄  member      the connection's slot; its generation is kept here
//!     topic     ⇄  room        one number made of the room's two
//!     class     ⇄  dialect     how whoever reads a topic wants it written
//!     Event     ─▶ message     wire::text::render, wire::json::render
//! ```

use super::{Effects, MemberId, Record, Replayed, RoomId};
use crate::proto::ws::close as ws_close;
use crate::service::{Class, ConnId, Context, Message, Topic, close};
use crate::wire::{self, Changes, Event, GapReason, Goodbye, RequestId, json, text};
use std::ops::Range;

/// The dialect for people.
pub(super) const TEXT: Class = Class(0);
/// The same with the messages' numbers.
const TEXT_WITH_SEQ: Class = Class(1);
/// The dialect for programs.
pub(super) const JSON: Class = Class(2);

/// For how many members memory is kept.
const EXCEPT_KEPT: usize = 64;

/// Memory that is kept from one effect to the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// What is being written to one member.
    pub rendered: Vec<u8>,
    /// Who is not to be told what is being published.
    pub except: Vec<ConnId>,
    /// Strings that were written with escapes.
    pub unescaped: Vec<u8>,
}

/// What a connection is, apart from the member that it brings. Kept small: there is one for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub generation: u32,
    pub is_line: bool,
    /// A line connection that has not said its first line.
    pub is_silent: bool,
    /// `None` until a line connection has shown it.
    pub class: Option<Class>,
}

/// Nobody's.
pub(super) const NO_LINK: Link = Link { generation: 0, is_line: false, is_silent: false, class: None };

/// The hub's effects on the server.
pub(super) struct ServerEffects<'a> {
    pub cx: &'a mut dyn Context,
    pub links: &'a mut [Link],
    pub scratch: &'a mut Scratch,
}

impl ServerEffects<'_> {
    fn link(&self, member: MemberId) -> Link {
        *self.links.get(member.0 as usize).expect("a member comes by a connection")
    }

    fn conn(&self, member: MemberId) -> ConnId {
        ConnId { index: member.0, generation: self.link(member).generation }
    }

    /// Hands what `event` says to `send`, a message at a time; none, if the member's dialect has no words for it.
    fn send(
        &mut self,
        member: MemberId,
        id: Option<RequestId>,
        event: &Event<'_>,
        mut send: impl FnMut(&mut dyn Context, ConnId, Message<'_>),
    ) {
        let (conn, rendered) = (self.conn(member), &mut self.scratch.rendered);
        rendered.clear();
        let class = self.links.get(member.0 as usize).and_then(|link| link.class).unwrap_or(TEXT);
        render(class, id, event, rendered);
        let text = str::from_utf8(rendered).expect("every dialect is UTF-8");
        // A page of history is many lines, and each line is a message.
        for message in text.split('\n').filter(|message| !message.is_empty()) {
            send(self.cx, conn, Message::Text(message));
        }
    }

    /// Publishes what `render` writes for each class.
    fn publish(
        &mut self,
        room: RoomId,
        render: &mut dyn FnMut(Class, &mut Vec<u8>),
        except: &[MemberId],
    ) -> u64 {
        let links = &self.links;
        let conn = |&MemberId(index)| ConnId { index, generation: links[index as usize].generation };
        self.scratch.except.extend(except.iter().map(conn));
        let entry = self.cx.publish(topic(room), render, &self.scratch.except);
        // A crowd that came in one second is no measure for the rest of the day.
        self.scratch.except.clear();
        self.scratch.except.shrink_to(EXCEPT_KEPT);
        entry
    }
}

impl Effects for ServerEffects<'_> {
    fn unix_ms(&self) -> u64 {
        self.cx.unix_ms()
    }

    fn tell(&mut self, member: MemberId, id: Option<RequestId>, event: &Event<'_>) {
        let is_last = matches!(event, Event::Goodbye(_));
        self.send(member, id, event, |cx, conn, message| match is_last {
            true => cx.farewell(conn, message),
            false => cx.send(conn, message),
        });
    }

    fn answer(&mut self, member: MemberId, room: RoomId, id: Option<RequestId>, event: &Event<'_>) {
        self.send(member, id, event, |cx, conn, message| cx.send_after(conn, topic(room), message));
    }

    fn is_crowded(&self, member: MemberId) -> bool {
        self.cx.is_crowded(self.conn(member))
    }

    fn say(&mut self, room: RoomId, message: &wire::Message<'_>, json: &[u8], except: &[MemberId]) -> u64 {
        let mut render = |class: Class, out: &mut Vec<u8>| match class {
            JSON => out.extend_from_slice(json),
            class => render(class, None, &Event::Message(*message), out),
        };
        self.publish(room, &mut render, except)
    }

    fn notify(&mut self, room: RoomId, event: &Event<'_>, except: &[MemberId]) {
        self.publish(room, &mut |class, out| render(class, None, event, out), except);
    }

    fn follow(&mut self, member: MemberId, room: RoomId) {
        let class = self.link(member).class.unwrap_or(TEXT);
        self.cx.subscribe(self.conn(member), topic(room), class);
    }

    fn unfollow(&mut self, member: MemberId, room: RoomId) {
        self.cx.unsubscribe(self.conn(member), topic(room));
    }

    fn recall(&mut self, member: MemberId, room: RoomId, record: &Record) {
        let (conn, class) = (self.conn(member), self.link(member).class.unwrap_or(TEXT));
        let Scratch { rendered, unescaped, .. } = &mut *self.scratch;
        rendered.clear();
        render_record(class, record, unescaped, rendered);
        let text = str::from_utf8(rendered).expect("every dialect is UTF-8");
        self.cx.send_after(conn, topic(room), Message::Text(text));
    }

    fn replay(&mut self, member: MemberId, room: RoomId, entries: Range<u64>) {
        self.cx.replay(self.conn(member), topic(room), entries);
    }

    fn show_seq(&mut self, member: MemberId, shows: bool) {
        if let Some(link) = self.links.get_mut(member.0 as usize)
            && link.class != Some(JSON)
        {
            link.class = Some(if shows { TEXT_WITH_SEQ } else { TEXT });
        }
    }

    fn close(&mut self, member: MemberId, goodbye: Goodbye) {
        if self.link(member).is_line {
            self.tell(member, None, &Event::Goodbye(goodbye));
        }
        let (code, reason) = match goodbye {
            Goodbye::Quit => (ws_close::NORMAL, "goodbye"),
            Goodbye::Idle { .. } => (close::IDLE, "idle"),
            Goodbye::Replaced => (close::REPLACED, "replaced"),
            Goodbye::RateAbuse => (close::RATE_ABUSE, "too much, too fast"),
            Goodbye::TooSlow => (close::TOO_SLOW, "too slow"),
            Goodbye::Stopping => (ws_close::GOING_AWAY, "the server stops"),
            Goodbye::Restarting { .. } => (ws_close::SERVICE_RESTART, "the server restarts"),
        };
        self.cx.close(self.conn(member), code, reason);
    }
}

fn render(class: Class, id: Option<RequestId>, event: &Event<'_>, out: &mut Vec<u8>) {
    match class {
        JSON => json::render(id, event, out),
        class => text::render(event, class == TEXT_WITH_SEQ, out),
    }
}

/// A message that is remembered is remembered as JSON; for others it is read again.
fn render_record(class: Class, record: &Record, unescaped: &mut Vec<u8>, out: &mut Vec<u8>) {
    if class == JSON {
        return out.extend_from_slice(&record.json);
    }
    match json::parse_message(&record.json, unescaped) {
        Some(message) => render(class, None, &Event::Message(message), out),
        None => log::error!("a message in the history is not as it was written"),
    }
}

/// What goes in the place of entries that a room's stream no longer has.
pub(super) fn render_replayed(
    class: Class,
    room: &str,
    epoch: &str,
    replayed: Replayed<'_>,
    unescaped: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    match replayed {
        Replayed::Gap(from, to) => {
            render(class, None, &Event::Gap { room, epoch, from, to, reason: GapReason::Slow }, out);
        }
        Replayed::Message(record) => render_record(class, record, unescaped, out),
        Replayed::Members(members) => {
            let changes = Changes::Counted { joined: 0, left: 0, renamed: 0 };
            render(class, None, &Event::Presence { room, changes, members }, out);
        }
    }
}

pub(super) fn member(conn: ConnId) -> MemberId {
    MemberId(conn.index)
}

fn topic(room: RoomId) -> Topic {
    Topic(u64::from(room.serial) << 32 | u64::from(room.index))
}

pub(super) fn room(topic: Topic) -> RoomId {
    RoomId { serial: (topic.0 >> 32) as u32, index: topic.0 as u32 }
}
