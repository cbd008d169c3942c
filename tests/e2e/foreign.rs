//! Clients that know nothing of ours: the PyPI package `websockets`, the npm package `ws`, and netcat.
//!
//! Each script in `foreign/` dials a daemon and prints a line for each check. Where a tool is missing the test fails: a
//! test that is left out because of a missing tool looks like one that has passed.

use crate::harness::Daemon;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a script is run with: `./scripts/test` says where it has put things, and without it they are looked for where
/// that script puts them.
pub fn interpreter(variable: &str, in_tools: &str, on_path: &str) -> OsString {
    let installed = || Some(tools().join(in_tools)).filter(|path| path.exists()).map(PathBuf::into_os_string);
    env::var_os(variable).or_else(installed).unwrap_or_else(|| on_path.into())
}

/// Where `./scripts/test` installs.
pub fn tools() -> PathBuf {
    // This test is TARGET/PROFILE/deps/e2e-HASH.
    let own = env::current_exe().expect("this test has an executable");
    own.ancestors().nth(3).expect("it lies in the target folder").join("e2e-tools")
}

/// A script, to be run against the daemon.
pub fn script(interpreter: OsString, name: &str, args: &[&str], daemon: &Daemon) -> Command {
    let mut command = Command::new(interpreter);
    command
        .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/foreign").join(name))
        .args(args)
        .args(["--http", &daemon.http().to_string(), "--line", &daemon.line().to_string()])
        .env("CHINWAG_E2E_NODE_DIR", interpreter_dir())
        // Nothing is left behind in the tree.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null());
    command
}

/// Where `node_modules` is.
fn interpreter_dir() -> OsString {
    env::var_os("CHINWAG_E2E_NODE_DIR").unwrap_or_else(|| tools().join("node").into_os_string())
}

pub fn python() -> OsString {
    interpreter("CHINWAG_E2E_PYTHON", "venv/bin/python", "python3")
}

pub fn node() -> OsString {
    interpreter("CHINWAG_E2E_NODE", "no/such/folder", "node")
}

/// Runs it to its end; it has a deadline of its own.
fn run(mut command: Command) {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{:?}: {error}: run ./scripts/test, which installs what these tests need", command.get_program())
    });
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}{err}", output.status);
    print!("{out}");
}

#[test]
fn websockets_of_python() {
    let daemon = Daemon::start(&[]);
    run(script(python(), "websockets_client.py", &[], &daemon));
}

#[test]
fn ws_of_node() {
    let daemon = Daemon::start(&[]);
    run(script(node(), "ws_client.mjs", &[], &daemon));
}

#[test]
fn netcat() {
    let daemon = Daemon::start(&[]);
    run(script(python(), "netcat.py", &[], &daemon));
}
