//! What the kernel knows of a process. Linux only: it is read from `/proc`.

use std::fs;
use std::time::Duration;

/// A process, by its number.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    /// This very process.
    pub fn own() -> Process {
        Process(std::process::id())
    }

    /// How many descriptors it has open.
    pub fn descriptors(self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.0)).expect("the process is there").count()
    }

    /// How many of them have a number below `end`. A limit bounds the numbers, and what was inherited may have any.
    pub fn descriptors_below(self, end: usize) -> usize {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.0)).expect("the process is there");
        let number =
            |entry: fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse::<usize>().ok());
        entries.flatten().filter_map(number).filter(|number| *number < end).count()
    }

    /// How many descriptors it may have open.
    pub fn descriptors_max(self) -> usize {
        let limits = self.file("limits");
        let line =
            limits.lines().find(|line| line.starts_with("Max open files")).expect("the limit is listed");
        line.split_whitespace().nth(3).and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
    }

    /// How much memory it has in use. Not `VmRSS`, which the kernel keeps in loose change per thread, but the sum over
    /// its mappings.
    pub fn resident_bytes(self) -> usize {
        let rollup = self.file("smaps_rollup");
        let line = rollup.lines().find(|line| line.starts_with("Rss:")).expect("it has memory");
        let kib: usize =
            line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number of KiB");
        kib * 1024
    }

    /// How much CPU time it has used, to the next 10 ms.
    pub fn cpu_time(self) -> Duration {
        const USER_HZ: u64 = 100; // The unit of /proc, whatever the kernel's own is.
        let stat = self.file("stat");
        // The name, which comes second, is in parentheses and may hold anything.
        let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
        let field = |n: usize| -> u64 {
            fields.split(' ').nth(n - 3).and_then(|text| text.parse().ok()).expect("a number")
        };
        Duration::from_millis((field(14) + field(15)) * 1000 / USER_HZ)
    }

    /// How often its threads have gone to sleep by themselves, to be woken again.
    pub fn sleeps(self) -> usize {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0)).expect("the process is there");
        let count = |task: fs::DirEntry| {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            line.and_then(|count| count.trim().parse::<usize>().ok()).unwrap_or(0)
        };
        tasks.flatten().map(count).sum()
    }

    fn file(self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.0)).expect("the process is there")
    }
}
