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

mod hear;

use super::asked::{Asked, Since};
use super::news::{DirectId, News, Refusal, Status};
use super::room::{Pending, PublishId, Room, Stage};
use super::said::Limits;
use super::{Backoff, End, Event, Link, Masks, Outgoing, Scheme, Spoken, Upgrade, Url};
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
    Direct(DirectId),
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
                let authorization = url.authorization().map(|value| ("Authorization", value));
                let upgrade = Upgrade {
                    authority: &url.authority(),
                    target: &url.target(),
                    subprotocols: &[SUBPROTOCOL],
                    headers: authorization.as_slice(),
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

    /// Says something to one person. [`News::DirectSent`] or [`News::DirectNotSent`] follows. `None`: there is no
    /// connection.
    pub fn direct(&mut self, now: Millis, to: &str, text: &str) -> Option<DirectId> {
        let id = self.requests_len + 1;
        self.ask(now, Request::Direct(id), Asked::Direct { to, data: text }).then_some(id)
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
        let direct = |request| if let Request::Direct(id) = request { Some(id) } else { None };
        let mut unanswered: Vec<DirectId> = self.requests.drain().filter_map(|(_, it)| direct(it)).collect();
        unanswered.sort_unstable();
        for id in unanswered {
            let reason = "the connection was lost before the answer".into();
            let why = Refusal { code: "lost".into(), reason };
            self.events.push_back(News::DirectNotSent { id, why });
        }
        self.rooms.iter_mut().for_each(Room::lose);
        self.rests_until = Millis(0);
    }

    fn handle_heard(&mut self, now: Millis, out: &mut Outgoing, heard: Event<'_>) {
        match heard {
            _ if self.connection().is_none() => {}
            Event::Open { subprotocol: Some(SUBPROTOCOL), .. } => {
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
                self.end(Some(describe(&end, &self.settings.url)));
            }
            End::Closed { .. } | End::Broken(_) | End::BadLine => {
                self.lose(now, describe(&end, &self.settings.url), None)
            }
            End::Refused { status: 429 | 500..=599, retry_after_secs, .. } => {
                self.lose(now, describe(&end, &self.settings.url), retry_after_secs.map(Millis::from_secs));
            }
            // Something else is there now, perhaps not for long. Where nothing else ever was, it is the wrong place.
            _ if self.has_been_in => self.lose(now, describe(&end, &self.settings.url), None),
            End::Refused { .. } | End::BadHandshake(_) | End::NotHttp(_) | End::OtherProtocol(_) => {
                self.end(Some(describe(&end, &self.settings.url)))
            }
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

fn describe(end: &End<'_>, url: &Url) -> String {
    match end {
        End::Refused { status, location: Some(location), .. } => {
            format!("it answers with HTTP status {status}, a redirect to {location}")
        }
        End::Refused { status, reason: "", .. } => format!("it answers with HTTP status {status}"),
        End::Refused { status, reason, .. } => format!("it answers with HTTP status {status}: {reason}"),
        End::OtherProtocol(spoken) => {
            let (name, (scheme, is_tls)) = match spoken {
                Spoken::Http => ("HTTP", (Scheme::Ws, url.is_tls())),
                Spoken::Lines => ("lines", (Scheme::Tcp, url.is_tls())),
                Spoken::Tls => ("TLS", (url.scheme(), true)),
            };
            format!("that port speaks {name}: try {}", url.spoken_as(scheme, is_tls))
        }
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
