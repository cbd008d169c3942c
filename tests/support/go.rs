//! Programs in Go, of its standard library alone: `tests/e2e/foreign/go`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program of that folder, compiled when it is run. Nothing is fetched, and nothing is kept but in the target folder.
pub fn go(name: &str) -> Command {
    let compiler = env::var_os("CHINWAG_E2E_GO").unwrap_or_else(|| "go".into());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/foreign/go");
    // This test is TARGET/PROFILE/deps/NAME-HASH.
    let own = env::current_exe().expect("this test has an executable");
    let target: PathBuf = own.ancestors().nth(3).expect("it lies in the target folder").join("e2e-tools");
    let mut command = Command::new(compiler);
    command.arg("run").arg(folder.join(name));
    command.env("GOFLAGS", "-mod=mod").env("GOPROXY", "off").env("GOSUMDB", "off").env("CGO_ENABLED", "0");
    command.env("GOTOOLCHAIN", "local").env("GO111MODULE", "auto").env("GOTELEMETRY", "off");
    command.env("GOCACHE", target.join("go-cache")).env("GOPATH", target.join("go"));
    command
}
