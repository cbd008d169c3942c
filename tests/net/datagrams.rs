//! Datagrams: whole, with their senders, and a bounded number in a turn.

use crate::recorder::{ANY_PORT, Loop, PATIENCE};
use chinwag::time::Millis;
use std::net::UdpSocket;

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind(ANY_PORT).expect("a port is free");
    socket.set_read_timeout(Some(PATIENCE)).expect("it can be");
    socket
}

#[test]
fn each_datagram_comes_whole_and_its_answer_goes_to_its_sender() {
    let mut turning = Loop::new();
    let (_, address) = turning.reactor.bind_udp(ANY_PORT).expect("a port is free");
    turning.recorder.echoes_datagrams = true;
    let (ann, bob) = (socket(), socket());
    let largest = vec![b'b'; 65_507];
    ann.send_to(b"from ann", address).expect("it is sent");
    bob.send_to(&largest, address).expect("it is sent");
    ann.send_to(b"", address).expect("an empty one is one too");
    let asking = std::thread::spawn(move || {
        let mut buffer = vec![0; 70_000];
        let mut receive = |socket: &UdpSocket| {
            let (len, from) = socket.recv_from(&mut buffer).expect("an answer");
            assert_eq!(from, address);
            buffer[..len].to_vec()
        };
        assert_eq!(receive(&ann), b"from ann");
        assert_eq!(receive(&ann), b"");
        assert!(receive(&bob) == largest);
    });
    while !asking.is_finished() {
        turning.sleeps_less_than(Millis(20));
    }
    asking.join().expect("all came back");
}

#[test]
fn many_datagrams_are_heard_a_bounded_number_in_a_turn_though_no_further_event_comes() {
    let mut turning = Loop::new();
    let (id, address) = turning.reactor.bind_udp(ANY_PORT).expect("a port is free");
    let ann = socket();
    for n in 0..150u8 {
        ann.send_to(&[n], address).expect("it is sent");
    }
    let mut heard = 0;
    while heard < 150 {
        turning.turn();
        let now = turning.recorder.datagrams.len();
        assert!(now - heard <= 64, "{} in one turn", now - heard);
        heard = now;
    }
    let from = ann.local_addr().expect("it is bound");
    for (n, datagram) in turning.recorder.datagrams.iter().enumerate() {
        assert_eq!(*datagram, (id, from, vec![n as u8]));
    }
    turning.settle();
    assert!(!turning.sleeps_less_than(Millis(50)));
}

#[test]
fn an_answer_that_nobody_receives_is_no_trouble_for_the_next() {
    let mut turning = Loop::new();
    let (_, address) = turning.reactor.bind_udp(ANY_PORT).expect("a port is free");
    turning.recorder.echoes_datagrams = true;
    // It asks, and is gone.
    socket().send_to(b"hello?", address).expect("it is sent");
    turning.turn();
    turning.settle();
    let bob = socket();
    bob.send_to(b"hello", address).expect("it is sent");
    turning.turn();
    turning.settle();
    let mut buffer = [0; 100];
    assert_eq!(bob.recv(&mut buffer).expect("an answer"), 5);
}

#[test]
fn two_sockets_of_one_loop_are_told_apart() {
    let mut turning = Loop::new();
    let sockets = [0, 1].map(|_| turning.reactor.bind_udp(ANY_PORT).expect("a port is free"));
    let ann = socket();
    for (_, address) in sockets.iter().rev() {
        ann.send_to(address.to_string().as_bytes(), address).expect("it is sent");
    }
    turning.until("both", |recorder| recorder.datagrams.len() == 2);
    for (id, _, bytes) in &turning.recorder.datagrams {
        let (_, address) = sockets.iter().find(|(of, _)| of == id).expect("it is one of them");
        assert_eq!(*bytes, address.to_string().into_bytes());
    }
}
