//! Addresses are tried in turn, each for so long; a socket that is not wanted any more is closed.

use crate::world::at;
use chinwag::client::{Dialler, Mail, Masks, News, Session, User};
use chinwag::net::{Address, Dial, Handler, Reactor, Sockets, UdpId};
use chinwag::time::Millis;
use std::io::{self, IoSlice};
use std::net::SocketAddr;

/// Keeps what it is told.
#[derive(Default)]
struct Notes(Vec<News>);

impl User for Notes {
    type Mail = ();

    fn handle_news(&mut self, _: Millis, _: &mut Session, news: News) {
        self.0.push(news);
    }

    fn handle_mail(&mut self, now: Millis, session: &mut Session, (): ()) {
        session.quit(now);
    }

    fn is_done(&self) -> bool {
        matches!(self.0.last(), Some(News::Ended { .. }))
    }
}

/// What is asked of the sockets, in words.
#[derive(Default)]
struct Words {
    said: Vec<String>,
    /// Ports to which one cannot even begin to connect.
    unreachable: Vec<u16>,
}

impl Sockets for Words {
    fn dial(&mut self, key: usize, dial: &Dial) -> io::Result<()> {
        let Address::Tcp(to) = dial.to else { panic!("a client dials ports") };
        self.said.push(format!("dial {} as {key}", to.port()));
        if self.unreachable.contains(&to.port()) {
            return Err(io::ErrorKind::NetworkUnreachable.into());
        }
        Ok(())
    }

    fn write(&mut self, key: usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let text: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.said.push(format!("write {key} {}", String::from_utf8_lossy(&text[..15.min(text.len())])));
        Ok(text.len())
    }

    fn close(&mut self, key: usize) {
        self.said.push(format!("close {key}"));
    }

    fn shutdown_write(&mut self, _: usize) {}
    fn resume(&mut self, _: usize) {}
    fn send_to(&mut self, _: UdpId, _: SocketAddr, _: &[u8]) -> io::Result<()> {
        unreachable!("a client has no datagrams")
    }
}

struct Desk {
    dialler: Dialler<Notes>,
    sockets: Words,
    now: Millis,
    /// Its inbox is the dialler's; nobody reads it.
    _reactor: Reactor<Mail<()>>,
}

impl Desk {
    /// A session that wants a connection, and knows these ports of its server.
    fn knowing(ports: &[u16]) -> Desk {
        let reactor = Reactor::new().expect("descriptors for a loop");
        let session = Session::new(at("tcp://127.0.0.1:9", Some("ann")), Masks::from_seed(1));
        let dialler = Dialler::new(session, Notes::default(), reactor.post());
        let mut desk = Desk { dialler, sockets: Words::default(), now: Millis(1), _reactor: reactor };
        desk.turn();
        desk.knows(ports);
        desk
    }

    fn knows(&mut self, ports: &[u16]) {
        let addresses = ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect();
        self.dialler.handle_mail(self.now, Mail::Resolved(Ok(addresses)));
        self.turn();
    }

    fn turn(&mut self) {
        loop {
            self.dialler.handle_timers(self.now);
            self.dialler.handle_wake(self.now);
            self.dialler.flush(self.now, &mut self.sockets);
            self.dialler.reap(self.now, &mut self.sockets);
            if !self.dialler.has_work() {
                return;
            }
        }
    }

    fn refuses(&mut self, key: usize) {
        self.dialler.handle_reset(self.now, key, io::ErrorKind::ConnectionRefused.into());
        self.turn();
    }

    fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.sockets.said)
    }
}

#[test]
fn addresses_are_tried_in_turn() {
    let mut desk = Desk::knowing(&[1, 2, 3]);
    assert_eq!(desk.said(), ["dial 1 as 0"]);
    desk.sockets.unreachable.push(2);
    desk.refuses(0);
    assert_eq!(desk.said(), ["close 0", "dial 2 as 1", "dial 3 as 1"]);
    // What is still told of the first means nothing any more.
    desk.refuses(0);
    desk.dialler.handle_connected(desk.now, 0);
    desk.turn();
    assert_eq!(desk.said(), [""; 0]);
    desk.dialler.handle_connected(desk.now, 1);
    desk.turn();
    assert_eq!(desk.said(), [r#"write 1 {"type":"hello""#]);
}

#[test]
fn an_address_that_says_nothing_gets_a_few_seconds_if_there_is_another() {
    let mut desk = Desk::knowing(&[1, 2]);
    assert_eq!(desk.dialler.next_deadline(), Millis(5001));
    desk.now = Millis(5001);
    desk.turn();
    assert_eq!(desk.said(), ["dial 1 as 0", "close 0", "dial 2 as 1"]);
    // The last may take as long as the session waits.
    assert_eq!(desk.dialler.next_deadline(), Millis(20_001));
    desk.now = Millis(20_001);
    desk.turn();
    assert_eq!(desk.said(), ["close 1"]);
    assert!(desk.dialler.next_deadline() > Millis(20_001));
}

#[test]
fn who_could_reach_nobody_looks_the_name_up_again() {
    let mut desk = Desk::knowing(&[1]);
    desk.refuses(0);
    assert_eq!(desk.said(), ["dial 1 as 0", "close 0"]);
    let again_at = desk.dialler.next_deadline();
    assert!(again_at > desk.now && again_at < Millis(1000), "{again_at:?}");
    desk.now = again_at;
    desk.turn();
    desk.knows(&[7]);
    assert_eq!(desk.said(), ["dial 7 as 1"]);
    // And so does who gets no answer from those who know names.
    desk.refuses(1);
    desk.now = desk.dialler.next_deadline();
    desk.turn();
    desk.dialler.handle_mail(desk.now, Mail::Resolved(Err(io::ErrorKind::NotFound.into())));
    desk.turn();
    assert!(desk.dialler.next_deadline() > desk.now);
}

#[test]
fn a_connection_that_ends_is_closed_and_one_that_is_quit_too() {
    let mut desk = Desk::knowing(&[1]);
    desk.dialler.handle_connected(desk.now, 0);
    desk.turn();
    desk.said();
    desk.dialler.handle_eof(desk.now, 0);
    desk.turn();
    assert_eq!(desk.said(), ["close 0"]);
    desk.now = desk.dialler.next_deadline();
    desk.turn();
    desk.knows(&[1]);
    desk.dialler.handle_connected(desk.now, 1);
    desk.dialler.handle_mail(desk.now, Mail::User(()));
    assert!(!desk.dialler.is_done());
    desk.turn();
    assert!(desk.dialler.is_done());
    assert_eq!(desk.said().last().map(String::as_str), Some("close 1"));
}
