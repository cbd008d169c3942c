//! The house and its floors: which module may name which. Every `crate::` path in `src` is read, and held against the
//! table; the floors that must run on invented time are searched for what would bring the real world in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module and what it may import, as `docs/00-map.md` draws it. `*` is everything.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("metrics", &[]),
    ("proto", &[]),
    ("wire", &[]),
    ("net", &["time", "metrics"]),
    ("service", &["time", "proto"]),
    ("chat", &["time", "wire"]),
    ("chat/delivery.rs", &["time", "wire", "service", "proto", "chat"]),
    ("chat/service.rs", &["time", "wire", "service", "proto", "chat"]),
    ("client", &["time", "net", "proto", "wire"]),
    ("join", &["time", "net", "proto", "wire", "client"]),
    ("server", &["time", "metrics", "net", "proto", "service"]),
    ("bench", &["time", "metrics", "net", "proto", "wire", "client"]),
    ("config", &["*"]),
    ("cli", &["*"]),
    ("main.rs", &["*"]),
    ("lib.rs", &["*"]),
];

/// Where nothing may depend on the outside: what is decided there follows from what was passed in.
const PURE: &[&str] = &["time", "metrics", "proto", "wire", "service", "chat"];

/// What would make it depend on the outside. Addresses as data are fine; sockets are not.
const OUTSIDE: &[&str] = &[
    "mio::",
    "socket2::",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "UnixListener",
    "rand::",
    "getrandom",
    "RandomState",
];

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            match path.is_dir() {
                true => walk(&path, found),
                false => found.push(path),
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let name =
            path.strip_prefix(&root).expect("it is below src").to_str().expect("a name in UTF-8").to_owned();
        (name, fs::read_to_string(&path).expect("a source in UTF-8"))
    };
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        // Tests beside the code may use what they like, as those inside it.
        .filter(|path| !path.ends_with("tests.rs"))
        .map(read)
        .collect()
}

/// The code of a source: no comments, and no tests, which may use what they like.
fn code(source: &str) -> String {
    let body = source.split("#[cfg(test)]\nmod tests {").next().expect("split gives at least one part");
    let lines = body.lines().map(|line| line.split("//").next().expect("split gives at least one part"));
    lines.collect::<Vec<_>>().join("\n")
}

fn module(name: &str) -> &str {
    name.split('/').next().expect("split gives at least one part").trim_end_matches(".rs")
}

/// The rule for a source: its own, or its module's.
fn rule(name: &str) -> Option<&'static [&'static str]> {
    let find = |wanted: &str| MAY_IMPORT.iter().find(|(module, _)| *module == wanted).map(|(_, may)| *may);
    find(name).or_else(|| find(module(name)))
}

/// The modules that a source names by `crate::`, also in a group: `use crate::{net, proto::ws}`.
fn imports(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut is_start = true;
        for (at, c) in group.char_indices() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => is_start = true,
                c if is_start && !c.is_whitespace() => {
                    found.insert(word(&group[at..]));
                    is_start = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn every_module_imports_only_what_its_floor_may() {
    let mut wrong = Vec::new();
    for (name, source) in sources() {
        let may = rule(&name).unwrap_or_else(|| panic!("{name} is in no row of the table"));
        for import in imports(&code(&source)) {
            let is_allowed = may.contains(&"*") || may.contains(&import.as_str()) || import == module(&name);
            if !is_allowed {
                wrong.push(format!("{name} imports {import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_floors_that_are_pure_touch_nothing_outside() {
    let mut wrong = Vec::new();
    for (name, source) in sources().into_iter().filter(|(name, _)| PURE.contains(&module(name))) {
        let code = code(&source);
        wrong.extend(
            OUTSIDE.iter().filter(|word| code.contains(**word)).map(|word| format!("{name} names {word}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_reads_them() {
    let code = code(
        "use crate::net::{self, x};\nuse crate::{proto::ws::{a, b}, time};\n// crate::no\nlet x = crate::wire::y;",
    );
    assert_eq!(imports(&code).into_iter().collect::<Vec<_>>(), ["net", "proto", "time", "wire"]);
}
