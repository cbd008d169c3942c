//! The chat, from a member's side: known under a name, in rooms, over as many connections as it takes.
//!
//! ```text
//!                 ┌──────────────────── lost ─────────────────────┐
//!                 ▼                                               │
//!   new ──▶ Waiting ──its time──▶ Opening ──welcome──▶ In ────────┤
//!                                    │                  └─ quit ─▶ Closing ─▶ Ended
//!                                    └── for good ─────────────────────────▶ Ended
//! ```
//!
//! A session does no I/O and asks nobody what time it is. Whoever drives it makes the connection that it wants
//! ([`Session::connection`]), hands over what comes, writes what has gathered, and fetches what has happened
//! ([`Session::poll_event`]). A connection that is lost takes nothing with it but time: the session says who it is, with
//! the secret that proves it, joins its rooms from where it had read to, and then sends what has not arrived. So whatever
//! was published is in its room once, and whatever a room said is told once and in order, or told to be missing.

use super::asked::{Asked, Since};
use super::news::{News, Refusal, Status, Told};
use super::room::{Order, Pending, PublishId, Room, Stage};
use super::said::{Joined, Limits, Message, Said, Welcome};
use super::{Backoff, End, Event, Link, Masks, Outgoing, Scheme, Upgrade, Url};
use crate::time::Millis;
use std::collections::{HashMap, VecDeque};

/// The dialect that is spoken over WebSocket.
pub const SUBPROTOCOL: &str = "chinwag.v1.json";
/// The longest thing that a server may say. A page of history is the longest.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long it may take from dialling to the welcome.
const OPENING_TIMEOUT: Millis = Millis::from_secs(20);
/// How much later than a server's own ping ours comes, and how long an answer may take.
const PING_MARGIN: Millis = Millis::from_secs(5);
const PONG_TIMEOUT: Millis = Millis::from_secs(10);
/// How often a server pings that does not say so.
const PING_INTERVAL: Millis = Millis::from_secs(25);
/// How long to wait for the answer to our Close.
const CLOSING_TIMEOUT: Millis = Millis::from_secs(2);
/// How long a connection must have stood for the next wait to be a short one again.
const STEADY: Millis = Millis::from_secs(10);
/// How many messages of a room may wait for their answers where the server does not limit their rate. Where it does, the
/// second could be taken after the first was refused; so it is sent when the first has been taken.
const IN_FLIGHT_MAX: usize = 64;

/// Who somebody is, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the server is.
    pub url: Url,
    /// What to be called; whatever the server likes, if nothing.
    pub name: Option<String>,
    /// Whatever proves who one is.
    pub token: Option<String>,
    /// Whether to go on trying though there has never been an answer.
    pub is_patient: bool,
    /// Whether [`News::Object`] is told.
    pub keeps_objects: bool,
}

/// A request that waits for its answer.
#[derive(Debug)]
enum Request {
    Hello { has_name: bool },
    Rename(String),
    Join(String),
    Leave(String),
    Publish(String, PublishId),
    History(String),
    Members(String),
    Rooms,
    Direct,
    Ping { at: Millis, is_ours: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// There is no connection.
    Waiting {
        until: Millis,
    },
    /// There is one, or it is being made; we are not known on it yet.
    Opening {
        until: Millis,
    },
    /// We are known.
    In {
        since: Millis,
    },
    /// We have said that we go.
    Closing {
        until: Millis,
    },
    Ended,
}

/// A member of a chat.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    masks: Masks,
    phase: Phase,
    link: Option<Link>,
    /// How many connections there were.
    connections: u64,
    backoff: Backoff,
    /// What the server has said of its end.
    bye: Option<(String, bool, Option<u64>)>,
    /// What it calls us, and what proves it.
    name: Option<String>,
    secret: Option<String>,
    has_been_in: bool,
    limits: Limits,
    rooms: Vec<Room>,
    requests: HashMap<u64, Request>,
    requests_len: u64,
    publishes_len: u64,
    /// Nothing is published, and no room is joined, before this.
    rests_until: Millis,
    ping_interval: Millis,
    heard_at: Millis,
    said_at: Millis,
    pinged_at: Option<Millis>,
    events: VecDeque<News>,
}

impl Session {
    /// A session that wants its first connection at once.
    pub fn new(settings: Settings, masks: Masks) -> Session {
        Session {
            settings,
            masks,
            phase: Phase::Waiting { until: Millis(0) },
            link: None,
            connections: 0,
            backoff: Backoff::default(),
            bye: None,
            name: None,
            secret: None,
            has_been_in: false,
            limits: Limits::default(),
            rooms: Vec::new(),
            requests: HashMap::new(),
            requests_len: 0,
            publishes_len: 0,
            rests_until: Millis(0),
            ping_interval: PING_INTERVAL,
            heard_at: Millis(0),
            said_at: Millis(0),
            pinged_at: None,
            events: VecDeque::new(),
        }
    }

    // What whoever drives it asks. -----------------------------------------------

    /// Which connection is wanted, the first, the second, and so on; `None`: none is. The one before is to be closed.
    pub fn connection(&self) -> Option<u64> {
        let is_wanted =
            matches!(self.phase, Phase::Opening { .. } | Phase::In { .. } | Phase::Closing { .. });
        is_wanted.then_some(self.connections)
    }

    /// Where to.
    pub fn url(&self) -> &Url {
        &self.settings.url
    }

    /// What is to be written on the connection.
    pub fn unwritten(&mut self) -> &[u8] {
        self.link.as_mut().map_or(&[], |link| link.out().unwritten())
    }

    /// So many bytes of it have been written.
    pub fn note_written(&mut self, len: usize) {
        let Some(link) = &mut self.link else { return };
        link.out().note_written(len);
        let is_all_said = link.out().unwritten().is_empty() && self.settings.url.scheme() == Scheme::Tcp;
        if is_all_said && matches!(self.phase, Phase::Closing { .. }) {
            self.end(None);
        }
    }

    /// What has happened next.
    pub fn poll_event(&mut self) -> Option<News> {
        self.events.pop_front()
    }

    /// Whether something has.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// When to call [`Session::handle_timers`].
    pub fn next_deadline(&self) -> Millis {
        match self.phase {
            Phase::Waiting { until } | Phase::Opening { until } | Phase::Closing { until } => until,
            Phase::In { .. } => self.pings_at().min(self.resumes_at()),
            Phase::Ended => Millis::NEVER,
        }
    }

    /// How things are.
    pub fn status(&self) -> Status {
        match self.phase {
            Phase::Waiting { until } => Status::Waiting { until },
            Phase::Opening { .. } => Status::Connecting,
            Phase::In { .. } | Phase::Closing { .. } => Status::Online,
            Phase::Ended => Status::Ended,
        }
    }

    /// What we are called, once that is known.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The rooms that we are in or want to be in, in the order in which they were joined.
    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        self.rooms.iter().map(|room| room.name.as_str())
    }

    /// Whether everything has been told that was said in these rooms before we came, and all that we have said has its
    /// place.
    pub fn is_settled(&self) -> bool {
        self.rooms.iter().all(|room| room.stage == Stage::In && room.pending.is_empty())
    }

    // What happens to it. ------------------------------------------------------------

    /// The connection stands.
    pub fn handle_connected(&mut self, now: Millis) {
        let url = &self.settings.url;
        (self.heard_at, self.said_at, self.pinged_at, self.bye) = (now, now, None, None);
        match url.scheme() {
            Scheme::Ws => {
                let upgrade = Upgrade {
                    authority: &url.authority(),
                    target: url.target(),
                    subprotocols: &[SUBPROTOCOL],
                    headers: &[],
                };
                self.link = Some(Link::upgrade(&upgrade, self.masks.branch(), MESSAGE_BYTES_MAX));
            }
            Scheme::Tcp => {
                self.link = Some(Link::lines(MESSAGE_BYTES_MAX));
                self.say_hello(now, true);
            }
        }
    }

    /// Bytes have come.
    pub fn handle_bytes(&mut self, now: Millis, bytes: &mut [u8]) {
        // Out of its place while it speaks, since what it says changes everything else.
        let Some(mut link) = self.link.take() else { return };
        (self.heard_at, self.pinged_at) = (now, None);
        link.receive(bytes, |out, heard| self.handle_heard(now, out, heard));
        if self.link.is_none() {
            self.link = Some(link);
        }
        self.pump(now);
    }

    /// There is no connection, or none any more: this is why.
    pub fn handle_lost(&mut self, now: Millis, why: &str) {
        if self.connection().is_some() {
            self.lose(now, why.to_owned(), None);
        }
    }

    /// Time has passed.
    pub fn handle_timers(&mut self, now: Millis) {
        match self.phase {
            Phase::Waiting { until } if until <= now => self.dial_now(now),
            Phase::Opening { until } if until <= now => {
                self.lose(now, "the server does not answer".into(), None)
            }
            Phase::Closing { until } if until <= now => self.end(None),
            Phase::In { .. } => {
                if self.pings_at() <= now {
                    self.ask_for_life(now);
                }
                self.pump(now);
            }
            Phase::Waiting { .. } | Phase::Opening { .. } | Phase::Closing { .. } | Phase::Ended => {}
        }
    }

    // What its user asks. ---------------------------------------------------------------

    /// Comes back now, where it waits or has ended.
    pub fn dial_now(&mut self, now: Millis) {
        if matches!(self.phase, Phase::Waiting { .. } | Phase::Ended) {
            self.connections += 1;
            self.link = None;
            self.phase = Phase::Opening { until: now + OPENING_TIMEOUT };
        }
    }

    /// Ends, politely.
    pub fn quit(&mut self, now: Millis) {
        match (&mut self.link, self.phase) {
            (Some(link), Phase::In { .. }) if link.is_open() => {
                link.out().close(1000, "");
                let is_all_said = link.out().unwritten().is_empty();
                self.phase = Phase::Closing { until: now + CLOSING_TIMEOUT };
                if is_all_said {
                    self.end(None);
                }
            }
            (_, Phase::Ended) => {}
            _ => self.end(None),
        }
    }

    /// Goes into a room, now or when there is a connection, and is sent so many earlier messages. Being in it already, it
    /// stays there.
    pub fn join(&mut self, now: Millis, room: &str, history: u64) {
        if self.find(room).is_none() {
            self.rooms.push(Room::new(room, history));
            self.pump(now);
        }
    }

    /// Goes out of a room. What has not been taken yet is taken back.
    pub fn leave(&mut self, now: Millis, room: &str) {
        let Some(found) = self.find(room) else { return };
        let (is_out, in_flight) = (found.stage == Stage::Out, found.in_flight);
        let unsent = found.pending.split_off(in_flight);
        self.refuse_all(room, unsent);
        match is_out {
            true => self.remove(room),
            false => drop(self.ask(now, Request::Leave(room.to_owned()), Asked::Leave { room })),
        }
    }

    /// Says something to a room that it is in, or wants to be in. [`News::Published`] or [`News::NotPublished`] follows,
    /// after however many connections. `None`: it is in no such room.
    pub fn publish(&mut self, now: Millis, room: &str, text: &str) -> Option<PublishId> {
        let id = self.publishes_len;
        let key = format!("{:016x}", self.masks.draw());
        let data = serde_json::value::to_raw_value(text).expect("text can be written");
        self.find(room)?.pending.push_back(Pending { id, key, data });
        self.publishes_len += 1;
        self.pump(now);
        Some(id)
    }

    /// Takes another name.
    pub fn rename(&mut self, now: Millis, name: &str) {
        if !self.ask(now, Request::Rename(name.to_owned()), Asked::Rename { name }) {
            // Who is not there takes it along when coming back; what proves the old name does not prove this one.
            (self.settings.name, self.name, self.secret) = (Some(name.to_owned()), None, None);
        }
    }

    /// Asks for so many messages before this one. Returns whether anybody is there to ask; so do the ones below.
    pub fn history(&mut self, now: Millis, room: &str, before: Option<u64>, limit: u64) -> bool {
        self.ask(now, Request::History(room.to_owned()), Asked::History { room, before, limit })
    }

    /// Asks who is in a room.
    pub fn members(&mut self, now: Millis, room: &str) -> bool {
        self.ask(now, Request::Members(room.to_owned()), Asked::Members { room })
    }

    /// Asks which rooms there are.
    pub fn list_rooms(&mut self, now: Millis) -> bool {
        self.ask(now, Request::Rooms, Asked::Rooms)
    }

    /// Says something to one person.
    pub fn direct(&mut self, now: Millis, to: &str, text: &str) -> bool {
        self.ask(now, Request::Direct, Asked::Direct { to, data: text })
    }

    /// Asks how far away the server is.
    pub fn ping(&mut self, now: Millis) -> bool {
        self.ask(now, Request::Ping { at: now, is_ours: false }, Asked::Ping)
    }

    // Connections. ------------------------------------------------------------------------

    fn lose(&mut self, now: Millis, why: String, told: Option<Millis>) {
        if matches!(self.phase, Phase::Closing { .. }) {
            return self.end(None);
        }
        let (why, told) = match self.bye.take() {
            Some((reason, false, _)) => return self.end(Some(in_words(&reason))),
            Some((reason, true, retry_ms)) => (in_words(&reason), retry_ms.map(Millis).or(told)),
            None => (why, told),
        };
        if !self.has_been_in && !self.settings.is_patient {
            return self.end(Some(why));
        }
        if matches!(self.phase, Phase::In { since } if now - since >= STEADY) {
            self.backoff.reset();
        }
        let until = now + self.backoff.wait(self.masks.draw(), told);
        self.forget_connection();
        self.phase = Phase::Waiting { until };
        self.events.push_back(News::Lost { why, until });
    }

    fn end(&mut self, why: Option<String>) {
        self.forget_connection();
        self.phase = Phase::Ended;
        self.events.push_back(News::Ended { why });
    }

    /// What was asked on it will not be answered. What is still to be written may go out.
    fn forget_connection(&mut self) {
        self.requests.clear();
        self.rooms.iter_mut().for_each(Room::lose);
        self.rests_until = Millis(0);
    }

    fn handle_heard(&mut self, now: Millis, out: &mut Outgoing, heard: Event<'_>) {
        match heard {
            _ if self.connection().is_none() => {}
            Event::Open { subprotocol: Some(SUBPROTOCOL) } => {
                let hello = self.hello(true);
                self.said_at = now;
                out.text(&hello);
            }
            Event::Open { .. } => self.end(Some(format!("it does not speak {SUBPROTOCOL}"))),
            Event::Text(text) => {
                if let Some(answer) = self.handle_text(now, text) {
                    self.said_at = now;
                    out.text(&answer);
                }
            }
            Event::Binary(_) => self.strange("a binary message"),
            Event::Pong(_) => {}
            Event::Ended(end) => self.handle_end(now, end),
        }
    }

    fn handle_end(&mut self, now: Millis, end: End<'_>) {
        match end {
            End::Closed { code: 4001 | 4003 | 4004 | 4005, .. } if self.bye.is_none() => {
                self.end(Some(describe(&end)));
            }
            End::Closed { .. } | End::Broken(_) | End::BadLine => self.lose(now, describe(&end), None),
            End::Refused { status: 429 | 500..=599, retry_after_secs } => {
                self.lose(now, describe(&end), retry_after_secs.map(Millis::from_secs));
            }
            // Something else is there now, perhaps not for long. Where nothing else ever was, it is the wrong place.
            _ if self.has_been_in => self.lose(now, describe(&end), None),
            End::Refused { .. } | End::BadHandshake(_) | End::NotHttp(_) => self.end(Some(describe(&end))),
        }
    }

    /// What shows that the server is there: it is asked when it has been silent for longer than it is while it lives. Over
    /// lines it does not ask whether we live, so we say so.
    fn pings_at(&self) -> Millis {
        match (self.pinged_at, self.settings.url.scheme()) {
            (Some(at), _) => at + PONG_TIMEOUT,
            (None, Scheme::Ws) => self.heard_at + self.ping_interval + PING_MARGIN,
            (None, Scheme::Tcp) => self.heard_at.min(self.said_at) + self.ping_interval,
        }
    }

    fn ask_for_life(&mut self, now: Millis) {
        if self.pinged_at.is_some() {
            return self.lose(now, "the server is silent".into(), None);
        }
        match (self.settings.url.scheme(), &mut self.link) {
            (Scheme::Ws, Some(link)) => link.out().ping(b""),
            _ => drop(self.ask(now, Request::Ping { at: now, is_ours: true }, Asked::Ping)),
        }
        self.pinged_at = Some(now);
    }

    // What is said. ------------------------------------------------------------------------

    fn say_hello(&mut self, now: Millis, with_name: bool) {
        let hello = self.hello(with_name);
        self.said_at = now;
        if let Some(link) = &mut self.link {
            link.out().text(&hello);
        }
    }

    /// Who we are: who we were, or who we would like to be.
    fn hello(&mut self, with_name: bool) -> String {
        let id = self.number();
        let name = self.name.as_deref().or(self.settings.name.as_deref()).filter(|_| with_name);
        let secret = self.secret.as_deref().filter(|_| name.is_some());
        self.requests.insert(id, Request::Hello { has_name: name.is_some() });
        Asked::Hello { name, secret, token: self.settings.token.as_deref() }.render(id)
    }

    fn number(&mut self) -> u64 {
        self.requests_len += 1;
        self.requests_len
    }

    fn ask(&mut self, now: Millis, request: Request, asked: Asked<'_>) -> bool {
        let id = self.requests_len + 1;
        let Some(link) = &mut self.link else { return false };
        if !matches!(self.phase, Phase::In { .. }) || !link.is_open() {
            return false;
        }
        link.out().text(&asked.render(id));
        self.said_at = now;
        self.requests_len = id;
        self.requests.insert(id, request);
        true
    }

    /// When [`Session::pump`] has something to do that it may not do yet.
    fn resumes_at(&self) -> Millis {
        let waits = |room: &Room| room.stage == Stage::Out || room.in_flight < room.pending.len();
        match self.rests_until > Millis(0) && self.rooms.iter().any(waits) {
            true => self.rests_until,
            false => Millis::NEVER,
        }
    }

    /// Joins the rooms that we are not in, and sends what has gathered for the others.
    fn pump(&mut self, now: Millis) {
        if !matches!(self.phase, Phase::In { .. }) || now < self.rests_until {
            return;
        }
        self.rests_until = Millis(0);
        let in_flight_max = if self.limits.publish_per_second == 0 { IN_FLIGHT_MAX } else { 1 };
        let mut rooms = std::mem::take(&mut self.rooms);
        for room in &mut rooms {
            if room.stage == Stage::Out {
                let since = room.position().map(|(epoch, seq)| Since { epoch, seq });
                // If what was missed cannot be had, then what there is; all that there is, if it is a new life.
                let history = if since.is_some() { self.limits.history } else { room.history };
                let asked = Asked::Join { room: &room.name, since, history: Some(history) };
                if self.ask(now, Request::Join(room.name.clone()), asked) {
                    room.stage = Stage::Joining;
                }
            }
            let name = room.name.clone();
            while let Some(Pending { id, key, data }) = room.poll_unsent(in_flight_max) {
                let id = *id;
                // Without the quotes. Longer still, and the server would end the connection, every time.
                if data.get().len() > self.limits.message_bytes.saturating_add(2) {
                    let reason = format!("a message has at most {} bytes", self.limits.message_bytes);
                    let why = Refusal { code: "too_big".into(), reason };
                    self.events.push_back(News::NotPublished { id, room: name.clone(), why });
                    room.take(id);
                } else if !self.ask(
                    now,
                    Request::Publish(name.clone(), id),
                    Asked::Publish { room: &name, key, data },
                ) {
                    room.put_back(id);
                    break;
                }
            }
        }
        self.rooms = rooms;
    }

    // What is heard. -----------------------------------------------------------------------

    fn strange(&mut self, why: &str) {
        self.events.push_back(News::Strange { why: why.to_owned() });
    }

    /// Returns what is to be answered at once.
    fn handle_text(&mut self, now: Millis, text: &str) -> Option<String> {
        let said = match Said::parse(text) {
            Ok(said) => said,
            Err(error) => {
                self.strange(&format!("no message of the protocol: {error}"));
                return None;
            }
        };
        let is_told_below = matches!(said, Said::Message(_) | Said::Welcome(_));
        if self.settings.keeps_objects && !is_told_below {
            self.events.push_back(News::Object(text.to_owned()));
        }
        match said {
            Said::Welcome(welcome) => self.handle_welcome(now, text, &welcome),
            Said::Message(message) => self.handle_message(text, &message),
            Said::Joined(joined) => self.handle_joined(&joined),
            Said::Ok { id, seq, at, .. } => self.handle_ok(id, seq.zip(at)),
            Said::Error { id, code, reason, retry_ms } => {
                let why = Refusal { code: code.into_owned(), reason: reason.into_owned() };
                return self.handle_error(now, id, why, retry_ms);
            }
            Said::Gap { room, from, to } => {
                if let Some(found) = self.find(&room) {
                    found.skip(to);
                    self.events.push_back(News::Gap { room: room.clone().into_owned(), from, to });
                    self.note_caught_up(&room);
                }
            }
            Said::Presence { room, joined, left, members } => {
                let owned = |names: Vec<_>| names.into_iter().map(std::borrow::Cow::into_owned).collect();
                let (room, joined, left) = (room.into_owned(), owned(joined), owned(left));
                self.events.push_back(News::Presence { room, joined, left, members });
            }
            Said::History { id, messages, has_more, .. } => {
                if let Some(Request::History(room)) = self.answered(id) {
                    let messages = messages.iter().map(|message| told(message, None)).collect();
                    self.events.push_back(News::History { room, messages, has_more });
                }
            }
            Said::Members { id, count, names, .. } => {
                if let Some(Request::Members(room)) = self.answered(id) {
                    let names = names.into_iter().map(std::borrow::Cow::into_owned).collect();
                    self.events.push_back(News::Members { room, count, names });
                }
            }
            Said::Rooms { id, rooms, next } => {
                self.answered(id);
                let rooms = rooms.into_iter().map(|(room, members)| (room.into_owned(), members)).collect();
                self.events.push_back(News::Rooms { rooms, has_more: next.is_some() });
            }
            Said::Direct { name, at, data } => {
                self.events.push_back(News::Direct { name: name.into_owned(), at, data: data.to_owned() });
            }
            Said::Pong { id } => {
                if let Some(Request::Ping { at, is_ours: false }) = self.answered(id) {
                    self.events.push_back(News::Pong { took: now - at });
                }
            }
            Said::Bye { reason, reconnect, retry_ms } => {
                self.bye = Some((reason.into_owned(), reconnect, retry_ms));
            }
            Said::Unknown(kind) => self.strange(&format!("a message of an unknown type, {kind}")),
        }
        None
    }

    fn answered(&mut self, id: Option<u64>) -> Option<Request> {
        self.requests.remove(&id?)
    }

    fn handle_welcome(&mut self, now: Millis, text: &str, welcome: &Welcome<'_>) {
        self.requests.retain(|_, request| !matches!(request, Request::Hello { .. }));
        let wanted = self.name.as_deref().or(self.settings.name.as_deref());
        let is_new = wanted != Some(&*welcome.name);
        self.name = Some(welcome.name.clone().into_owned());
        self.secret = welcome.secret.clone().map(std::borrow::Cow::into_owned);
        self.ping_interval = welcome.ping_ms.map_or(PING_INTERVAL, Millis);
        self.limits = welcome.limits;
        self.has_been_in = true;
        self.phase = Phase::In { since: now };
        if self.settings.keeps_objects {
            self.events.push_back(News::Object(without_secret(text)));
        }
        let name = welcome.name.clone().into_owned();
        self.events.push_back(News::Welcome { name, is_new, limits: welcome.limits });
    }

    fn handle_joined(&mut self, joined: &Joined<'_>) {
        self.answered(joined.id);
        let Some(room) = self.find(&joined.room) else { return };
        let resumption = room.handle_joined(joined);
        self.events.push_back(News::Joined {
            room: joined.room.clone().into_owned(),
            resumption,
            replay: (joined.from, joined.count),
            members: joined.members,
        });
        self.note_caught_up(&joined.room);
    }

    fn handle_message(&mut self, text: &str, message: &Message<'_>) {
        let Some(room) = self.find(&message.room) else { return };
        let order = room.reach(message.seq);
        if order == Order::Seen {
            return;
        }
        let own = room.settle(message);
        self.note_order(&message.room, order);
        if self.settings.keeps_objects {
            self.events.push_back(News::Object(text.to_owned()));
        }
        self.events.push_back(News::Message(told(message, own)));
        self.note_caught_up(&message.room);
    }

    /// A hole that nobody has told of is told by us.
    fn note_order(&mut self, room: &str, order: Order) {
        if let Order::Hole { from, to } = order {
            self.events.push_back(News::Gap { room: room.to_owned(), from, to });
        }
    }

    fn note_caught_up(&mut self, room: &str) {
        if self.find(room).is_some_and(Room::has_caught_up) {
            self.events.push_back(News::CaughtUp { room: room.to_owned() });
        }
    }

    fn handle_ok(&mut self, id: Option<u64>, place: Option<(u64, u64)>) {
        match (self.answered(id), place) {
            (Some(Request::Publish(room, id)), Some((seq, at))) => {
                let Some(found) = self.find(&room) else { return };
                let is_ours = found.take(id).is_some();
                // A repeat's place is somewhere behind us.
                let order = found.reach(seq);
                self.note_order(&room, order);
                if is_ours {
                    self.events.push_back(News::Published { id, room, seq, at });
                }
            }
            (Some(Request::Leave(room)), _) => self.remove(&room),
            (Some(Request::Rename(name)), _) => {
                self.name = Some(name.clone());
                self.events.push_back(News::Renamed { name });
            }
            (Some(Request::Direct), _) => self.events.push_back(News::DirectSent),
            _ => {}
        }
    }

    /// Returns what is to be tried instead.
    fn handle_error(
        &mut self,
        now: Millis,
        id: Option<u64>,
        why: Refusal,
        retry_ms: Option<u64>,
    ) -> Option<String> {
        let wait = retry_ms.map(Millis);
        let what = match self.answered(id) {
            // Without a name, if that is what is wrong: everybody may be a guest.
            Some(Request::Hello { has_name: true })
                if why.code != "auth_required" && why.code != "denied" =>
            {
                self.events.push_back(News::Refused { what: "name", why });
                return Some(self.hello(false));
            }
            Some(Request::Hello { .. }) => {
                self.end(Some(why.to_string()));
                return None;
            }
            Some(Request::Join(room)) => {
                match (self.find(&room), wait) {
                    (Some(found), Some(wait)) => {
                        found.stage = Stage::Out;
                        self.rests_until = self.rests_until.max(now + wait);
                    }
                    _ => {
                        self.events.push_back(News::NotJoined { room: room.clone(), why });
                        self.remove(&room);
                    }
                }
                return None;
            }
            Some(Request::Publish(room, id)) => {
                let found = self.find(&room)?;
                match wait {
                    Some(wait) => {
                        found.put_back(id);
                        self.rests_until = self.rests_until.max(now + wait);
                        self.events.push_back(News::Slowed { wait });
                    }
                    None if found.take(id).is_some() => {
                        self.events.push_back(News::NotPublished { id, room, why });
                    }
                    None => {}
                }
                return None;
            }
            Some(Request::Leave(room)) => {
                self.remove(&room);
                return None;
            }
            Some(Request::Ping { is_ours: true, .. }) => return None,
            Some(Request::Rename(_)) => "name",
            Some(Request::History(_)) => "history",
            Some(Request::Members(_)) => "who",
            Some(Request::Rooms) => "rooms",
            Some(Request::Direct) => "msg",
            Some(Request::Ping { .. }) => "ping",
            None => "request",
        };
        self.events.push_back(News::Refused { what, why });
        None
    }

    // Rooms. ---------------------------------------------------------------------------------

    fn find(&mut self, name: &str) -> Option<&mut Room> {
        self.rooms.iter_mut().find(|room| room.name == name)
    }

    fn remove(&mut self, name: &str) {
        let Some(at) = self.rooms.iter().position(|room| room.name == name) else { return };
        let room = self.rooms.remove(at);
        self.refuse_all(name, room.pending);
        self.events.push_back(News::Left { room: room.name });
    }

    fn refuse_all(&mut self, room: &str, pending: VecDeque<Pending>) {
        for Pending { id, .. } in pending {
            let why = Refusal { code: "left".into(), reason: "the room was left before".into() };
            self.events.push_back(News::NotPublished { id, room: room.to_owned(), why });
        }
    }
}

fn told(message: &Message<'_>, own: Option<PublishId>) -> Told {
    Told {
        room: message.room.clone().into_owned(),
        seq: message.seq,
        name: message.name.clone().into_owned(),
        at: message.at,
        data: message.data.get().to_owned(),
        own,
    }
}

/// A welcome for others to see.
fn without_secret(text: &str) -> String {
    let mut fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).unwrap_or_default();
    fields.remove("secret");
    serde_json::Value::Object(fields).to_string()
}

/// Why a connection ended, as the server's word for it.
fn in_words(reason: &str) -> String {
    match reason {
        "restart" => "the server restarts".into(),
        "stop" => "the server has stopped".into(),
        "replaced" => "another connection has taken the name".into(),
        "slow" => "this connection was too slow".into(),
        "idle" => "nothing was said for too long".into(),
        "rate_abuse" => "too much was asked in too short a time".into(),
        other => other.to_owned(),
    }
}

fn describe(end: &End<'_>) -> String {
    match end {
        End::Refused { status, .. } => format!("it answers with HTTP status {status}"),
        End::BadHandshake(error) => format!("it does not speak WebSocket: {error}"),
        End::NotHttp(error) => format!("it does not speak HTTP: {error}"),
        End::Closed { code: 4001, .. } => "authentication failed".into(),
        End::Closed { code: 4003, .. } => "kicked".into(),
        End::Closed { code: 4004, .. } => "banned".into(),
        End::Closed { code: 4005, .. } => in_words("replaced"),
        End::Closed { code, reason: "" } => format!("the server has closed the connection ({code})"),
        End::Closed { code, reason } => format!("the server has closed the connection ({code} {reason})"),
        End::Broken(error) => format!("the server broke the protocol: {error}"),
        End::BadLine => "the server sent a line that is too long, or no text".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::{Head, HeaderSlots};
    use crate::proto::ws::handshake::{Offer, response};
    use crate::proto::ws::{Opcode, encoder};

    const WELCOME: &str = r#"{"type":"welcome","name":"ann","secret":"Xq3","ping_ms":25000,"limits":{"message_bytes":10,"publish_per_second":10,"history":100}}"#;
    const JOINED: &str =
        r#"{"type":"joined","room":"dev","epoch":"k","seq":2,"from":3,"count":0,"members":1}"#;

    fn settings(url: &str) -> Settings {
        Settings {
            url: url.parse().expect("a URL"),
            name: Some("ann".into()),
            token: None,
            is_patient: false,
            keeps_objects: false,
        }
    }

    /// A session over lines, and a server's words.
    struct Talk {
        session: Session,
        now: Millis,
    }

    impl Talk {
        fn begin(settings: Settings) -> Talk {
            let mut talk = Talk { session: Session::new(settings, Masks::from_seed(1)), now: Millis(5000) };
            talk.connect();
            talk
        }

        /// Welcomed, and in `dev`.
        fn inside() -> Talk {
            let mut talk = Talk::begin(settings("tcp://chat"));
            talk.session.join(talk.now, "dev", 7);
            talk.asks(&[r#""hello","name":"ann""#]);
            talk.says(WELCOME);
            talk.asks(&[r#""join","room":"dev","history":7"#]);
            talk.says(JOINED);
            talk.told();
            talk
        }

        fn connect(&mut self) {
            self.session.handle_timers(self.now);
            assert!(self.session.connection().is_some());
            self.session.handle_connected(self.now);
        }

        fn says(&mut self, line: &str) {
            self.session.handle_bytes(self.now, &mut format!("{line}\n").into_bytes());
        }

        fn asked(&mut self) -> Vec<String> {
            let bytes = self.session.unwritten().to_vec();
            self.session.note_written(bytes.len());
            String::from_utf8(bytes).expect("lines").lines().map(str::to_owned).collect()
        }

        #[track_caller]
        fn asks(&mut self, parts: &[&str]) -> Vec<String> {
            let asked = self.asked();
            assert_eq!(asked.len(), parts.len(), "{asked:?}");
            for (line, part) in asked.iter().zip(parts) {
                assert!(line.starts_with(&format!("{{\"type\":{part}")), "{line} has not {part}");
            }
            asked
        }

        fn told(&mut self) -> Vec<News> {
            std::iter::from_fn(|| self.session.poll_event()).collect()
        }

        fn at(&mut self, ms: u64) {
            self.now = Millis(ms);
            self.session.handle_timers(self.now);
        }

        fn message(&mut self, seq: u64) {
            let message =
                format!(r#"{{"type":"message","room":"dev","seq":{seq},"name":"bob","at":1,"data":{seq}}}"#);
            self.says(&message);
        }
    }

    fn seqs(events: &[News]) -> Vec<(u64, u64)> {
        let of = |event: &News| match event {
            News::Message(told) => Some((told.seq, told.seq)),
            News::Gap { from, to, .. } => Some((*from, *to)),
            _ => None,
        };
        events.iter().filter_map(of).collect()
    }

    #[test]
    fn what_was_told_is_not_told_again_and_a_hole_is_told() {
        let mut talk = Talk::inside();
        [3, 4, 3, 4, 7].into_iter().for_each(|seq| talk.message(seq));
        assert_eq!(seqs(&talk.told()), [(3, 3), (4, 4), (5, 6), (7, 7)]);
        talk.says(r#"{"type":"gap","room":"dev","epoch":"k","from":8,"to":20,"reason":"slow"}"#);
        talk.message(20);
        talk.message(21);
        assert_eq!(seqs(&talk.told()), [(8, 20), (21, 21)]);
    }

    #[test]
    fn what_is_refused_for_now_is_sent_again_and_nothing_overtakes_it() {
        let mut talk = Talk::inside();
        for text in ["one", "two"] {
            talk.session.publish(talk.now, "dev", text);
        }
        let first = talk.asks(&[r#""publish","room":"dev""#]);
        talk.says(r#"{"type":"error","id":3,"code":"rate_limited","retry_ms":1500,"reason":"too much"}"#);
        assert_eq!(talk.told(), [News::Slowed { wait: Millis(1500) }]);
        assert_eq!((talk.asked().len(), talk.session.next_deadline()), (0, Millis(6500)));
        talk.at(6499);
        assert!(talk.asked().is_empty());
        talk.at(6500);
        let again = talk.asks(&[r#""publish","room":"dev""#]);
        // The same words under the same key.
        assert_eq!(first[0].split(",\"id\"").next(), again[0].split(",\"id\"").next());
        talk.says(r#"{"type":"ok","id":4,"room":"dev","seq":3,"at":9}"#);
        assert_eq!(talk.told(), [News::Published { id: 0, room: "dev".into(), seq: 3, at: 9 }]);
        talk.asks(&[r#""publish","room":"dev""#]);
        talk.says(r#"{"type":"error","id":5,"code":"denied","reason":"no"}"#);
        assert!(matches!(&talk.told()[..], [News::NotPublished { id: 1, why, .. }] if why.code == "denied"));
        assert!(talk.session.is_settled());
    }

    #[test]
    fn what_would_end_the_connection_is_not_sent() {
        let mut talk = Talk::inside();
        talk.session.publish(talk.now, "dev", "ten bytes!");
        talk.session.publish(talk.now, "dev", "ten bytes!!");
        talk.session.publish(talk.now, "dev", "short");
        talk.asks(&[r#""publish","room":"dev""#]);
        talk.says(r#"{"type":"ok","id":3,"room":"dev","seq":3,"at":9}"#);
        assert!(
            matches!(&talk.told()[1..], [News::NotPublished { id: 1, why, .. }] if why.code == "too_big")
        );
        talk.asks(&[r#""publish","room":"dev""#]);
        assert_eq!(talk.session.publish(talk.now, "nowhere", "hi"), None);
    }

    #[test]
    fn who_comes_back_brings_the_secret_and_its_place_and_sends_only_what_has_not_arrived() {
        let mut talk = Talk::inside();
        talk.message(3);
        for text in ["one", "two"] {
            talk.session.publish(talk.now, "dev", text);
        }
        let sent = talk.asks(&[r#""publish","room":"dev""#]);
        let (_, key) = sent[0].split_once("\"key\":\"").expect("it has a key");
        talk.session.handle_lost(talk.now, "cut");
        talk.at(9000);
        talk.connect();
        talk.asks(&[r#""hello","name":"ann","secret":"Xq3""#]);
        talk.says(WELCOME);
        talk.asks(&[r#""join","room":"dev","since":{"epoch":"k","seq":3},"history":100"#]);
        talk.says(
            r#"{"type":"joined","room":"dev","epoch":"k","seq":5,"resumed":true,"from":4,"count":2,"members":1}"#,
        );
        talk.message(4);
        assert!(talk.asked().is_empty(), "not before all has been told");
        talk.told();
        let ours = format!(
            r#"{{"type":"message","room":"dev","seq":5,"name":"ann","key":"{}","at":1,"data":"one"}}"#,
            &key[..16]
        );
        talk.says(&ours);
        assert!(matches!(
            &talk.told()[..],
            [News::Message(Told { own: Some(0), .. }), News::CaughtUp { .. }]
        ));
        let rest = talk.asks(&[r#""publish","room":"dev""#]);
        assert!(rest[0].contains("two"), "{rest:?}");
    }

    #[test]
    fn a_name_that_others_have_leaves_us_a_guest() {
        let mut talk = Talk::begin(settings("tcp://chat"));
        talk.asks(&[r#""hello","name":"ann""#]);
        talk.says(r#"{"type":"error","id":1,"code":"name_taken","reason":"somebody else has this name"}"#);
        assert!(matches!(&talk.told()[..], [News::Refused { what: "name", .. }]));
        talk.asks(&[r#""hello","id":2"#]);
        talk.says(r#"{"type":"welcome","id":2,"name":"guest-4","secret":"s"}"#);
        assert!(matches!(&talk.told()[..], [News::Welcome { name, is_new: true, .. }] if name == "guest-4"));
        // Who has to prove something is no guest.
        let mut talk = Talk::begin(settings("tcp://chat"));
        talk.says(r#"{"type":"error","id":1,"code":"auth_required","reason":"no token"}"#);
        assert_eq!(talk.told(), [News::Ended { why: Some("no token".into()) }]);
    }

    #[test]
    fn what_no_server_says_is_told_and_the_connection_goes_on() {
        let mut talk = Talk::inside();
        for line in ["hi", "{", r#"{"type":"weather"}"#, r#"{"type":"message","room":"dev"}"#, "", "[1]"] {
            talk.says(line);
            assert!(matches!(&talk.told()[..], [News::Strange { .. }]), "{line}");
        }
        for line in [
            r#"{"type":"message","room":"other","seq":1,"name":"b","at":1,"data":1}"#,
            r#"{"type":"ok","id":77}"#,
        ] {
            talk.says(line);
            assert_eq!(talk.told(), [], "{line}");
        }
        assert_eq!(talk.session.status(), Status::Online);
    }

    #[test]
    fn a_server_that_says_nothing_is_asked_and_then_given_up() {
        let mut talk = Talk::inside();
        assert_eq!(talk.session.next_deadline(), Millis(30_000));
        talk.at(30_000);
        talk.asks(&[r#""ping","id":3"#]);
        talk.at(39_999);
        talk.says(r#"{"type":"pong","id":3,"at":1}"#);
        talk.at(40_000);
        assert_eq!((talk.told().len(), talk.session.next_deadline()), (0, Millis(55_000)));
        talk.at(55_000);
        talk.asks(&[r#""ping","id":4"#]);
        talk.at(65_000);
        assert!(matches!(&talk.told()[..], [News::Lost { why, .. }] if why.contains("silent")));
        assert_eq!(talk.session.connection(), None);
    }

    #[test]
    fn who_is_told_when_to_come_back_comes_then_and_who_is_told_not_to_does_not() {
        let mut talk = Talk::inside();
        talk.says(r#"{"type":"bye","reason":"restart","reconnect":true,"retry_ms":7312}"#);
        talk.session.handle_lost(talk.now, "the end");
        assert_eq!(talk.told(), [News::Lost { why: "the server restarts".into(), until: Millis(12_312) }]);
        talk.at(12_311);
        assert_eq!(talk.session.connection(), None);
        talk.at(12_312);
        assert_eq!(talk.session.connection(), Some(2));

        let mut talk = Talk::inside();
        talk.says(r#"{"type":"bye","reason":"stop","reconnect":false}"#);
        talk.session.handle_lost(talk.now, "the end");
        assert_eq!(talk.told(), [News::Ended { why: Some("the server has stopped".into()) }]);
        assert_eq!(talk.session.next_deadline(), Millis::NEVER);
        // Unless its user says so.
        talk.session.dial_now(talk.now);
        assert_eq!(talk.session.connection(), Some(2));
    }

    #[test]
    fn where_nobody_ever_was_only_the_patient_try_again() {
        let lost = |is_patient| {
            let mut talk = Talk::begin(Settings { is_patient, ..settings("tcp://chat") });
            talk.session.handle_lost(talk.now, "refused");
            talk.told()
        };
        assert_eq!(lost(false), [News::Ended { why: Some("refused".into()) }]);
        assert!(matches!(&lost(true)[..], [News::Lost { .. }]));
        let mut talk = Talk::begin(Settings { is_patient: true, ..settings("tcp://chat") });
        talk.at(25_000);
        assert!(matches!(&talk.told()[..], [News::Lost { why, .. }] if why.contains("not answer")));
    }

    #[test]
    fn who_leaves_a_room_takes_back_what_was_not_sent() {
        let mut talk = Talk::inside();
        for text in ["one", "two"] {
            talk.session.publish(talk.now, "dev", text);
        }
        talk.asks(&[r#""publish","room":"dev""#]);
        talk.session.leave(talk.now, "dev");
        talk.asks(&[r#""leave","room":"dev""#]);
        assert!(matches!(&talk.told()[..], [News::NotPublished { id: 1, .. }]));
        talk.says(r#"{"type":"ok","id":3,"room":"dev","seq":3,"at":9}"#);
        talk.says(r#"{"type":"ok","id":4,"room":"dev"}"#);
        assert!(matches!(&talk.told()[..], [News::Published { id: 0, .. }, News::Left { .. }]));
        assert_eq!(talk.session.rooms().count(), 0);
    }

    #[test]
    fn who_quits_is_gone_when_all_is_written() {
        let mut talk = Talk::inside();
        talk.session.quit(talk.now);
        assert_eq!(talk.told(), [News::Ended { why: None }]);
        let mut talk = Talk::inside();
        talk.session.ping(talk.now);
        talk.session.quit(talk.now);
        assert_eq!((talk.told(), talk.session.connection()), (vec![], Some(1)));
        talk.asked();
        assert_eq!((talk.told(), talk.session.connection()), (vec![News::Ended { why: None }], None));
    }

    #[test]
    fn objects_are_shown_as_they_came_but_for_the_secret() {
        let mut talk = Talk::begin(Settings { keeps_objects: true, ..settings("tcp://chat") });
        talk.session.join(talk.now, "dev", 0);
        talk.says(WELCOME);
        talk.says(JOINED);
        talk.message(3);
        talk.message(3);
        let object = |event: News| if let News::Object(text) = event { Some(text) } else { None };
        let objects: Vec<String> = talk.told().into_iter().filter_map(object).collect();
        assert_eq!(objects.len(), 3);
        assert!(objects[0].contains("\"welcome\"") && !objects[0].contains("Xq3"), "{}", objects[0]);
        assert_eq!(objects[1], JOINED);
    }

    /// A session over WebSocket after the server's answer to its handshake, and what it is told after that.
    fn upgraded(subprotocol: Option<&str>, rest: &[u8]) -> Vec<News> {
        let mut session = Session::new(settings("ws://chat/ws"), Masks::from_seed(1));
        session.handle_timers(Millis(1));
        session.handle_connected(Millis(1));
        let request = session.unwritten().to_vec();
        let mut slots = HeaderSlots::new();
        let (head, _) = Head::parse(&request, &mut slots).expect("a request").expect("a whole one");
        let mut answer = Vec::new();
        response(&mut answer, Offer::parse(&head).expect("an offer").accept(), subprotocol, None);
        answer.extend_from_slice(rest);
        session.handle_bytes(Millis(2), &mut answer);
        std::iter::from_fn(|| session.poll_event()).collect()
    }

    fn frames(said: &[&str], code: u16) -> Vec<u8> {
        let mut out = Vec::new();
        said.iter().for_each(|text| encoder::frame(&mut out, Opcode::Text, text.as_bytes(), None));
        encoder::frame(&mut out, Opcode::Close, &encoder::close_payload(code, ""), None);
        out
    }

    #[test]
    fn some_codes_are_for_good_and_others_are_not() {
        for (code, is_for_good) in [
            (1000, false),
            (1001, false),
            (1011, false),
            (1012, false),
            (4001, true),
            (4003, true),
            (4004, true),
            (4005, true),
            (4108, false),
            (4109, false),
            (4129, false),
        ] {
            let told = upgraded(Some(SUBPROTOCOL), &frames(&[WELCOME], code));
            match &told[1..] {
                [News::Ended { why: Some(_) }] => assert!(is_for_good, "{code}"),
                [News::Lost { .. }] => assert!(!is_for_good, "{code}"),
                told => panic!("{code}: {told:?}"),
            }
        }
    }

    #[test]
    fn a_server_of_another_kind_is_left_alone() {
        for subprotocol in [None, Some("chat")] {
            let told = upgraded(subprotocol, b"");
            assert!(matches!(&told[..], [News::Ended { why: Some(_) }]), "{told:?}");
        }
        let mut session = Session::new(settings("ws://chat/ws"), Masks::from_seed(1));
        session.handle_timers(Millis(1));
        session.handle_connected(Millis(1));
        session.handle_bytes(Millis(2), &mut b"* welcome to chinwag, guest-1\n\n\n".to_vec());
        assert!(matches!(session.poll_event(), Some(News::Ended { why: Some(why) }) if why.contains("HTTP")));
    }
}
