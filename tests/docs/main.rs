//! The documentation, held true: what `README.md` and `docs/` say is run, generated or looked up, and compared.
//!
//! ```text
//!     transcript.rs   a dump of an exchange is played against the server, and every byte must be as printed
//!     talk.rs         a conversation is held with the chat, and every message must be as printed
//!     tables.rs       a table between two markers is generated from the code, and must be as printed
//!     sums.rs         an unmasking, an accept, a size: worked out anew
//!     stalls.rs       a server that stalls, and two ways to measure it
//!     links.rs        every link, path and name that is mentioned is there
//! ```
//!
//! `CHINWAG_DOCS_WRITE=1 cargo test --test docs` writes the generated tables into the files.

#![cfg(feature = "cli")]

mod links;
#[path = "../support/network.rs"]
mod network;
mod stage;
mod stalls;
mod sums;
mod tables;
mod talk;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the documentation.
struct Page {
    /// Where it is, from the root of the project.
    path: PathBuf,
    text: String,
}

/// A fenced block of a page.
struct Block<'a> {
    page: &'a Page,
    /// What stands behind the fence, as in `hex echo`.
    info: &'a str,
    /// The number of its first line.
    line: usize,
    lines: Vec<&'a str>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A source of the project.
fn source(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder that has this extension, by name, from the root of the project.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the project") {
            let path = entry.expect("a folder of the project").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|its| its == extension) {
                found.push(path.strip_prefix(root()).expect("it is below the root").to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The README, the changelog and the chapters.
fn pages() -> Vec<Page> {
    let paths = ["README.md", "CHANGELOG.md"].map(PathBuf::from).into_iter().chain(files("docs", "md"));
    paths.map(|path| Page { text: source(path.to_str().expect("a name in UTF-8")), path }).collect()
}

impl Page {
    /// The fenced blocks, in order.
    fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open: Option<Block<'_>> = None;
        for (number, line) in (1..).zip(self.text.lines()) {
            match (line.strip_prefix("```"), open.take()) {
                (Some(info), None) => {
                    open = Some(Block { page: self, info: info.trim(), line: number + 1, lines: Vec::new() });
                }
                (Some(_), Some(block)) => blocks.push(block),
                (None, Some(mut block)) => {
                    block.lines.push(line);
                    open = Some(block);
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a fence is not closed", self.path.display());
        blocks
    }

    /// The text without its fenced blocks, line by line with their numbers.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut is_fenced = false;
        (1..).zip(self.text.lines()).filter(move |(_, line)| {
            let is_fence = line.starts_with("```");
            is_fenced ^= is_fence;
            !is_fenced && !is_fence
        })
    }
}

impl Block<'_> {
    /// Where a line of it is, for who has to look.
    fn place(&self, at: usize) -> String {
        format!("{}:{}", self.page.path.display(), self.line + at)
    }
}
