//! What somebody at a terminal sees and does: rooms, one of them in view, a line that is being typed.
//!
//! What happens comes in as [`News`] and keys; what follows goes to the [`Session`], and into the rooms' logs. How all this
//! looks is in `face.rs`.

use super::commands::{self, Command};
use super::editor::{Editor, Motion};
use super::log::{Clock, Entry, Log, Pending, PendingId};
use super::words;
use crate::client::{DirectId, News, Resumption, Session, Status, Told};
use crate::time::Millis;
use crate::wire::name::folded;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::collections::BTreeSet;

/// How many older messages are fetched at a time.
const PAGE: u64 = 100;
/// How many names of a room are remembered, to be completed.
const NAMES_MAX: usize = 1000;

/// Somebody at a terminal.
pub struct App {
    pub(super) rooms: Vec<View>,
    pub(super) current: usize,
    /// What is told while there is no room.
    pub(super) outside: Log,
    /// What was typed stays where it was typed, so it is not shown again.
    pub(super) is_plain: bool,
    /// Nothing has been entered yet.
    pub(super) is_fresh: bool,
    /// It leaves when everything has been taken.
    pub(super) is_leaving: bool,
    pub(super) editor: Editor,
    /// What one is called; empty until that is known.
    pub(super) name: String,
    pub(super) url: String,
    /// Why there is no connection.
    pub(super) trouble: Option<String>,
    /// When the server takes something again.
    pub(super) slowed_until: Millis,
    pub(super) clock: Box<dyn Clock>,
    /// Columns and rows of the screen.
    pub(super) size: (usize, usize),
    history: u64,
    completion: Option<Completion>,
    /// What is told of one's own coming, below what was said before.
    greeting: Option<Entry>,
    /// One has been told that what was said last is not taken yet.
    is_warned: bool,
    is_done: bool,
    /// The server has said not to come back.
    has_been_ended: bool,
}

/// A room as it is seen.
#[derive(Debug)]
pub(super) struct View {
    pub name: String,
    pub log: Log,
    /// Messages that came while it was not in view.
    pub unread: usize,
    /// One's name is in one of them.
    pub is_mentioned: bool,
    pub members: u64,
    names: BTreeSet<String>,
    /// What was said before we came is being told.
    is_filling: bool,
    /// How many are here, to be told below that.
    arrival: Option<Entry>,
    /// The room remembers what is older than what is here.
    has_older: bool,
    is_fetching: bool,
    /// By how many rows to go back when these are here.
    owed_rows: usize,
    /// Who is here is to be shown, and not only to be known.
    shows_names: bool,
}

/// A name that is being completed.
#[derive(Debug)]
struct Completion {
    from: usize,
    candidates: Vec<String>,
    next: usize,
}

impl View {
    fn new(name: &str) -> View {
        View {
            name: name.to_owned(),
            log: Log::default(),
            unread: 0,
            is_mentioned: false,
            members: 0,
            names: BTreeSet::new(),
            is_filling: false,
            arrival: None,
            has_older: false,
            is_fetching: false,
            owed_rows: 0,
            shows_names: false,
        }
    }
}

impl App {
    /// Somebody who is about to go into these rooms, each with so many earlier messages.
    pub fn new(rooms: &[String], url: String, history: u64, clock: Box<dyn Clock>) -> App {
        App {
            rooms: rooms.iter().map(|room| View::new(room)).collect(),
            current: 0,
            outside: Log::default(),
            is_plain: false,
            is_fresh: true,
            is_leaving: false,
            editor: Editor::default(),
            name: String::new(),
            url,
            trouble: None,
            slowed_until: Millis(0),
            clock,
            size: (80, 24),
            history,
            completion: None,
            greeting: None,
            is_warned: false,
            is_done: false,
            has_been_ended: false,
        }
    }

    /// Something that its user is to know from the start.
    pub fn tell_at_start(&mut self, at: u64, text: &str) {
        self.warn(at, text.to_owned());
    }

    /// Whether its user has left.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Whether the server has ended it, and not its user.
    pub fn has_been_ended(&self) -> bool {
        self.has_been_ended
    }

    /// The screen has another size.
    pub fn resize(&mut self, columns: usize, rows: usize) {
        self.size = (columns, rows);
    }

    // What happens. ---------------------------------------------------------------------------

    /// Something has happened; `at` is when, in milliseconds since 1970.
    pub fn handle_news(&mut self, now: Millis, at: u64, session: &mut Session, news: News) {
        match news {
            News::Welcome { name, is_new, .. } => {
                self.trouble = None;
                self.has_been_ended = false;
                if is_new {
                    let text = format!("you are {}", words::name(&name));
                    self.greeting = Some(Entry::Notice { at, text });
                }
                // On coming back it is told at once: what follows is new.
                if !self.name.is_empty() {
                    self.greet();
                }
                self.name = name;
            }
            News::Renamed { name } => {
                self.notice(at, format!("you are {}", words::name(&name)));
                self.name = name;
            }
            News::Joined { room, resumption, replay: (from, count), members } => {
                session.members(now, &room);
                let Some(view) = self.find(&room) else { return };
                view.members = members;
                (view.is_fetching, view.owed_rows, view.shows_names) = (false, 0, false);
                match &resumption {
                    Resumption::First => {
                        view.is_filling = true;
                        view.has_older = from > 1;
                    }
                    // What is above is of another life, and cannot be added to.
                    Resumption::Anew => view.has_older = false,
                    Resumption::Resumed | Resumption::Trimmed { .. } => {}
                }
                let entry = match words::resumption(&resumption, count) {
                    None => Entry::Notice { at, text: format!("{room}: {}", words::members(members)) },
                    Some(text) if resumption == Resumption::Resumed => Entry::Notice { at, text },
                    Some(text) => Entry::Warning { at, text },
                };
                match resumption {
                    Resumption::First => view.arrival = Some(entry),
                    _ => view.log.push(entry),
                }
                if count == 0 {
                    self.arrive(&room);
                }
            }
            News::CaughtUp { room } => self.arrive(&room),
            News::Message(told) => self.handle_message(told),
            News::Published { id, room, seq, at } => {
                let (name, is_plain) = (self.name.clone(), self.is_plain);
                let Some(view) = self.find(&room) else { return };
                if let Some(Pending { text, .. }) = view.log.settle(PendingId::Room(id))
                    && !is_plain
                {
                    let (seq, is_own) = (Some(seq), true);
                    view.log.push(Entry::Message {
                        seq,
                        at,
                        name: words::shown(&name),
                        text,
                        is_own,
                        is_mention: false,
                    });
                }
            }
            News::NotPublished { id, room, why } => {
                let Some(view) = self.find(&room) else { return };
                let pending = view.log.settle(PendingId::Room(id));
                let text = pending.map(|pending| pending.text).unwrap_or_default();
                let text = format!("not sent: {}: {text}", words::shown(&why.to_string()));
                view.log.push(Entry::Warning { at, text });
            }
            News::Slowed { wait } => self.slowed_until = now + wait,
            News::Gap { room, from, to } => {
                self.tell(&room, Entry::Warning { at, text: words::gap(from, to) })
            }
            News::Presence { room, joined, left, renamed, members } => {
                let Some(view) = self.find(&room) else { return };
                view.members = members;
                view.names
                    .retain(|name| !left.contains(name) && renamed.iter().all(|(from, _)| from != name));
                let come = joined.iter().chain(renamed.iter().map(|(_, to)| to));
                view.names.extend(come.take(NAMES_MAX.saturating_sub(view.names.len())).cloned());
                if let Some(text) = words::presence(&joined, &left, &renamed) {
                    view.log.push(Entry::Notice { at, text });
                }
            }
            News::History { room, messages, has_more } => self.handle_history(&room, messages, has_more),
            News::Members { room, count, names } => {
                let Some(view) = self.find(&room) else { return };
                view.names = names.iter().take(NAMES_MAX).cloned().collect();
                if std::mem::take(&mut view.shows_names) {
                    let more = count.saturating_sub(names.len() as u64);
                    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                    let text = format!("{count} here: {}{more}", words::names(&names));
                    view.log.push(Entry::Notice { at, text });
                }
            }
            News::Rooms { rooms, has_more } => {
                let each = |(room, members): &(String, u64)| format!("{} ({members})", words::shown(room));
                let list = rooms.iter().map(each).collect::<Vec<_>>().join(", ");
                self.notice(at, format!("rooms: {list}{}", if has_more { ", and more" } else { "" }));
            }
            News::Direct { name, at, data } => {
                self.say_privately(at, &name, format!("(to you) {}", words::said_in_lines(&data)), false);
            }
            News::DirectSent { id } => {
                let Some((_, text)) = self.settle_direct(id) else { return };
                let own_name = self.name.clone();
                if !self.is_plain {
                    self.say_privately(at, &own_name, text, true);
                }
            }
            News::DirectNotSent { id, why } => {
                let Some((room, text)) = self.settle_direct(id) else { return };
                let text = format!("not sent: {}: {text}", words::shown(&why.to_string()));
                self.tell(&room, Entry::Warning { at, text });
            }
            News::Pong { took } => self.notice(at, format!("the server answers after {} ms", took.0)),
            News::Refused { what, why } => {
                self.warn(at, format!("{what}: {}", words::shown(&why.to_string())))
            }
            News::Strange { why } => self.warn(at, format!("the server has sent {}", words::shown(&why))),
            News::Left { room } => self.remove(&room),
            News::NotJoined { room, why } => {
                self.greet();
                let text = format!("cannot join {room}: {}", words::shown(&why.to_string()));
                self.tell(&room, Entry::Warning { at, text });
            }
            News::Lost { why, .. } => {
                self.arrive_everywhere();
                let why = words::shown(&why);
                // Once for each time that one was in: the status line tells the rest.
                if self.trouble.is_none() && !self.name.is_empty() {
                    self.tell_all(&Entry::Warning { at, text: format!("connection lost: {why}") });
                }
                self.trouble = Some(why);
            }
            News::Ended { why: Some(why) } => {
                self.arrive_everywhere();
                let why = words::shown(&why);
                self.tell_all(&Entry::Warning {
                    at,
                    text: format!("{why}; /reconnect tries again, Ctrl-D leaves"),
                });
                self.trouble = Some(why);
                self.has_been_ended = true;
            }
            News::Ended { why: None } => self.is_done = true,
            News::Object(_) => {}
        }
    }

    fn handle_message(&mut self, told: Told) {
        let (own_name, is_plain) = (self.name.clone(), self.is_plain);
        let is_current = self.rooms.get(self.current).is_some_and(|view| view.name == told.room);
        let Some(view) = self.find(&told.room) else { return };
        if let Some(id) = told.own {
            view.log.settle(PendingId::Room(id));
            if is_plain {
                return;
            }
        }
        let entry = entry_of(&told, &own_name);
        let is_mentioned = matches!(entry, Entry::Message { is_mention: true, .. });
        view.log.push(entry);
        let is_seen = view.is_filling || told.own.is_some() || (is_current && view.log.is_at_end());
        if !is_seen {
            view.unread += 1;
            view.is_mentioned |= is_mentioned;
        }
    }

    /// One's own coming is told.
    fn greet(&mut self) {
        if let Some(greeting) = self.greeting.take() {
            self.tell("", greeting);
        }
    }

    /// What was said before we came into a room has been told: below it stands that we came.
    fn arrive(&mut self, room: &str) {
        if let Some(greeting) = self.greeting.take() {
            self.tell(room, greeting);
        }
        let Some(view) = self.find(room) else { return };
        view.is_filling = false;
        if let Some(arrival) = view.arrival.take() {
            view.log.push(arrival);
        }
    }

    /// There is no more of it for now.
    fn arrive_everywhere(&mut self) {
        self.greet();
        for view in &mut self.rooms {
            if let Some(arrival) = view.arrival.take() {
                view.log.push(arrival);
            }
        }
    }

    fn handle_history(&mut self, room: &str, messages: Vec<Told>, has_more: bool) {
        let own_name = self.name.clone();
        let (columns, height) = (self.size.0, self.body_rows());
        let Some(view) = self.rooms.iter_mut().find(|view| view.name == room) else { return };
        let first = view.log.first_seq().unwrap_or(u64::MAX);
        let older = messages.iter().filter(|told| told.seq < first).map(|told| entry_of(told, &own_name));
        let mut older: Vec<Entry> = older.collect();
        if !has_more {
            let at = older.first().map_or_else(|| view.log.begins_at(), Entry::at);
            older.insert(0, Entry::Notice { at, text: "nothing older is remembered".to_owned() });
        }
        view.log.push_older(older);
        (view.is_fetching, view.has_older) = (false, has_more);
        let owed_rows = std::mem::take(&mut view.owed_rows);
        if owed_rows > 0 {
            view.log.scroll_up(owed_rows, columns, height, &*self.clock);
        }
    }

    // What is typed. ----------------------------------------------------------------------------

    /// A key was pressed.
    pub fn handle_key(&mut self, now: Millis, at: u64, session: &mut Session, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        if key.code != KeyCode::Tab {
            self.completion = None;
        }
        let (ctrl, alt) =
            (key.modifiers.contains(KeyModifiers::CONTROL), key.modifiers.contains(KeyModifiers::ALT));
        match key.code {
            KeyCode::Char('c') if ctrl => self.leave(now, at, session),
            KeyCode::Char('d') if ctrl && self.editor.text().is_empty() => self.leave(now, at, session),
            KeyCode::Char('d') if ctrl => self.editor.delete(Motion::Right),
            KeyCode::Char('n') if ctrl => self.show((self.current + 1) % self.rooms.len().max(1)),
            KeyCode::Char('p') if ctrl => {
                let rooms = self.rooms.len().max(1);
                self.show((self.current + rooms - 1) % rooms);
            }
            KeyCode::Char(digit @ '1'..='9') if alt => {
                self.show(digit.to_digit(10).map_or(0, |number| number as usize - 1));
            }
            KeyCode::Char('a') if ctrl => self.editor.go(Motion::Start),
            KeyCode::Char('e') if ctrl => self.editor.go(Motion::End),
            KeyCode::Char('b') if ctrl => self.editor.go(Motion::Left),
            KeyCode::Char('f') if ctrl => self.editor.go(Motion::Right),
            KeyCode::Char('b') if alt => self.editor.go(Motion::WordLeft),
            KeyCode::Char('f') if alt => self.editor.go(Motion::WordRight),
            KeyCode::Char('w') if ctrl => self.editor.delete(Motion::WordLeft),
            KeyCode::Char('h') if ctrl => self.editor.delete(Motion::Left),
            KeyCode::Char('d') if alt => self.editor.delete(Motion::WordRight),
            KeyCode::Char('u') if ctrl => self.editor.delete(Motion::Start),
            KeyCode::Char('k') if ctrl => self.editor.delete(Motion::End),
            KeyCode::Char('y') if ctrl => self.editor.paste_cut(),
            KeyCode::Char('j') if ctrl => self.enter(now, at, session),
            KeyCode::Char(c) if !ctrl && !alt => self.editor.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace if alt || ctrl => self.editor.delete(Motion::WordLeft),
            KeyCode::Backspace => self.editor.delete(Motion::Left),
            KeyCode::Delete => self.editor.delete(Motion::Right),
            KeyCode::Left if alt || ctrl => self.editor.go(Motion::WordLeft),
            KeyCode::Right if alt || ctrl => self.editor.go(Motion::WordRight),
            KeyCode::Left => self.editor.go(Motion::Left),
            KeyCode::Right => self.editor.go(Motion::Right),
            KeyCode::Home if ctrl => self.scroll_up(now, session, usize::MAX / 4),
            KeyCode::End if ctrl => self.scroll_to_end(),
            KeyCode::Home => self.editor.go(Motion::Start),
            KeyCode::End => self.editor.go(Motion::End),
            KeyCode::Up => self.editor.recall_older(),
            KeyCode::Down => self.editor.recall_newer(),
            KeyCode::PageUp => self.scroll_up(now, session, self.body_rows().saturating_sub(1).max(1)),
            KeyCode::PageDown => self.scroll_down(),
            KeyCode::Esc => self.scroll_to_end(),
            KeyCode::Tab => self.complete(),
            KeyCode::Enter => self.enter(now, at, session),
            _ => {}
        }
    }

    /// Text was pasted, of any number of lines.
    pub fn handle_paste(&mut self, text: &str) {
        self.completion = None;
        self.editor.insert(text);
    }

    /// How many lines were said, or asked to be said, and have not been taken.
    pub(super) fn pending_len(&self) -> usize {
        self.rooms.iter().map(|view| view.log.pending.len()).sum()
    }

    /// Its user wants to go.
    pub fn leave(&mut self, now: Millis, at: u64, session: &mut Session) {
        let pending = self.pending_len();
        // Without a screen there is no key to press again: it leaves when all is taken, unless nothing will be.
        let is_hopeless = self.is_plain && session.status() == Status::Ended;
        let has_asked = if self.is_plain { &mut self.is_leaving } else { &mut self.is_warned };
        if std::mem::replace(has_asked, true) || pending == 0 || is_hopeless {
            return self.quit(now, session);
        }
        let lines = if pending == 1 { "one line is".to_owned() } else { format!("{pending} lines are") };
        self.warn(
            at,
            match self.is_plain {
                true => {
                    format!("{lines} not taken yet: leaving when all is taken; /quit again leaves at once")
                }
                false => format!("{lines} not taken yet; the same key again leaves all the same"),
            },
        );
    }

    /// It ends, whatever has not been taken.
    pub fn quit(&mut self, now: Millis, session: &mut Session) {
        match session.status() {
            Status::Ended => self.is_done = true,
            _ => session.quit(now),
        }
    }

    fn enter(&mut self, now: Millis, at: u64, session: &mut Session) {
        let text = self.editor.take();
        self.is_fresh &= text.is_empty();
        if text.is_empty() && matches!(session.status(), Status::Waiting { .. }) {
            return session.dial_now(now);
        }
        for line in text.split('\n').map(str::trim_end).filter(|line| !line.is_empty()) {
            // What was pasted is said, and not obeyed.
            match text.contains('\n') {
                true => self.obey(now, at, session, Command::Say(line)),
                false => self.enter_line(now, at, session, line),
            }
        }
    }

    /// A line was entered: something to be said, or a command.
    pub fn enter_line(&mut self, now: Millis, at: u64, session: &mut Session, line: &str) {
        match commands::parse(line) {
            Ok(command) => self.obey(now, at, session, command),
            Err(why) => self.warn(at, why),
        }
    }

    fn obey(&mut self, now: Millis, at: u64, session: &mut Session, command: Command<'_>) {
        let room = self.rooms.get(self.current).map(|view| view.name.clone());
        let is_there = match command {
            Command::Say(text) => return self.say(now, at, session, text),
            Command::Join { room, history } => return self.join(now, session, room, history),
            Command::Leave(named) => return self.leave_room(now, session, named.map(str::to_owned).or(room)),
            Command::Name(name) => {
                session.rename(now, name);
                true
            }
            Command::Who => {
                if let Some(view) = self.rooms.get_mut(self.current) {
                    view.shows_names = true;
                }
                room.is_some_and(|room| session.members(now, &room))
            }
            Command::Rooms => session.list_rooms(now),
            Command::Message { to, text } => {
                let id = session.direct(now, to, text);
                if let Some(id) = id {
                    let text = format!("(to {}) {}", words::name(to), words::shown(text));
                    let log =
                        self.rooms.get_mut(self.current).map_or(&mut self.outside, |view| &mut view.log);
                    log.pending.push(Pending { id: PendingId::Person(id), text });
                }
                id.is_some()
            }
            Command::Ping => session.ping(now),
            Command::Reconnect => {
                session.dial_now(now);
                true
            }
            Command::Help => return self.help(at, commands::COMMANDS),
            Command::HelpKeys if self.is_plain => {
                return self.notice(at, "the keys are those of the terminal".to_owned());
            }
            Command::HelpKeys => return self.help(at, commands::KEYS),
            Command::Quit => {
                self.leave(now, at, session);
                true
            }
        };
        if !is_there {
            self.warn(at, "there is no connection".to_owned());
        }
    }

    fn say(&mut self, now: Millis, at: u64, session: &mut Session, text: &str) {
        let Some(view) = self.rooms.get_mut(self.current) else {
            return self.warn(at, "in no room: /join ROOM".to_owned());
        };
        view.log.go_to_end();
        view.unread = 0;
        self.is_warned = false;
        match session.publish(now, &view.name, text) {
            Some(id) => view.log.pending.push(Pending { id: PendingId::Room(id), text: words::shown(text) }),
            None => {
                let text = format!("not in {0}: /join {0}", view.name);
                view.log.push(Entry::Warning { at, text });
            }
        }
    }

    fn join(&mut self, now: Millis, session: &mut Session, room: &str, history: Option<u64>) {
        let at = self.rooms.iter().position(|view| view.name == room).unwrap_or_else(|| {
            self.rooms.push(View::new(room));
            self.rooms.len() - 1
        });
        self.show(at);
        session.join(now, room, history.unwrap_or(self.history));
    }

    fn leave_room(&mut self, now: Millis, session: &mut Session, room: Option<String>) {
        let Some(room) = room else { return };
        let is_joined = session.rooms().any(|its| its == room);
        match is_joined {
            true => session.leave(now, &room),
            false => self.remove(&room),
        }
    }

    fn help(&mut self, at: u64, rows: &[(&str, &str)]) {
        for (what, does) in rows {
            self.notice(at, format!("{what:<16} {does}"));
        }
    }

    // Rooms and their logs. --------------------------------------------------------------------

    fn find(&mut self, room: &str) -> Option<&mut View> {
        self.rooms.iter_mut().find(|view| view.name == room)
    }

    fn remove(&mut self, room: &str) {
        let Some(at) = self.rooms.iter().position(|view| view.name == room) else { return };
        self.rooms.remove(at);
        if self.current > at || self.current == self.rooms.len() {
            self.current = self.current.saturating_sub(1);
        }
        self.show(self.current);
    }

    fn show(&mut self, at: usize) {
        if let Some(view) = self.rooms.get_mut(at) {
            (view.unread, view.is_mentioned) = (0, false);
            self.current = at;
        }
    }

    /// In that room, or in the one in view if there is no such room.
    fn tell(&mut self, room: &str, entry: Entry) {
        let at = self.rooms.iter().position(|view| view.name == room).unwrap_or(self.current);
        self.rooms.get_mut(at).map_or(&mut self.outside, |view| &mut view.log).push(entry);
    }

    fn tell_all(&mut self, entry: &Entry) {
        match self.rooms.is_empty() {
            true => self.outside.push(entry.clone()),
            false => self.rooms.iter_mut().for_each(|view| view.log.push(entry.clone())),
        }
    }

    /// What was said to one person has its answer. Returns where it stands, and what it was.
    fn settle_direct(&mut self, id: DirectId) -> Option<(String, String)> {
        let id = PendingId::Person(id);
        let rooms = self.rooms.iter_mut();
        let inside = rooms.filter_map(|view| Some((view.name.clone(), view.log.settle(id)?.text))).next();
        inside.or_else(|| Some((String::new(), self.outside.settle(id)?.text)))
    }

    fn notice(&mut self, at: u64, text: String) {
        self.tell("", Entry::Notice { at, text });
    }

    fn warn(&mut self, at: u64, text: String) {
        self.tell("", Entry::Warning { at, text });
    }

    fn say_privately(&mut self, at: u64, name: &str, text: String, is_own: bool) {
        let name = words::shown(name);
        self.tell("", Entry::Message { seq: None, at, name, text, is_own, is_mention: !is_own });
    }

    /// How many rows the messages have.
    pub(super) fn body_rows(&self) -> usize {
        self.size.1.saturating_sub(super::face::ROWS_AROUND)
    }

    fn scroll_up(&mut self, now: Millis, session: &mut Session, rows: usize) {
        let (columns, height) = (self.size.0, self.body_rows());
        let Some(view) = self.rooms.get_mut(self.current) else { return };
        let went = view.log.scroll_up(rows, columns, height, &*self.clock);
        if went < rows && view.has_older {
            view.owed_rows = rows.min(height) - went.min(height).min(rows);
            view.is_fetching =
                view.is_fetching || session.history(now, &view.name, view.log.first_seq(), PAGE);
        }
    }

    fn scroll_down(&mut self) {
        let (columns, rows) = (self.size.0, self.body_rows().saturating_sub(1).max(1));
        if let Some(view) = self.rooms.get_mut(self.current) {
            view.log.scroll_down(rows, columns, &*self.clock);
            if view.log.is_at_end() {
                view.unread = 0;
            }
        }
    }

    fn scroll_to_end(&mut self) {
        if let Some(view) = self.rooms.get_mut(self.current) {
            view.log.go_to_end();
            (view.unread, view.owed_rows) = (0, 0);
        }
    }

    /// Completes the name, or the command, that stands before the cursor; the next one, if it has just done so.
    fn complete(&mut self) {
        let mut completion = match self.completion.take() {
            Some(completion) => completion,
            None => {
                let before = self.editor.before_cursor();
                let from = before.rfind(' ').map_or(0, |at| at + 1);
                let prefix: Vec<char> = folded(&before[from..]).collect();
                let begins = |name: &str| {
                    prefix.is_empty() || folded(name).take(prefix.len()).eq(prefix.iter().copied())
                };
                let candidates: Vec<String> = match before[from..].starts_with('/') && from == 0 {
                    true => {
                        commands::words().filter(|word| begins(word)).map(|word| format!("{word} ")).collect()
                    }
                    false => {
                        let end = if from == 0 { ": " } else { " " };
                        let names = self.rooms.get(self.current).map(|view| &view.names);
                        let others =
                            names.into_iter().flatten().filter(|name| **name != self.name && begins(name));
                        others.map(|name| format!("{name}{end}")).collect()
                    }
                };
                Completion { from, candidates, next: 0 }
            }
        };
        if let Some(candidate) = completion.candidates.get(completion.next) {
            self.editor.replace_before_cursor(completion.from, candidate);
            completion.next = (completion.next + 1) % completion.candidates.len();
            self.completion = Some(completion);
        }
    }
}

fn entry_of(told: &Told, own_name: &str) -> Entry {
    let is_own = told.own.is_some() || told.name == own_name;
    let text = words::said_in_lines(&told.data);
    let is_mention = !is_own && mentions(&text, own_name);
    Entry::Message {
        seq: Some(told.seq),
        at: told.at,
        name: words::shown(&told.name),
        text,
        is_own,
        is_mention,
    }
}

/// Whether a name stands in a text, as a word.
fn mentions(text: &str, name: &str) -> bool {
    let lower = |text: &str| folded(text).collect::<String>();
    let (text, name) = (lower(text), lower(name));
    let is_inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !name.is_empty()
        && text.match_indices(&name).any(|(at, _)| {
            !is_inside(text[..at].chars().next_back()) && !is_inside(text[at + name.len()..].chars().next())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_mention_where_it_is_a_word() {
        for (text, is_mention) in [
            ("ann: hi", true),
            ("hi Ann!", true),
            ("@ann", true),
            ("anna", false),
            ("banner", false),
            ("", false),
        ] {
            assert_eq!(mentions(text, "ann"), is_mention, "{text}");
        }
        assert!(!mentions("anything", ""));
    }
}
