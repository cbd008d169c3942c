//! Messages that are deflated (RFC 7692): who agrees to what, what goes out how, and what it costs.

use crate::server::{MESSAGE_BYTES_MAX, Peer, Server, closed, ping, text, told};
use crate::support::{self, Heard, feed, hear_cut_by, masked};
use chinwag::chat::Settings;
use chinwag::proto::ws::deflate::{CONTEXT_BYTES, Deflaters, Parameters, WindowBits};
use chinwag::proto::ws::{Connection, Error, Header, Opcode, Role, close, encoder};
use chinwag::server::Limits;

const BOTH: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
/// The first byte of a text that is deflated, and of one that is not.
const DEFLATED: u8 = 0xC1;
const PLAIN: u8 = 0x81;

/// Somebody who deflates, with a window of so many bits.
fn deflating(server: &mut Server, path: &str, bits: u8) -> Peer {
    let (peer, used) =
        server.upgrade_offering(path, &format!("permessage-deflate; server_max_window_bits={bits}"));
    assert_eq!(used, Some(format!("{BOTH}; server_max_window_bits={bits}")));
    peer
}

/// What that is told: each message's first byte and what it says.
fn tells(server: &mut Server, peer: Peer) -> Vec<(u8, Heard)> {
    let mut said = server.says(peer);
    let mut ws = Connection::new(Role::Client, MESSAGE_BYTES_MAX).deflated(&Parameters::OFFER);
    let mut heard = Vec::new();
    while !said.is_empty() {
        let first = said[0];
        let (header, len) =
            chinwag::proto::ws::Header::parse_with(&said, Role::Client, true).expect("sound").expect("whole");
        let rest = said.split_off(len + header.payload_len as usize);
        heard.extend(feed(&mut ws, &said).into_iter().map(|heard| (first, heard)));
        said = rest;
    }
    heard
}

/// A message as a client sends it, deflated.
fn deflated(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut deflaters = Deflaters::default();
    let payload = deflaters.deflate(WindowBits::LARGEST, payload).expect("it becomes shorter");
    encoder::deflated(&mut out, true, opcode, payload, Some([1, 2, 3, 4]));
    out
}

fn count(server: &Server, name: &str) -> u64 {
    let mut found = None;
    server.core.stats(&mut |known, value| found = found.or((known == name).then_some(value)));
    found.unwrap_or_else(|| panic!("nobody counts {name}"))
}

/// So many bytes of a text in which there is something to be found again, but not everything.
fn prose(len: usize) -> String {
    let words = (0_u64..).map(|n| format!("{} ", n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48));
    let mut text = String::new();
    text.extend(words.take(len));
    text.truncate(len);
    text
}

#[test]
fn nothing_is_agreed_on_that_was_not_offered_or_that_the_service_does_not_do() {
    let mut server = Server::new();
    server.upgrade();
    assert_eq!(server.upgrade_offering("/other", "permessage-deflate").1, None);
    assert_eq!(server.upgrade_offering("/", "x-webkit-deflate-frame").1, None);
    assert_eq!(server.upgrade_offering("/", "permessage-deflate; server_max_window_bits=8").1, None);
    assert_eq!(server.upgrade_offering("/", "permessage-deflate").1, Some(BOTH.to_owned()));
}

#[test]
fn rsv1_is_an_error_where_nothing_was_agreed_on() {
    let mut server = Server::new();
    let (ann, _) = server.upgrade_offering("/other", "permessage-deflate");
    server.hears(ann, &deflated(Opcode::Text, prose(200).as_bytes()));
    assert_eq!(server.tells(ann), [closed(close::PROTOCOL_ERROR, "a reserved bit is set (RFC 6455, 5.2)")]);
}

#[test]
fn what_is_sent_comes_back_deflated_whether_it_came_so_or_not() {
    let mut server = Server::new();
    let ann = deflating(&mut server, "/", 15);
    let long = prose(1000);
    server.hears(ann, &text(&long));
    server.hears(ann, &deflated(Opcode::Text, long.as_bytes()));
    server.hears(ann, &deflated(Opcode::Binary, long.as_bytes()));
    let expected =
        [(DEFLATED, told(&long)), (DEFLATED, told(&long)), (0xC2, Heard::Binary(long.clone().into_bytes()))];
    assert_eq!(tells(&mut server, ann), expected);
    assert_eq!(count(&server, "deflated"), 3);
    assert!(count(&server, "deflate_bytes_saved") > 1000);
}

#[test]
fn small_messages_control_frames_and_what_would_not_shrink_go_as_they_are() {
    let mut server = Server::new();
    let ann = deflating(&mut server, "/", 15);
    server.hears(ann, &text(&"x".repeat(127)));
    server.hears(ann, &text(&"x".repeat(128)));
    server.hears(ann, &ping(&[b'x'; 125]));
    let noise: Vec<u8> = (0_u64..512).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
    server.hears(ann, &masked(true, Opcode::Binary, &noise));
    let told: Vec<u8> = tells(&mut server, ann).iter().map(|(first, _)| *first).collect();
    assert_eq!(told, [PLAIN, DEFLATED, 0x8A, 0x82]);
}

#[test]
fn a_short_message_is_deflated_once_for_everybody_and_a_long_one_once_for_each_window() {
    let mut server = Server::new();
    let plain = server.upgrade();
    let mut peers: Vec<Peer> = [9, 12, 15, 12, 15, 9].map(|bits| deflating(&mut server, "/", bits)).into();
    for &peer in peers.iter().chain([&plain]) {
        server.hears(peer, &text("join 1"));
    }
    for (len, times) in [(127, 0), (512, 1), (513, 2), (4096, 2), (4097, 3)] {
        let (before, said) = (count(&server, "deflated"), prose(len));
        server.hears(plain, &text(&format!("all 1 {said}")));
        assert_eq!(count(&server, "deflated") - before, times, "{len} bytes");
        assert_eq!(server.tells(plain), [told(&said)]);
        for &peer in &peers {
            let first = if times == 0 { PLAIN } else { DEFLATED };
            assert_eq!(tells(&mut server, peer), [(first, told(&said))], "{len} bytes");
        }
    }
    // Who leaves while behind is told from the outbox what the log said.
    let bob = peers.pop().expect("there are six");
    server.set_capacity(bob, 4);
    server.hears(plain, &text(&format!("all 1 {}", prose(300))));
    server.hears(bob, &text("leave 1"));
    assert_eq!(tells(&mut server, bob), [(DEFLATED, told(&prose(300)))]);
}

#[test]
fn history_is_replayed_deflated() {
    let mut server = Server::chat(Settings::default());
    let (ann, _) = server.upgrade_offering("/", "x-unknown");
    let long = prose(700);
    server.hears(ann, &text(&long));
    let bob = deflating(&mut server, "/?room=lobby", 15);
    tells(&mut server, bob);
    server.hears(bob, &text("/history 5"));
    let told_bob = tells(&mut server, bob);
    let is_it = |(first, heard): &(u8, Heard)| {
        *first == DEFLATED && matches!(heard, Heard::Text(line) if line.ends_with(&long))
    };
    assert!(told_bob.iter().any(is_it), "{told_bob:?}");
}

#[test]
fn what_cannot_be_inflated_ends_the_connection() {
    let cases: [(&[u8], u16, &str); 4] = [
        (
            &[0xC1, 0x84, 0, 0, 0, 0, 0xF2, 0x48, 0xCD, 0xC9],
            1007,
            "a compressed message ends in the middle of a block (RFC 7692, 7.2.2)",
        ),
        (&[0xC9, 0x80, 0, 0, 0, 0], 1002, "RSV1 is set where no message begins (RFC 7692, 6.1)"),
        (&[0xC1, 0x81, 0, 0, 0, 0, 0xFF], 1007, "what is to be inflated was not deflated (RFC 7692, 7.2.2)"),
        // Stored, and no UTF-8.
        (
            &[0xC1, 0x87, 0, 0, 0, 0, 0, 1, 0, 0xFE, 0xFF, 0xFF, 0],
            1007,
            "a text message is not UTF-8 (RFC 6455, 8.1)",
        ),
    ];
    for (bytes, code, reason) in cases {
        let mut server = Server::new();
        let ann = deflating(&mut server, "/", 15);
        server.hears(ann, bytes);
        assert_eq!(server.tells(ann), [closed(code, reason)]);
        assert!(server.has_fin(ann));
    }
}

/// What a peer of ours would send of twenty messages that point back into each other, where it may.
fn twenty_messages(role: Role, keeps_context: bool) -> Vec<Vec<u8>> {
    let mut state = zlib_rs::Deflate::new(6, false, 15);
    let frame = |n: usize| {
        let payload = format!("message {n}: {}", prose(20 * n));
        if !keeps_context {
            state.reset();
        }
        let (made_before, mut out) = (state.total_out(), vec![0; payload.len() + 100]);
        let flushed = state.compress(payload.as_bytes(), &mut out, zlib_rs::DeflateFlush::SyncFlush);
        flushed.expect("it fits");
        let len = (state.total_out() - made_before) as usize;
        out.truncate(len - 4);
        let mut frame = Vec::new();
        encoder::deflated(&mut frame, true, Opcode::Text, &out, (role == Role::Server).then_some([0; 4]));
        frame
    };
    (1..=20).map(frame).collect()
}

#[test]
fn a_message_that_is_cut_anywhere_ends_the_connection_and_nothing_of_it_is_delivered() {
    for (role, keeps_context) in
        [(Role::Server, false), (Role::Server, true), (Role::Client, false), (Role::Client, true)]
    {
        let agreed = Parameters {
            server_no_context_takeover: !keeps_context,
            client_no_context_takeover: !keeps_context,
            ..Parameters::default()
        };
        let connection = || Connection::new(role, 1 << 16).deflated(&agreed);
        let messages = twenty_messages(role, keeps_context);
        assert_eq!(hear_cut_by(connection(), &messages.concat(), &[]).len(), 20);
        for (at, message) in messages.iter().enumerate() {
            let mut sound = message.clone();
            sound[0] = PLAIN;
            let (header, header_len) = Header::parse(&sound, role).expect("sound").expect("whole");
            let payload = &message[header_len..];
            for cut in 1..payload.len() {
                let mut said = messages[..at].concat();
                let (payload, key) = (&payload[..cut], header.masking_key);
                encoder::deflated(&mut said, true, Opcode::Text, payload, key);
                said.extend_from_slice(&messages[0]);
                let heard = hear_cut_by(connection(), &said, &[]);
                assert_eq!(heard.len(), at + 1, "{role:?} {keeps_context} {at} {cut}");
                assert_eq!(heard.last(), Some(&Heard::Error(Error::DeflateTruncated)));
            }
        }
    }
}

#[test]
fn a_bomb_goes_off_no_further_than_the_cap() {
    let mut server = Server::new();
    let ann = deflating(&mut server, "/", 15);
    let bomb = deflated(Opcode::Binary, &vec![0; 64 << 20]);
    assert!(bomb.len() < 400_000);
    let before = server.heap_bytes();
    server.sends(ann, &bomb);
    // The last turn but one has it whole; what is left behind is what an inflater needs.
    server.settle();
    assert_eq!(
        server.tells(ann),
        [closed(close::MESSAGE_TOO_BIG, "a message is over the limit (RFC 6455, 10.4)")]
    );
    let kept = server.heap_bytes().saturating_sub(before);
    assert!(kept < 100_000, "{kept} bytes");
}

#[test]
fn exactly_the_cap_passes_deflated_and_one_more_does_not() {
    for (len, passes) in [(MESSAGE_BYTES_MAX, true), (MESSAGE_BYTES_MAX + 1, false)] {
        let mut server = Server::new();
        let ann = deflating(&mut server, "/", 15);
        server.hears(ann, &deflated(Opcode::Binary, &vec![7; len]));
        match passes {
            true => assert_eq!(tells(&mut server, ann), [(0xC2, Heard::Binary(vec![7; len]))]),
            false => assert!(matches!(server.tells(ann)[..], [Heard::Close(Some((1009, _)))])),
        }
    }
}

/// RFC 7692, 7.2.3.2: "Hello" twice, the second pointing back into the first; masked with a key of zeros.
const HELLO_TWICE: [&[u8]; 2] = [
    &[0xC1, 0x87, 0, 0, 0, 0, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
    &[0xC1, 0x85, 0, 0, 0, 0, 0xF2, 0x00, 0x11, 0x00, 0x00],
];

#[test]
fn there_is_memory_for_what_some_clients_have_said_before() {
    let limits = Limits { deflate_context_bytes_max: 2 * CONTEXT_BYTES, ..Limits::default() };
    let mut server = Server::with(limits);
    let used = |server: &mut Server| server.upgrade_offering("/", "permessage-deflate");
    let keeps = Some("permessage-deflate; server_no_context_takeover".to_owned());
    let ((ann, of_ann), (_bob, of_bob), (eve, of_eve)) =
        (used(&mut server), used(&mut server), used(&mut server));
    assert_eq!((of_ann, of_bob, of_eve), (keeps.clone(), keeps.clone(), Some(BOTH.to_owned())));
    assert_eq!(count(&server, "deflate_context_bytes"), 2 * CONTEXT_BYTES as u64);

    let before = server.heap_bytes();
    for hello in HELLO_TWICE {
        server.hears(ann, hello);
    }
    assert_eq!(server.tells(ann), [told("Hello"), told("Hello")]);
    let context = server.heap_bytes() - before;
    assert!((32 << 10..CONTEXT_BYTES + 1024).contains(&context), "{context} bytes");
    // Between the two, others have been served, with a memory that is nobody's.
    for hello in HELLO_TWICE {
        server.hears(eve, hello);
    }
    assert!(matches!(server.tells(eve)[..], [Heard::Text(_), Heard::Close(Some((1007, _)))]));

    server.hears(ann, &support::masked(true, Opcode::Close, &[]));
    server.hears_fin(ann);
    assert!(server.is_closed(ann));
    assert_eq!(count(&server, "deflate_context_bytes"), CONTEXT_BYTES as u64);
    assert_eq!(used(&mut server).1, keeps, "there is room again");
}

#[test]
fn a_member_that_deflates_costs_no_more_than_one_that_does_not() {
    let cost = |offer: Option<&str>| {
        let mut server = Server::new();
        let connect = |server: &mut Server| match offer {
            Some(offer) => server.upgrade_offering("/", offer).0,
            None => server.upgrade(),
        };
        let said = prose(500);
        let speak = |server: &mut Server, peer| server.hears(peer, &text(&format!("all 1 {said}")));
        // The workplaces are the loop's.
        let first = connect(&mut server);
        server.hears(first, &text("join 1"));
        speak(&mut server, first);
        server.says(first);
        let before = server.heap_bytes();
        let peers: Vec<Peer> = (0..200).map(|_| connect(&mut server)).collect();
        peers.iter().for_each(|&peer| server.hears(peer, &text("join 1")));
        speak(&mut server, first);
        for &peer in &peers {
            assert!(server.takes(peer, usize::MAX).len() > 100);
        }
        server.heap_bytes().saturating_sub(before)
    };
    let (plain, deflated) = (cost(None), cost(Some("permessage-deflate")));
    // The tables grow by the same steps; what waits of the notes differs by a little.
    assert!(deflated <= plain + plain / 50, "{deflated} bytes for 200, and {plain} without");
}
