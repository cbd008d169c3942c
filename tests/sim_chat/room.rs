//! A room of the model's, the keys that it remembers, and how often somebody may ask.

use super::expected::LifeId;
use chinwag::chat::Rate;
use chinwag::service::ConnId;
use chinwag::time::Millis;
use std::collections::{BTreeSet, VecDeque};

/// A room that is there.
pub struct Room {
    pub life: LifeId,
    pub members: BTreeSet<ConnId>,
    pub emptied_at: Millis,
    /// When everybody in it is to have been told of the last change.
    pub told_at: Millis,
    /// When there was a change before others; none since it was empty.
    pub heard_at: Option<Millis>,
    pub keys: VecDeque<Key>,
}

impl Room {
    /// Somebody comes, goes or is renamed before so many others. They are told at once if all before it was told an interval
    /// ago, or else within one.
    pub fn note_change(&mut self, now: Millis, interval: Millis, others: usize) {
        let is_first = self.heard_at.is_none_or(|heard_at| heard_at + interval + interval <= now);
        self.told_at = if is_first { now } else { now + interval };
        if self.members.is_empty() {
            self.heard_at = None;
        } else if others > 0 || self.heard_at.is_some() {
            self.heard_at = Some(now);
        }
    }
}

/// What was published under a key.
pub struct Key {
    pub name: String,
    pub key: String,
    pub data: String,
    pub conn: ConnId,
    pub seq: u64,
    pub at: u64,
    pub since: Millis,
}

/// A bucket of microseconds that fills as time passes.
#[derive(Clone, Copy, Default)]
pub struct Bucket {
    used: u64,
    at: Millis,
}

impl Bucket {
    pub fn take(&mut self, now: Millis, rate: Rate) -> Result<(), u64> {
        if rate.per_second == 0 {
            return Ok(());
        }
        let price = 1_000_000 / u64::from(rate.per_second);
        let size = price * u64::from(rate.burst);
        self.used = self.used.saturating_sub(1000 * (now - self.at).0);
        self.at = now;
        match (self.used + price).checked_sub(size) {
            None | Some(0) => {
                self.used += price;
                Ok(())
            }
            Some(missing) => Err(missing.div_ceil(1000)),
        }
    }
}
