//! What processes and threads take, as the kernel counts it.

use std::fs;
use std::time::Duration;

/// The processor time of this thread.
pub fn thread_cpu() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(spent.tv_sec).unwrap_or(0), u32::try_from(spent.tv_nsec).unwrap_or(0))
}

/// What a process has taken so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Its processor time.
    pub cpu: Duration,
    /// Its resident memory, in bytes.
    pub memory_bytes: u64,
}

/// What a process of this host has taken. `None` where there is no such process, or the kernel does not say.
pub fn usage(pid: u32) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks_per_second = rustix::param::clock_ticks_per_second();
    parse_stat(&stat, ticks_per_second, rustix::param::page_size() as u64)
}

/// The CPU time and the memory of several processes together. `None` if `pids` is empty or one of them cannot be read.
pub fn usage_of(pids: &[u32]) -> Option<Usage> {
    pids.iter().map(|pid| usage(*pid)).reduce(|one, two| {
        let (one, two) = (one?, two?);
        Some(Usage { cpu: one.cpu + two.cpu, memory_bytes: one.memory_bytes + two.memory_bytes })
    })?
}

/// The largest resident memory that this process has had, in bytes.
pub fn memory_max_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// proc(5): the name stands in parentheses, and may hold some itself. Behind it, user and system time are the 12th and the
/// 13th field, and the resident pages the 22nd.
fn parse_stat(stat: &str, ticks_per_second: u64, page_bytes: u64) -> Option<Usage> {
    let (_, behind_name) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = behind_name.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks = number(11)? + number(12)?;
    Some(Usage {
        cpu: Duration::from_nanos(ticks * 1_000_000_000 / ticks_per_second),
        memory_bytes: number(21)? * page_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_is_read_whatever_the_process_is_called() {
        let stat =
            "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 99 10000 512 18446744";
        let expected = Usage { cpu: Duration::from_secs(3), memory_bytes: 512 * 4096 };
        assert_eq!(parse_stat(stat, 100, 4096), Some(expected));
        assert_eq!(parse_stat("", 100, 4096), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_takes_something() {
        let usage = usage(std::process::id()).expect("we are there");
        assert!(usage.memory_bytes > 0 && memory_max_bytes() >= Some(usage.memory_bytes / 2));
        let before = thread_cpu();
        let mut number = 0u64;
        while thread_cpu() == before {
            number = std::hint::black_box(number + 1);
        }
        assert_eq!(super::usage(u32::MAX), None);
        let this = std::process::id();
        let twice = usage_of(&[this, this]).expect("we are there");
        assert!(twice.memory_bytes > usage.memory_bytes, "{twice:?}");
        assert_eq!((usage_of(&[]), usage_of(&[this, u32::MAX])), (None, None));
    }
}
