//! What the chapters work out step by step, worked out anew.
//!
//! ````text
//!     ```xor                            a masked payload, the key below it, and the payload that this makes
//!     masked   7f 9f 4d 51 58
//!     key      37 fa 21 3d 37
//!     payload  48 65 6c 6c 6f
//!     ```
//!     ```accept                         from a key to its accept
//!     key      dGhlIHNhbXBsZSBub25jZQ==
//!     guid     258EAFA5-E914-47DA-95CA-C5AB0DC85B11
//!     sha-1    b3 7a 4f 2c ...
//!     base64   s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
//!     ```
//!     ```sum                            numbers at the ends of their lines, and in the last line what they come to
//!     its place in a log       16
//!     its place in the wheel   16
//!     together                 32
//!     ```
//! ````

use super::transcript::{bytes, without_comment};
use super::{Block, pages, source};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chinwag::proto::ws::handshake;
use sha1::{Digest, Sha1};

/// The rest of the line that begins with this word.
fn value<'a>(block: &Block<'a>, word: &str) -> &'a str {
    let line = block.lines.iter().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    without_comment(line.unwrap_or_else(|| panic!("{}: no {word}", block.place(0)))).trim()
}

#[test]
fn unmasking_is_as_it_is_shown() {
    let pages = pages();
    let blocks = pages.iter().flat_map(|page| page.blocks()).filter(|block| block.info == "xor");
    let mut count = 0;
    for block in blocks {
        let [masked, key, payload] = ["masked", "key", "payload"].map(|word| bytes(value(&block, word)));
        let worked_out: Vec<u8> = masked.iter().zip(&key).map(|(masked, key)| masked ^ key).collect();
        assert_eq!(worked_out, payload, "{}", block.place(0));
        assert!(
            key.chunks(4).all(|chunk| key.starts_with(chunk)),
            "{}: four bytes, again and again",
            block.place(0)
        );
        count += 1;
    }
    assert!(count > 0, "the chapters show it");
}

#[test]
fn the_accept_is_worked_out_as_it_is_shown() {
    let pages = pages();
    let mut blocks = pages.iter().flat_map(|page| page.blocks()).filter(|block| block.info == "accept");
    let block = blocks.next().expect("a chapter shows it");
    let [key, guid, accept] = ["key", "guid", "base64"].map(|word| value(&block, word));
    let digest = Sha1::digest(format!("{key}{guid}"));
    assert_eq!(*digest, *bytes(value(&block, "sha-1")), "the digest");
    assert_eq!(STANDARD.encode(digest), accept, "the accept");
    assert_eq!(handshake::accept_key(key), accept.as_bytes(), "the server's");
}

/// The budgets that the tests of memory hold, as the chapter quotes them.
#[test]
fn the_budgets_of_memory_are_the_tests_own() {
    let chapter = source("docs/07-the-loop.md");
    let tests = source("tests/memory.rs");
    let (_, rest) = tests.split_once("assert!(bytes <= ").expect("the budget of a connection");
    let budget = rest.split(',').next().expect("a number");
    assert!(chapter.contains(&format!("at most {budget} bytes")), "{budget} bytes for a connection");
}

#[test]
fn sums_are_added_up() {
    let pages = pages();
    let blocks = pages.iter().flat_map(|page| page.blocks()).filter(|block| block.info == "sum");
    let mut counted = 0;
    for block in blocks {
        let last = |line: &&str| line.split_whitespace().last().and_then(|word| word.parse::<u64>().ok());
        let numbers: Option<Vec<u64>> = block.lines.iter().map(last).collect();
        let numbers = numbers.unwrap_or_else(|| panic!("{}: a line has no number", block.place(0)));
        let (sum, parts) = numbers.split_last().expect("a sum");
        assert_eq!(parts.iter().sum::<u64>(), *sum, "{}", block.place(0));
        counted += 1;
    }
    assert!(counted > 0, "the chapter on buffers has some");
}

#[test]
fn the_chat_is_embedded_in_under_40_lines() {
    assert!(source("examples/embed_chat.rs").lines().count() < 40);
    assert!(source("README.md").contains("in under 40 lines"));
}

/// The README's program is the one of the crate's documentation, which is compiled and run.
#[test]
fn the_readme_shows_the_example_that_is_run() {
    let documentation = source("src/lib.rs");
    let lines = documentation.lines().filter_map(|line| line.strip_prefix("//!"));
    let example = lines.map(|line| line.strip_prefix(' ').unwrap_or(line));
    let example = example.skip_while(|line| *line != "```").skip(1).take_while(|line| *line != "```");
    // Without what only stops it again.
    let expected: Vec<String> = example
        .filter(|line| !line.contains("stopper"))
        .map(|line| line.trim_start_matches("# ").trim().replace("{Server, Shutdown}", "Server"))
        .collect();
    let pages = pages();
    let mut blocks = pages.iter().flat_map(|page| page.blocks()).filter(|block| block.info == "rust");
    let shown: Vec<&str> =
        blocks.next().expect("the README has it").lines.iter().map(|line| line.trim()).collect();
    assert_eq!(shown, expected);
    assert!(blocks.next().is_none(), "there is another, which nobody compiles");
}

#[test]
fn the_readme_names_the_toolchain_that_is_needed() {
    let manifest = source("Cargo.toml");
    let version =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("it is stated");
    assert!(
        source("README.md").contains(&format!("Rust {} or newer", version.trim_matches('"'))),
        "{version}"
    );
}
