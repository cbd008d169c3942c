//! What is written down: what was said in each life of a room, and what each connection is to read.

use super::model::Model;
use super::room::Bucket;
use chinwag::chat::Settings;
use chinwag::service::ConnId;
use chinwag::wire::{Event, LimitsTold, Page, Position, RequestId, Resumed, json, text};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The stream of what is about no room.
pub const NO_ROOM: &str = "";
/// The stream of all rooms of somebody who types.
pub const ANY_ROOM: &str = "*";

/// A life of a room's numbering, by its place in [`Model::lives`].
pub type LifeId = usize;

/// Everything that was ever said in a life of a room.
pub struct Life {
    pub room: String,
    /// As the first who was told it has read it.
    pub epoch: Option<String>,
    pub messages: Vec<Said>,
    /// When the last of them was said, by the calendar.
    pub newest_at: u64,
}

/// A message, as it reads to programs, to people, and to people who want numbers.
pub struct Said {
    pub json: String,
    pub typed: [String; 2],
}

/// How a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Json,
    Text,
}

/// One connection, as long as anybody remembers it.
pub struct Conn {
    pub dialect: Option<Dialect>,
    pub name: Option<String>,
    /// As it has read it.
    pub secret: Option<String>,
    pub rooms: Vec<String>,
    pub echoes: bool,
    pub shows_seq: bool,
    pub number: u64,
    pub publishes: Bucket,
    pub commands: Bucket,
    pub refusals: Bucket,
    /// Whoever types cannot tell by the words of a refusal what it was about: these come in any order.
    pub refusals_typed: Vec<String>,
    /// What it is to read: by room, and under no name what is about none.
    pub streams: BTreeMap<String, VecDeque<Expected>>,
    /// How many members it believes its rooms to have.
    pub counts_told: BTreeMap<String, usize>,
    /// Up to where in the sizes of each room it has read.
    pub sizes_read: BTreeMap<String, usize>,
    /// The names of these, where it has asked for them and been told by name since.
    pub names_told: BTreeMap<String, BTreeSet<String>>,
    /// Its own, now and before.
    pub names_had: BTreeSet<String>,
    /// The room that whoever types reads of.
    pub room_read: String,
    pub has_read_goodbye: bool,
    pub was_behind_a_gap: bool,
    /// The chat has let it go: nothing more is to be read than what was said before.
    pub is_gone: bool,
    /// The lives of rooms that it has left; some of what it is to read may be theirs.
    pub left: BTreeSet<LifeId>,
    /// A line connection that has not said its first line.
    pub is_silent: bool,
    /// The life of the room that it reads without being in it.
    pub observes: Option<LifeId>,
}

/// Something that a connection is to read.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Just this.
    Line(String),
    Said(LifeId, u64),
    Welcome(Option<RequestId>, String),
    Joined(Joined),
    Page {
        id: Option<RequestId>,
        life: LifeId,
        seqs: Vec<u64>,
        has_more: bool,
    },
    /// The same, where it is not foreseen what is remembered.
    AnyPage(LifeId),
    Members {
        id: Option<RequestId>,
        room: String,
        names: BTreeSet<String>,
    },
    Rooms {
        id: Option<RequestId>,
        rooms: BTreeSet<(String, usize)>,
    },
    ShowSeqIs {
        is_on: bool,
        at: (LifeId, u64),
    },
}

/// The answer to a join.
#[derive(Clone, Debug)]
pub struct Joined {
    pub id: Option<RequestId>,
    pub life: LifeId,
    pub newest: u64,
    pub members: usize,
    /// What was asked for.
    pub since: Option<(String, u64)>,
    pub history: usize,
    /// What follows, if it is foreseen.
    pub foreseen: Option<(Resumed, u64)>,
    pub shows_seq: bool,
}

impl Model {
    pub fn expect_joined(
        &mut self,
        conn: ConnId,
        id: Option<RequestId>,
        room: &str,
        since: Option<Position<'_>>,
        history: usize,
    ) {
        let (life, members) =
            (self.life(room), self.members(room) + usize::from(self.conns[&conn].observes.is_some()));
        let (newest, oldest) = (self.newest(life), self.oldest(life));
        let is_foreseen = self.is_exact || since.is_none() && history == 0;
        let foreseen = is_foreseen.then(|| {
            let resumed = match since {
                None => Resumed::NotAsked,
                Some(since) if self.lives[life].epoch.as_deref() != Some(since.epoch) => {
                    Resumed::Epoch { oldest }
                }
                Some(since) if since.seq > newest => Resumed::Ahead { oldest },
                Some(since) if since.seq + 1 < oldest => Resumed::Trimmed { oldest },
                Some(_) => Resumed::Yes,
            };
            let from = match (resumed, since) {
                (Resumed::Yes, Some(since)) => since.seq + 1,
                _ if history == 0 => newest + 1,
                _ => oldest.max((newest + 1).saturating_sub(history as u64)),
            };
            (resumed, from)
        });
        let shows_seq = self.conn(conn).shows_seq;
        let since = since.map(|since| (since.epoch.to_owned(), since.seq));
        let joined = Joined { id, life, newest, members, since, history, foreseen, shows_seq };
        self.expect(conn, Some(room), Expected::Joined(joined));
        if let Some((_, from)) = foreseen {
            (from..=newest).for_each(|seq| self.expect(conn, Some(room), Expected::Said(life, seq)));
        }
    }

    pub fn expect_page(
        &mut self,
        conn: ConnId,
        id: Option<RequestId>,
        room: &str,
        page: Page,
        limit: Option<usize>,
    ) {
        let life = self.life(room);
        if !self.is_exact {
            return self.expect(conn, Some(room), Expected::AnyPage(life));
        }
        let Settings { list_len, list_len_max, .. } = self.settings;
        let limit = limit.map_or(list_len, |limit| limit.min(list_len_max));
        let kept = self.oldest(life)..=self.newest(life);
        let (mut seqs, has_more): (Vec<u64>, bool);
        match page {
            Page::After(seq) => {
                seqs = kept.filter(|&it| it > seq).collect();
                has_more = seqs.len() > limit;
                seqs.truncate(limit);
            }
            Page::Newest | Page::Before(_) => {
                let before = if let Page::Before(seq) = page { seq } else { u64::MAX };
                seqs = kept.filter(|&it| it < before).collect();
                has_more = seqs.len() > limit;
                seqs.drain(..seqs.len().saturating_sub(limit));
            }
        }
        match self.conn(conn).dialect {
            Some(Dialect::Json) => self.expect(conn, Some(room), Expected::Page { id, life, seqs, has_more }),
            _ => {
                let said = |seq: &u64| self.lives[life].messages[*seq as usize - 1].json.as_bytes();
                let messages: Vec<&[u8]> = seqs.iter().map(said).collect();
                let page = Event::History { room, epoch: "", messages: &messages, has_more };
                let lines = self.line(conn, id, &page);
                self.expect_lines(conn, Some(room), lines);
            }
        }
    }

    /// The lines that tell a connection of something.
    pub fn line(&self, conn: ConnId, id: Option<RequestId>, event: &Event<'_>) -> Vec<String> {
        let it = &self.conns[&conn];
        let mut line = Vec::new();
        match it.dialect {
            Some(Dialect::Json) => json::render(id, event, &mut line),
            _ => text::render(event, it.shows_seq, &mut line),
        }
        let lines = String::from_utf8(line).expect("text");
        lines.split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    pub fn answer(&mut self, conn: ConnId, id: Option<RequestId>, room: Option<&str>, event: &Event<'_>) {
        let lines = self.line(conn, id, event);
        self.expect_lines(conn, room, lines);
    }

    pub fn expect_lines(&mut self, conn: ConnId, room: Option<&str>, lines: Vec<String>) {
        lines.into_iter().for_each(|line| self.expect(conn, room, Expected::Line(line)));
    }

    pub fn expect(&mut self, conn: ConnId, room: Option<&str>, expected: Expected) {
        let it = self.conn(conn);
        let stream = match (room, it.dialect) {
            (None, _) => NO_ROOM,
            (Some(room), Some(Dialect::Json)) => room,
            (Some(_), _) => ANY_ROOM,
        };
        it.streams.entry(stream.to_owned()).or_default().push_back(expected);
    }

    /// What programs are told of the limits.
    pub fn limits(&self) -> LimitsTold {
        let settings = &self.settings;
        LimitsTold {
            message_bytes: settings.message_bytes_max,
            publish_per_second: settings.publish.per_second,
            burst: settings.publish.burst,
            rooms: settings.rooms_per_member_max,
            history: settings.history_messages_max,
        }
    }
}
