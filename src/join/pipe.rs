//! `chinwag join` in a pipe: lines in are published, messages come out as lines.
//!
//! ```text
//!     stdin ── reader thread ──mail──▶ Pipe ── Session ── server
//!                    ▲                   │
//!                    └──── a credit ─────┘  when a line has its place
//! ```
//!
//! Each line has been acked before the end, in order, whatever happens to connections on the way; who writes faster than
//! the server takes is held up, since the reader has only so many credits.

use super::overprint::Overprint;
use super::words;
use crate::client::{Mail, News, Session, User};
use crate::net::Post;
use crate::time::Millis;
use std::io::{self, BufRead, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// How many lines may be on their way.
pub(super) const CREDITS: usize = 256;

/// What the reader of standard input says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A line, without its end.
    Line(String),
    /// One that is too long to be read whole.
    TooLong,
    /// There will be no more.
    End,
}

/// The user of a session that reads and writes lines.
#[derive(Debug)]
pub struct Pipe<O, E> {
    /// In which rooms; lines go to the first.
    rooms: Vec<String>,
    /// Whether objects are printed.
    json: bool,
    /// Whether what is printed is for a screen.
    is_shown: bool,
    out: O,
    notices: E,
    credits: SyncSender<()>,
    has_ended: bool,
    /// Somebody has answered.
    has_been_in: bool,
    /// Not everything that came in was said.
    has_failed: bool,
    is_done: bool,
}

/// Reads lines and hands them over, each when it has a credit for it. Returns when there are no more lines, or nobody
/// wants them.
pub fn read_lines(input: &mut impl BufRead, post: &Post<Mail<Input>>, credits: &Receiver<()>) {
    let mut screen = Overprint::default();
    loop {
        let line = match next_line(input, &mut screen) {
            Ok(Some(line)) => line,
            Ok(None) | Err(_) => Input::End,
        };
        let is_end = line == Input::End;
        // The loop is gone, and with it the other end of the credits.
        if credits.recv().is_err() || post.send(Mail::User(line)).is_err() || is_end {
            return;
        }
    }
}

/// The next line, as a terminal would show it; `None` at the end of the input.
fn next_line(input: &mut impl BufRead, screen: &mut Overprint) -> io::Result<Option<Input>> {
    let mut has_begun = false;
    loop {
        let bytes = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        let end = memchr::memchr(b'\n', bytes);
        let len = end.unwrap_or(bytes.len());
        screen.write(&bytes[..len]);
        let is_over = end.is_some() || bytes.is_empty();
        has_begun |= !bytes.is_empty();
        input.consume(len + usize::from(end.is_some()));
        if is_over {
            return Ok(has_begun.then(|| screen.take().map_or(Input::TooLong, Input::Line)));
        }
    }
}

impl<O: Write, E: Write> Pipe<O, E> {
    /// Somebody in these rooms. The receiver is for [`read_lines`].
    pub fn new(
        rooms: Vec<String>,
        json: bool,
        is_shown: bool,
        out: O,
        notices: E,
    ) -> (Pipe<O, E>, Receiver<()>) {
        let (credits, receiver) = sync_channel(CREDITS);
        (0..CREDITS).for_each(|_| credits.try_send(()).expect("there is room for all of them"));
        let pipe = Pipe {
            rooms,
            json,
            is_shown,
            out,
            notices,
            credits,
            has_ended: false,
            has_been_in: false,
            has_failed: false,
            is_done: false,
        };
        (pipe, receiver)
    }

    /// Whether all that came in was said.
    pub fn has_succeeded(&self) -> bool {
        !self.has_failed
    }

    fn print(&mut self, line: &str) {
        if let Err(error) = writeln!(self.out, "{line}") {
            self.stop_printing(&error);
        }
    }

    /// Nobody reads any more, which is no failure: what has come in until now is still said.
    fn stop_printing(&mut self, error: &io::Error) {
        if error.kind() != io::ErrorKind::BrokenPipe && !self.has_ended {
            self.fail(&format!("cannot write: {error}"));
        }
        self.has_ended = true;
    }

    /// Nobody listens to stderr: then there is nobody to tell.
    fn notice(&mut self, room: Option<&str>, words: &str) {
        let room = room.filter(|_| self.rooms.len() > 1).map(|room| format!("#{room} ")).unwrap_or_default();
        let _ = writeln!(self.notices, "* {room}{words}");
    }

    fn fail(&mut self, words: &str) {
        self.has_failed = true;
        let _ = writeln!(self.notices, "error: {words}");
    }

    fn settle_line(&mut self) {
        // It is full when a line was counted twice, which it is not; it is closed when the reader has ended.
        let _ = self.credits.try_send(());
    }

    fn print_message(&mut self, room: &str, line: &str) {
        match self.rooms.len() {
            1 => self.print(line),
            _ => self.print(&format!("#{room} {line}")),
        }
    }
}

impl<O: Write, E: Write> User for Pipe<O, E> {
    type Mail = Input;

    fn handle_news(&mut self, now: Millis, session: &mut Session, news: News) {
        match news {
            News::Object(object) if self.is_shown => self.print(&words::shown(&object)),
            News::Object(object) => self.print(&object),
            News::Message(told) => {
                if told.own.is_some() {
                    self.settle_line();
                } else if !self.json {
                    self.print_message(&told.room, &words::message(&told));
                }
            }
            News::Direct { name, data, .. } if !self.json => {
                self.print(&format!("[{} -> you] {}", words::name(&name), words::said(&data)));
            }
            News::Direct { .. } => {}
            News::Published { .. } => self.settle_line(),
            News::NotPublished { why, .. } => {
                self.settle_line();
                self.fail(&format!("a line was not taken: {}", words::shown(&why.to_string())));
            }
            News::Welcome { name, is_new, .. } => {
                self.has_been_in = true;
                if is_new {
                    self.notice(None, &format!("you are {}", words::name(&name)));
                }
            }
            News::Joined { room, resumption, replay, members } => {
                let words =
                    words::resumption(&resumption, replay.1).unwrap_or_else(|| words::members(members));
                self.notice(None, &format!("{room}: {words}"));
            }
            News::NotJoined { room, why } => {
                self.fail(&format!("cannot join {room}: {}", words::shown(&why.to_string())));
            }
            News::Gap { room, from, to } => self.notice(Some(&room), &words::gap(from, to)),
            News::Presence { room, joined, left, renamed, .. } => {
                if let Some(words) = words::presence(&joined, &left, &renamed) {
                    self.notice(Some(&room), &words);
                }
            }
            News::Lost { why, until } => {
                let why = words::shown(&why);
                self.notice(None, &format!("{why}; trying again in {}", words::wait(until - now)));
            }
            News::Ended { why } => {
                self.is_done = true;
                let why = why.map(|why| words::shown(&why));
                match why {
                    Some(why) if !self.has_been_in => {
                        self.fail(&format!("cannot join {}: {why}", session.url()))
                    }
                    Some(why) => self.fail(&why),
                    None => {}
                }
            }
            News::Refused { why, .. } => self.notice(None, &words::shown(&why.to_string())),
            News::Strange { why } => {
                self.notice(None, &format!("the server has sent {}", words::shown(&why)))
            }
            // It waits, and then goes on.
            News::Slowed { .. } => {}
            // Nothing asks for these.
            News::Renamed { .. }
            | News::CaughtUp { .. }
            | News::Left { .. }
            | News::History { .. }
            | News::Members { .. }
            | News::Rooms { .. }
            | News::DirectSent { .. }
            | News::DirectNotSent { .. }
            | News::Pong { .. } => {}
        }
    }

    fn handle_mail(&mut self, now: Millis, session: &mut Session, mail: Input) {
        match mail {
            // What comes behind the end is not wanted: nobody reads our answers.
            _ if self.has_ended => {}
            Input::Line(line) => {
                let room = self.rooms.first().cloned().unwrap_or_default();
                if session.publish(now, &room, &line).is_none() {
                    self.settle_line();
                    self.fail(&format!("a line was not taken: not in {room}"));
                }
            }
            Input::TooLong => {
                self.settle_line();
                self.fail("a line was not taken: it is too long");
            }
            Input::End => self.has_ended = true,
        }
    }

    fn handle_wake(&mut self, now: Millis, session: &mut Session) {
        if let Err(error) = self.out.flush() {
            self.stop_printing(&error);
        }
        let is_pointless = session.rooms().next().is_none();
        if !self.is_done && (is_pointless || (self.has_ended && session.is_settled())) {
            session.quit(now);
        }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

#[cfg(test)]
mod tests {
    use super::super::overprint::LINE_LEN_MAX;
    use super::*;

    fn lines(input: &[u8]) -> Vec<Input> {
        let (mut input, mut screen) = (input, Overprint::default());
        std::iter::from_fn(|| next_line(&mut input, &mut screen).expect("it can be read")).collect()
    }

    #[test]
    fn lines_end_as_they_like() {
        let line = |text: &str| Input::Line(text.to_owned());
        assert_eq!(lines(b"one\ntwo\r\n\nlast"), [line("one"), line("two"), line(""), line("last")]);
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"caf\xe9\n"), [line("caf\u{fffd}")]);
        assert_eq!(
            lines(b"\x1b[32mok\x1b[0m\r\n10 %\r100 %\nlast\r"),
            [line("ok"), line("100 %"), line("last")]
        );
    }

    #[test]
    fn what_is_too_long_is_skipped_to_its_end() {
        let mut input = vec![b'x'; 5 * LINE_LEN_MAX];
        input.extend_from_slice(b"\nshort\n");
        assert_eq!(lines(&input), [Input::TooLong, Input::Line("short".into())]);
        let fits = vec![b'x'; LINE_LEN_MAX];
        assert_eq!(lines(&fits).len(), 1);
        assert!(matches!(&lines(&fits)[0], Input::Line(line) if line.len() == fits.len()));
    }
}
