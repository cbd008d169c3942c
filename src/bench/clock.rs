//! Time for measuring: nanoseconds since the run began, and an alarm that is finer than the loop's milliseconds.
//!
//! An open loop sends at moments that may lie microseconds apart, and `epoll` sleeps in milliseconds. A loop that spins for
//! the last one is exact, and takes the processor from a server on the same core. So there is a timer of the kernel behind a
//! descriptor, which ends the poll like any socket: it wakes some tens of microseconds late, costs one system call for each
//! sleep, and leaves the processor alone. How late the sends were is part of every report.

use crate::net::Reactor;
use std::io;
use std::time::Instant;

/// The clock of a run: all its threads count from the same moment.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Clock {
        Clock { began: Instant::now() }
    }

    /// Nanoseconds since then.
    pub fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Ends a sleep of the loop at a moment.
#[derive(Debug)]
pub struct Alarm {
    #[cfg(target_os = "linux")]
    timer: rustix::fd::OwnedFd,
    /// For when it is set; zero for not at all.
    set_for: u64,
}

#[cfg(target_os = "linux")]
impl Alarm {
    /// An alarm of that loop.
    pub fn new<M: Send + 'static>(reactor: &Reactor<M>) -> io::Result<Alarm> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK.union(TimerfdFlags::CLOEXEC))?;
        reactor.wake_on(&timer)?;
        Ok(Alarm { timer, set_for: 0 })
    }

    /// Wakes the loop at `moment`, once. The last call counts.
    pub fn set(&mut self, now: u64, moment: u64) {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        if self.set_for == moment {
            return;
        }
        self.set_for = moment;
        // Zero would mean never.
        let wait = moment.saturating_sub(now).clamp(1, i64::MAX as u64).cast_signed();
        let it_value = Timespec { tv_sec: wait / 1_000_000_000, tv_nsec: wait % 1_000_000_000 };
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let setting = Itimerspec { it_interval: never, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &setting)
            .expect("the timer is ours, and the moment is one");
    }
}

/// Elsewhere the loop's own sleep has to do: it ends within a millisecond, and the report says how late that was.
#[cfg(not(target_os = "linux"))]
impl Alarm {
    /// An alarm of that loop.
    pub fn new<M: Send + 'static>(_reactor: &Reactor<M>) -> io::Result<Alarm> {
        Ok(Alarm { set_for: 0 })
    }

    /// Notes the moment.
    pub fn set(&mut self, _now: u64, moment: u64) {
        self.set_for = moment;
    }
}
