//! Echo and add, the two services that are not the chat. Add over bare TCP and UDP is in `tests/examples.rs`.

use crate::harness::websocket::fragment;
use crate::harness::{Daemon, Heard, WebSocket};
use chinwag::proto::ws::{Opcode, encoder};

/// The longest message that echo takes.
const ECHO_BYTES_MAX: usize = 16 << 20;

#[test]
fn echo_gives_back_what_it_gets_as_what_it_was() {
    let daemon = Daemon::start(&[]);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    for text in ["hello", "", "grüß dich, 世界 🙂", "two\nlines\0and a zero"] {
        echo.send_text(text);
        assert_eq!(echo.text(), text);
    }
    let all: Vec<u8> = (0..=255).collect();
    for bytes in [&all[..], b"", b"text that was sent as bytes"] {
        echo.send(Opcode::Binary, bytes);
        assert_eq!(echo.next(), Heard::Binary(bytes.to_vec()));
    }
    echo.close();
}

#[test]
fn every_form_of_a_length_comes_back_in_its_shortest() {
    let daemon = Daemon::start(&[]);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    for len in [125, 126, 127, 65_535, 65_536, 65_537] {
        let payload = vec![b'x'; len];
        echo.send(Opcode::Binary, &payload);
        let header_len = match len {
            0..126 => 2,
            126..65_536 => 4,
            _ => 10,
        };
        let mut expected = Vec::new();
        encoder::frame(&mut expected, Opcode::Binary, &payload, None);
        assert_eq!(expected.len(), header_len + len);
        assert!(echo.socket.receive_exactly(expected.len()) == expected, "{len} bytes");
    }
}

#[test]
fn a_message_in_fragments_comes_back_whole_and_pings_between_them_are_answered() {
    let daemon = Daemon::start(&[]);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    echo.send_fragment(false, Opcode::Text, "in three ");
    echo.send(Opcode::Ping, "still there?");
    // 5.5.2: "as soon as is practical", so before the message is whole.
    assert_eq!(echo.next(), Heard::Pong(b"still there?".to_vec()));
    // A character may be cut by a fragment.
    echo.send_fragment(false, Opcode::Continuation, b"st\xC3");
    echo.send(Opcode::Pong, "nobody asked");
    echo.send_fragment(true, Opcode::Continuation, b"\xBCcken");
    assert_eq!(echo.text(), "in three stücken");

    let mut bytes = fragment(false, Opcode::Binary, "");
    for n in 0..10_000_u32 {
        bytes.extend(fragment(false, Opcode::Continuation, [n as u8]));
    }
    bytes.extend(fragment(true, Opcode::Continuation, ""));
    echo.socket.send(bytes);
    assert_eq!(echo.next(), Heard::Binary((0..10_000_u32).map(|n| n as u8).collect()));
}

#[test]
fn pongs_hold_what_the_pings_held_in_their_order() {
    let daemon = Daemon::start(&[]);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    for n in 0..20_u8 {
        echo.send(Opcode::Ping, vec![n; usize::from(n) * 6]);
    }
    echo.send(Opcode::Ping, [0xFF; 125]);
    for n in 0..20_u8 {
        assert_eq!(echo.next(), Heard::Pong(vec![n; usize::from(n) * 6]));
    }
    assert_eq!(echo.next(), Heard::Pong(vec![0xFF; 125]));
}

#[test]
fn a_message_of_exactly_the_cap_passes_and_one_byte_more_does_not() {
    let daemon = Daemon::start(&[]);
    let mut largest: Vec<u8> = (0..ECHO_BYTES_MAX).map(|n| (n / 3) as u8).collect();
    let mut echo = WebSocket::connect(&daemon, "/echo");
    echo.send(Opcode::Binary, &largest);
    assert!(echo.next() == Heard::Binary(largest.clone()), "16 MiB come back as they were");
    echo.close();

    largest.push(0);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    // Judged by its header: not a byte of the payload has to be sent.
    let mut header = vec![0x82, 0xFF];
    header.extend((largest.len() as u64).to_be_bytes());
    header.extend([0; 4]);
    echo.socket.send(header);
    echo.closed_with(1009, false);

    let mut echo = WebSocket::connect(&daemon, "/echo");
    echo.send_fragment(false, Opcode::Binary, &largest[..ECHO_BYTES_MAX]);
    echo.send_fragment(true, Opcode::Continuation, [0]);
    echo.closed_with(1009, false);
}

#[test]
fn many_messages_in_one_write_come_back_in_their_order() {
    let daemon = Daemon::start(&[]);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    let mut bytes = Vec::new();
    for n in 0..2000 {
        encoder::frame(&mut bytes, Opcode::Text, format!("message {n}").as_bytes(), Some([1, 2, 3, 4]));
    }
    echo.socket.send(bytes);
    for n in 0..2000 {
        assert_eq!(echo.text(), format!("message {n}"));
    }
}

#[test]
fn add_adds_and_a_wrong_request_costs_no_more_than_its_answer() {
    let daemon = Daemon::start(&[]);
    let mut add = WebSocket::connect(&daemon, "/add");
    let mut ask = |request: &str| {
        add.send_text(request);
        add.text()
    };
    assert_eq!(ask(r#"{"a":7,"b":4}"#), r#"{"sum":11}"#);
    assert_eq!(ask(r#"{"a":-9223372036854775808,"b":9223372036854775807}"#), r#"{"sum":-1}"#);
    for wrong in [
        "",
        "hello",
        "{",
        "[7,4]",
        "{}",
        r#"{"a":7}"#,
        r#"{"a":7,"b":"4"}"#,
        r#"{"a":7,"b":null}"#,
        r#"{"a":7,"b":0.5}"#,
        r#"{"a":9223372036854775807,"b":1}"#,
        r#"{"a":9223372036854775808,"b":0}"#,
    ] {
        let answer = ask(wrong);
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("answers are JSON");
        let error = answer.get("error").and_then(|error| error.as_str());
        assert!(error.is_some_and(|error| !error.is_empty()), "{wrong}: {answer}");
        assert_eq!(ask(r#"{"a":1,"b":2}"#), r#"{"sum":3}"#, "after {wrong}");
    }
    add.close();
}
