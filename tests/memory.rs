//! What a connection costs, counted by the allocator: a budget for the idle, and none at all for what is done most.

#[path = "support/heap.rs"]
mod heap;
#[path = "support/offline.rs"]
mod offline;

use chinwag::chat::{Chat, Seed, Settings};
use chinwag::service::Service;
use chinwag::time::Millis;
use chinwag::wire::{Command, Message, json};
use offline::{EchoAndFanOut, Server};

/// Heap bytes that each of so many joined, idle connections costs: tables as they stand, slack and all, and what the
/// server keeps for the next that have something to say.
fn idle_bytes(service: impl Service + 'static, count: usize) -> (Server, isize) {
    let before = heap::live_bytes();
    let mut server = Server::new(service);
    for n in 0..count {
        server.connect(&format!("/ws?name=member-{n}"));
    }
    // Presence notices and the like are over when their time has come.
    server.now = server.now + Millis(5000);
    (0..100).for_each(|_| server.turn());
    (server, (heap::live_bytes() - before) / count as isize)
}

#[test]
fn what_is_idle_costs_little_and_what_is_done_most_allocates_nothing() {
    let (mut server, bytes) = idle_bytes(EchoAndFanOut, 4096);
    println!("an idle connection, joined to a topic: {bytes} bytes of heap");
    assert!(bytes <= 400, "{bytes} bytes of heap for an idle connection");

    // Where tables double, one more than a power of two is as bad as it gets.
    for count in [2048, 4096, 4097, 8192, 8193, 10_000, 16_385] {
        let (_, bytes) = idle_bytes(Chat::new(Settings::default(), Seed::new([1; 32])), count);
        println!("{count} idle members of the chat, by name, in its lobby: {bytes} bytes of heap each");
        assert!(bytes <= 400, "{bytes} bytes of heap for each of {count} idle members of the chat");
    }

    let mut buffer = Vec::with_capacity(1024);
    let mut allocations_of = |server: &mut Server, message: &[u8]| {
        let before = heap::allocations();
        (0..100).for_each(|_| server.say(7, message, &mut buffer));
        heap::allocations() - before
    };
    allocations_of(&mut server, b"echo: warm up");
    let allocations =
        allocations_of(&mut server, b"echo: 64 bytes, as a chat's messages are, more or less, ........");
    assert_eq!(allocations, 0, "allocations for 100 echoes");

    allocations_of(&mut server, b"publish: warm up");
    let (before, entries) = (server.sockets.writes, 100);
    let allocations = allocations_of(&mut server, b"publish: to 4,095 others");
    let deliveries = server.sockets.writes - before;
    println!("{entries} entries, {deliveries} deliveries: {allocations} allocations");
    assert_eq!(deliveries, entries * 4095, "everybody but the publisher is written to, once");
    // The log's ring is freed when everybody has read it, and made anew for the next entry.
    assert!(
        allocations <= 10 * entries,
        "{allocations} allocations for {entries} entries, however many read them"
    );
}

#[test]
fn a_plain_publish_is_read_and_its_message_written_without_an_allocation() {
    let (mut memory, mut out) = (Vec::with_capacity(1024), Vec::with_capacity(1024));
    for key in ["a9-7", r"a9\n7"] {
        let request = format!(
            r#"{{"type":"publish","id":7,"room":"lobby","key":"{key}","data":"I will say \"tea\" twice: \t"}}"#
        );
        let before = heap::allocations();
        for _ in 0..100 {
            out.clear();
            let Ok((_, Command::Publish { room: Some(room), data, key })) =
                json::parse(&request, &mut memory)
            else {
                panic!("{request}");
            };
            let message = Message { room: room.as_str(), seq: 42, name: "ann", key, at: 7, data };
            json::render_message(&message, &mut out);
        }
        let allocations = heap::allocations() - before;
        assert_eq!(allocations, 0, "allocations for 100 messages with the key {key}");
    }
}
