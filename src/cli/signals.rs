//! What the daemon does about signals.
//!
//! | signal | what follows |
//! | --- | --- |
//! | SIGINT | The server stops gently, and clients are told that it goes away (1001). |
//! | SIGTERM | The same, but they are told to come back (1012). |
//! | a second of those | The process ends on the spot. |
//! | SIGHUP | The certificate is read again. A server whose terminal has gone stops gently. |
//! | SIGUSR1 | The counters are logged. |
//! | SIGUSR2 | Nothing: it is logged. |
//!
//! A SIGHUP that was ignored when the process started stays ignored: that is what `nohup` asks for.

use super::certificate::Kept;
use crate::net::Post;
use crate::server::Shutdown;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether somebody has asked for the counters.
#[derive(Clone, Debug, Default)]
pub struct Asked(Arc<AtomicBool>);

impl Asked {
    /// Whether that is so; then it is not any more.
    pub fn take(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }
}

/// Heeds signals from now on, on a thread of their own. Returns what tells the loop that the counters are to be logged.
pub fn heed(stopper: Post<Shutdown>, certificate: Option<Kept>) -> io::Result<Asked> {
    let mut heeded = vec![SIGINT, SIGTERM, SIGUSR1, SIGUSR2];
    if !is_ignored(SIGHUP) {
        heeded.push(SIGHUP);
    }
    let had_terminal = io::stdin().is_terminal();
    let mut signals = Signals::new(heeded)?;
    let asked = Asked::default();
    let asks = asked.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut is_stopping = false;
        for signal in signals.forever() {
            let shutdown = match signal {
                SIGUSR1 => {
                    asks.0.store(true, Ordering::Relaxed);
                    stopper.wake();
                    continue;
                }
                SIGUSR2 => {
                    log::info!("SIGUSR2: it has no meaning here; SIGUSR1 logs the counters");
                    continue;
                }
                SIGHUP => match (&certificate, had_terminal) {
                    // A terminal that has hung up is none any more.
                    (Some(_), true) if !io::stdin().is_terminal() => Shutdown::Stop,
                    (Some(certificate), _) => {
                        certificate.reload();
                        continue;
                    }
                    (None, true) => Shutdown::Stop,
                    (None, false) => {
                        log::info!("SIGHUP: there is nothing to read again");
                        continue;
                    }
                },
                SIGTERM => Shutdown::Restart,
                _ => Shutdown::Stop,
            };
            if is_stopping {
                // The kernel and a shell may both tell of the same terminal.
                if signal == SIGHUP {
                    continue;
                }
                // As the shell counts it: 128 and the signal.
                std::process::exit(128 + signal);
            }
            is_stopping = true;
            log::info!("{}", words(signal));
            if stopper.send(shutdown).is_err() {
                log::error!("the loop takes no mail");
                std::process::exit(1);
            }
        }
    })?;
    Ok(asked)
}

fn words(signal: i32) -> &'static str {
    match signal {
        SIGTERM => "SIGTERM: stopping; clients are told to come back (1012)",
        SIGHUP => {
            "SIGHUP: the terminal has gone: stopping; clients are told that the server goes away (1001)"
        }
        _ => "SIGINT: stopping; clients are told that the server goes away (1001)",
    }
}

/// Whether whoever started this process has it ignore a signal. Where there is no `/proc` to ask, nobody has.
pub fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores(&status, signal)
}

/// Whether the mask in this status has the signal's bit: the first is of signal 1.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_mask_tells_what_is_ignored() {
        let status = "Name:\tchinwag\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        assert!(ignores(status, SIGHUP) && ignores(status, 13));
        assert!(!ignores(status, SIGINT) && !ignores(status, SIGTERM));
        assert!(!ignores("", SIGHUP) && !ignores("SigIgn:\tnonsense\n", SIGHUP));
    }
}
