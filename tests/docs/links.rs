//! Every link, path and name that the documentation mentions is there.

use super::{Page, files, pages, root, source};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// What a path of ours begins with.
const FOLDERS: [&str; 8] =
    ["src/", "tests/", "benches/", "docs/", "scripts/", "assets/", "examples/", "fuzz/"];

/// Names that look like ours and are others', or nobody's yet.
const FOREIGN: [&str; 12] = [
    "auth_required",
    "epoll_wait",
    "TCP_NODELAY",
    "TCP_NOTSENT_LOWAT",
    "TCP_USER_TIMEOUT",
    "limit_conn",
    "proxy_buffering",
    "proxy_read_timeout",
    "proxy_timeout",
    "stream_timeout",
    "worker_connections",
    "worker_shutdown_timeout",
];

/// The targets of a line's links.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").map(move |(at, _)| {
        let rest = &line[at + 2..];
        rest.split_once(')').unwrap_or_else(|| panic!("a link is not closed: {line}")).0
    })
}

/// The words between backquotes.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// A path with its `..` taken out.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(normal.pop(), "{} leads out of the project", path.display()),
            part => normal.push(part),
        }
    }
    normal
}

/// A heading's anchor, as the usual renderers make it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_anchor(page: &Page, wanted: &str) -> bool {
    let headings = page.prose().filter_map(|(_, line)| line.strip_prefix('#'));
    headings.map(|heading| anchor(heading.trim_start_matches('#').trim())).any(|anchor| anchor == wanted)
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let mut dead = Vec::new();
    for page in &pages {
        let folder = page.path.parent().expect("a file is in a folder");
        for (number, line) in page.prose() {
            for link in links(line).filter(|link| !link.contains("://")) {
                let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
                let target = if path.is_empty() { page.path.clone() } else { normal(&folder.join(path)) };
                let is_there = root().join(&target).exists();
                let to = pages.iter().find(|page| page.path == target);
                if !is_there || (!wanted.is_empty() && !to.is_some_and(|page| has_anchor(page, wanted))) {
                    dead.push(format!("{}:{number}: {link}", page.path.display()));
                }
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn every_path_is_there() {
    let mut missing = Vec::new();
    for page in pages() {
        for (number, line) in page.prose() {
            for path in quoted(line).map(|path| path.trim_start_matches("./")) {
                let is_path =
                    FOLDERS.iter().any(|folder| path.starts_with(folder)) && !path.contains([' ', '*', '<']);
                if is_path && !root().join(path).exists() {
                    missing.push(format!("{}:{number}: {path}", page.path.display()));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// A name of the code, if that is what stands between two backquotes: `State::close`, `note_lag`, `Outbox`.
fn name(text: &str) -> Option<&str> {
    let text = text.trim_end_matches("()");
    let last = text.rsplit("::").next()?;
    let is_word =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_camel =
        last.starts_with(|c: char| c.is_ascii_uppercase()) && last.chars().any(|c| c.is_ascii_lowercase());
    let is_name = text.contains("::") || last.contains('_') || is_camel;
    (is_name && text.split("::").all(is_word)).then_some(last)
}

#[test]
fn every_name_is_the_codes() {
    let rust = ["src", "tests", "benches"].iter().flat_map(|folder| files(folder, "rs"));
    let code: String = rust
        .chain(files("assets", "js"))
        .map(|path| source(path.to_str().expect("a name in UTF-8")))
        .collect();
    let words: BTreeSet<&str> = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let mut unknown = Vec::new();
    for page in pages() {
        for (number, line) in page.prose() {
            let names =
                quoted(line).filter_map(name).filter(|name| !words.contains(name) && !FOREIGN.contains(name));
            unknown.extend(names.map(|name| format!("{}:{number}: {name}", page.path.display())));
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn every_chapter_is_on_the_map() {
    let map = source("docs/00-map.md");
    for path in files("docs", "md").iter().filter(|path| !path.ends_with("00-map.md")) {
        let link =
            path.strip_prefix("docs").expect("it is there").to_str().expect("a name in UTF-8").to_owned();
        assert!(map.contains(&format!("]({link})")), "{link} is not on the map");
    }
}

#[test]
fn names_are_told_from_other_things() {
    let cases = [
        ("State::close", Some("close")),
        ("poll_event()", Some("poll_event")),
        ("Outbox", Some("Outbox")),
        ("WouldBlock", Some("WouldBlock")),
        ("GET /ws", None),
        ("RST", None),
        ("cargo", None),
        ("81 05", None),
    ];
    for (text, expected) in cases {
        assert_eq!(name(text), expected, "{text}");
    }
    assert_eq!(anchor("What it costs: a sum"), "what-it-costs-a-sum");
}
