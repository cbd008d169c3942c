//! When and on what a run was made: without it, a number is only a number.

use jiff::{Timestamp, Unit};
use std::fs;
use std::thread;
use std::time::SystemTime;

/// Of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// When and on what a run was made.
#[derive(Clone, Debug)]
pub struct About {
    /// When it began.
    pub started_at: SystemTime,
    /// On what the client ran.
    pub machine: Machine,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The processors that this process may use.
    pub cores: usize,
    /// The system and its release.
    pub kernel: String,
    /// What the processor calls itself.
    pub cpu: String,
}

impl About {
    /// Here and now.
    pub fn now() -> About {
        About { started_at: SystemTime::now(), machine: Machine::this() }
    }

    /// When it began, in UTC, as RFC 3339 has it.
    pub fn started_at(&self) -> String {
        let moment = Timestamp::try_from(self.started_at).and_then(|moment| moment.round(Unit::Second));
        moment.map_or_else(|_| "unknown".into(), |moment| moment.to_string())
    }
}

impl Machine {
    fn this() -> Machine {
        let uname = rustix::system::uname();
        let kernel = [uname.sysname(), uname.release()].map(|part| part.to_string_lossy()).join(" ");
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = model(&cpuinfo).unwrap_or(std::env::consts::ARCH).to_owned();
        Machine { cores: thread::available_parallelism().map_or(1, |cores| cores.get()), kernel, cpu }
    }
}

/// The model in what Linux tells of the processors; not all of them have one.
fn model(cpuinfo: &str) -> Option<&str> {
    let model = cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then_some(value.trim())
    })?;
    (!model.is_empty()).then_some(model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_moment_is_in_utc_and_to_the_second() {
        let started_at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_000_000_123);
        let about = About { started_at, machine: Machine::this() };
        assert_eq!(about.started_at(), "2026-11-18T11:06:40Z");
    }

    #[test]
    fn the_model_is_found_where_there_is_one() {
        assert_eq!(
            model("processor\t: 0\nmodel name\t: AMD EPYC 7B13\nmodel name\t: other\n"),
            Some("AMD EPYC 7B13")
        );
        assert_eq!(model("processor\t: 0\nBogoMIPS\t: 50.00\n"), None);
    }

    #[test]
    fn this_machine_has_a_processor_and_a_kernel() {
        let machine = About::now().machine;
        assert!(machine.cores > 0 && !machine.cpu.is_empty() && machine.kernel.contains(' '), "{machine:?}");
    }
}
