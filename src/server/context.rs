//! The [`Context`] that the server hands to its services: it notes what must happen.

use super::calendar::Calendar;
use super::close_reason::CloseReason;
use super::connection::Codec;
use super::state::State;
use super::topic::TopicKey;
use crate::proto::ws::close;
use crate::service::{Class, ConnId, Context, Message, Topic};
use crate::time::Millis;
use std::ops::Range;

/// One service's view of the server, for one callback.
pub struct ServerContext<'a> {
    /// The time of the turn.
    pub now: Millis,
    /// The same by the calendar.
    pub calendar: &'a Calendar,
    /// Whose context this is.
    pub service: u16,
    /// When the service wants to be woken.
    pub wake_at: &'a mut Millis,
    /// Everything else.
    pub state: &'a mut State,
}

impl ServerContext<'_> {
    /// The slot of a connection that is served, by this service.
    fn find(&self, id: ConnId) -> Option<u32> {
        self.state.find(id).filter(|&index| self.state.conns[index as usize].service == Some(self.service))
    }

    fn key(&self, topic: Topic) -> TopicKey {
        TopicKey { service: self.service, topic }
    }
}

impl Context for ServerContext<'_> {
    fn now(&self) -> Millis {
        self.now
    }

    fn unix_ms(&self) -> u64 {
        self.calendar.unix_ms()
    }

    fn send(&mut self, conn: ConnId, message: Message<'_>) {
        if let Some(index) = self.find(conn) {
            self.state.push_message(self.now, index, message);
        }
    }

    fn send_after(&mut self, conn: ConnId, topic: Topic, message: Message<'_>) {
        if let Some(index) = self.find(conn) {
            self.state.push_message_after(self.now, index, self.key(topic), message);
        }
    }

    fn is_crowded(&self, conn: ConnId) -> bool {
        let queued =
            |index| self.state.conns[index as usize].outbox.as_ref().map_or(0, |it| it.queued_bytes());
        self.find(conn).is_some_and(|index| queued(index) >= self.state.limits.outbox_high_bytes)
    }

    fn farewell(&mut self, conn: ConnId, message: Message<'_>) {
        if let Some(index) = self.find(conn) {
            self.state.keep_farewell(index, message);
        }
    }

    fn close(&mut self, conn: ConnId, code: u16, reason: &str) {
        let Some(index) = self.find(conn) else { return };
        let code = match close::is_valid_on_wire(code) {
            true => code,
            false => {
                log::error!("a service closes with {code}, which no Close frame may carry");
                close::INTERNAL_ERROR
            }
        };
        self.state.close_with(self.now, index, CloseReason::Service(code), reason);
    }

    fn deadline(&mut self, conn: ConnId, at: Option<Millis>) {
        if let Some(index) = self.find(conn) {
            self.state.conn(index).service_deadline = at.unwrap_or(Millis::NEVER);
            self.state.touch_timer(index);
        }
    }

    fn begun_line(&self, conn: ConnId) -> Option<u8> {
        match &self.state.conns[self.find(conn)? as usize].codec {
            Codec::Line(lines) => lines.begun(),
            Codec::Http | Codec::WebSocket(_) => None,
        }
    }

    fn wake_at(&mut self, at: Option<Millis>) {
        *self.wake_at = at.unwrap_or(Millis::NEVER);
    }

    fn subscribe(&mut self, conn: ConnId, topic: Topic, class: Class) {
        if let Some(index) = self.find(conn) {
            self.state.subscribe(index, self.key(topic), class);
        }
    }

    fn unsubscribe(&mut self, conn: ConnId, topic: Topic) {
        if let Some(index) = self.find(conn)
            && let Some(subscription) = self.state.subscription(index, self.key(topic))
        {
            self.state.unsubscribe(index, subscription.log);
        }
    }

    fn replay(&mut self, conn: ConnId, topic: Topic, entries: Range<u64>) {
        if let Some(index) = self.find(conn) {
            self.state.push_question(index, topic, entries);
        }
    }

    fn publish(
        &mut self,
        topic: Topic,
        render: &mut dyn FnMut(Class, &mut Vec<u8>),
        except: &[ConnId],
    ) -> u64 {
        self.state.publish(self.now, self.key(topic), render, except)
    }
}
