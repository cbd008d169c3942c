//! What is written, what the kernel does not take, and how that goes on.

use crate::recorder::{Loop, PATIENCE};
use chinwag::time::Millis;
use std::io::{Read, Write};
use std::net::TcpStream;

fn tcp_client(turning: &mut Loop, address: std::net::SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).expect("somebody listens");
    client.set_read_timeout(Some(PATIENCE)).expect("it can be");
    turning.until("a client", |recorder| recorder.count() == 1);
    client
}

#[test]
fn a_short_write_goes_on_when_there_is_room() {
    const LEN: usize = 16 << 20;
    let bytes: Vec<u8> = (0..LEN).map(|n| (n / 3 % 253) as u8).collect();
    let (mut turning, address) = Loop::on_tcp();
    let mut client = tcp_client(&mut turning, address);
    turning.recorder.connection(0).to_write = bytes.clone();
    turning.until_of_first("a full kernel", |connection| connection.is_blocked);
    turning.settle();
    assert!(!turning.sleeps_less_than(Millis(50)), "whoever cannot write waits");
    let reader = std::thread::spawn(move || {
        let mut read = vec![0; LEN];
        client.read_exact(&mut read).expect("all of it comes");
        read
    });
    turning.until_of_first("all to be written", |connection| connection.to_write.is_empty());
    assert!(reader.join().expect("all was read") == bytes);
}

#[test]
fn a_reader_that_never_reads_hides_little_in_the_kernel() {
    let (mut turning, address) = Loop::on_tcp();
    let _client = tcp_client(&mut turning, address);
    const LEN: usize = 16 << 20;
    turning.recorder.connection(0).to_write = vec![7; LEN];
    turning.settle();
    // What the peer's own kernel takes is the peer's affair, and some megabytes at the most; ours keeps 128 KiB of what is
    // not sent yet, and a write that began below that is not cut.
    let taken = LEN - turning.recorder.connection(0).to_write.len();
    assert!(taken < 10 << 20, "{taken} bytes went into the kernel");
    assert!(turning.recorder.connection(0).is_blocked);
}

#[test]
fn after_our_fin_the_peer_is_still_heard() {
    let (mut turning, address) = Loop::on_tcp();
    let mut client = tcp_client(&mut turning, address);
    let connection = turning.recorder.connection(0);
    connection.to_write = b"the last words".to_vec();
    connection.to_shut = true;
    turning.until_of_first("FIN", |it| !it.to_shut);
    let mut read = Vec::new();
    client.read_to_end(&mut read).expect("FIN follows");
    assert_eq!(read, b"the last words");
    client.write_all(b"and mine").expect("it is open in this direction");
    drop(client);
    turning.until_of_first("the end", |it| it.has_ended);
    assert_eq!(turning.recorder.connection(0).bytes, b"and mine");
}

#[test]
fn what_is_closed_is_closed_and_its_key_is_another_connections() {
    let (mut turning, address) = Loop::on_tcp();
    let mut first = tcp_client(&mut turning, address);
    turning.recorder.connection(0).to_close = true;
    turning.until("the socket to be closed", |recorder| recorder.count() == 0);
    assert_eq!(first.read(&mut [0]).expect("an end"), 0);

    let mut second = tcp_client(&mut turning, address);
    assert_eq!(turning.recorder.connections.len(), 1, "the key is used again");
    second.write_all(b"hello").expect("it is connected");
    turning.until_of_first("hello", |connection| connection.bytes == b"hello");
}

#[test]
fn a_write_to_nobody_is_an_error_and_no_panic() {
    use chinwag::net::{Handler, ListenerId, Peer, Sockets};
    use std::io::{self, IoSlice};

    #[derive(Default)]
    struct Careless(Option<io::ErrorKind>);
    impl Handler for Careless {
        type Mail = ();
        fn handle_accepted(&mut self, _: Millis, _: ListenerId, _: Peer) -> Result<usize, &[u8]> {
            Err(b"")
        }
        fn handle_bytes(&mut self, _: Millis, _: usize, _: &mut [u8]) {}
        fn handle_eof(&mut self, _: Millis, _: usize) {}
        fn handle_reset(&mut self, _: Millis, _: usize, _: io::Error) {}
        fn handle_writable(&mut self, _: Millis, _: usize) {}
        fn flush(&mut self, _: Millis, sockets: &mut dyn Sockets) {
            for key in [0, 77] {
                let written = sockets.write(key, &[IoSlice::new(b"hello")]);
                self.0 = Some(written.expect_err("nobody is there").kind());
                sockets.shutdown_write(key);
                sockets.resume(key);
                sockets.close(key);
            }
        }
        fn has_work(&self) -> bool {
            true
        }
    }
    let mut reactor = chinwag::net::Reactor::new().expect("descriptors for a loop");
    let mut careless = Careless::default();
    reactor.turn(&mut careless).expect("the poll works");
    assert_eq!(careless.0, Some(io::ErrorKind::NotConnected));
}
