//! The files in `tests/vectors`: bytes in hexadecimal, said in comments, and what must be heard.
//!
//! ```text
//!   # Anything after a hash is a comment.
//!   #: role server                 our role: client or server
//!   #: limit 125                   the longest message we take; 65536 where it is not said
//!   #: deflate alone               messages may be deflated: each alone, or in context
//!   81 85 37 fa 21 3d              bytes
//!   7f*5                           the same byte five times
//!   #: hears Text "Hello"          each event, in order; or the fault that ends it
//! ```
//!
//! What is to be heard is in comments too, so that any tool that reads hexadecimal reads the bytes.

use std::path::{Path, PathBuf};
use std::{env, fs};

use chinwag::proto::ws::deflate::{self, Parameters};
use chinwag::proto::ws::{Connection, Role};

/// A vector.
pub struct Vector {
    pub name: String,
    pub role: Role,
    pub message_bytes_max: usize,
    /// What has been agreed on where messages may be deflated.
    pub deflate: Option<Parameters>,
    pub bytes: Vec<u8>,
    /// The events, as [`Heard`](super::Heard) writes them.
    pub hears: Vec<String>,
}

impl Vector {
    /// Whose ears are to hear it.
    pub fn connection(&self) -> Connection {
        let connection = Connection::new(self.role, self.message_bytes_max);
        match &self.deflate {
            Some(agreed) => connection.deflated(agreed),
            None => connection,
        }
    }
}

/// Every vector there is, by name; but where the library cannot inflate, none that would have to be.
pub fn all() -> Vec<Vector> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let entries = fs::read_dir(directory).expect("the vectors are there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "hex"));
    paths.sort();
    let is_for_us = |vector: &Vector| vector.deflate.is_none() || deflate::IS_SUPPORTED;
    paths.iter().map(|path| read(path)).filter(is_for_us).collect()
}

fn read(path: &Path) -> Vector {
    let name = path.file_stem().expect("it has one").to_string_lossy().into_owned();
    let (mut role, mut message_bytes_max, mut deflate) = (None, 65_536, None);
    let (mut bytes, mut hears) = (Vec::new(), Vec::new());
    for line in fs::read_to_string(path).expect("readable").lines() {
        match line.strip_prefix("#:").map(|directive| directive.trim().split_once(' ').unwrap_or_default()) {
            None => bytes.extend(from_hex(line.split('#').next().unwrap_or_default())),
            Some(("role", "server")) => role = Some(Role::Server),
            Some(("role", "client")) => role = Some(Role::Client),
            Some(("limit", limit)) => message_bytes_max = limit.parse().expect("a number"),
            Some(("deflate", kind)) => {
                let is_alone = kind == "alone";
                assert!(is_alone || kind == "in context", "{name}: {kind}?");
                deflate = Some(Parameters {
                    server_no_context_takeover: is_alone,
                    client_no_context_takeover: is_alone,
                    ..Parameters::default()
                });
            }
            Some(("hears", event)) => hears.push(event.to_owned()),
            Some(directive) => panic!("{name}: unknown directive {directive:?}"),
        }
    }
    let role = role.unwrap_or_else(|| panic!("{name}: whose ears?"));
    Vector { name, role, message_bytes_max, deflate, bytes, hears }
}

/// Bytes from hexadecimal: two digits each, `xx*n` for n of a kind.
pub fn from_hex(text: &str) -> Vec<u8> {
    let word = |word: &str| {
        let (byte, count) = word.split_once('*').unwrap_or((word, "1"));
        assert_eq!(byte.len(), 2, "two digits: {byte:?}");
        let byte = u8::from_str_radix(byte, 16).expect("hexadecimal");
        vec![byte; count.parse().expect("a number")]
    };
    text.split_whitespace().flat_map(word).collect()
}

/// Bytes to hexadecimal, long runs of a kind as `xx*n`.
pub fn to_hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".to_owned();
    }
    let words = bytes.chunk_by(|one, other| one == other).flat_map(|run| match run {
        [byte, ..] if run.len() > 4 => vec![format!("{byte:02x}*{}", run.len())],
        run => run.iter().map(|byte| format!("{byte:02x}")).collect(),
    });
    words.collect::<Vec<_>>().join(" ")
}
