//! The daemon as a process: started, listened to, signalled, and gone at the end of the test.

use super::{Http, PATIENCE};
use chinwag::net::Address;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The command under test, with nothing on its command line.
pub fn chinwag() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running `chinwag serve`.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: Arc<Log>,
    listening: Vec<Listening>,
    has_ended: bool,
    /// It leads a group of processes, all of which are meant.
    is_group: bool,
}

#[derive(Debug)]
struct Listening {
    address: Address,
    speaks_lines: bool,
    is_tls: bool,
}

/// How the daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its code; `None` when a signal killed it.
    pub code: Option<i32>,
    /// How long it took since it was first waited for.
    pub took: Duration,
}

impl Daemon {
    /// Starts one, with these flags, and waits until it listens. Where the flags do not say otherwise it listens on ports
    /// that the system chooses, one for HTTP and one for lines, and logs all but traces.
    #[track_caller]
    pub fn start(flags: &[&str]) -> Daemon {
        Daemon::start_as(chinwag(), flags)
    }

    /// The same, with a limit on its descriptors that it cannot raise.
    #[track_caller]
    pub fn start_with_descriptors(count: usize, flags: &[&str]) -> Daemon {
        Daemon::start_behind(&format!("ulimit -n {count}"), flags)
    }

    /// The same, by a shell that does this before it becomes the daemon.
    #[track_caller]
    pub fn start_behind(command: &str, flags: &[&str]) -> Daemon {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{command}; exec \"$0\" \"$@\"")).arg(chinwag().get_program());
        Daemon::start_as(shell, flags)
    }

    /// The same, in a network of its own, with nothing in it but the loopback. See `unshare(1)`.
    #[track_caller]
    pub fn start_in_a_network_of_its_own(flags: &[&str]) -> Daemon {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--net", "sh", "-c"]);
        unshare.arg("ip link set lo up && exec \"$0\" \"$@\"").arg(chinwag().get_program());
        Daemon::start_as(unshare, flags)
    }

    /// The same, where names have the addresses that this file gives them, in the form of `/etc/hosts`.
    #[track_caller]
    pub fn start_with_hosts(hosts: &Path, flags: &[&str]) -> Daemon {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        unshare.arg("mount --bind \"$0\" /etc/hosts && exec \"$@\"").arg(hosts).arg(chinwag().get_program());
        Daemon::start_as(unshare, flags)
    }

    /// The same, with a count of its system calls, which is in `summary` when it has ended. See `strace(1)`.
    #[track_caller]
    pub fn start_counted(summary: &Path, flags: &[&str]) -> Daemon {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-c", "-o"]).arg(summary).arg(chinwag().get_program());
        // Signals that come to strace go no further, so they are sent to both.
        strace.process_group(0);
        let mut daemon = Daemon::start_as(strace, flags);
        daemon.is_group = true;
        daemon
    }

    #[track_caller]
    fn start_as(mut command: Command, flags: &[&str]) -> Daemon {
        command.arg("serve");
        for (flag, value) in
            [("--listen", "127.0.0.1:0"), ("--line-listen", "127.0.0.1:0"), ("--log", "debug")]
        {
            if !flags.contains(&flag) {
                command.args([flag, value]);
            }
        }
        command.args(flags);
        let args: Vec<&OsStr> = command.get_args().collect();
        let listeners_len = args
            .windows(2)
            .filter(|pair| (pair[0] == "--listen" || pair[0] == "--line-listen") && pair[1] != "off")
            .count();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let log = Log::of(child.stderr.take().expect("stderr is piped"));
        let mut daemon = Daemon { child, log, listening: Vec::new(), has_ended: false, is_group: false };
        daemon.listening = daemon.log.wait("it to listen", |lines| {
            let listening: Vec<Listening> = lines.iter().filter_map(|line| Listening::parse(line)).collect();
            (listening.len() >= listeners_len).then_some(listening)
        });
        daemon
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it speaks HTTP and WebSocket; the first, if it has several.
    #[track_caller]
    pub fn http(&self) -> &Address {
        self.listens(false).next().expect("a listener for HTTP")
    }

    /// Where it speaks lines.
    #[track_caller]
    pub fn line(&self) -> &Address {
        self.listens(true).next().expect("a listener for lines")
    }

    /// Everywhere it listens for lines, or for HTTP.
    pub fn listens(&self, speaks_lines: bool) -> impl Iterator<Item = &Address> {
        self.listens_as(speaks_lines, false)
    }

    /// The same, under TLS.
    pub fn listens_tls(&self, speaks_lines: bool) -> impl Iterator<Item = &Address> {
        self.listens_as(speaks_lines, true)
    }

    fn listens_as(&self, speaks_lines: bool, is_tls: bool) -> impl Iterator<Item = &Address> {
        let wanted = move |listening: &&Listening| {
            (listening.speaks_lines, listening.is_tls) == (speaks_lines, is_tls)
        };
        self.listening.iter().filter(wanted).map(|listening| &listening.address)
    }

    /// Returns when the server's loop has turned: it has had the chance to read all that was sent before this.
    #[track_caller]
    pub fn turn(&self) {
        assert_eq!(Http::get(self.http(), "/healthz").status, 200);
    }

    /// Waits for a line in its log that holds each of `words`.
    #[track_caller]
    pub fn logged(&self, words: &[&str]) -> String {
        self.log.wait(&format!("a line with {words:?}"), |lines| {
            lines.iter().find(|line| words.iter().all(|word| line.contains(word))).cloned()
        })
    }

    /// Waits until at least `count` lines of its log hold each of `words`. Returns how many do.
    #[track_caller]
    pub fn logged_times(&self, words: &[&str], count: usize) -> usize {
        self.log.wait(&format!("{count} lines with {words:?}"), |lines| {
            let found = lines.iter().filter(|line| words.iter().all(|word| line.contains(word))).count();
            (found >= count).then_some(found)
        })
    }

    /// How many lines of its log hold each of `words`, so far.
    pub fn log_has(&self, words: &[&str]) -> usize {
        self.log.lines().lines.iter().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }

    /// Sends it a signal, such as `TERM`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let status = self.try_signal(name);
        assert!(status.success(), "{name}: {status}");
    }

    fn try_signal(&self, name: &str) -> ExitStatus {
        // The shell's own `kill`, so that no further program is needed.
        let group = if self.is_group { "-" } else { "" };
        let kill = format!("kill -s {name} -- {group}{}", self.pid());
        Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().expect("a shell")
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> Exit {
        let started = Instant::now();
        // Its end closes its stderr, and that is an event; the status is there, or as good as there, by then.
        self.log.wait_for_end("it to end");
        let status = self.child.wait().expect("it is our child");
        self.has_ended = true;
        Exit { code: status.code(), took: started.elapsed() }
    }

    /// Ends it at once, without a chance to say goodbye.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
        self.has_ended = true;
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let ended_by_itself = !self.has_ended && matches!(self.child.try_wait(), Ok(Some(_)));
        if self.is_group && !self.has_ended {
            self.try_signal("KILL");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let lines = self.log.lines();
        if std::thread::panicking() {
            let skipped = lines.lines.len().saturating_sub(60);
            eprintln!("--- the end of the daemon's log ---\n{}", lines.lines[skipped..].join("\n"));
            return;
        }
        let panicked = lines.lines.iter().any(|line| line.contains("panicked at"));
        assert!(!panicked && !ended_by_itself, "the daemon broke:\n{}", lines.lines.join("\n"));
    }
}

impl Listening {
    /// Parses `listening on ADDRESS for lines (...)`.
    fn parse(line: &str) -> Option<Listening> {
        let (address, purpose) = line.strip_prefix("listening on ")?.split_once(' ')?;
        let (address, is_tls) = address.strip_prefix("tls://").map_or((address, false), |rest| (rest, true));
        let address = address.parse().unwrap_or_else(|error| panic!("{line:?}: {error}"));
        Some(Listening { address, speaks_lines: purpose.starts_with("for lines"), is_tls })
    }
}

/// What a process writes, line by line, gathered by a thread that ends with it.
#[derive(Debug, Default)]
pub struct Log {
    lines: Mutex<Lines>,
    grown: Condvar,
}

/// What it has written so far.
#[derive(Debug, Default)]
pub struct Lines {
    /// Line by line.
    pub lines: Vec<String>,
    has_ended: bool,
}

impl Log {
    /// Begins to gather.
    pub fn of(output: impl Read + Send + 'static) -> Arc<Log> {
        let log = Arc::new(Log::default());
        let gathered = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                gathered.lines().lines.push(String::from_utf8_lossy(&line).into_owned());
                gathered.grown.notify_all();
            }
            gathered.lines().has_ended = true;
            gathered.grown.notify_all();
        });
        log
    }

    /// What there is.
    pub fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `wanted` finds something in it.
    #[track_caller]
    pub fn wait<T>(&self, what: &str, mut wanted: impl FnMut(&[String]) -> Option<T>) -> T {
        let mut found = None;
        self.wait_while(what, |lines| {
            found = wanted(&lines.lines);
            found.is_none() && !lines.has_ended
        });
        found.unwrap_or_else(|| panic!("waited for {what}, and it ended:\n{}", self.lines().lines.join("\n")))
    }

    /// Waits until it is whole.
    #[track_caller]
    pub fn wait_for_end(&self, what: &str) {
        self.wait_while(what, |lines| !lines.has_ended);
    }

    #[track_caller]
    fn wait_while(&self, what: &str, mut condition: impl FnMut(&mut Lines) -> bool) {
        let (lines, timeout) = self
            .grown
            .wait_timeout_while(self.lines(), PATIENCE, |lines| condition(lines))
            .unwrap_or_else(PoisonError::into_inner);
        drop(lines);
        assert!(!timeout.timed_out(), "waited {PATIENCE:?} for {what}");
    }
}
