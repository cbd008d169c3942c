//! `chinwag join` at a terminal: keys in, a screen out.
//!
//! ```text
//!     keys, pastes, sizes ── reader thread ──mail──▶ App ──▶ Session
//!     signals ─────────────────────────────mail──▶   │
//!                                                     └─ once a turn ─▶ Face ─▶ Screen
//! ```

use super::app::App;
use super::face::Face;
use super::log::Clock;
use super::screen::{Screen, Stream, Tty};
use crate::client::{Mail, News, Session, User};
use crate::net::Post;
use crate::time::Millis;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use crossterm::terminal;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use signal_hook::consts::SIGTSTP;
use signal_hook::low_level::emulate_default_handler;
use std::fmt;
use std::io::{self, Stdout};
use std::time::{Duration, SystemTime};

/// A loop whose inbox is full is asked again after this time.
const MAIL_PAUSE: Duration = Duration::from_millis(5);

/// What other threads tell a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalInput {
    /// Something was typed, or the size has changed.
    Event(Event),
    /// The process is asked to end.
    Signal(i32),
    /// Nobody is there any more.
    Gone,
}

/// The user of a session that sits at a terminal.
pub struct Terminal {
    app: App,
    screen: Screen<Stdout>,
    tty: Option<Tty>,
    redraws_at: Millis,
    signal: Option<i32>,
}

/// The time here, wherever that is.
#[derive(Debug)]
pub struct Here(TimeZone);

impl Clock for Here {
    fn time(&self, unix_ms: u64) -> String {
        self.write(unix_ms, "%H:%M")
    }

    fn day(&self, unix_ms: u64) -> String {
        self.write(unix_ms, "%A, %-d %B %Y")
    }
}

impl Here {
    /// The time where this process runs.
    pub fn system() -> Here {
        Here(TimeZone::system())
    }

    fn write(&self, unix_ms: u64, format: &str) -> String {
        // No calendar goes that far.
        let at = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        at.map(|at| at.to_zoned(self.0.clone()).strftime(format).to_string()).unwrap_or_default()
    }
}

/// Hands over what is typed, for as long as there is a terminal and a loop.
pub fn read_events(post: &Post<Mail<TerminalInput>>) {
    loop {
        let (input, is_end) = match event::read() {
            Ok(event) => (TerminalInput::Event(event), false),
            Err(_) => (TerminalInput::Gone, true),
        };
        let mut mail = Mail::User(input);
        while let Err(unsent) = post.send(mail) {
            mail = unsent;
            std::thread::sleep(MAIL_PAUSE);
        }
        if is_end {
            return;
        }
    }
}

impl Terminal {
    /// Takes the terminal over. What is on it comes back when this is dropped.
    pub fn new(rooms: &[String], url: String, history: u64, has_colors: bool) -> io::Result<Terminal> {
        let mut app = App::new(rooms, url, history, Box::new(Here::system()));
        let tty = Tty::take(Stream::Stdout)?;
        let (columns, rows) = terminal::size()?;
        app.resize(columns.into(), rows.into());
        let screen = Screen::new(io::stdout(), has_colors);
        Ok(Terminal { app, screen, tty: Some(tty), redraws_at: Millis(0), signal: None })
    }

    /// Tells something at the start.
    pub fn tell(&mut self, text: &str) {
        self.app.tell_at_start(unix_ms(), text);
    }

    /// Whether the server has ended it.
    pub fn has_been_ended(&self) -> bool {
        self.app.has_been_ended()
    }

    /// Which signal has ended it.
    pub fn signal(&self) -> Option<i32> {
        self.signal
    }

    fn handle_key(&mut self, now: Millis, session: &mut Session, key: KeyEvent) {
        match (key.code, key.modifiers.contains(KeyModifiers::CONTROL)) {
            (KeyCode::Char('l'), true) => self.screen.forget(),
            (KeyCode::Char('z'), true) => self.rest(now, session),
            _ => self.app.handle_key(now, unix_ms(), session, key),
        }
    }

    /// Goes into the background, and comes back when the shell says so. Meanwhile nobody answers the server, so there may be
    /// another connection then.
    fn rest(&mut self, now: Millis, session: &mut Session) {
        self.tty = None;
        // It returns when the process goes on. Where it may not stop, it does so at once.
        let _ = emulate_default_handler(SIGTSTP);
        self.screen.forget();
        match Tty::take(Stream::Stdout) {
            Ok(tty) => self.tty = Some(tty),
            Err(_) => self.app.quit(now, session),
        }
        if let Ok((columns, rows)) = terminal::size() {
            self.app.resize(columns.into(), rows.into());
        }
    }
}

pub(super) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl User for Terminal {
    type Mail = TerminalInput;

    fn handle_news(&mut self, now: Millis, session: &mut Session, news: News) {
        self.app.handle_news(now, unix_ms(), session, news);
    }

    fn handle_mail(&mut self, now: Millis, session: &mut Session, mail: TerminalInput) {
        match mail {
            TerminalInput::Event(Event::Key(key)) => self.handle_key(now, session, key),
            TerminalInput::Event(Event::Paste(text)) => self.app.handle_paste(&text),
            TerminalInput::Event(Event::Resize(columns, rows)) => {
                self.app.resize(columns.into(), rows.into());
                self.screen.forget();
            }
            TerminalInput::Event(Event::FocusGained | Event::FocusLost | Event::Mouse(_)) => {}
            TerminalInput::Signal(signal) => {
                self.signal = Some(signal);
                self.app.quit(now, session);
            }
            TerminalInput::Gone => self.app.quit(now, session),
        }
    }

    fn handle_wake(&mut self, now: Millis, session: &mut Session) {
        if self.is_done() {
            return;
        }
        let face = Face::of(&self.app, session, now);
        self.redraws_at = face.until;
        if self.screen.draw(&face).is_err() {
            self.app.quit(now, session);
        }
    }

    fn next_deadline(&self) -> Millis {
        self.redraws_at
    }

    fn is_done(&self) -> bool {
        self.app.is_done()
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").field("signal", &self.signal).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_write_them() {
        let here = Here(TimeZone::UTC);
        assert_eq!(
            (here.time(1_795_000_000_000), here.day(1_795_000_000_000)),
            ("11:06".into(), "Wednesday, 18 November 2026".into())
        );
        assert_eq!(here.time(u64::MAX), "");
    }
}
