//! No descriptor left: those inside are served, others are told, and nobody spins.
//!
//! The limit is a process's, so the loop runs in one of its own: this very program once more, told by a variable that it
//! is the daemon. It has so many descriptors as it needs and [`PLACES`] more. Its clients are here, where there are plenty.

use crate::recorder::{ANY_PORT, PATIENCE};
use chinwag::net::{Address, Handler, KeepAlive, ListenerId, Peer, Reactor, Sockets};
use chinwag::time::Millis;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IoSlice, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PLACES: usize = 4;
const IS_DAEMON: &str = "CHINWAG_TEST_NET_IS_DAEMON";
const REFUSAL: &[u8] = b"no room\n";

/// Echoes, and says how many turns that took when it is asked `turns?`.
#[derive(Default)]
struct Echo {
    echoes: Vec<Option<Vec<u8>>>,
    closing: Vec<usize>,
    turns: usize,
}

impl Handler for Echo {
    type Mail = ();

    fn handle_accepted(&mut self, _: Millis, _: ListenerId, _: Peer) -> Result<usize, &[u8]> {
        let free = self.echoes.iter().position(Option::is_none).unwrap_or(self.echoes.len());
        self.echoes.resize(self.echoes.len().max(free + 1), None);
        self.echoes[free] = Some(Vec::new());
        Ok(free)
    }

    fn refusal(&self, _: ListenerId) -> &[u8] {
        REFUSAL
    }

    fn handle_bytes(&mut self, _: Millis, key: usize, bytes: &mut [u8]) {
        let answer =
            if bytes == b"turns?" { format!("{:06}", self.turns).into_bytes() } else { bytes.to_vec() };
        self.echoes[key].as_mut().expect("it is there").extend(answer);
    }

    fn handle_eof(&mut self, _: Millis, key: usize) {
        self.closing.push(key);
    }

    fn handle_reset(&mut self, _: Millis, key: usize, _: io::Error) {
        self.closing.push(key);
    }

    fn handle_writable(&mut self, _: Millis, _: usize) {}

    fn flush(&mut self, _: Millis, sockets: &mut dyn Sockets) {
        self.turns += 1;
        for (key, echo) in self.echoes.iter_mut().enumerate() {
            if let Some(bytes) = echo.as_mut().map(std::mem::take).filter(|bytes| !bytes.is_empty()) {
                let written = sockets.write(key, &[IoSlice::new(&bytes)]);
                assert_eq!(written.expect("the peer reads"), bytes.len());
            }
        }
    }

    fn reap(&mut self, _: Millis, sockets: &mut dyn Sockets) {
        for key in self.closing.drain(..) {
            if self.echoes[key].take().is_some() {
                sockets.close(key);
            }
        }
    }
}

/// Not a test of its own: what the daemon does, where it is one. It ends with the test that started it.
#[test]
fn daemon() {
    if std::env::var_os(IS_DAEMON).is_none() {
        return;
    }
    let mut reactor = Reactor::new().expect("descriptors for a loop");
    let listening = reactor.listen(&Address::Tcp(ANY_PORT), KeepAlive::ByProtocol);
    let (_, address) = listening.expect("a port is free");
    // Whoever started us may have left us any descriptors: these are the next that are free.
    let places: Vec<File> = (0..PLACES).map(|_| File::open("/dev/null").expect("a descriptor")).collect();
    let last = places.iter().map(AsRawFd::as_raw_fd).max().expect("there are some");
    drop(places);
    let most = u64::try_from(last).expect("descriptors are not negative") + 1;
    rlimit::Resource::NOFILE.set(most, most).expect("a limit can be lowered");
    println!("\nlistening on {address}");
    reactor.run(&mut Echo::default()).expect("the poll works");
}

struct Daemon {
    process: Child,
    address: String,
}

impl Daemon {
    fn start() -> Daemon {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args(["--exact", "exhaustion::daemon", "--nocapture", "--test-threads=1"])
            .env(IS_DAEMON, "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
            .expect("it listens");
        Daemon { process, address }
    }

    fn dial(&self) -> TcpStream {
        let client = TcpStream::connect(&self.address).expect("there is room in the backlog");
        client.set_read_timeout(Some(PATIENCE)).expect("it can be");
        client
    }

    /// Somebody comes, and waits until it is served. `None` for who is turned away.
    fn knock(&self) -> Option<TcpStream> {
        let mut client = self.dial();
        let _ = client.write_all(b"knock ");
        let mut answer = [0; 6];
        // Its word and the refusal may have passed each other, so the end may be a reset.
        match client.read_exact(&mut answer) {
            Ok(()) if answer == *b"knock " => Some(client),
            _ => None,
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ask(client: &mut TcpStream, words: &[u8; 6]) -> [u8; 6] {
    let mut answer = [0; 6];
    client.write_all(words).expect("it is connected");
    client.read_exact(&mut answer).expect("it is answered");
    answer
}

fn turns(client: &mut TcpStream) -> usize {
    let answer = ask(client, b"turns?");
    str::from_utf8(&answer).expect("digits").parse().expect("a number")
}

#[test]
fn without_a_descriptor_left_those_inside_are_served_and_the_others_are_told() {
    let daemon = Daemon::start();
    let mut inside: Vec<TcpStream> = (0..PLACES).map(|_| daemon.knock().expect("there is room")).collect();

    // Who says nothing first hears all of it: there is nothing that could reset the connection.
    let mut outside = daemon.dial();
    let mut answer = Vec::new();
    outside.read_to_end(&mut answer).expect("an answer, and FIN");
    assert_eq!(answer, REFUSAL);
    for client in &mut inside {
        assert_eq!(ask(client, b"hello!"), *b"hello!");
    }
    assert!(daemon.knock().is_none(), "it is still full");

    // Twice over: what was held in reserve is held again.
    for _ in 0..2 {
        inside.pop();
        let began = Instant::now();
        let client =
            std::iter::from_fn(|| (began.elapsed() < PATIENCE).then(|| daemon.knock())).flatten().next();
        inside.push(client.expect("somebody has left, and another gets in"));
        let mut outside = daemon.dial();
        answer.clear();
        outside.read_to_end(&mut answer).expect("an answer, and FIN");
        assert_eq!(answer, REFUSAL);
    }
}

#[test]
fn who_waits_outside_costs_no_turns_but_those_in_which_it_is_told() {
    const OUTSIDE: usize = 8;
    let daemon = Daemon::start();
    let mut inside: Vec<TcpStream> = (0..PLACES).map(|_| daemon.knock().expect("there is room")).collect();
    let before = turns(&mut inside[0]);
    let began = Instant::now();
    let mut outside: Vec<TcpStream> = (0..OUTSIDE).map(|_| daemon.dial()).collect();
    for client in &mut outside {
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).expect("an answer, and FIN");
        assert_eq!(answer, REFUSAL);
    }
    // One at a time, and a rest of a tenth of a second in between.
    let least = Duration::from_millis(100) * (OUTSIDE as u32 - 1);
    assert!(began.elapsed() >= least, "told within {:?}", began.elapsed());
    // Turns: one for each who comes, one for each who is told, one for each question; twice that is no spinning.
    let turns = turns(&mut inside[0]) - before;
    assert!(turns <= 4 * OUTSIDE + 4, "{turns} turns for {OUTSIDE} who wait");
}
