//! Who says Close, who answers, and what follows. RFC 6455, 5.5.1 and 7.

use crate::server::{MESSAGE_BYTES_MAX, Peer, Server, close, closed, ping, text, told};
use crate::support::{Heard, all_errors, client_hears, masked};
use chinwag::proto::ws::{Error, Opcode, close as code, encoder};
use chinwag::server::{Limits, Shutdown};

const NORMAL: &[u8] = &1000u16.to_be_bytes();

fn pong(payload: &[u8]) -> Heard {
    Heard::Pong(payload.to_vec())
}

#[test]
fn a_close_is_answered_with_its_own_code() {
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1011, 1014, 3000, 4108, 4999] {
        let mut server = Server::new();
        let ann = server.upgrade();
        server.hears(ann, &close(&encoder::close_payload(code, "a reason of ann's")));
        assert_eq!(server.tells(ann), [closed(code, "")]);
        assert!(server.has_fin(ann) && !server.is_closed(ann), "FIN follows, and hers is awaited");
        assert_eq!(server.notes(ann), ["open".to_owned(), format!("closed {code} peer-closed")]);
        server.hears_fin(ann);
        assert!(server.is_closed(ann));
    }
}

#[test]
fn a_close_without_a_code_is_answered_without_one() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &close(b""));
    assert_eq!(server.says(ann), [0x88, 0x00]);
    assert!(server.has_fin(ann));
    assert_eq!(server.notes(ann), ["open", "closed 1005 peer-closed"]);
}

#[test]
fn nothing_is_served_after_a_close() {
    let behind = [text("late"), ping(b"late"), close(NORMAL), vec![0xFF; 9]].concat();
    for (here, later) in [(&behind[..], &b""[..]), (b"", &behind)] {
        let mut server = Server::new();
        let ann = server.upgrade();
        server.hears(ann, &[&text("in time"), &close(NORMAL), here].concat());
        server.hears(ann, later);
        assert_eq!(server.tells(ann), [told("in time"), closed(1000, "")]);
        assert_eq!(server.notes(ann), ["open", "in time", "closed 1000 peer-closed"]);
    }
}

#[test]
fn a_service_that_closes_waits_for_the_peers_close() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &text("close 4000"));
    assert_eq!(server.tells(ann), [closed(4000, "bye")]);
    assert!(!server.has_fin(ann), "hers is awaited");
    assert_eq!(server.notes(ann).last().map(String::as_str), Some("closed 4000 service"), "told at once");
    server.hears(ann, &close(NORMAL));
    assert!(server.has_fin(ann) && !server.is_closed(ann));
    assert_eq!(server.says(ann), b"", "one Close is enough");
    server.hears_fin(ann);
    assert!(server.is_closed(ann));
}

#[test]
fn what_comes_before_the_answer_to_our_close_is_not_served() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &[text("close 4000"), text("same segment")].concat());
    server.hears(ann, &text("next segment"));
    assert_eq!(server.tells(ann), [closed(4000, "bye")]);
    assert!(!server.has_fin(ann));
    assert_eq!(server.notes(ann), ["open", "close 4000", "closed 4000 service"]);
    // Half a message, then the rest of it and her Close.
    let answer = [text("cut"), close(b"")].concat();
    server.hears(ann, &answer[..5]);
    server.hears(ann, &answer[5..]);
    assert!(server.has_fin(ann));
}

#[test]
fn a_ping_behind_our_close_is_answered_until_the_peers_close_comes() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &text("close 4000"));
    assert_eq!(server.tells(ann), [closed(4000, "bye")]);
    // 5.5.2: a Ping is answered unless a Close has been received. 5.5.1 forbids data behind our own, and no more.
    for payload in [&b""[..], b"1", &[0xFF; 125]] {
        server.hears(ann, &[text("not served"), ping(payload)].concat());
        assert_eq!(server.tells(ann), [pong(payload)]);
    }
    server.hears(ann, &[ping(b"before"), close(NORMAL), ping(b"behind")].concat());
    assert_eq!(server.tells(ann), [pong(b"before")]);
    assert!(server.has_fin(ann));
    server.hears(ann, &ping(b"behind our FIN"));
    assert_eq!(server.says(ann), b"");
}

#[test]
fn a_ping_behind_our_close_is_answered_until_the_deadline_and_pongs_do_not_pile_up() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    server.hears(ann, &text("close 4000"));
    let flood: Vec<u8> = (0..20_000).flat_map(|_| ping(&[7; 125])).collect();
    let before = server.heap_bytes();
    server.hears(ann, &flood);
    server.hears(ann, &ping(b"newest"));
    assert_eq!(server.unread(ann), 0);
    let (held, low) = (server.heap_bytes() - before, Limits::default().outbox_low_bytes);
    assert!(held < 3 * low, "{held} bytes are held for 20,000 pings");
    let heard = server.tells(ann);
    assert!(heard.contains(&closed(4000, "bye")) && heard.contains(&pong(b"newest")), "{heard:?}");
    assert!(!server.has_fin(ann));
    let over = server.now + Limits::default().close_timeout;
    server.happens_at(over, |server| server.has_fin(ann));
    server.hears(ann, &ping(b"too late"));
    assert_eq!(server.says(ann), b"");
}

#[test]
fn a_rule_broken_instead_of_an_answer_ends_the_wait_for_it() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &[&text("close 4000")[..], &[0xFF, 0xFF]].concat());
    assert_eq!(server.tells(ann), [closed(4000, "bye")], "and no second Close");
    assert!(server.has_fin(ann));
}

#[test]
fn a_fin_instead_of_an_answer_ends_the_wait_for_it() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &text("close 4000"));
    server.hears_fin(ann);
    assert!(server.is_closed(ann), "there is nobody to wait for");
    assert_eq!(server.tells(ann), [closed(4000, "bye")]);
}

#[test]
fn what_a_service_said_before_it_closed_comes_before_the_close() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 5);
    server.hears(ann, &[text("one"), text("two"), text("close 4000")].concat());
    let said = server.says_in_sips(ann, 5);
    assert_eq!(client_hears(&said), [told("one"), told("two"), closed(4000, "bye")]);
}

#[test]
fn a_farewell_is_said_last_whoever_closes() {
    type Ends = fn(&mut Server, Peer);
    let ways: [(Ends, Vec<Heard>); 4] = [
        (|server, ann| server.hears(ann, &text("close 4000")), vec![closed(4000, "bye")]),
        (|server, ann| server.hears(ann, &close(NORMAL)), vec![closed(1000, "")]),
        (|server, ann| server.hears_fin(ann), vec![]),
        (|server, _| server.hears_of_its_end(Shutdown::Stop), vec![closed(1001, "the server stops")]),
    ];
    for (ends, expected) in ways {
        let mut server = Server::new();
        let ann = server.upgrade();
        server.hears(ann, &[text("farewell see you"), text("farewell so long"), text("hi")].concat());
        assert_eq!(server.tells(ann), [told("hi")], "not before");
        ends(&mut server, ann);
        assert_eq!(server.tells(ann), [vec![told("so long")], expected].concat(), "the latest");
        // Whoever has the slot next has no part in it.
        if !server.is_closed(ann) {
            server.hears_reset(ann);
        }
        if server.notes_of_nobody().is_empty() {
            let bob = server.upgrade();
            server.hears(bob, &close(NORMAL));
            assert_eq!(server.tells(bob), [closed(1000, "")]);
        }
    }
}

#[test]
fn a_service_cannot_close_with_a_code_that_must_not_be_sent() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        let mut server = Server::new();
        let ann = server.upgrade();
        server.hears(ann, &text(&format!("close {code}")));
        assert_eq!(server.tells(ann), [closed(code::INTERNAL_ERROR, "bye")]);
    }
}

#[test]
fn a_line_connection_just_ends() {
    let mut server = Server::new();
    let ann = server.accept_line();
    server.hears(ann, b"hello\nclose 4000\ntoo late\n");
    assert_eq!(server.says(ann), b"hello\n");
    assert!(server.has_fin(ann) && !server.is_closed(ann));
    assert_eq!(server.notes(ann), ["open", "hello", "close 4000", "closed 4000 service"]);
}

#[test]
fn a_server_that_stops_goes_away_and_one_that_restarts_comes_back() {
    for (shutdown, expected) in [
        (Shutdown::Stop, closed(1001, "the server stops")),
        (Shutdown::Restart, closed(1012, "the server restarts")),
    ] {
        let mut server = Server::new();
        let (ann, bob) = (server.upgrade(), server.accept_line());
        server.hears(ann, &text("hi"));
        server.hears_of_its_end(shutdown);
        assert_eq!(server.tells(ann), [told("hi"), expected]);
        assert!(!server.has_fin(ann), "hers is awaited");
        assert!(server.has_fin(bob), "a line has no Close");
        server.hears(ann, &close(NORMAL));
        server.hears_fin(ann);
        server.hears_fin(bob);
        assert!(server.is_closed(ann) && server.is_closed(bob));
    }
}

#[test]
fn messages_before_a_faulty_frame_are_served_first() {
    let mut server = Server::new();
    let ann = server.upgrade();
    let unmasked = [0x81, 0x00];
    server.hears(ann, &[&text("one"), &ping(b"two"), &text("three"), &unmasked[..], &text("four")].concat());
    let said = server.tells(ann);
    assert_eq!(said.last(), Some(&closed(1002, "a frame from a client is not masked (RFC 6455, 5.1)")));
    assert!(said.contains(&told("one")) && said.contains(&told("three")) && !said.contains(&told("four")));
    assert_eq!(server.notes(ann), ["open", "one", "three", "closed 1002 protocol-error"]);
    // 7.1.7: nothing is waited for, and nothing that still comes is looked at.
    assert!(server.has_fin(ann));
    server.hears(ann, &[text("five"), close(NORMAL)].concat());
    assert_eq!((server.says(ann), server.is_closed(ann)), (vec![], false));
    server.hears_fin(ann);
    assert!(server.is_closed(ann));
}

/// What a client sends to break this rule; nothing, where only a server can.
fn breaking(error: Error) -> Option<Vec<u8>> {
    let begun = || masked(false, Opcode::Text, b"");
    Some(match error {
        Error::Masked => return None,
        Error::ReservedBits => vec![0xC1],
        Error::ReservedOpcode(opcode) => vec![0x80 | opcode],
        Error::FragmentedControl => vec![0x09],
        Error::ControlTooLong => vec![0x89, 0xFE],
        Error::Unmasked => vec![0x81, 0x00],
        Error::LengthNotMinimal => vec![0x82, 0xFE, 0, 125],
        Error::LengthHighBit => vec![0x82, 0xFF, 0x80],
        Error::ContinuationWithoutStart => masked(true, Opcode::Continuation, b""),
        Error::MessageInsideMessage => [begun(), text("")].concat(),
        Error::MessageTooBig => masked(true, Opcode::Binary, &[0; MESSAGE_BYTES_MAX + 1]),
        // The first byte that cannot be is the last that is needed.
        Error::TextNotUtf8 => masked(true, Opcode::Text, b"\xFF and more")[..7].to_vec(),
        Error::CloseTooShort => close(&[3]),
        Error::CloseCode(code) => close(&code.to_be_bytes()),
        Error::CloseReasonNotUtf8 => close(b"\x03\xE8\xFF"),
        // Only where messages may be deflated: see `tests/core/deflate.rs`.
        Error::Rsv1OutOfPlace | Error::NotDeflate | Error::DeflateTruncated => return None,
    })
}

#[test]
fn every_broken_rule_has_its_code() {
    for error in all_errors() {
        let Some(bytes) = breaking(error) else { continue };
        let mut server = Server::new();
        let ann = server.upgrade();
        server.hears(ann, &bytes);
        assert_eq!(server.tells(ann), [closed(error.close_code(), &error.to_string())]);
        assert!(server.has_fin(ann), "{error:?}");
    }
}

#[test]
fn the_peers_fin_is_all_that_is_awaited_behind_ours() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &close(NORMAL));
    assert!(server.has_fin(ann));
    server.hears(ann, &[0x81; 300_000]);
    assert_eq!(
        server.unread(ann),
        0,
        "what she still sends is read, lest it reset the connection, and dropped"
    );
    assert!(!server.is_closed(ann));
    server.hears_fin(ann);
    assert!(server.is_closed(ann));
}

#[test]
fn a_service_hears_of_each_end_once_and_why() {
    type Ends = fn(&mut Server, Peer);
    let ways: [(Ends, &str); 7] = [
        (|server, ann| server.hears(ann, &close(NORMAL)), "closed 1000 peer-closed"),
        (|server, ann| server.hears_fin(ann), "closed 1006 peer-eof"),
        (|server, ann| server.hears_reset(ann), "closed 1006 reset"),
        (|server, ann| server.hears(ann, &[0xFF; 2]), "closed 1002 protocol-error"),
        (|server, ann| server.hears(ann, &text("close 4000")), "closed 4000 service"),
        (|server, _| server.hears_of_its_end(Shutdown::Stop), "closed 1001 stopping"),
        (|server, _| server.hears_of_its_end(Shutdown::Restart), "closed 1012 restarting"),
    ];
    for (ends, expected) in ways {
        let mut server = Server::new();
        let ann = server.upgrade();
        ends(&mut server, ann);
        // Whatever else happens to it.
        if !server.is_closed(ann) {
            server.hears(ann, &close(NORMAL));
            server.hears_reset(ann);
        }
        let ends: Vec<_> = server.notes(ann).into_iter().filter(|note| note.starts_with("closed")).collect();
        assert_eq!(ends, [expected]);
    }
}
