//! What the chat itself costs, counted by the allocator: so much for each member, and for a message the memory in which
//! its room remembers it.

#[path = "support/heap.rs"]
mod heap;

use chinwag::chat::{Chat, Seed, Settings};
use chinwag::service::{Class, ConnId, Context, Ending, Message, Opening, Service, Topic};
use chinwag::time::Millis;
use std::ops::Range;

/// A server that renders what is published, once, and forgets everything.
struct Forgetful {
    now: Millis,
    wake_at: Option<Millis>,
    rendered: Vec<u8>,
    published: u64,
}

impl Forgetful {
    fn new() -> Forgetful {
        Forgetful { now: Millis(0), wake_at: None, rendered: Vec::with_capacity(64 * 1024), published: 0 }
    }
}

impl Context for Forgetful {
    fn now(&self) -> Millis {
        self.now
    }
    fn unix_ms(&self) -> u64 {
        self.now.0
    }
    fn send(&mut self, _: ConnId, _: Message<'_>) {}
    fn send_after(&mut self, _: ConnId, _: Topic, _: Message<'_>) {}
    fn is_crowded(&self, _: ConnId) -> bool {
        false
    }
    fn farewell(&mut self, _: ConnId, _: Message<'_>) {}
    fn close(&mut self, _: ConnId, _: u16, _: &str) {}
    fn deadline(&mut self, _: ConnId, _: Option<Millis>) {}
    fn begun_line(&self, _: ConnId) -> Option<u8> {
        None
    }
    fn wake_at(&mut self, at: Option<Millis>) {
        self.wake_at = at;
    }
    fn subscribe(&mut self, _: ConnId, _: Topic, _: Class) {}
    fn unsubscribe(&mut self, _: ConnId, _: Topic) {}
    fn replay(&mut self, _: ConnId, _: Topic, _: Range<u64>) {}
    fn publish(&mut self, _: Topic, render: &mut dyn FnMut(Class, &mut Vec<u8>), _: &[ConnId]) -> u64 {
        self.rendered.clear();
        render(Class(0), &mut self.rendered);
        self.published += 1;
        self.published
    }
}

fn conn(index: u32) -> ConnId {
    ConnId { index, generation: 1 }
}

/// Lets so many come, choose names, and have been told everything.
fn fill(chat: &mut Chat, cx: &mut Forgetful, count: u32) {
    for index in 0..count {
        chat.on_open(cx, conn(index), Opening::Line);
        chat.on_message(cx, conn(index), Message::Text(&format!("/name member-{index}")));
    }
    while let Some(at) = cx.wake_at.take() {
        cx.now = at;
        chat.on_wake(cx);
    }
}

/// Each of them says something, and then something that nobody understands.
fn speak(chat: &mut Chat, cx: &mut Forgetful, who: Range<u32>) {
    for index in who {
        let said = "as much as people say in one line, \u{1b}[1mescaped";
        chat.on_message(cx, conn(index), Message::Text(said));
        chat.on_message(cx, conn(index), Message::Text("/dance"));
    }
}

#[test]
fn a_member_costs_little_and_a_message_what_is_remembered_of_it() {
    // Some tables double: 10,000 is somewhere in between, and one more than a power of two is as bad as it gets.
    for (count, bytes_max) in [(10_000, 145), (8193, 150)] {
        let mut cx = Forgetful::new();
        let before = heap::live_bytes();
        let mut chat = Chat::new(Settings::default(), Seed::new([1; 32]));
        fill(&mut chat, &mut cx, count);
        let bytes = (heap::live_bytes() - before) / count as isize;
        println!("{count} members: {bytes} bytes of heap each");
        assert!(bytes <= bytes_max, "{bytes} bytes of heap for each of {count} members");

        // As many as a room remembers: from then on each message takes the place of another.
        speak(&mut chat, &mut cx, 1000..1200);
        let before = heap::allocations();
        speak(&mut chat, &mut cx, 0..1000);
        assert_eq!(heap::allocations() - before, 1000, "for 1,000 messages and 1,000 notices");

        // What is left is tables of the size that was once needed, and no names.
        (0..count)
            .for_each(|index| chat.on_close(&mut cx, conn(index), Ending { code: 1000, word: "closed" }));
        let empty = heap::live_bytes();
        fill(&mut chat, &mut cx, count);
        (0..count)
            .for_each(|index| chat.on_close(&mut cx, conn(index), Ending { code: 1000, word: "closed" }));
        assert_eq!(heap::live_bytes(), empty, "the second time costs no more than the first");
    }
}
