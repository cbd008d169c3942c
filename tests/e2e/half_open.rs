//! A peer whose cable has been pulled: nothing comes of it any more, not even that it is gone.
//!
//! ```text
//!      the daemon's network                         the peers' network
//!    chinwag   eve, adam (by loopback)            three netcats
//!                  10.77.0.1 ┄ cable ════════════ plug ┄ 10.77.0.2
//!                                                   └ is set down, and no FIN and no RST goes out
//! ```
//!
//! Both networks are namespaces of a user namespace, so nobody need be root. Where the system forbids those, the test says
//! on stderr that it has not run; `src/net/listener.rs` has one that reads the kernel's options back, and
//! `tests/core/deadlines.rs` has the pings on invented time.

use crate::harness::websocket::request;
use crate::harness::{Daemon, PATIENCE};
use chinwag::net::Address;
use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// When a peer is gone that answers nothing; for a line, since it was first sent something, or asked by the kernel.
const GONE_AFTER: Duration = Duration::from_secs(35);
/// Who is gone is told within a second, the kernel's timers of this length go by two, and the machine may be busy.
const SLACK: Duration = Duration::from_secs(5);

/// A process, gone at the end of the test.
struct Own(Child);

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command in the network of a process.
fn inside(pid: u32) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--target", &pid.to_string(), "--user", "--net", "--preserve-credentials"]);
    command
}

/// Runs these shell commands there, to their end.
#[track_caller]
fn run_inside(pid: u32, script: &str) {
    let status = inside(pid).args(["sh", "-ec", script]).status().expect("nsenter is there");
    assert!(status.success(), "{script}: {status}");
}

/// Whether this system lets us have networks of our own, with a cable between them.
fn has_networks() -> bool {
    let mut probe = Command::new("unshare");
    probe.args(["--user", "--map-root-user", "--net", "ip", "link", "add", "cable", "type", "veth"]);
    probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Somebody at netcat.
struct Netcat {
    _process: Own,
    stdin: ChildStdin,
    pieces: Receiver<String>,
    heard: String,
}

impl Netcat {
    /// Connects from the network of a process.
    fn connect(pid: u32, host: &str, to: &Address) -> Netcat {
        let Address::Tcp(address) = to else { panic!("a Unix socket has no cable") };
        let nc = env::var_os("CHINWAG_E2E_NC").unwrap_or_else(|| OsString::from("nc"));
        let mut command = inside(pid);
        command.arg(nc).args([host, &address.port().to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("nsenter and nc");
        let stdin = child.stdin.take().expect("it is piped");
        let mut stdout = child.stdout.take().expect("it is piped");
        let (sender, pieces) = channel();
        // Ends with the process.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = stdout.read(&mut buffer) {
                if sender.send(String::from_utf8_lossy(&buffer[..len]).into_owned()).is_err() {
                    break;
                }
            }
        });
        Netcat { _process: Own(child), stdin, pieces, heard: String::new() }
    }

    fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stdin.write_all(bytes.as_ref()).and_then(|()| self.stdin.flush()).expect("netcat takes it");
    }

    /// Waits until it has heard this.
    #[track_caller]
    fn hears(&mut self, words: &str, within: Duration) {
        let ends_at = Instant::now() + within;
        while !self.heard.contains(words) {
            let piece = self.pieces.recv_timeout(ends_at.saturating_duration_since(Instant::now()));
            let heard = &self.heard;
            self.heard += &piece.unwrap_or_else(|error| panic!("{error} for {words:?}, after {heard:?}"));
        }
    }
}

#[test]
fn a_peer_whose_cable_is_pulled_is_gone_after_35_seconds() {
    if !has_networks() {
        // Not by `eprintln!`, which is shown only where a test fails.
        let _ = writeln!(
            io::stderr(),
            "NOT TESTED: half-open peers. That takes ip, unshare and nsenter, and leave to make network namespaces"
        );
        return;
    }
    let daemon =
        Daemon::start_in_a_network_of_its_own(&["--listen", "0.0.0.0:0", "--line-listen", "0.0.0.0:0"]);
    let near = daemon.pid();
    // A process that does nothing keeps the other network.
    let mut keeper = inside(near);
    let keeper = Own(keeper
        .args(["unshare", "--net", "cat"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("nsenter and unshare"));
    let far = keeper.0.id();
    let networks = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/net")).expect("it is there");
    let began = Instant::now();
    while [near, std::process::id()].map(networks).contains(&networks(far)) {
        assert!(began.elapsed() < PATIENCE, "it has no network of its own");
        std::thread::yield_now();
    }
    run_inside(near, &format!("ip link add cable type veth peer name plug netns {far}"));
    run_inside(near, "ip addr add 10.77.0.1/24 dev cable; ip link set cable up");
    run_inside(far, "ip addr add 10.77.0.2/24 dev plug; ip link set plug up");

    // A page and a line where somebody speaks, and a line to which nothing is said; and who sees them go.
    let sits = |pid: u32, host: &str, name: &str, room: &str, members: usize| {
        let mut netcat = Netcat::connect(pid, host, daemon.line());
        netcat.say(format!("/name {name}\n/join {room}\n"));
        netcat.hears(&format!("* {room}: {members} here"), PATIENCE);
        netcat
    };
    let mut eve = sits(near, "127.0.0.1", "eve", "den", 1);
    let mut adam = sits(near, "127.0.0.1", "adam", "attic", 1);
    let _bob = sits(far, "10.77.0.1", "bob", "den", 2);
    let _dan = sits(far, "10.77.0.1", "dan", "attic", 2);
    let mut ann = Netcat::connect(far, "10.77.0.1", daemon.http());
    ann.say(request("/ws?name=ann&room=den", &[]));
    ann.hears("* den: 3 here", PATIENCE);
    eve.hears("ann joined", PATIENCE);
    adam.hears("dan joined", PATIENCE);

    run_inside(far, "ip link set plug down");
    let pulled = Instant::now();
    eve.say("is anybody there?\n");
    for name in ["ann", "bob", "dan"] {
        let observer = if name == "dan" { &mut adam } else { &mut eve };
        let within = (GONE_AFTER + SLACK).saturating_sub(pulled.elapsed());
        observer.hears(&format!("{name} left"), within);
        println!("{name} is gone after {:.1?}", pulled.elapsed());
        assert!(pulled.elapsed() > Duration::from_secs(20), "the network has told of it");
    }
    // Their descriptors too, when the page has not answered the Close.
    for (word, count) in [("reason=pong-timeout", 1), ("reason=reset", 2)] {
        assert_eq!(daemon.logged_times(&["closed peer=10.77.0.2", word], count), count);
    }
}
