//! Connections that the loop itself makes.

use crate::recorder::{ANY_PORT, Loop};
use chinwag::net::{Address, Dial, KeepAlive, Peer};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

fn dial(to: SocketAddr) -> Dial {
    Dial { to: Address::Tcp(to), from: None, keep_alive: KeepAlive::ByProtocol, tls: None }
}

#[test]
fn a_dialled_connection_is_told_of_once_when_it_stands() {
    let (mut turning, address) = Loop::on_tcp();
    turning.recorder.to_dial.push(dial(address));
    turning.until("both ends", |recorder| recorder.connected.len() == 1 && recorder.peers.len() == 1);
    let [ours] = turning.recorder.connected[..] else { unreachable!("it is one") };
    let theirs = 1 - ours;
    turning.says_both_ways(ours, theirs);
    turning.settle();
    assert_eq!(turning.recorder.connected, [ours]);
}

#[test]
fn it_comes_from_the_address_that_was_chosen() {
    let (mut turning, address) = Loop::on_tcp();
    let from = Ipv4Addr::new(127, 0, 0, 5);
    turning.recorder.to_dial.push(Dial { from: Some(IpAddr::V4(from)), ..dial(address) });
    turning.until("a peer", |recorder| !recorder.peers.is_empty());
    assert!(matches!(turning.recorder.peers[..], [Peer::V4(ip, _)] if ip == from));
}

#[test]
fn where_nobody_listens_the_error_says_so_and_nothing_stands() {
    let mut turning = Loop::new();
    // A port that was free a moment ago, and that nobody else is given while this socket holds it.
    let nobody = TcpListener::bind(ANY_PORT).expect("a port is free");
    let socket = socket2::SockRef::from(&nobody);
    socket.shutdown(std::net::Shutdown::Both).expect("it listens no more");
    turning.recorder.to_dial.push(dial(nobody.local_addr().expect("it has one")));
    turning.until_of_first("a refusal", |it| it.reset == Some(io::ErrorKind::ConnectionRefused));
    turning.settle();
    assert!(turning.recorder.connected.is_empty());
}

#[test]
fn over_a_unix_socket_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let to =
        Dial { to: Address::Unix(path.clone()), from: None, keep_alive: KeepAlive::ByProtocol, tls: None };
    let mut turning = Loop::on_unix(&path);
    turning.recorder.to_dial.push(to);
    turning.until("both ends", |recorder| recorder.connected.len() == 1 && recorder.peers.len() == 1);
    let to = Dial {
        to: Address::Unix(folder.path().join("nobody")),
        from: None,
        keep_alive: KeepAlive::ByProtocol,
        tls: None,
    };
    turning.recorder.to_dial.push(to);
    turning.until("an error", |recorder| recorder.not_dialled == [io::ErrorKind::NotFound]);
}
