//! What is read, when, and what is told once and must not be forgotten.

use crate::recorder::{Loop, PATIENCE};
use chinwag::time::Millis;
use socket2::SockRef;
use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

const READ_BUFFER_LEN: usize = 64 * 1024;

fn numbered(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n / 7 % 251) as u8).collect()
}

/// Writes all of it into the kernel at once, so that nothing comes later.
fn write_at_once(client: &mut UnixStream, bytes: &[u8]) {
    SockRef::from(&*client).set_send_buffer_size(2 * bytes.len()).expect("it can be larger");
    client.set_nonblocking(true).expect("it can be");
    assert_eq!(client.write(bytes).expect("there is room"), bytes.len(), "the kernel takes it whole");
}

#[test]
fn what_a_full_read_left_is_read_in_the_next_turn_though_no_event_comes() {
    let (mut turning, mut client) = Loop::with_unix_client();
    let bytes = numbered(2 * READ_BUFFER_LEN + 1000);
    write_at_once(&mut client, &bytes);
    turning.turn();
    assert_eq!(
        turning.recorder.connection(0).reads,
        [READ_BUFFER_LEN],
        "no more than a buffer full in a turn"
    );
    turning.until_of_first("the rest", |connection| connection.bytes.len() == bytes.len());
    assert_eq!(turning.recorder.connection(0).reads, [READ_BUFFER_LEN, READ_BUFFER_LEN, 1000]);
    assert!(turning.recorder.connection(0).bytes == bytes);
}

#[test]
fn a_read_of_exactly_the_buffer_is_followed_by_sleep() {
    let (mut turning, mut client) = Loop::with_unix_client();
    write_at_once(&mut client, &numbered(READ_BUFFER_LEN));
    turning.turn();
    assert_eq!(turning.recorder.connection(0).reads, [READ_BUFFER_LEN]);
    turning.settle();
    assert!(!turning.sleeps_less_than(Millis(50)));
}

#[test]
fn a_short_read_has_emptied_the_socket_and_is_followed_by_sleep() {
    let (mut turning, mut client) = Loop::with_unix_client();
    write_at_once(&mut client, b"hello");
    turning.turn();
    assert_eq!(turning.recorder.connection(0).bytes, b"hello");
    assert!(
        !turning.sleeps_less_than(Millis(100)),
        "there is no other read to find out that there is nothing"
    );
}

#[test]
fn the_end_behind_a_short_read_is_seen() {
    let (mut turning, mut client) = Loop::with_unix_client();
    write_at_once(&mut client, b"hello");
    client.shutdown(Shutdown::Write).expect("it is connected");
    turning.until_of_first("the end", |it| it.has_ended);
    assert_eq!(turning.recorder.connection(0).bytes, b"hello");
    assert!(!turning.sleeps_less_than(Millis(50)), "an end is told once");
}

#[test]
fn the_end_behind_full_reads_is_seen() {
    let (mut turning, mut client) = Loop::with_unix_client();
    let bytes = numbered(2 * READ_BUFFER_LEN);
    write_at_once(&mut client, &bytes);
    drop(client);
    turning.until_of_first("the end", |it| it.has_ended);
    assert!(turning.recorder.connection(0).bytes == bytes);
}

#[test]
fn bytes_that_are_not_wanted_stay_where_they_are_until_they_are() {
    let (mut turning, mut client) = Loop::with_unix_client();
    turning.recorder.is_deaf = true;
    let bytes = numbered(READ_BUFFER_LEN + 1000);
    write_at_once(&mut client, &bytes);
    turning.settle();
    assert!(
        !turning.sleeps_less_than(Millis(100)),
        "nobody is asked again and again whether they are wanted"
    );
    assert!(turning.recorder.connection(0).reads.is_empty());

    turning.recorder.is_deaf = false;
    turning.recorder.resumed.push(0);
    turning.until_of_first("the bytes", |connection| connection.bytes.len() == bytes.len());
    assert!(turning.recorder.connection(0).bytes == bytes);
}

#[test]
fn an_end_that_is_not_wanted_waits_behind_the_bytes() {
    let (mut turning, mut client) = Loop::with_unix_client();
    turning.recorder.is_deaf = true;
    write_at_once(&mut client, b"hello");
    drop(client);
    turning.settle();
    assert!(!turning.recorder.connection(0).has_ended);
    turning.recorder.is_deaf = false;
    turning.recorder.resumed.push(0);
    turning.until_of_first("the end", |it| it.has_ended);
    assert_eq!(turning.recorder.connection(0).bytes, b"hello");
}

#[test]
fn one_who_is_resumed_without_having_been_left_is_not_read_in_vain() {
    let (mut turning, _client) = Loop::with_unix_client();
    turning.recorder.resumed.push(0);
    turning.turn();
    assert!(!turning.sleeps_less_than(Millis(50)));
}

/// Closes it so that the peer is told of a reset rather than an end.
fn reset(client: TcpStream) {
    SockRef::from(&client).set_linger(Some(std::time::Duration::ZERO)).expect("it can be");
    drop(client);
}

#[test]
fn a_reset_is_told_though_bytes_are_not_wanted() {
    let (mut turning, address) = Loop::on_tcp();
    let client = TcpStream::connect(address).expect("somebody listens");
    turning.until("a client", |recorder| recorder.count() == 1);
    turning.recorder.is_deaf = true;
    turning.settle();
    reset(client);
    turning.until_of_first("the reset", |it| it.reset.is_some());
    assert_eq!(turning.recorder.connection(0).reset, Some(io::ErrorKind::ConnectionReset));
}

#[test]
fn what_came_before_a_reset_is_read_before_it() {
    let (mut turning, address) = Loop::on_tcp();
    let mut client = TcpStream::connect(address).expect("somebody listens");
    turning.until("a client", |recorder| recorder.count() == 1);
    turning.settle();
    client.write_all(b"hello").expect("it is connected");
    reset(client);
    turning.until_of_first("the reset", |it| it.reset.is_some());
    assert_eq!(turning.recorder.connection(0).bytes, b"hello");
}

#[test]
fn one_that_sends_without_end_does_not_keep_the_others_waiting() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let mut turning = Loop::on_unix(&path);
    let mut first = UnixStream::connect(&path).expect("somebody listens");
    let mut second = UnixStream::connect(&path).expect("somebody listens");
    turning.until("two clients", |recorder| recorder.count() == 2);
    turning.settle();
    write_at_once(&mut first, &numbered(3 * READ_BUFFER_LEN));
    write_at_once(&mut second, b"hello");
    turning.turn();
    assert_eq!(turning.recorder.connection(0).bytes.len(), READ_BUFFER_LEN);
    assert_eq!(turning.recorder.connection(1).bytes, b"hello");
}

#[test]
fn everything_arrives_in_order_over_tcp() {
    const LEN: usize = 8 << 20;
    let (mut turning, address) = Loop::on_tcp();
    let sender = std::thread::spawn(move || {
        let mut client = TcpStream::connect(address).expect("somebody listens");
        client.set_write_timeout(Some(PATIENCE)).expect("it can be");
        client.write_all(&numbered(LEN)).expect("it is read");
    });
    turning.until_of_first("the end", |it| it.has_ended);
    sender.join().expect("all was sent");
    assert!(turning.recorder.connection(0).bytes == numbered(LEN));
}

#[test]
fn urgent_bytes_are_bytes() {
    let (mut turning, address) = Loop::on_tcp();
    let client = TcpStream::connect(address).expect("somebody listens");
    turning.until("a client", |recorder| recorder.count() == 1);
    let socket = SockRef::from(&client);
    socket.send(b"before").expect("it is connected");
    socket.send_out_of_band(b"!").expect("it is connected");
    socket.send(b"behind").expect("it is connected");
    turning.until_of_first("all of it", |connection| connection.bytes == b"before!behind");
}
