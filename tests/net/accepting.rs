//! Who gets in.

use crate::recorder::{ANY_PORT, Loop, PATIENCE};
use chinwag::net::{Address, KeepAlive, Peer};
use chinwag::time::Millis;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;

#[test]
fn all_who_wait_get_in_a_bounded_number_in_a_turn() {
    let (mut turning, address) = Loop::on_tcp();
    let clients: Vec<TcpStream> =
        (0..200).map(|_| TcpStream::connect(address).expect("there is room in the backlog")).collect();
    turning.until("all to get in", |recorder| recorder.count() == 200);
    let most = turning.recorder.accepted.iter().max().expect("somebody got in");
    assert!(*most <= 64, "{most} in one turn");
    let ports: Vec<u16> =
        clients.iter().map(|client| client.local_addr().expect("it is bound").port()).collect();
    let expected: Vec<Peer> = ports.iter().map(|&port| Peer::V4(Ipv4Addr::LOCALHOST, port)).collect();
    assert_eq!(turning.recorder.peers, expected, "in the order in which they came");
    turning.settle();
    assert!(!turning.sleeps_less_than(Millis(50)));
}

#[test]
fn who_is_turned_away_is_told_why() {
    let (mut turning, address) = Loop::on_tcp();
    turning.recorder.turns_away = Some(b"not today\n");
    let asking = std::thread::spawn(move || {
        let mut client = TcpStream::connect(address).expect("somebody listens");
        client.set_read_timeout(Some(PATIENCE)).expect("it can be");
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("an answer, and FIN");
        answer
    });
    while !asking.is_finished() {
        turning.sleeps_less_than(Millis(20));
    }
    assert_eq!(asking.join().expect("it was told"), "not today\n");
    assert_eq!(turning.recorder.count(), 0);
}

#[test]
fn when_nobody_is_let_in_any_more_nobody_listens() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let (mut turning, address) = Loop::on_tcp();
    turning.reactor.listen(&Address::Unix(path.clone()), KeepAlive::ByProtocol).expect("the path is free");
    let mut inside = TcpStream::connect(address).expect("somebody listens");
    turning.until("a client", |recorder| recorder.count() == 1);
    turning.recorder.is_full_up = true;
    turning.recorder.has_more_work = true;
    turning.turn();
    turning.recorder.has_more_work = false;
    let refused = TcpStream::connect(address).expect_err("nobody listens").kind();
    assert_eq!(refused, ErrorKind::ConnectionRefused);
    assert!(!path.exists(), "the socket's file is gone");
    // Whoever is in is served on.
    inside.write_all(b"hello").expect("it is connected");
    turning.until_of_first("hello", |connection| connection.bytes == b"hello");
}

#[test]
fn a_unix_socket_serves_like_any_other() {
    let (mut turning, mut client) = Loop::with_unix_client();
    assert_eq!(turning.recorder.peers, [Peer::Unix]);
    client.set_read_timeout(Some(PATIENCE)).expect("it can be");
    client.write_all(b"hello").expect("it is connected");
    turning.until_of_first("hello", |connection| connection.bytes == b"hello");
    turning.recorder.connection(0).to_write = b"and to you".to_vec();
    turning.recorder.connection(0).to_close = true;
    turning.until("it to be written", |recorder| recorder.count() == 0);
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer, and FIN");
    assert_eq!(answer, "and to you");
}

#[test]
fn a_unix_sockets_file_goes_with_its_loop_but_not_another_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let first = Loop::on_unix(&path);
    // Somebody takes the path away and puts a socket of its own there.
    std::fs::remove_file(&path).expect("it is there");
    let _second = Loop::on_unix(&path);
    drop(first);
    assert!(UnixStream::connect(&path).is_ok(), "the second one still listens");
}

#[test]
fn the_same_port_may_be_listened_on_over_ipv4_and_ipv6() {
    let (mut turning, address) = Loop::on_tcp();
    let over_ipv6 = Address::Tcp(format!("[::1]:{}", address.port()).parse().expect("an address"));
    if turning.reactor.listen(&over_ipv6, KeepAlive::ByKernel).is_err() {
        // This machine has no IPv6, or somebody else has the port there.
        return;
    }
    let _client = TcpStream::connect(over_ipv6.to_string()).expect("somebody listens");
    turning.until("a client", |recorder| recorder.count() == 1);
    assert!(matches!(turning.recorder.peers[..], [Peer::V6(..)]));
}

#[test]
fn a_port_in_use_is_an_error() {
    let (mut turning, address) = Loop::on_tcp();
    let again = turning.reactor.listen(&Address::Tcp(address), KeepAlive::ByProtocol);
    assert_eq!(again.expect_err("it is in use").kind(), ErrorKind::AddrInUse);
    assert!(turning.reactor.listen(&Address::Tcp(ANY_PORT), KeepAlive::ByProtocol).is_ok());
}
