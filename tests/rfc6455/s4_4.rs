//! 4.4: other versions of the protocol.

use chinwag::proto::ws::handshake::Error;

#[test]
fn a_version_that_is_not_supported_is_answered_with_all_that_are() {
    let mut out = Vec::new();
    Error::Version.response().encode(&mut out, false, false);
    let response = String::from_utf8(out).expect("text");
    let versions = response.lines().filter(|line| line.starts_with("Sec-WebSocket-Version:"));
    assert!(versions.eq(["Sec-WebSocket-Version: 13"]), "{response}");
}
