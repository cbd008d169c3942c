//! The terminal itself: taken over and given back, and drawn on, only where something has changed.

use super::face::Face;
use super::paint::ansi;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use std::io::{self, Write};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

/// The stream on which the terminal is ours, or [`NOT_TAKEN`].
static TAKEN: AtomicU8 = AtomicU8::new(NOT_TAKEN);
const NOT_TAKEN: u8 = 0;
static HOOK: Once = Once::new();

/// The stream on which a terminal is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout = 1,
    /// Standard error.
    Stderr = 2,
}

impl Stream {
    fn writer(self) -> Box<dyn Write> {
        match self {
            Stream::Stdout => Box::new(io::stdout()),
            Stream::Stderr => Box::new(io::stderr()),
        }
    }
}

/// The terminal, for as long as it is ours.
#[derive(Debug)]
pub struct Tty(());

impl Tty {
    /// Takes it over. A panic gives it back before it says anything.
    pub fn take(stream: Stream) -> io::Result<Tty> {
        HOOK.call_once(|| {
            let say = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                give_back();
                say(info);
            }));
        });
        enable_raw_mode()?;
        TAKEN.store(stream as u8, Ordering::SeqCst);
        let tty = Tty(());
        execute!(stream.writer(), EnterAlternateScreen, EnableBracketedPaste, DisableLineWrap)?;
        Ok(tty)
    }

    /// Whether the terminal is ours. A panic and a signal give it back, whoever holds it.
    pub fn is_taken() -> bool {
        TAKEN.load(Ordering::SeqCst) != NOT_TAKEN
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        give_back();
    }
}

/// Leaves the terminal as it was, once. Who cannot be told is not there.
pub fn give_back() {
    let taken = TAKEN.swap(NOT_TAKEN, Ordering::SeqCst);
    let stream = [Stream::Stdout, Stream::Stderr].into_iter().find(|stream| *stream as u8 == taken);
    if let Some(stream) = stream {
        let _ = execute!(stream.writer(), EnableLineWrap, DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// What is on it.
#[derive(Debug)]
pub struct Screen<W> {
    out: W,
    has_colors: bool,
    /// Row by row, as it was written.
    rows: Vec<String>,
    cursor: (usize, usize),
}

impl<W: Write> Screen<W> {
    /// Nothing is on it.
    pub fn new(out: W, has_colors: bool) -> Screen<W> {
        Screen { out, has_colors, rows: Vec::new(), cursor: (0, 0) }
    }

    /// Whatever is on it is not what was drawn.
    pub fn forget(&mut self) {
        self.rows.clear();
    }

    /// Draws what has changed, in one write.
    pub fn draw(&mut self, face: &Face) -> io::Result<()> {
        let rows: Vec<String> = face.rows.iter().map(|row| ansi(row, self.has_colors)).collect();
        let is_new = rows.len() != self.rows.len();
        if !is_new && rows == self.rows && face.cursor == self.cursor {
            return Ok(());
        }
        let mut bytes = Vec::new();
        queue!(bytes, BeginSynchronizedUpdate, Hide)?;
        if is_new {
            queue!(bytes, Clear(ClearType::All))?;
        }
        for (at, row) in rows.iter().enumerate().filter(|(at, row)| is_new || self.rows[*at] != **row) {
            // Cleared first: at the end of a row that is full, the last character would be cleared too.
            queue!(bytes, MoveTo(0, narrow(at)), Clear(ClearType::UntilNewLine), Print(row))?;
        }
        let (column, row) = face.cursor;
        queue!(bytes, MoveTo(narrow(column), narrow(row)), Show, EndSynchronizedUpdate)?;
        (self.rows, self.cursor) = (rows, face.cursor);
        self.out.write_all(&bytes)?;
        self.out.flush()
    }
}

fn narrow(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::paint::{BOLD, PLAIN, span};
    use super::*;
    use crate::time::Millis;

    fn face(rows: &[&str], cursor: (usize, usize)) -> Face {
        let rows = rows.iter().map(|row| vec![span(*row, PLAIN)]).collect();
        Face { rows, cursor, until: Millis::NEVER }
    }

    /// A terminal that shows what was written to it.
    fn seen(bytes: &[u8]) -> Vec<String> {
        let size = |size| std::num::NonZero::new(size).expect("it is some");
        let mut terminal = vt100::Parser::new(size(3), size(10), 0);
        terminal.process(bytes);
        terminal.screen().rows(0, 10).collect()
    }

    #[test]
    fn only_what_has_changed_is_drawn() {
        let mut screen = Screen::new(Vec::new(), true);
        screen.draw(&face(&["one", "ねこ", "> "], (2, 2))).expect("a Vec takes all");
        assert_eq!(seen(&screen.out), ["one", "ねこ", "> "]);
        let before = screen.out.len();
        screen.draw(&face(&["one", "ねこ", "> "], (2, 2))).expect("a Vec takes all");
        assert_eq!(screen.out.len(), before);
        screen.draw(&face(&["one", "k", "> "], (2, 2))).expect("a Vec takes all");
        let drawn = String::from_utf8_lossy(&screen.out[before..]).into_owned();
        assert!(!drawn.contains("one") && drawn.contains('k'), "{drawn:?}");
        assert_eq!(seen(&screen.out), ["one", "k", "> "]);
        screen.forget();
        screen.draw(&face(&["one", "k"], (0, 1))).expect("a Vec takes all");
        assert_eq!(seen(&screen.out), ["one", "k", ""]);
    }

    #[test]
    fn a_row_that_is_full_keeps_its_last_character() {
        let mut screen = Screen::new(Vec::new(), true);
        let full =
            Face { rows: vec![vec![span("0123456789", BOLD)], vec![]], cursor: (0, 1), until: Millis::NEVER };
        screen.draw(&full).expect("a Vec takes all");
        assert_eq!(seen(&screen.out)[0], "0123456789");
    }
}
