//! A server that stalls, measured by a client that waits for it and by one that does not: the table of the chapter on
//! benchmarking, worked out.

/// When messages are due, for how long, and what the server does, in milliseconds.
const INTERVAL: u64 = 10;
const DURATION: u64 = 20_000;
const STALL: std::ops::Range<u64> = 10_000..11_000;
const ANSWER: u64 = 1;

/// When the server has answered what comes at `moment`: at once, or as soon as it goes on.
fn answered(moment: u64) -> u64 {
    let begun = if STALL.contains(&moment) { STALL.end } else { moment };
    begun + ANSWER
}

/// Each message goes out at its moment, and its latency counts from there.
fn open() -> Vec<u64> {
    (0..DURATION / INTERVAL).map(|at| answered(at * INTERVAL) - at * INTERVAL).collect()
}

/// Each message waits for the answer to the one before, and its latency counts from when it went out.
fn closed() -> Vec<u64> {
    let mut latencies = Vec::new();
    let mut moment = 0;
    while moment < DURATION {
        let latency = answered(moment) - moment;
        latencies.push(latency);
        moment += latency.max(INTERVAL);
    }
    latencies
}

/// The least latency that so many of a thousand do not exceed.
fn quantile(sorted: &[u64], of_1000: usize) -> u64 {
    sorted[(sorted.len() * of_1000).div_ceil(1000) - 1]
}

/// Both, as rows: what it is called, how many there were, and how late they were.
pub fn rows() -> Vec<Vec<String>> {
    let row = |name: &str, mut latencies: Vec<u64>| {
        latencies.sort_unstable();
        let quantiles =
            [500, 900, 990, 999, 1000].map(|of_1000| format!("{} ms", quantile(&latencies, of_1000)));
        [vec![name.to_owned(), latencies.len().to_string()], quantiles.to_vec()].concat()
    };
    vec![row("waits for the answer", closed()), row("does not wait", open())]
}

#[test]
fn who_waits_sees_one_slow_message_and_who_does_not_sees_a_hundred() {
    let slow = |latencies: Vec<u64>| latencies.into_iter().filter(|latency| *latency > ANSWER).count();
    assert_eq!((slow(closed()), slow(open())), (1, 100));
}
