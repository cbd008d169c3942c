//! What the chat itself costs, counted by the allocator: so much for each member, and for a message the memory in which
//! its room remembers it.
//!
//! Everything stands in one test: the counter counts for the whole process.

#![allow(unsafe_code, reason = "an allocator that counts is an allocator, and those are unsafe")]

use chinwag::chat::{Chat, Seed, Settings};
use chinwag::service::{Class, ConnId, Context, Ending, Message, Opening, Service, Topic};
use chinwag::time::Millis;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::Range;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static LIVE_BYTES: AtomicIsize = AtomicIsize::new(0);

// SAFETY: everything is passed on to the system's allocator, with the arguments as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        LIVE_BYTES.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: the caller's promises are the same as ours.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: the caller's promises are the same as ours.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        LIVE_BYTES.fetch_add(size as isize - layout.size() as isize, Relaxed);
        // SAFETY: the caller's promises are the same as ours.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

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
    // Tables double: 10,000 is somewhere in between, and one more than a power of two is as bad as it gets.
    for (count, bytes_max) in [(10_000, 180), (8193, 230)] {
        let mut cx = Forgetful::new();
        let before = LIVE_BYTES.load(Relaxed);
        let mut chat = Chat::new(Settings::default(), Seed::new([1; 32]));
        fill(&mut chat, &mut cx, count);
        let bytes = (LIVE_BYTES.load(Relaxed) - before) / count as isize;
        println!("{count} members: {bytes} bytes of heap each");
        assert!(bytes <= bytes_max, "{bytes} bytes of heap for each of {count} members");

        // As many as a room remembers: from then on each message takes the place of another.
        speak(&mut chat, &mut cx, 1000..1200);
        let before = ALLOCATIONS.load(Relaxed);
        speak(&mut chat, &mut cx, 0..1000);
        assert_eq!(ALLOCATIONS.load(Relaxed) - before, 1000, "for 1,000 messages and 1,000 notices");

        // What is left is tables of the size that was once needed, and no names.
        (0..count)
            .for_each(|index| chat.on_close(&mut cx, conn(index), Ending { code: 1000, word: "closed" }));
        let empty = LIVE_BYTES.load(Relaxed);
        fill(&mut chat, &mut cx, count);
        (0..count)
            .for_each(|index| chat.on_close(&mut cx, conn(index), Ending { code: 1000, word: "closed" }));
        assert_eq!(LIVE_BYTES.load(Relaxed), empty, "the second time costs no more than the first");
    }
}
