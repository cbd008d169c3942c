//! A terminal: a pty with a program in it, and an emulator that shows what is on its screen.

use super::PATIENCE;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A program at a terminal.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    /// Held, so that the terminal is there when the program has gone.
    _slave: Box<dyn SlavePty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    shown: Arc<Shown>,
    /// How the terminal was set before.
    settings: String,
}

#[derive(Default)]
struct Shown {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    parser: Option<vt100::Parser>,
    /// All that was written.
    bytes: Vec<u8>,
}

impl State {
    fn screen(&self) -> &vt100::Screen {
        self.parser.as_ref().expect("it is there from the start").screen()
    }
}

impl Terminal {
    /// Starts `chinwag join` in a terminal of this size.
    pub fn join(args: &[&str], columns: u16, rows: u16) -> Terminal {
        Terminal::join_with(args, &[], columns, rows)
    }

    /// The same, with these in its environment.
    pub fn join_with(args: &[&str], env: &[(&str, &str)], columns: u16, rows: u16) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_chinwag"));
        command.arg("join");
        command.args(args);
        Terminal::run(command, env, columns, rows)
    }

    /// Starts `chinwag bench` in a terminal of this size, with these in its environment.
    pub fn bench(args: &[&str], env: &[(&str, &str)], columns: u16, rows: u16) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_chinwag"));
        command.arg("bench");
        command.args(args);
        Terminal::run(command, env, columns, rows)
    }

    /// The same as [`Terminal::join`], but what it prints goes to that file.
    pub fn join_into(file: &str, args: &[&str], columns: u16, rows: u16) -> Terminal {
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", r#"exec "$@" > "$0""#, file, env!("CARGO_BIN_EXE_chinwag"), "join"]);
        command.args(args);
        Terminal::run(command, &[], columns, rows)
    }

    fn run(mut command: CommandBuilder, env: &[(&str, &str)], columns: u16, rows: u16) -> Terminal {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let settings = format!("{:?}", pair.master.get_termios());
        command.env("TERM", "xterm-256color");
        command.env("TZ", "UTC");
        command.env_remove("NO_COLOR");
        env.iter().for_each(|(name, value)| command.env(name, value));
        let child = pair.slave.spawn_command(command).expect("it starts");
        let keys = pair.master.take_writer().expect("its keyboard");
        let mut output = pair.master.try_clone_reader().expect("its screen");
        let shown = Arc::new(Shown::default());
        shown.lock().parser = Some(vt100::Parser::new(some(rows), some(columns), 0));
        let gathered = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                let mut state = gathered.lock();
                state.bytes.extend_from_slice(&buffer[..count]);
                state.parser.as_mut().expect("it is there from the start").process(&buffer[..count]);
                gathered.changed.notify_all();
            }
        });
        Terminal { master: pair.master, _slave: pair.slave, child, keys, shown, settings }
    }

    /// Presses keys, as bytes.
    pub fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("somebody reads");
        self.keys.flush().expect("somebody reads");
    }

    /// The window has another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let mut state = self.shown.lock();
        state.parser.as_mut().expect("it is there").screen_mut().set_size(some(rows), some(columns));
        drop(state);
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("it can be resized");
    }

    /// Waits until some row has these words. Returns it.
    #[track_caller]
    pub fn shows(&self, words: &str) -> String {
        let rows = self.wait(words, |rows| rows.iter().any(|row| row.contains(words)));
        rows.into_iter().find(|row| row.contains(words)).expect("it was there")
    }

    /// Waits until the rows are as wanted. Returns them.
    #[track_caller]
    pub fn wait(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let (state, timeout) = self
            .shown
            .changed
            .wait_timeout_while(self.shown.lock(), PATIENCE, |state| !wanted(&rows(state)))
            .unwrap_or_else(PoisonError::into_inner);
        let rows = rows(&state);
        drop(state);
        assert!(!timeout.timed_out(), "waited {PATIENCE:?} for {what}:\n{}", rows.join("\n"));
        rows
    }

    /// What is on the screen now.
    pub fn rows(&self) -> Vec<String> {
        rows(&self.shown.lock())
    }

    /// All that was ever written to it.
    pub fn written(&self) -> Vec<u8> {
        self.shown.lock().bytes.clone()
    }

    /// The row and the column of the cursor.
    pub fn cursor(&self) -> (u16, u16) {
        self.shown.lock().screen().cursor_position()
    }

    /// Sends the program a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.process_id().expect("it has one"));
        let status = std::process::Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(status.success(), "{kill}: {status}");
    }

    /// Waits until the program has left, and the terminal is as it was before. Returns the exit code.
    #[track_caller]
    pub fn left(&mut self) -> u32 {
        // It takes the other screen away last but for the cursor, which it shows.
        let (state, timeout) = self
            .shown
            .changed
            .wait_timeout_while(self.shown.lock(), PATIENCE, |state| state.screen().alternate_screen())
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "it does not leave:\n{}", rows(&state).join("\n"));
        drop(state);
        let status = self.child.wait().expect("it is our child");
        let (state, timeout) = self
            .shown
            .changed
            .wait_timeout_while(self.shown.lock(), PATIENCE, |state| state.screen().hide_cursor())
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out() && !state.screen().bracketed_paste(), "a mode is left over");
        assert_eq!(format!("{:?}", self.master.get_termios()), self.settings, "the terminal is as it was");
        status.exit_code()
    }
}

impl Shown {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rows(state: &State) -> Vec<String> {
    let screen = state.screen();
    screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_owned()).collect()
}

fn some(number: u16) -> NonZero<u16> {
    NonZero::new(number).expect("a screen has some")
}
