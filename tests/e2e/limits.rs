//! The bounds of the process: no descriptor left, and nothing to do.

use crate::harness::websocket::request;
use crate::harness::{Daemon, Http, Line, Member, PATIENCE, Process, Socket, WebSocket};
use std::time::{Duration, Instant};

/// So many descriptors the daemon has; ten of them are its own.
const DESCRIPTORS: usize = 40;

/// What happens to whoever knocks.
enum Door {
    In(WebSocket),
    /// Told to try again later.
    Told,
    /// Broken off. An answer waits for its reader a tenth of a second, while the listener rests, and no longer.
    Broken,
}

fn knock(daemon: &Daemon) -> Door {
    let mut socket = Socket::connect(daemon.http());
    let mut bytes = Vec::new();
    if socket.try_send(request("/ws", &[])).is_err() || socket.try_receive(&mut bytes).is_err() {
        return Door::Broken;
    }
    if bytes.starts_with(b"HTTP/1.1 101") {
        let mut member = WebSocket::accepted_after(bytes, socket);
        member.welcomed();
        return Door::In(member);
    }
    while socket.try_receive(&mut bytes).unwrap_or(0) > 0 {}
    let answer = String::from_utf8(bytes).expect("an answer is text");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nRetry-After: 1\r\n"), "{answer}");
    assert!(answer.ends_with("try again later\n"), "{answer}");
    Door::Told
}

#[test]
fn without_a_descriptor_left_those_inside_are_served_and_others_are_told() {
    let daemon = Daemon::start_with_descriptors(DESCRIPTORS, &[]);
    let process = Process(daemon.pid());
    assert_eq!(process.descriptors_max(), DESCRIPTORS);
    let room = DESCRIPTORS - process.descriptors_below(DESCRIPTORS);
    let (mut inside, mut is_told) = (Vec::new(), false);
    while !is_told {
        match knock(&daemon) {
            Door::In(member) => inside.push(member),
            Door::Told => is_told = true,
            Door::Broken => {}
        }
        assert!(inside.len() <= room, "{} connections in room for {room}", inside.len());
    }
    assert!(inside.len() + 1 >= room, "only {} connections in room for {room}", inside.len());

    // Many wait outside, and are turned away a few at a time. That is all that they cost.
    let outside: Vec<Socket> = (0..30).map(|_| Socket::connect(daemon.http())).collect();
    let turned_away = ["no descriptor left"];
    let turned_away_len = daemon.logged_times(&turned_away, 1);
    let (began, cpu_time) = (Instant::now(), process.cpu_time());
    daemon.logged_times(&turned_away, turned_away_len + 10);
    let (elapsed, cpu_time) = (began.elapsed(), process.cpu_time() - cpu_time);
    assert!(elapsed >= Duration::from_millis(700), "it did not rest: ten in {elapsed:?}");
    assert!(cpu_time <= elapsed / 10, "{cpu_time:?} of CPU time in {elapsed:?}");

    // Those inside go on as before.
    let (first, others) = inside.split_first_mut().expect("somebody is inside");
    first.say("is it full?");
    for other in &mut *others {
        assert_eq!(other.hear_said(), "[guest-1] is it full?");
    }
    drop(outside);

    // Some leave, and others get in.
    for _ in 0..5 {
        inside.pop().expect("more than five are inside").close();
    }
    let began = Instant::now();
    let len = inside.len() + 5;
    while inside.len() < len {
        if let Door::In(member) = knock(&daemon) {
            inside.push(member);
        }
        assert!(began.elapsed() < PATIENCE, "nobody gets in");
    }
}

#[test]
fn without_a_descriptor_left_the_line_port_says_so_in_a_line() {
    let daemon = Daemon::start_with_descriptors(DESCRIPTORS, &[]);
    let began = Instant::now();
    let mut inside = Vec::new();
    loop {
        let mut line = Line::connect(&daemon);
        // Nothing has to be sent here, so nothing breaks off what is said.
        match line.next().expect("a line, be it welcome or not") {
            refusal if refusal.starts_with("* no descriptor left") => break assert_eq!(line.next(), None),
            _ => inside.push(line),
        }
        assert!(inside.len() < DESCRIPTORS && began.elapsed() < PATIENCE);
    }
    drop(inside);
    let mut line = loop {
        let mut line = Line::connect(&daemon);
        match line.next().expect("a line, be it welcome or not") {
            welcome if welcome.starts_with("* welcome") => break line,
            refusal => assert!(began.elapsed() < PATIENCE, "{refusal}"),
        }
    };
    line.say("/name ann");
    assert_eq!(line.hear_first("its name", |line| line.starts_with("* you are")), "* you are ann");
}

#[test]
fn a_quiet_server_does_nothing() {
    let daemon = Daemon::start(&[]);
    let mut pages: Vec<WebSocket> = (0..50).map(|_| WebSocket::connect(&daemon, "/ws")).collect();
    pages.iter_mut().for_each(|page| drop(page.welcomed()));
    let mut lines: Vec<Line> = (0..50).map(|_| Line::connect(&daemon)).collect();
    lines.iter_mut().for_each(|line| drop(line.welcomed()));
    let _browsing: Vec<Http> = (0..20).map(|_| Http::connect(daemon.http())).collect();
    daemon.turn();
    // Who came is told within a second. After that nothing is left to be told.
    let began = Instant::now();
    while !lines[49].socket.is_silent_for(Duration::from_millis(1500)) {
        assert!(began.elapsed() < PATIENCE, "there is always something");
    }
    let process = Process(daemon.pid());
    let (cpu_time, sleeps) = (process.cpu_time(), process.sleeps());
    assert!(lines[49].socket.is_silent_for(Duration::from_secs(2)), "something happened");
    let (cpu_time, sleeps) = (process.cpu_time() - cpu_time, process.sleeps() - sleeps);
    // A few, as deadlines that were put off are looked at when they would have been.
    assert!(sleeps <= 5, "it woke up {sleeps} times in two seconds");
    assert!(cpu_time <= Duration::from_millis(10), "{cpu_time:?} of CPU time in two seconds");
}
