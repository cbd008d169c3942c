//! A message to a room, without sockets: the log with its cursors, against a queue for each member.
//!
//! What is left out is the system call, which is the larger part of a delivery as long as each carries one message. What
//! is measured is what a server adds to it: on the one side queues and slices and nothing else, on the other all that ours
//! does, from the publisher's masked frame to the last member's cursor. The queues win while there is one message a write,
//! and cost the same for each further one; the log's further ones are nearly free.

mod harness;
#[path = "../tests/support/offline.rs"]
mod offline;

use chinwag::net::{Handler, Sockets};
use chinwag::proto::ws::{Opcode, encoder};
use harness::Harness;
use offline::{Drain, EchoAndFanOut, Server};
use std::collections::VecDeque;
use std::hint::black_box;
use std::io::IoSlice;
use std::rc::Rc;

const PAYLOAD: &[u8; 64] = &[b'x'; 64];
const SLICES_MAX: usize = 64;

/// The plain way: each member has a queue, each queue has each message, and each message is counted.
struct Queues {
    members: Vec<VecDeque<Rc<[u8]>>>,
    sockets: Drain,
}

impl Queues {
    fn publish(&mut self, frame: &Rc<[u8]>) {
        for member in &mut self.members {
            member.push_back(Rc::clone(frame));
        }
    }

    /// Gathers what waits for each member, and writes it.
    fn flush(&mut self, sockets: fn(&mut Drain) -> &mut dyn Sockets) {
        for (key, member) in self.members.iter_mut().enumerate() {
            while !member.is_empty() {
                let count = member.len().min(SLICES_MAX);
                let mut slices = [IoSlice::new(&[]); SLICES_MAX];
                for (slice, frame) in slices.iter_mut().zip(member.range(..count)) {
                    *slice = IoSlice::new(frame);
                }
                let written = sockets(&mut self.sockets).write(key, &slices[..count]);
                assert_eq!(written.ok(), Some(member.range(..count).map(|frame| frame.len()).sum()));
                member.drain(..count);
            }
        }
    }
}

fn main() {
    let harness = Harness::from_args();
    for (members, burst) in [(10, 1), (1000, 1), (1000, 10), (1000, 100)] {
        let mut frame = Vec::new();
        encoder::frame(&mut frame, Opcode::Text, PAYLOAD, None);
        let frame: Rc<[u8]> = frame.into();
        let mut queues = Queues { members: vec![VecDeque::new(); members], sockets: Drain::default() };
        let deliveries = members * burst;
        let plain = harness.time(deliveries * frame.len(), || {
            (0..burst).for_each(|_| queues.publish(&frame));
            queues.flush(black_box(|drain| drain));
        });

        let mut server = Server::new(EchoAndFanOut);
        // One more, who publishes, and is not sent its own.
        let publisher = server.connect("/ws");
        for _ in 0..members {
            server.connect("/ws");
        }
        let mut masked = Vec::new();
        let mut buffer = Vec::new();
        (0..burst).for_each(|_| encoder::frame(&mut masked, Opcode::Text, PAYLOAD, Some([1, 2, 3, 4])));
        let before = server.sockets.bytes;
        let mut rounds = 0;
        let fast = harness.time(deliveries * frame.len(), || {
            rounds += 1;
            buffer.clear();
            buffer.extend_from_slice(&masked);
            server.core.handle_bytes(server.now, publisher, &mut buffer);
            server.turn();
            while server.core.has_work() {
                server.turn();
            }
        });
        assert_eq!(
            server.sockets.bytes - before,
            rounds * deliveries * frame.len(),
            "everybody reads everything"
        );
        harness.compare(
            &format!("{members} members, {burst} a turn"),
            plain.each(deliveries),
            fast.each(deliveries),
        );
    }
}
