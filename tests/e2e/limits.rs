//! The bounds of the process: no descriptor left, floods, and nothing to do.

use crate::chat::account;
use crate::harness::member::page;
use crate::harness::websocket::request;
use crate::harness::{Daemon, Heard, Http, Line, Member, PATIENCE, Process, Socket, WebSocket};
use chinwag::proto::ws::{Opcode, encoder};
use std::net::Ipv4Addr;
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
    let (began, cpu_time) = (Instant::now(), process.cpu_time());
    let turned_away_len = daemon.logged_times(&turned_away, 1);
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
    // Nothing has to be sent here, so nothing breaks off what is said. Who only listens is welcomed after a second.
    let mut lines: Vec<Line> = (0..DESCRIPTORS).map(|_| Line::connect(&daemon)).collect();
    let (mut inside, mut refused) = (Vec::new(), 0);
    for mut line in lines.drain(..) {
        match line.next().expect("a line, be it welcome or not") {
            refusal if refusal.starts_with("* no descriptor left") => {
                assert_eq!(line.next(), None);
                refused += 1;
            }
            welcome => {
                assert!(welcome.starts_with("* welcome"), "{welcome}");
                inside.push(line);
            }
        }
    }
    assert!(refused > 0 && inside.len() > DESCRIPTORS / 2, "{refused} refused, {} inside", inside.len());
    drop(inside);
    let began = Instant::now();
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

/// Everything that is said to somebody who only listens.
fn heard_by_silent(mut socket: Socket) -> String {
    let mut bytes = Vec::new();
    while socket.try_receive(&mut bytes).unwrap_or(0) > 0 {}
    String::from_utf8(bytes).expect("a refusal is text")
}

#[test]
fn so_many_connections_and_no_more() {
    let daemon = Daemon::start(&["--connections", "2"]);
    let mut page = WebSocket::connect(&daemon, "/ws");
    page.welcomed();
    let mut line = Line::connect(&daemon);
    line.say("/ping");
    line.welcomed();

    let refusal = heard_by_silent(Socket::connect(daemon.http()));
    assert!(refusal.starts_with("HTTP/1.1 503 ") && refusal.contains("\r\nRetry-After: 5\r\n"), "{refusal}");
    let said = "there are as many connections as there may be; try again later\n";
    assert!(refusal.ends_with(said), "{refusal}");
    assert_eq!(heard_by_silent(Socket::connect(daemon.line())), format!("* {said}"));

    // Those inside are no worse off, and the next gets in when one has left.
    page.say("/who");
    assert!(page.hear_notice().starts_with("* lobby: 2 here"));
    page.close();
    let began = Instant::now();
    loop {
        let mut next = Line::connect(&daemon);
        next.say("/ping");
        if next.next().is_some_and(|first| first.starts_with("* welcome")) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "nobody gets in");
    }
}

#[test]
fn so_many_connections_from_one_address() {
    let daemon = Daemon::start(&["--connections-per-address", "1"]);
    let from = |last| Socket::connect_from(Ipv4Addr::new(127, 0, 0, last).into(), daemon.http());
    let mut members: Vec<WebSocket> = [1, 2]
        .into_iter()
        .map(|last| {
            let mut socket = from(last);
            socket.send(request("/ws", &[]));
            let mut member = WebSocket::accepted(socket);
            member.welcomed();
            member
        })
        .collect();
    let refusal = heard_by_silent(from(1));
    assert!(refusal.starts_with("HTTP/1.1 503 "), "{refusal}");
    assert!(
        refusal.ends_with("there are too many connections from your address; try again later\n"),
        "{refusal}"
    );

    members.swap_remove(0).close();
    let began = Instant::now();
    loop {
        let mut socket = from(1);
        let mut bytes = Vec::new();
        if socket.try_send(request("/ws", &[])).is_ok()
            && socket.try_receive(&mut bytes).is_ok()
            && bytes.starts_with(b"HTTP/1.1 101 ")
        {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "nobody gets in");
    }
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

/// How much more memory a flood from one peer may cost than none: far more than one connection's queues, and far less
/// than what was sent.
const FLOOD_BYTES_MAX: usize = 4 << 20;

/// The frame of a client's message of so many bytes.
fn binary_frame(len: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    encoder::frame(&mut frame, Opcode::Binary, &vec![7; len], Some([0; 4]));
    frame
}

#[test]
fn a_peer_that_sends_without_reading_is_not_read_and_costs_nothing() {
    let daemon = Daemon::start(&[]);
    let process = Process(daemon.pid());
    let mut echo = WebSocket::connect(&daemon, "/echo");
    let before = process.resident_bytes();
    echo.socket.options().set_write_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    let frame = binary_frame(32 * 1024);
    let mut sent: u64 = 0;
    // Some megabytes fit into the kernel's queues on the way; nothing fits into a queue without bound.
    while echo.socket.try_send(&frame).is_ok() {
        sent += frame.len() as u64;
        assert!(sent < 1 << 30, "a gigabyte went in, and nothing came out");
    }
    let grown = process.resident_bytes().saturating_sub(before);
    assert!(grown < FLOOD_BYTES_MAX, "{grown} bytes for a peer that does not read");

    // It waits for that peer without asking again and again.
    let mut idle = Line::connect(&daemon);
    idle.welcomed();
    let (cpu_time, sleeps) = (process.cpu_time(), process.sleeps());
    assert!(idle.socket.is_silent_for(Duration::from_secs(1)));
    let (cpu_time, sleeps) = (process.cpu_time() - cpu_time, process.sleeps() - sleeps);
    assert!(cpu_time <= Duration::from_millis(20) && sleeps < 10, "{cpu_time:?}, woken {sleeps} times");
}

#[test]
fn a_flood_of_pings_is_answered_with_what_fits_and_the_newest_is_in_it() {
    const PINGS: u32 = 200_000;
    let daemon = Daemon::start(&[]);
    let process = Process(daemon.pid());
    let mut echo = WebSocket::connect(&daemon, "/echo");
    let before = process.resident_bytes();
    // Nothing is read until all of them, 26 MB, are sent. The server goes on reading all the same: a Pong that cannot be
    // sent gives way to the next (5.5.3).
    for hundred in 0..PINGS / 100 {
        let mut pings = Vec::new();
        for n in 0..100 {
            let mut payload = [0; 125];
            payload[..4].copy_from_slice(&(hundred * 100 + n).to_be_bytes());
            encoder::frame(&mut pings, Opcode::Ping, &payload, Some([1, 2, 3, 4]));
        }
        echo.socket.send(pings);
    }
    daemon.turn();
    let grown = process.resident_bytes().saturating_sub(before);
    assert!(grown < FLOOD_BYTES_MAX, "{grown} bytes for pings");
    let mut newest = None;
    while newest != Some(PINGS - 1) {
        let Heard::Pong(payload) = echo.next() else { panic!("a Pong was due") };
        let n = u32::from_be_bytes(payload[..4].try_into().expect("four bytes"));
        assert!(newest < Some(n), "{n} after {newest:?}");
        newest = Some(n);
    }
    echo.close();
}

#[test]
fn a_flood_of_commands_is_answered_while_it_can_be_borne_and_never_held_whole() {
    const COMMANDS: usize = 20_000;
    let daemon = Daemon::start(&[]);
    let process = Process(daemon.pid());
    let mut line = Line::connect(&daemon);
    let before = process.resident_bytes();
    let mut sender = line.socket.another_end();
    // 140 KB of questions, which nobody who types would ask; what comes behind the end is not read.
    let sender = std::thread::spawn(move || drop(sender.try_send("/help\n".repeat(COMMANDS))));
    daemon.turn();
    daemon.turn();
    let grown = process.resident_bytes().saturating_sub(before);
    assert!(grown < FLOOD_BYTES_MAX, "{grown} bytes for answers that nobody reads");
    line.welcomed();
    // A burst is answered, then it is slowed down, and then it is over.
    let (mut answered, mut slowed_down) = (0, 0);
    loop {
        match line.next().expect("why it ends") {
            notice if notice.starts_with("* slow down: ") => slowed_down += 1,
            notice if notice.starts_with("* /quit") => answered += 1,
            notice if notice.starts_with("* far too much") => break,
            help => assert!(help.starts_with("* /"), "{help}"),
        }
    }
    assert!(answered >= 99 && slowed_down > answered, "{answered} answered, {slowed_down} slowed down");
    sender.join().expect("nobody waits for it");
}

/// A room of a thousand in which somebody speaks, and each hears it before the next is said. Two of them are slow, or
/// read like everybody. Returns by how many bytes the daemon has grown.
fn bytes_grown_by_talk(is_slow: bool) -> usize {
    const MEMBERS: usize = 1000;
    const MESSAGES: usize = 100;
    /// Far less than is said.
    const SIP: usize = 1024;
    let daemon =
        Daemon::start(&["--write-queue-bytes", "64k", "--history", "20", "--publish-per-second", "0"]);
    let narrow = |socket: &socket2::Socket| socket.set_recv_buffer_size(16 * 1024).expect("a smaller buffer");
    let [mut never, mut sips] = [(); 2].map(|()| {
        let mut line = Line::over(Socket::connect_with(daemon.line(), narrow));
        line.say("/join den");
        line.welcomed();
        line.hear_notice();
        line
    });
    let mut ann = page(&daemon, "ann");
    ann.say("/join den");
    assert_eq!(ann.hear_notice(), "* den: 3 here");
    let mut others: Vec<WebSocket> = (3..MEMBERS)
        .map(|_| {
            let mut socket = Socket::connect(daemon.http());
            socket.send(request("/ws?room=den", &[]));
            WebSocket::accepted(socket)
        })
        .collect();
    ann.say("/who");
    ann.hear_first("all of them", |line| line.starts_with(&format!("* den: {MEMBERS} here: ")));

    let process = Process(daemon.pid());
    let before = process.resident_bytes();
    let filler = "z".repeat(4000);
    for n in 0..MESSAGES {
        ann.say(&format!("{n} {filler}"));
        for other in &mut others {
            assert_eq!(other.hear_said(), format!("[ann] {n} {filler}"));
        }
        if is_slow {
            sips.sip(SIP);
        } else {
            never.hear_said();
            sips.hear_said();
        }
    }
    let grown = process.resident_bytes().saturating_sub(before);
    if is_slow {
        for line in [&mut never, &mut sips] {
            assert!(account(line, MESSAGES) > 0, "400 KB did not fit into the queues on the way");
        }
        ann.say("the end");
        assert_eq!([never.hear_said(), sips.hear_said()], ["[ann] the end", "[ann] the end"]);
    }
    grown
}

#[test]
fn a_thousand_hear_all_in_its_order_whether_or_not_two_of_them_read() {
    rlimit::increase_nofile_limit(u64::MAX).expect("the limit can be asked for");
    let [slow, fast] = [true, false].map(bytes_grown_by_talk);
    println!("grown by {} KiB with slow readers, by {} KiB without", slow / 1024, fast / 1024);
    assert!(slow < fast + FLOOD_BYTES_MAX, "{slow} bytes for two who do not read, {fast} without them");
}
