//! Tables and pictures that stand between two markers, `<!-- name -->` and `<!-- /name -->`: generated from the code, and
//! compared.
//!
//! Where a table lists what an enum or a struct has, the names and their meaning are read from the source, so that one
//! more of them is one more row.

use super::transcript::{bytes, show_bytes};
use super::{files, pages, root, source, stalls};
use chinwag::config::{BENCH_SETTINGS, JOIN_SETTINGS, Kind, SERVE_SETTINGS, Setting};
use chinwag::join;
use chinwag::proto::http;
use chinwag::proto::ws::deflate::Parameters;
use chinwag::proto::ws::{self, Header, Opcode, Role, handshake};
use chinwag::proto::{Input, ws::close};
use chinwag::server::{CloseReason, Limits};
use chinwag::wire::text;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

/// The name of a table's markers, and what generates it.
type Table = (&'static str, fn() -> String);

const TABLES: &[Table] = &[
    ("flags", || flags(SERVE_SETTINGS)),
    ("join-flags", || flags(JOIN_SETTINGS)),
    ("bench-flags", || flags(BENCH_SETTINGS)),
    ("join-commands", || usages("you type", join::COMMANDS)),
    ("join-keys", || usages("key", join::KEYS)),
    ("commands", || usages("you type", &text::HELP)),
    ("error-codes", error_codes),
    ("sources", sources),
    ("layers", layers),
    ("first-bytes", first_bytes),
    ("frame-errors", frame_errors),
    ("message-errors", message_errors),
    ("deflate-errors", deflate_errors),
    ("refusals", refusals),
    ("head-limits", head_limits),
    ("close-reasons", close_reasons),
    ("turn", turn),
    ("phases", phases),
    ("log", log),
    ("runs", runs),
    ("limits", limits),
    ("counts", counts),
    ("stall", stall),
];

#[test]
fn every_table_is_as_the_code_has_it() {
    let is_written = std::env::var_os("CHINWAG_DOCS_WRITE").is_some();
    let mut unused: BTreeSet<&str> = TABLES.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for page in pages() {
        let mut text = page.text.clone();
        for (name, generate) in TABLES {
            let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
            let Some((before, rest)) = text.split_once(&open) else { continue };
            let (printed, after) =
                rest.split_once(&close).unwrap_or_else(|| panic!("{}: no {close}", page.path.display()));
            unused.remove(name);
            let generated = generate();
            if printed != generated {
                wrong.push(format!("{}: {name}, which is\n{generated}", page.path.display()));
            }
            text = format!("{before}{open}{generated}{close}{after}");
        }
        let marked = text.lines().filter_map(|line| line.strip_prefix("<!-- ")?.strip_suffix(" -->"));
        for name in marked {
            let is_known = TABLES.iter().any(|(known, _)| *known == name.trim_start_matches('/'));
            assert!(is_known, "{}: nothing is generated for {name}", page.path.display());
        }
        if is_written && text != page.text {
            fs::write(root().join(&page.path), text).expect("the page can be written");
        }
    }
    assert!(is_written || wrong.is_empty(), "CHINWAG_DOCS_WRITE=1 writes these:\n{}", wrong.join("\n"));
    assert!(unused.is_empty(), "generated for nobody: {unused:?}");
}

fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut table = row(&head.iter().map(ToString::to_string).collect::<Vec<_>>());
    table += &row(&vec!["---".to_owned(); head.len()]);
    rows.into_iter().for_each(|cells| table += &row(&cells));
    table
}

fn code(text: impl AsRef<str>) -> String {
    match text.as_ref() {
        "" => String::new(),
        text => format!("`{text}`"),
    }
}

/// The variants of an enum or the fields of a struct, with what their comments say. `head` is how it begins.
fn documented(source: &str, head: &str) -> Vec<(String, String)> {
    let (_, body) = source.split_once(&format!("{head} {{\n")).unwrap_or_else(|| panic!("no {head}"));
    let mut found = Vec::new();
    let mut comment = String::new();
    for line in body.lines().take_while(|line| !line.starts_with('}')).map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment = format!("{comment} {}", text.trim());
        } else if !line.starts_with('#') && !line.is_empty() {
            let name = line.trim_start_matches("pub ");
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            found.push((name[..end].to_owned(), plain(&std::mem::take(&mut comment))));
        }
    }
    found
}

/// A comment without its links.
fn plain(comment: &str) -> String {
    let mut text = comment.trim().to_owned();
    while let Some((before, rest)) = text.split_once("](") {
        let (_, after) = rest.split_once(')').expect("a link is closed");
        text = format!("{before}]{after}");
    }
    text.replace("[`", "`").replace("`]", "`").replace(" See `outbox_high_bytes`.", "")
}

/// The name of a variant, as `Debug` writes it.
fn variant(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}

/// Checks that a list of values has every variant of an enum, in order. Returns the comments.
fn all_of(values: impl IntoIterator<Item = String>, path: &str, head: &str) -> Vec<String> {
    let (names, comments): (Vec<_>, Vec<_>) = documented(&source(path), head).into_iter().unzip();
    let values: Vec<String> = values.into_iter().collect();
    assert_eq!(values, names, "{head} in {path}");
    comments
}

fn flags(settings: &[Setting]) -> String {
    let row = |setting: &Setting| {
        let short = setting.short.map_or_else(String::new, |short| format!("-{short}, "));
        let flag = code(format!("{short}--{} {}", setting.name, setting.kind.value_name()).trim_end());
        let repeats = if setting.repeats { "; may be given more than once" } else { "" };
        let help = format!("{}{}{repeats}.", setting.help, range(setting.kind));
        vec![flag, code(setting.default), help.replace("; *", "; `*`").replace("unix:/path", "`unix:/path`")]
    };
    table(&["flag", "default", "what it sets"], settings.iter().map(row))
}

fn range(kind: Kind) -> String {
    match kind {
        Kind::Duration(least, most) | Kind::DurationOrOff(least, most) => {
            format!(": {} to {}", duration(least), duration(most))
        }
        Kind::MillisNumber(least, most) => format!(": {least} to {most}"),
        Kind::Bytes(least, most) => format!(": {} to {}", size(least), size(most)),
        Kind::Count(least, most) => format!(": {least} to {most}"),
        Kind::Choice(words) => format!(": {}", words.iter().map(code).collect::<Vec<_>>().join(", ")),
        Kind::Sizes(least, most) => format!(": {} to {}", size(least), size(most)),
        Kind::Listen | Kind::ListenOrOff | Kind::Path | Kind::Host | Kind::Origin | Kind::Level => {
            String::new()
        }
        Kind::Room | Kind::Name | Kind::Text | Kind::Switch | Kind::Ip | Kind::Condition => String::new(),
    }
}

fn duration(ms: u64) -> String {
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let skipped = if ms == 0 { 2 } else { 0 }; // None of anything is 0s.
    let (unit, word) =
        units[skipped..].iter().find(|(unit, _)| ms.is_multiple_of(*unit)).expect("all are milliseconds");
    format!("{}{word}", ms / unit)
}

fn size(bytes: u64) -> String {
    let units = [(1 << 30, "g"), (1 << 20, "m"), (1 << 10, "k"), (1, "")];
    let (unit, word) =
        units.into_iter().find(|(unit, _)| bytes.is_multiple_of(*unit)).expect("all are bytes");
    format!("{}{word}", bytes / unit)
}

/// What can be typed, and what it does.
fn usages(head: &str, usages: &[(&str, &str)]) -> String {
    // A bar that is not escaped ends a cell, also within code.
    let row = |(usage, purpose): &(&str, &str)| vec![code(usage.replace('|', "\\|")), (*purpose).to_owned()];
    table(&[head, "to"], usages.iter().map(row))
}

/// Each source with the first sentence that it says of itself.
fn sources() -> String {
    let row = |path: &Path| {
        let path = path.to_str().expect("a name in UTF-8");
        let text = source(path);
        let lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
        let paragraph = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let end = [". ", "? "]
            .iter()
            .filter_map(|end| paragraph.find(end))
            .min()
            .map_or(paragraph.len(), |at| at + 1);
        let name = path.strip_prefix("src/").expect("a source");
        vec![format!("[`{name}`](../{path})"), plain(&paragraph[..end])]
    };
    table(&["file", "what it is"], files("src", "rs").iter().map(|path| row(path)))
}

/// The table of `tests/layers.rs`.
fn layers() -> String {
    let text = source("tests/layers.rs");
    let words =
        |text: &str| -> Vec<String> { text.split('"').skip(1).step_by(2).map(str::to_owned).collect() };
    let list = |name: &str| {
        let (_, rest) = text.split_once(&format!("const {name}: ")).unwrap_or_else(|| panic!("no {name}"));
        rest.split_once("];").expect("a list ends").0
    };
    let pure = words(list("PURE"));
    let row = |row: &str| {
        let words = words(row);
        let (module, may) = words.split_first()?;
        let is_pure = pure.contains(&module.split('/').next().expect("a name").to_owned());
        let may = match may {
            [] => "nothing".to_owned(),
            [all] if all == "*" => "everything".to_owned(),
            may => may.iter().map(code).collect::<Vec<_>>().join(" "),
        };
        Some(vec![code(module), may, if is_pure { "yes" } else { "" }.to_owned()])
    };
    table(&["module", "may import", "pure"], list("MAY_IMPORT").split("),").filter_map(row))
}

/// The nine steps.
fn turn() -> String {
    picture("src/net/mod.rs")
}

/// The phases of a connection.
fn phases() -> String {
    picture("src/server/connection.rs")
}

/// The log of a topic, and cursors in it.
fn log() -> String {
    picture("src/server/topic.rs")
}

fn runs() -> String {
    picture("src/chat/history.rs")
}

/// The first picture that stands at the head of a source.
fn picture(path: &str) -> String {
    let text = source(path);
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let lines = lines.map(|line| line.strip_prefix(' ').unwrap_or(line));
    let picture = lines.skip_while(|line| *line != "```text").skip(1).take_while(|line| *line != "```");
    format!("```text\n{}\n```\n", picture.collect::<Vec<_>>().join("\n"))
}

/// What each of the 256 first bytes of a frame is.
fn first_bytes() -> String {
    let cell = |first: u8| match Header::parse(&[first], Role::Server) {
        Err(ws::Error::ReservedBits) => "rsv ",
        Err(ws::Error::ReservedOpcode(_)) => " x  ",
        Err(ws::Error::FragmentedControl) => "frag",
        Err(error) => unreachable!("{error:?} of one byte"),
        Ok(_) => match (Opcode::from_bits(first).expect("it was not refused"), first & 0x80 != 0) {
            (Opcode::Continuation, false) => "cont",
            (Opcode::Continuation, true) => "CONT",
            (Opcode::Text, false) => "text",
            (Opcode::Text, true) => "TEXT",
            (Opcode::Binary, false) => "bin ",
            (Opcode::Binary, true) => "BIN ",
            (Opcode::Close, _) => "CLOS",
            (Opcode::Ping, _) => "PING",
            (Opcode::Pong, _) => "PONG",
        },
    };
    let rows: Vec<String> =
        (0..16).map(|high| (0..16).map(|low| format!(" {}", cell(high << 4 | low))).collect()).collect();
    let mut grid = format!("```text\n{:12}", "");
    (0..16).for_each(|low| write!(grid, "  _{low:x} ").expect("a String takes all"));
    // Rows that are alike are one.
    let mut first = 0;
    for alike in rows.chunk_by(|one, other| one == other) {
        let last = first + alike.len() - 1;
        let name = if first == last { format!("{first:x}_") } else { format!("{first:x}_ to {last:x}_") };
        write!(grid, "\n  {name:<10}{}", alike[0]).expect("a String takes all");
        first = last + 1;
    }
    grid.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>() + "```\n"
}

/// Frames and messages that break a rule, each as long as it must be to do so, and what of it is worth a word.
const BROKEN: &[(&str, &str)] = &[
    ("c1", "RSV1 is set, and no extension was agreed on"),
    ("83", "an opcode between those of data and those of control"),
    ("09", "a Ping with FIN clear"),
    ("89 fe", "a Ping that announces an extended length"),
    ("81 05", "a client's frame without MASK"),
    ("81 85", "to a client: a server's frame with it"),
    ("81 fe 00 7d", "125 in 16 bits, where 7 would do"),
    ("81 ff 80", "a 64-bit length of 2⁶³ or more"),
    ("80 80 00*4", "a continuation, and nothing to continue"),
    ("01 80 00*4 81 80 00*4", "a text begun, and another before its end"),
    ("82 ff 00*4 01 00 00 01 00*4", "16 MiB and 1 byte announced, to `/echo`"),
    ("81 82 00*4 ff", "a byte that no UTF-8 has"),
    ("88 81 00*4 03", "a Close with one byte"),
    ("88 82 00*4 03 ed", "a Close with 1005, which is never sent"),
    ("88 83 00*4 03 e8 ff", "a Close whose reason is not UTF-8"),
    ("c9", "RSV1 in a Ping"),
    ("c1 81 00*4 ff", "a block of a type that there is not"),
    ("c1 84 00*4 f2 48 cd c9", "“Hello”, cut in the middle of its block"),
];

/// How many of [`BROKEN`] are the header's.
const OF_FRAMES: usize = 8;
/// How many are of connections that deflate: the last ones.
const DEFLATED: usize = 3;

fn errors(range: std::ops::Range<usize>) -> String {
    let deflated: Vec<_> = BROKEN[BROKEN.len() - DEFLATED..].iter().map(|(text, _)| *text).collect();
    let find = |text: &str| {
        let role = if text == "81 85" { Role::Client } else { Role::Server };
        let mut connection = ws::Connection::new(role, 16 * 1024 * 1024);
        if deflated.contains(&text) {
            connection = connection.deflated(&Parameters::OFFER);
        }
        let bytes = bytes(text);
        for (at, byte) in bytes.iter().enumerate() {
            if let Err(error) = connection.poll_event(&mut Input::new(&mut [*byte])) {
                // Refused with its last byte, and not later; a control frame is judged when it is whole.
                assert_eq!(at + 1, bytes.len(), "{text} is longer than it need be");
                return error;
            }
        }
        panic!("{text} breaks no rule");
    };
    let found: Vec<_> = BROKEN.iter().map(|(text, note)| (*text, *note, find(text))).collect();
    let variants = found.iter().map(|(_, _, error)| variant(error));
    all_of(variants, "src/proto/ws/error.rs", "pub enum Error");
    let row = |(text, note, error): (&str, &str, ws::Error)| {
        let (says, section) = error.to_string().split_once(" (RFC ").map_or_else(
            || panic!("{error} names no section"),
            |(says, section)| (says.to_owned(), section.trim_end_matches(')').replace("6455, ", "")),
        );
        vec![code(show_hex(&bytes(text))), note.to_owned(), says, section, error.close_code().to_string()]
    };
    table(
        &["bytes, to the one that breaks it", "which are", "the rule's word", "section", "code"],
        found[range].iter().map(|found| row(*found)),
    )
}

fn show_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn frame_errors() -> String {
    errors(0..OF_FRAMES)
}

fn message_errors() -> String {
    errors(OF_FRAMES..BROKEN.len() - DEFLATED)
}

fn deflate_errors() -> String {
    errors(BROKEN.len() - DEFLATED..BROKEN.len())
}

fn refusals() -> String {
    use handshake::Error as Handshake;
    use http::Error as Http;
    let http = [
        Http::RequestLine,
        Http::Target,
        Http::StatusLine,
        Http::Field,
        Http::Version,
        Http::RequestLineTooLong,
        Http::HeadTooLong,
        Http::TooManyHeaders,
        Http::HostMissing,
        Http::HostRepeated,
        Http::Host,
        Http::ContentLength,
        Http::TwoLengths,
        Http::TransferEncoding,
        Http::LengthRequired,
        Http::BodyTooLong,
    ];
    let handshake = [
        Handshake::Method,
        Handshake::HttpVersion,
        Handshake::Host,
        Handshake::Upgrade,
        Handshake::Connection,
        Handshake::KeyMissing,
        Handshake::KeyRepeated,
        Handshake::Key,
        Handshake::Version,
        Handshake::Subprotocol,
        Handshake::Extensions,
    ];
    all_of(http.iter().map(variant), "src/proto/http/error.rs", "pub enum Error");
    all_of(handshake.iter().map(variant), "src/proto/ws/handshake/server.rs", "pub enum Error");
    // Of a request there is no status line.
    let http = http.into_iter().filter(|error| *error != Http::StatusLine);
    let mut rows: Vec<(&str, u16, String)> =
        http.map(|error| ("any request", error.status(), error.to_string())).collect();
    rows.extend(handshake.into_iter().map(|error| ("a handshake", error.status(), error.to_string())));
    table(
        &["asked for", "status", "the body says"],
        rows.into_iter().map(|(what, status, says)| {
            vec![what.to_owned(), format!("{status} {}", http::reason(status)), says]
        }),
    )
}

fn head_limits() -> String {
    let rows = [
        ("the request line, without its end", format!("{} bytes", http::REQUEST_LINE_BYTES_MAX), 414),
        ("the head, with its empty line", format!("{} bytes", http::HEAD_BYTES_MAX), 431),
        ("header fields", http::HEADERS_MAX.to_string(), 431),
    ];
    let row =
        |(what, most, status)| vec![String::from(what), most, format!("{status} {}", http::reason(status))];
    table(&["what", "at most", "above it"], rows.map(row))
}

fn close_reasons() -> String {
    let reasons = [
        CloseReason::PeerClosed(close::NORMAL),
        CloseReason::PeerEof,
        CloseReason::Reset(io::ErrorKind::ConnectionReset),
        CloseReason::Protocol(ws::Error::TextNotUtf8),
        CloseReason::Answered(400),
        CloseReason::TlsMismatch,
        CloseReason::WrongProtocol,
        CloseReason::FirstByteTimeout,
        CloseReason::HeadTimeout,
        CloseReason::KeepAliveTimeout,
        CloseReason::PongTimeout,
        CloseReason::TooSlow,
        CloseReason::Service(close::NORMAL),
        CloseReason::Stopping,
        CloseReason::Restarting,
    ];
    let comments = all_of(reasons.iter().map(variant), "src/server/close_reason.rs", "pub enum CloseReason");
    let row = |(reason, comment): (CloseReason, String)| {
        let sent = match (reason, reason.close_code()) {
            (CloseReason::PeerClosed(_), Some(_)) => "the peer's, sent back".to_owned(),
            (CloseReason::Protocol(_), Some(_)) => "1002, 1007 or 1009, and the rule".to_owned(),
            (CloseReason::Service(_), Some(_)) => "the service's, and its text".to_owned(),
            (_, Some(sent)) => format!("{sent} “{}”", reason.text()),
            (_, None) => "none".to_owned(),
        };
        vec![code(variant(&reason)), code(reason.word()), comment, sent]
    };
    table(
        &["reason", "word in the log", "what happened", "Close frame"],
        reasons.into_iter().zip(comments).map(row),
    )
}

fn limits() -> String {
    let shown = format!("{:?}", Limits::default());
    let (_, fields) = shown.split_once("{ ").expect("a struct");
    let values: Vec<(&str, &str)> = fields
        .trim_end_matches(" }")
        .split(", ")
        .map(|field| field.split_once(": ").expect("a name and a value"))
        .collect();
    let names = values.iter().map(|(name, _)| (*name).to_owned());
    let comments = all_of(names, "src/server/limits.rs", "pub struct Limits");
    let row = |((name, value), comment): ((&str, &str), String)| {
        let value = match value.strip_prefix("Millis(") {
            _ if value == "None" => "none".to_owned(),
            Some(ms) => duration(ms.trim_end_matches(')').parse().expect("a number")),
            None => size(value.parse().expect("a number")),
        };
        vec![code(name), value, comment]
    };
    table(&["limit", "default", "what it bounds"], values.into_iter().zip(comments).map(row))
}

/// The codes of the chat's errors stand at the end of what their variants say, in brackets.
fn error_codes() -> String {
    let mut codes: Vec<(String, Vec<String>)> = Vec::new();
    for (_, comment) in documented(&source("src/wire/mod.rs"), "pub enum Refusal<'a>") {
        let Some((when, code)) = comment.strip_suffix("`).").and_then(|text| text.rsplit_once(" (`")) else {
            continue; // A field of a variant.
        };
        match codes.iter_mut().find(|(known, _)| known == code) {
            Some((_, all)) => all.push(format!("{when}.")),
            None => codes.push((code.to_owned(), vec![format!("{when}.")])),
        }
    }
    table(&["code", "when"], codes.into_iter().map(|(name, when)| vec![code(name), when.join(" ")]))
}

fn counts() -> String {
    let fields = documented(&source("src/metrics.rs"), "pub struct Metrics");
    table(&["count", "of what"], fields.into_iter().map(|(name, comment)| vec![code(name), comment]))
}

fn stall() -> String {
    table(&["a client that", "messages", "p50", "p90", "p99", "p99.9", "max"], stalls::rows())
}

/// Which codes there are, and which a Close frame may hold: the table itself is written by hand.
#[test]
fn the_table_of_close_codes_has_all_of_them() {
    let constants = ["src/proto/ws/close.rs", "src/service/mod.rs"].map(source).concat();
    let mut codes: Vec<u16> = constants
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub const ")?.split_once(": u16 = "))
        .map(|(_, value)| value.trim_end_matches(';').parse().expect("a code"))
        .collect();
    codes.sort_unstable();
    let chapter = source("docs/05-closing.md");
    let (_, table) = chapter.split_once("| code | may be sent |").expect("the table of the codes");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| "));
    let printed: Vec<(u16, bool)> = rows
        .map(|row| {
            let mut cells = row.split(" | ");
            let code = cells.next().expect("a cell").trim_matches(['|', ' ']).parse().expect("a code");
            (code, cells.next().expect("a cell") == "yes")
        })
        .collect();
    let expected: Vec<_> = codes.into_iter().map(|code| (code, close::is_valid_on_wire(code))).collect();
    assert_eq!(printed, expected);
}

/// The table of paths in the README has what the command serves, but for what the pages are made of.
#[test]
fn the_table_of_paths_has_all_of_them() {
    let wiring = ["src/cli/serve.rs", "src/cli/pages.rs"].map(source).join("\n");
    let quoted = wiring.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/'));
    let is_part = |path: &str| path.ends_with(".css") || (path.ends_with(".js") && path != "/chinwag.js");
    let mut paths: Vec<&str> = quoted.filter(|path| !is_part(path)).collect();
    paths.sort_unstable();
    let readme = source("README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `/")?.split_once('`'));
    let mut printed: Vec<String> = rows.map(|(path, _)| format!("/{path}")).collect();
    printed.retain(|path| !text::HELP.iter().any(|(usage, _)| *usage == path.replace('\\', "")));
    printed.sort_unstable();
    assert_eq!(printed, paths);
}

#[test]
fn shown_bytes_are_hexadecimal() {
    assert_eq!((show_hex(&[1, 0xff]), show_bytes(&[1, 0xff])), ("01 ff".to_owned(), "01 ff".to_owned()));
}
