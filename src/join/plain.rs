//! `chinwag join` at a terminal that can only be written to line by line, or whose output goes elsewhere.
//!
//! ```text
//!     typed                  printed
//!     /who                   * 2 here: ann, bob
//!     good morning
//!                            [bob] morning
//!                            [cyn] the first line
//!                                | the second: no message and no notice begins with spaces
//! ```
//!
//! Lines are edited by the terminal itself, and read as the full screen reads them: commands are obeyed, and nothing that
//! begins with a slash is said. What happens is kept by the same [`App`], and printed as it comes. Messages go to standard
//! output, notices to standard error.

use super::app::App;
use super::log::{Clock, Entry};
use super::pipe::{CREDITS, Input};
use super::words;
use crate::client::{News, Session, Status, User};
use crate::time::Millis;
use std::fmt;
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// In front of the further lines of a message.
const FURTHER: &str = "     | ";

/// The user of a session that types lines and reads lines.
pub struct Plain<O, E> {
    app: App,
    /// Whether objects are printed rather than messages.
    json: bool,
    out: O,
    notices: E,
    credits: SyncSender<()>,
    /// The room that lines go to, as it was told last.
    told_room: String,
    has_ended: bool,
}

impl<O: Write, E: Write> Plain<O, E> {
    /// A user who is about to go into these rooms, each with so many earlier messages. The receiver is for
    /// [`read_lines`](super::read_lines).
    pub fn new(
        (rooms, url, history): (&[String], String, u64),
        json: bool,
        clock: Box<dyn Clock>,
        out: O,
        notices: E,
    ) -> (Plain<O, E>, Receiver<()>) {
        let (credits, receiver) = sync_channel(CREDITS);
        (0..CREDITS).for_each(|_| credits.try_send(()).expect("there is room for all of them"));
        let mut app = App::new(rooms, url, history, clock);
        app.is_plain = true;
        let told_room = rooms.first().cloned().unwrap_or_default();
        let mut plain = Plain { app, json, out, notices, credits, told_room, has_ended: false };
        plain.notice("/help lists the commands, /name NAME changes your name");
        (plain, receiver)
    }

    /// Whether the server has ended it, and not its user.
    pub fn has_been_ended(&self) -> bool {
        self.app.has_been_ended()
    }

    fn notice(&mut self, words: &str) {
        let _ = writeln!(self.notices, "* {words}");
    }

    fn print(&mut self, text: &str) {
        if writeln!(self.out, "{text}").and_then(|()| self.out.flush()).is_err() {
            self.has_ended = true;
        }
    }

    /// Prints what is new.
    fn print_new(&mut self) {
        let is_one = self.app.rooms.len() <= 1;
        let mut new: Vec<(String, Entry)> = Vec::new();
        new.extend(self.app.outside.take_new().into_iter().map(|entry| (String::new(), entry)));
        for view in &mut self.app.rooms {
            let room = if is_one { String::new() } else { format!("#{} ", view.name) };
            new.extend(view.log.take_new().into_iter().map(|entry| (room.clone(), entry)));
        }
        for (room, entry) in new {
            match entry {
                Entry::Notice { text, .. } | Entry::Warning { text, .. } => {
                    self.notice(&format!("{room}{text}"));
                }
                Entry::Message { .. } if self.json => {}
                Entry::Message { name, text, .. } => {
                    let text = text.replace('\n', &format!("\n{FURTHER}"));
                    self.print(&format!("{room}[{}] {text}", words::name(&name)));
                }
            }
        }
        let current = self.app.rooms.get(self.app.current).map_or("", |view| &view.name);
        if current != self.told_room {
            self.told_room = current.to_owned();
            let words = match current {
                "" => "in no room: /join ROOM".to_owned(),
                room => format!("what you say goes to {room}"),
            };
            self.notice(&words);
        }
    }
}

impl<O: Write, E: Write> User for Plain<O, E> {
    type Mail = Input;

    fn handle_news(&mut self, now: Millis, session: &mut Session, news: News) {
        match &news {
            News::Object(object) if self.json => {
                let object = words::shown(object);
                self.print(&object);
            }
            // The screen counts down in its status line.
            News::Lost { why, until } => {
                let words = format!("{}; trying again in {}", words::shown(why), words::wait(*until - now));
                self.notice(&words);
            }
            _ => {}
        }
        self.app.handle_news(now, super::terminal::unix_ms(), session, news);
        self.print_new();
    }

    fn handle_mail(&mut self, now: Millis, session: &mut Session, mail: Input) {
        let _ = self.credits.try_send(());
        let at = super::terminal::unix_ms();
        match mail {
            Input::Line(line) if line.trim().is_empty() => {}
            Input::Line(line) => self.app.enter_line(now, at, session, line.trim_end()),
            Input::TooLong => self.notice("not sent: the line is too long"),
            Input::End => self.has_ended = true,
        }
        self.print_new();
    }

    fn handle_wake(&mut self, now: Millis, session: &mut Session) {
        let is_over = match session.status() {
            // Nothing more is taken, or nothing waits for the next connection.
            Status::Ended => true,
            Status::Waiting { .. } => self.app.pending_len() == 0,
            Status::Connecting | Status::Online => session.is_settled(),
        };
        if (self.has_ended || self.app.is_leaving) && !self.is_done() && is_over {
            self.app.quit(now, session);
        }
    }

    fn is_done(&self) -> bool {
        self.app.is_done()
    }
}

impl<O, E> fmt::Debug for Plain<O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain").field("has_ended", &self.has_ended).finish_non_exhaustive()
    }
}
