//! What the calendar says: read when something is stamped, and at most once in a turn of the loop.
//!
//! The loop's own clock only goes forward, and stands still while the machine sleeps, so it cannot tell what day it is. And
//! the calendar is set by people and by time servers, forward and back, so no deadline is kept by it. A message is stamped
//! with the calendar, and everything that is stamped in one turn has the same moment.

use std::cell::Cell;

/// The calendar.
pub struct Calendar {
    read: Box<dyn Fn() -> u64>,
    /// What it said in this turn, if it was asked.
    this_turn: Cell<Option<u64>>,
}

impl Calendar {
    /// One that is read so, in milliseconds since 1970.
    pub fn new(read: impl Fn() -> u64 + 'static) -> Calendar {
        Calendar { read: Box::new(read), this_turn: Cell::new(None) }
    }

    /// The time, in milliseconds since 1970.
    pub fn unix_ms(&self) -> u64 {
        let unix_ms = self.this_turn.get().unwrap_or_else(|| (self.read)());
        self.this_turn.set(Some(unix_ms));
        unix_ms
    }

    /// The turn is over.
    pub fn end_turn(&mut self) {
        self.this_turn.set(None);
    }
}

impl Default for Calendar {
    /// One that stands still, in 1970.
    fn default() -> Calendar {
        Calendar::new(|| 0)
    }
}
