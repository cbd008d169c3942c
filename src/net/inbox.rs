//! The way into the loop for other threads: a bounded queue, and a knock that ends the poll.

use mio::Waker;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// How many messages may wait. A worker that finds the queue full has to wait or to drop; the loop never does.
const INBOX_LEN_MAX: usize = 1024;

/// The loop's end of the queue.
#[derive(Debug)]
pub struct Inbox<T> {
    receiver: Receiver<T>,
}

/// A worker's end: cheap to clone, and may be sent to any thread.
#[derive(Debug)]
pub struct Post<T> {
    sender: SyncSender<T>,
    waker: Arc<Waker>,
}

impl<T> Clone for Post<T> {
    fn clone(&self) -> Self {
        Post { sender: self.sender.clone(), waker: Arc::clone(&self.waker) }
    }
}

impl<T> Inbox<T> {
    pub(super) fn new(waker: Waker) -> (Inbox<T>, Post<T>) {
        let (sender, receiver) = sync_channel(INBOX_LEN_MAX);
        (Inbox { receiver }, Post { sender, waker: Arc::new(waker) })
    }

    /// The next message, if there is one.
    pub(super) fn poll_mail(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T> Post<T> {
    /// Puts a message into the queue and wakes the loop. Gives the message back when the queue is full or the loop gone.
    pub fn send(&self, mail: T) -> Result<(), T> {
        let sent = self.sender.try_send(mail).map_err(|error| match error {
            TrySendError::Full(mail) | TrySendError::Disconnected(mail) => mail,
        });
        self.wake();
        sent
    }

    /// Has the loop turn once, though there is nothing for it.
    pub fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            // What waits in the queue is delivered with the next event of any kind.
            log::warn!("cannot wake the loop: {error}");
        }
    }
}
