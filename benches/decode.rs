//! Decoding: one read of 64 KiB full of frames, each a message of its own, from a client and from a server.
//!
//! The plain way is what a first attempt looks like: collect the payload byte by byte into a buffer of its
//! own, unmask as you go, judge at the end. Ours moves nothing.

mod harness;

use std::hint::black_box;

use chinwag::proto::Input;
use chinwag::proto::ws::{Connection, Event, Header, Opcode, Role, encoder};
use harness::Harness;

const READ_LEN: usize = 64 * 1024;
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn main() {
    let harness = Harness::from_args();
    for (name, role, key) in
        [("client to server", Role::Server, Some(KEY)), ("server to client", Role::Client, None)]
    {
        for payload_len in [16, 64, 1024, 64 * 1024] {
            let payload = "abcdefghijklmno ".repeat(payload_len / 16);
            let mut frame = Vec::new();
            encoder::frame(&mut frame, Opcode::Text, payload.as_bytes(), key);
            let count = (READ_LEN / frame.len()).max(1);
            let read = frame.repeat(count);
            assert_eq!(plain(&read, role), fast(&mut read.clone(), role));
            assert_eq!(plain(&read, role), (count, count * payload_len));

            // Unmasking in place spoils the read, so that every call begins with a fresh copy of it. Both
            // ways pay for that; a server would have it from the kernel.
            let mut buffer = read.clone();
            let plain = harness.time(read.len(), || {
                buffer.copy_from_slice(black_box(&read));
                plain(&buffer, role)
            });
            let fast = harness.time(read.len(), || {
                buffer.copy_from_slice(black_box(&read));
                fast(&mut buffer, role)
            });
            harness.compare(&format!("{name} {payload_len} B"), plain, fast);
            harness.report("    a frame", fast.each(count));
        }
    }
}

/// How many messages there are, and how many bytes they hold together.
fn fast(read: &mut [u8], role: Role) -> (usize, usize) {
    let mut ws = Connection::new(role, READ_LEN);
    let mut input = Input::new(read);
    let (mut count, mut bytes) = (0, 0);
    while let Some(event) = ws.poll_event(&mut input).expect("no rule is broken") {
        if let Event::Text(text) = event {
            count += 1;
            bytes += black_box(text).len();
        }
    }
    (count, bytes)
}

fn plain(mut read: &[u8], role: Role) -> (usize, usize) {
    let (mut count, mut bytes) = (0, 0);
    while let Some((header, len)) = Header::parse(read, role).expect("no rule is broken") {
        let end = len + header.payload_len as usize;
        let mut payload = Vec::new();
        for (at, byte) in read[len..end].iter().enumerate() {
            payload.push(byte ^ header.masking_key.map_or(0, |key| key[at % 4]));
        }
        let text = String::from_utf8(payload).expect("text");
        count += 1;
        bytes += black_box(&text).len();
        read = &read[end..];
    }
    (count, bytes)
}
