//! The daemon as its users meet it: the real binary, real sockets, real signals, clients that are not ours.
//!
//! What can be known without a kernel is tested beside the code, and in the simulation; here are the things that only
//! sockets and processes have. `harness` says how the tests wait.
//!
//! ```text
//!   http.rs       requests, refusals, the handshake
//!   closing.rs    how connections end, and that nobody is reset who should be told something
//!   services.rs   echo and add
//!   chat.rs       people at browsers and at netcat in one room
//!   command.rs    flags, addresses, signals, exit codes
//!   limits.rs     no descriptor left; floods; nothing to do
//!   syscalls.rs   what a message asks of the kernel
//!   half_open.rs  a peer whose cable has been pulled
//!   join.rs       our own client in a pipe
//!   join_terminal.rs      the same at a terminal
//!   foreign.rs    clients that know nothing of ours: websockets, ws, nc, Go
//!   browser.rs    the pages in Chromium, and the module that they speak through
//!   tls.rs        certificates, and everybody in one room with and without TLS
//!   proxy.rs      behind nginx and HAProxy
//!   bench.rs      the load client: every scenario and dialect, and how it ends
//!   bench_feeds.rs    what it gives away while it runs
//!   bench_scripts.rs  it against Socket.IO, GraphQL, Centrifugo's and Phoenix's protocols, by the scripts in examples/bench
//!   bench_terminal.rs the live view of a terminal
//!   bench_verdict.rs  its verdict when the daemon is killed, frozen, stopped, or refuses
//!   ../many.rs    nineteen thousand at once, in a program of its own
//! ```

mod bench;
mod bench_feeds;
mod bench_scripts;
mod bench_terminal;
mod bench_verdict;
mod browser;
#[path = "../support/certificate.rs"]
mod certificate;
mod chat;
mod closing;
mod command;
mod foreign;
#[path = "../support/go.rs"]
mod go;
#[cfg(target_os = "linux")]
mod half_open;
#[allow(dead_code, reason = "shared with tests/many.rs, which needs other parts of it")]
mod harness;
mod http;
mod join;
mod join_terminal;
#[cfg(target_os = "linux")]
mod limits;
mod line_port;
mod proxy;
mod services;
mod signals;
#[cfg(target_os = "linux")]
mod syscalls;
mod tls;
