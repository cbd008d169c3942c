//! `chinwag bench --tui`: the terminal under the live view. It is drawn on standard error, so that standard output can go to
//! a file, and keys come from the terminal of the process.

use super::{complain, join};
use crate::bench::live::{Begin, Moment, Watch};
use crate::bench::outcome::Outcome;
use crate::bench::report::Board;
use crate::join::{Stream, Tty};
use anstream::{AutoStream, ColorChoice};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use signal_hook::consts::SIGINT;
use signal_hook::low_level::raise;
use std::io::{self, BufWriter, IsTerminal, Stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long keys are waited for: with no time at all crossterm reads nothing.
const GLANCE: Duration = Duration::from_millis(1);
/// How many keys are taken in a glance.
const EVENTS_PER_GLANCE_MAX: usize = 64;

/// The live view, for as long as it has the terminal.
pub struct Tui {
    board: Board,
    terminal: Terminal<CrosstermBackend<BufWriter<Stderr>>>,
    tty: Option<Tty>,
    /// Set to end the run.
    stop: Arc<AtomicBool>,
    was_stopped: bool,
    /// What is told when the terminal is as it was: one for each watch that has ended.
    warnings: Vec<String>,
}

impl Tui {
    /// Takes the terminal over, or says why that is not possible.
    pub fn open(stop: Arc<AtomicBool>) -> Result<Tui, String> {
        let stderr = io::stderr();
        if !stderr.is_terminal() {
            return Err("standard error is not a terminal".to_owned());
        }
        if join::is_dumb() {
            return Err("the terminal cannot be drawn on, as TERM says".to_owned());
        }
        let has_colour = AutoStream::choice(&stderr) != ColorChoice::Never;
        let failed = |error: io::Error| format!("cannot take over the terminal: {error}");
        let tty = Tty::take(Stream::Stderr).map_err(failed)?;
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::new(stderr))).map_err(failed)?;
        Ok(Tui {
            board: Board::new(has_colour),
            terminal,
            tty: Some(tty),
            stop,
            was_stopped: false,
            warnings: Vec::new(),
        })
    }

    fn draw(&mut self) -> Result<(), String> {
        // A panic of another thread gives the terminal back, and what it says is not to be drawn over.
        if !Tty::is_taken() {
            return Ok(());
        }
        let board = &self.board;
        let drawn = self.terminal.draw(|frame| board.draw(frame.area(), frame.buffer_mut()));
        drawn.map(|_| ()).map_err(|error| format!("cannot draw on the terminal: {error}; --tui ends here"))
    }

    fn handle_key(&mut self, key: KeyEvent) {
        match (key.code, key.modifiers.contains(KeyModifiers::CONTROL)) {
            (KeyCode::Char('q'), false) => self.stop.store(true, Ordering::Relaxed),
            // The terminal does not make a signal of it while it is ours.
            (KeyCode::Char('c'), true) => {
                let _ = raise(SIGINT);
            }
            (KeyCode::Char('l'), true) => {
                let _ = self.terminal.clear();
            }
            _ => {}
        }
    }
}

impl Watch for Tui {
    fn begin(&mut self, run: &Begin<'_>) {
        self.board.begin(run);
        // If it cannot be drawn on, the first second will say so.
        let _ = self.draw();
    }

    fn second(&mut self, moment: &Moment<'_>) -> Result<(), String> {
        self.board.second(moment);
        self.draw()
    }

    fn glance(&mut self) {
        let mut is_changed = false;
        for _ in 0..EVENTS_PER_GLANCE_MAX {
            if !event::poll(GLANCE).unwrap_or(false) {
                break;
            }
            match event::read() {
                Ok(Event::Key(key)) if key.is_press() => self.handle_key(key),
                Ok(_) => {}
                Err(_) => break,
            }
            is_changed = true;
        }
        if !self.was_stopped && self.stop.load(Ordering::Relaxed) {
            self.board.note_ending();
            (self.was_stopped, is_changed) = (true, true);
        }
        if is_changed {
            let _ = self.draw();
        }
    }

    fn warn(&mut self, why: &str) {
        self.board.warn(why);
        self.warnings.push(why.to_owned());
    }

    fn end(&mut self, outcome: Option<&Outcome>) -> Result<(), String> {
        if let Some(outcome) = outcome {
            self.board.end(outcome);
        }
        self.draw()
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        self.tty = None;
        self.warnings.iter().for_each(|why| complain(format_args!("warning: {why}")));
    }
}
