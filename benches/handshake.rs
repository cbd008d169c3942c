//! The opening handshake of a server: a browser's request, judged and answered.

mod harness;

use std::hint::black_box;

use chinwag::proto::http::{Head, HeaderSlots, head_end};
use chinwag::proto::ws::handshake::{self, Offer};
use harness::Harness;

const REQUEST: &str = "GET /ws?room=lobby HTTP/1.1\r\n\
    Host: chat.example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://chat.example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
    \r\n";

fn main() {
    let harness = Harness::from_args();
    let mut out = Vec::with_capacity(256);
    assert_eq!(shake_hands(REQUEST.as_bytes(), &mut out), REQUEST.len());
    assert!(out.starts_with(b"HTTP/1.1 101 "));

    let len = REQUEST.len();
    let end = harness.time(len, || head_end(black_box(REQUEST.as_bytes()), 0));
    harness.report("find the end of the head", end);
    let accept = harness.time(24, || handshake::accept_key(black_box("dGhlIHNhbXBsZSBub25jZQ==")));
    harness.report("answer the key", accept);
    let whole = harness.time(len, || shake_hands(black_box(REQUEST.as_bytes()), &mut out));
    harness.report("the whole handshake", whole);

    // Fed byte by byte, as a slow client's: what it costs to be asked each time whether that was all.
    let by_byte = harness.time(len, || {
        (0..len).find_map(|searched| head_end(&REQUEST.as_bytes()[..=searched], searched).transpose())
    });
    harness.report("find the end, byte by byte", by_byte);
}

fn shake_hands(request: &[u8], out: &mut Vec<u8>) -> usize {
    let mut slots = HeaderSlots::new();
    let (head, len) = Head::parse(request, &mut slots).expect("valid").expect("whole");
    let offer = Offer::parse(&head).expect("by the rules");
    out.clear();
    handshake::response(out, offer.accept(), None, None);
    len
}
