//! Clients that know nothing of ours: the PyPI package `websockets`, the npm package `ws`, netcat, and a program in Go.
//!
//! Each script in `foreign/` dials a daemon and prints a line for each check. Where a tool is missing the test fails: a
//! test that is left out because of a missing tool looks like one that has passed.

use crate::go::go;
use crate::harness::member::netcat;
use crate::harness::{Daemon, Member};
use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What `./scripts/test` says where it has put; or else where it puts it, if it has.
fn tool(variable: &str, in_tools: &str) -> Option<OsString> {
    // This test is TARGET/PROFILE/deps/e2e-HASH.
    let own = env::current_exe().expect("this test has an executable");
    let path = own.ancestors().nth(3).expect("it lies in the target folder").join("e2e-tools").join(in_tools);
    env::var_os(variable).or_else(|| path.exists().then(|| path.into_os_string()))
}

/// A script in Python.
pub fn python(name: &str, args: &[&str], daemon: &Daemon) -> Command {
    let interpreter = tool("CHINWAG_E2E_PYTHON", "venv/bin/python");
    let mut command = with_ports(script(interpreter.unwrap_or_else(|| "python3".into()), name, args), daemon);
    // Nothing is left behind in the tree.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A script for Node.
pub fn node(name: &str, args: &[&str], daemon: &Daemon) -> Command {
    with_ports(node_alone(name, args), daemon)
}

/// A script for Node that needs no daemon.
pub fn node_alone(name: &str, args: &[&str]) -> Command {
    let interpreter = env::var_os("CHINWAG_E2E_NODE");
    let mut command = script(interpreter.unwrap_or_else(|| "node".into()), name, args);
    if let Some(folder) = tool("CHINWAG_E2E_NODE_DIR", "node") {
        command.env("CHINWAG_E2E_NODE_DIR", folder);
    }
    command
}

fn script(interpreter: OsString, name: &str, args: &[&str]) -> Command {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/foreign").join(name);
    let mut command = Command::new(interpreter);
    command.arg(path).args(args);
    command.stdin(Stdio::null());
    command
}

fn with_ports(mut command: Command, daemon: &Daemon) -> Command {
    command.args(["--http", &daemon.http().to_string(), "--line", &daemon.line().to_string()]);
    command
}

/// Runs it to its end; it has a deadline of its own.
pub fn run(mut command: Command) {
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "{:?}: {error}: run ./scripts/test, which installs what these tests need",
            command.get_program()
        )
    });
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}{err}", output.status);
    print!("{out}");
}

#[test]
fn websockets_of_python() {
    let daemon = Daemon::start(&[]);
    run(python("websockets_client.py", &[], &daemon));
}

#[test]
fn websockets_of_python_compressed_and_not_in_one_room() {
    let daemon = Daemon::start(&["--deflate"]);
    run(python("websockets_client.py", &["--deflate"], &daemon));
}

#[test]
fn ws_of_node_compressed() {
    let daemon = Daemon::start(&["--deflate"]);
    run(node("ws_client.mjs", &[], &daemon));
}

#[test]
fn ws_of_node() {
    let daemon = Daemon::start(&[]);
    run(node("ws_client.mjs", &[], &daemon));
}

#[test]
fn netcat_of_openbsd() {
    let daemon = Daemon::start(&[]);
    run(python("netcat.py", &[], &daemon));
}

/// What every tutorial of TCP in Go ends with: two goroutines, each of which copies one direction.
#[test]
fn go_copies_between_its_terminal_and_the_line_port() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    let mut command = go("chat.go");
    let command = command.arg(daemon.line().to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut client = command.spawn().unwrap_or_else(|error| {
        panic!("{command:?}: {error}: run ./scripts/test, which installs what these tests need")
    });
    let mut input = client.stdin.take().expect("it is piped");
    let mut lines = BufReader::new(client.stdout.take().expect("it is piped")).lines();
    let mut hear = |wanted: &dyn Fn(&str) -> bool| {
        lines.by_ref().map(|line| line.expect("text")).find(|line| wanted(line)).expect("it is still there")
    };
    hear(&|line| line.starts_with("* welcome to chinwag, "));
    input.write_all(b"/name gopher\nhello from Go\n").expect("it reads");
    assert_eq!(nc.hear_said(), "[gopher] hello from Go");
    nc.say("hello from nc");
    hear(&|line| line == "[nc] hello from nc");
    input.write_all(b"/quit\n").expect("it reads");
    assert!(client.wait().expect("it is our child").success());
}
