//! What deflating costs and saves: a message alone, and a message to a room.
//!
//! A room is measured as in `fanout`: without sockets, from the publisher's masked frame to the last member's cursor. The
//! plain way is a room in which nobody deflates; in the other everybody does.

mod harness;
#[path = "../tests/support/offline.rs"]
mod offline;

use chinwag::net::Handler;
use chinwag::proto::ws::deflate::{Deflaters, Inflater, WindowBits};
use chinwag::proto::ws::{Opcode, encoder};
use harness::Harness;
use offline::{EchoAndFanOut, Server};

/// A message as the chat renders it, of so many bytes: names, numbers and English words in no order.
fn message(len: usize, mut seed: u64) -> Vec<u8> {
    const WORDS: &str = "the of and to in is you that it he was for on are as with his they at be this have from or one \
        had by word but not what all were we when your can said there use an each which she do how their if will up other \
        about out many then them these so some her would make like him into time has look two more write go see number no \
        way could people my than first water been call who oil its now find long down day did get come made may part";
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut draw = move |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    let (seq, name, at) = (draw(100_000), draw(1000), draw(100_000_000));
    let mut text = format!(
        r#"{{"type":"message","room":"lobby","seq":{seq},"name":"member-{name}","key":"a9-{}","at":17950{at:08},"data":""#,
        draw(1000)
    );
    while text.len() < len - 2 {
        text.push_str(words[draw(words.len() as u64) as usize]);
        text.push(' ');
    }
    text.truncate(len - 2);
    (text + "\"}").into_bytes()
}

fn main() {
    let harness = Harness::from_args();
    for len in [128, 256, 1024, 4096, 65_536] {
        alone(&harness, len);
    }
    for members in [10, 100, 1000] {
        room(&harness, members);
    }
}

/// A message alone: how long it takes to make it shorter, and to read that.
fn alone(harness: &Harness, len: usize) {
    let messages: Vec<Vec<u8>> = (0..50).map(|seed| message(len, seed)).collect();
    let (mut deflaters, mut inflater) = (Deflaters::default(), Inflater::default());
    let mut deflate_all = || -> Vec<Vec<u8>> {
        let mut deflate = |message: &Vec<u8>| {
            deflaters.deflate(WindowBits::LARGEST, message).map_or_else(|| message.clone(), <[u8]>::to_vec)
        };
        messages.iter().map(&mut deflate).collect()
    };
    let deflated = deflate_all();
    let deflating = harness.time(len * messages.len(), &mut deflate_all).each(messages.len());
    let inflating = harness.time(len * messages.len(), || {
        for (deflated, message) in deflated.iter().zip(&messages) {
            let mut heard = 0;
            if deflated.len() < message.len() {
                inflater
                    .inflate(false, deflated, |chunk| {
                        assert_eq!(chunk, &message[heard..heard + chunk.len()]);
                        heard += chunk.len();
                        Ok(())
                    })
                    .expect("it was deflated");
                assert_eq!(heard, len);
            }
        }
    });
    let sum: usize = deflated.iter().map(Vec::len).sum();
    let percent = 100 * sum / (len * messages.len());
    harness.report(&format!("{len} bytes, deflated to {percent} %"), deflating);
    harness.report("  and inflated", inflating.each(messages.len()));
}

/// A message of 1 KB to a room: plain, and deflated for everybody.
fn room(harness: &Harness, members: usize) {
    let [plain, deflated] = ["", "Sec-WebSocket-Extensions: permessage-deflate\r\n"].map(|fields| {
        let mut server = Server::new(EchoAndFanOut);
        let publisher = server.connect("/ws");
        for _ in 0..members {
            server.connect_with("/ws", fields);
        }
        let mut masked = Vec::new();
        let mut buffer = Vec::new();
        encoder::frame(&mut masked, Opcode::Text, &message(1024, 7), Some([1, 2, 3, 4]));
        let before = server.sockets.bytes;
        let mut rounds = 0;
        let timing = harness.time(1024 * members, || {
            rounds += 1;
            buffer.clear();
            buffer.extend_from_slice(&masked);
            server.core.handle_bytes(server.now, publisher, &mut buffer);
            server.settle();
        });
        let sent = (server.sockets.bytes - before) / rounds / members;
        assert!(if fields.is_empty() { sent > 1024 } else { sent < 700 }, "{sent} bytes to each");
        timing.each(members)
    });
    harness.compare(&format!("1 KB to {members}, in the core"), plain, deflated);
}
