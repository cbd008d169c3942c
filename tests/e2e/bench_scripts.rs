//! `chinwag bench --script` with the scripts that we ship, against the servers they are for.

use crate::bench::run;
use crate::foreign::node_alone;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

/// A server of `foreign/protocols.mjs`, which ends with this.
struct Protocol {
    process: Child,
    port: String,
}

impl Protocol {
    fn start(kind: &str) -> Protocol {
        let mut command = node_alone("protocols.mjs", &[kind]);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node is there: ./scripts/test installs what these tests need");
        let mut port = String::new();
        let out = process.stdout.as_mut().expect("it is piped");
        BufReader::new(out).read_line(&mut port).expect("it prints its port");
        assert!(!port.is_empty(), "{kind} did not start");
        Protocol { process, port: port.trim_end().to_owned() }
    }

    fn bench(&self, script: &Path, more: &[&str]) -> Output {
        let (url, script) =
            (format!("ws://127.0.0.1:{}", self.port), script.to_str().expect("a path in UTF-8"));
        run(&[&["fanout", &url, "--script", script, "--json", "-"], more].concat())
    }

    /// Every message reaches everybody, and all is accounted for.
    #[track_caller]
    fn delivers(&self, script: &Path) {
        // Longer than a server waits for a pong.
        let load = [
            "-c",
            "8",
            "--senders",
            "3",
            "--rate",
            "300",
            "--warmup",
            "0s",
            "-d",
            "1500ms",
            "--threads",
            "2",
        ];
        let output = self.bench(script, &load);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{err}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");
        let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64);
        assert_eq!(number("/audit/delivered"), Some(450 * 8), "{report}");
        assert_eq!(number("/connections_lost"), Some(0), "{report}");
    }
}

impl Drop for Protocol {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/bench").join(name)
}

/// A script that differs from an example in one place.
fn changed(name: &str, from: &str, to: &str, dir: &tempfile::TempDir) -> PathBuf {
    let text = std::fs::read_to_string(example(name)).expect("the example is there");
    assert!(text.contains(from), "{name} has no {from}");
    let path = dir.path().join(name);
    std::fs::write(&path, text.replace(from, to)).expect("it is written");
    path
}

#[test]
fn socketio_is_opened_joined_and_kept_alive() {
    Protocol::start("socketio").delivers(&example("socketio.toml"));
}

#[test]
fn graphql_is_subscribed_to() {
    Protocol::start("graphql-ws").delivers(&example("graphql-ws.toml"));
}

#[test]
fn centrifugo_puts_several_messages_into_one_frame_and_all_are_found() {
    Protocol::start("centrifugo").delivers(&example("centrifugo.toml"));
}

#[test]
fn phoenix_gets_its_heartbeats() {
    let dir = tempfile::tempdir().expect("a directory");
    let faster = changed("phoenix.toml", "every = \"30s\"", "every = \"200ms\"", &dir);
    let server = Protocol::start("phoenix");
    server.delivers(&faster);
    // Without them the server closes all connections: the run says so, and ends early.
    let output = server.bench(&example("phoenix.toml"), &["-c", "3", "-d", "20s"]);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");
    assert_eq!(report["connections_lost"], 3, "{report}");
    assert!(report.to_string().contains("heartbeat timeout"), "{report}");
}

#[test]
fn an_expectation_that_does_not_hold_is_told_with_its_step_and_what_came() {
    let dir = tempfile::tempdir().expect("a directory");
    let failing = |kind: &str, script: &Path| {
        let output = Protocol::start(kind).bench(script, &["-c", "3", "-d", "500ms"]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let script = changed("phoenix.toml", "room:{room}\",\"phx_join\"", "hall:{room}\",\"phx_join\"", &dir);
    let err = failing("phoenix", &script);
    assert!(err.contains("step 1 (join) expected a message that has"), "{err}");
    assert!(err.contains("unmatched topic"), "{err}");
    let script = changed("socketio.toml", "starts-with = \"40\"", "starts-with = \"41\"", &dir);
    let text = std::fs::read_to_string(&script).expect("it was written");
    std::fs::write(&script, text.replace("fail-on", "timeout = \"300ms\"\nfail-on")).expect("it is written");
    let err = failing("socketio", &script);
    assert!(err.contains("step 2 (connect) expected a message that starts with '41'"), "{err}");
    assert!(err.contains("within 0.3 s: only this message came: '40{\"sid\":"), "{err}");
    let script = changed("graphql-ws.toml", "connection_init", "connection_start", &dir);
    let err = failing("graphql-ws", &script);
    assert!(
        err.contains("step 1 (init) expected") && err.contains("the server closed with code 4400"),
        "{err}"
    );
}
