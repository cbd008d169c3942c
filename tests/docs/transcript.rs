//! Exchanges, as the chapters print them: played against the server, byte for byte.
//!
//! ````text
//!     ```hex echo                       C has a WebSocket to /echo; hex http, line, add likewise; hex chat ann bob/line
//!                                       hex echo deflate: and has agreed on permessage-deflate
//!     C> 81 82 00*4 "hi"                what C sends, as one read brings it
//!     S> 81 02                          what the server sends, as one system call writes it,
//!        "hi"        # and a comment    going on with a line that is indented
//!     @ 25s                             so long after the beginning
//!     C> FIN                            C says no more; or RST
//!     S> FIN                            the server says no more; or gone: its socket is closed
//!     C takes 5                         the kernel takes 5 more bytes for C; or: takes all
//!     server stops                      or: server restarts
//!     + bob line                        bob connects; or http
//!     bob> ..., bob< ...                where there are several: what bob sends, what bob is sent
//!     ```
//! ````
//!
//! Bytes are hexadecimal, or text in single or double quotes; `*n` repeats the one before, or
//! what stands in round brackets. Whatever the server does must
//! be printed before the next step: what is not there has not happened.

use super::stage::{Output, Stage, Way};
use super::{Block, pages};
use chinwag::chat;
use chinwag::server::{Limits, Shutdown};
use chinwag::time::Millis;

/// One line of a transcript, with those that go on with it.
pub struct Step {
    pub text: String,
    pub place: String,
}

#[test]
fn every_exchange_is_as_the_server_has_it() {
    let pages = pages();
    let mut wrong = Vec::new();
    let mut played = 0;
    for page in &pages {
        for block in page.blocks() {
            match block.info.split_once(' ').unwrap_or((block.info, "")) {
                ("hex", setting) => wrong.extend(play(&block, setting).err()),
                ("console", _) => wrong.extend(play_console(&block).err()),
                _ => continue,
            }
            played += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    println!("{played} exchanges");
}

/// Takes those words out that set a bound, and sets it.
pub fn limits(words: &mut Vec<&str>) -> (Limits, chat::Settings) {
    let (mut limits, mut chat) = (Limits::default(), chat::Settings::default());
    words.retain(|word| match word.split_once('=') {
        Some(("write-queue-bytes", number)) => {
            limits.write_queue_bytes_max = number.parse().expect("a number of bytes");
            false
        }
        Some(("deflate-min-bytes", number)) => {
            limits.deflate_bytes_min = number.parse().expect("a number of bytes");
            false
        }
        Some(("deflate-context-bytes", number)) => {
            limits.deflate_context_bytes_max = number.parse().expect("a number of bytes");
            false
        }
        Some(("history", number)) => {
            chat.history_messages_max = number.parse().expect("a number of messages");
            false
        }
        Some(other) => panic!("no such setting: {other:?}"),
        None => true,
    });
    (limits, chat)
}

/// The stage as the words behind the fence set it.
fn set(setting: &str) -> Stage {
    let mut words: Vec<&str> = setting.split_whitespace().collect();
    let (limits, chat) = limits(&mut words);
    let mut stage = Stage::new(limits, chat);
    match words[..] {
        ["http"] => stage.connect("C", Way::Http),
        // The greeting is part of the transcript.
        ["line"] => {
            stage.connect("C", Way::Line);
            return stage;
        }
        ["echo"] => stage.connect("C", Way::WebSocket("/echo")),
        ["echo", "deflate"] => stage.connect("C", Way::Extended("/echo", "permessage-deflate")),
        ["add"] => stage.connect("C", Way::WebSocket("/add")),
        ["chat", ref names @ ..] => {
            for name in names {
                match name.split_once('/') {
                    Some((name, "line")) => stage.seat(name, Way::Line),
                    None => stage.seat(name, Way::WebSocket("/ws")),
                    Some(_) => panic!("nobody comes like {name}"),
                }
            }
            stage.settle();
        }
        _ => panic!("no such stage: {setting}"),
    }
    stage.begin();
    stage
}

fn play(block: &Block<'_>, setting: &str) -> Result<(), String> {
    let mut stage = set(setting);
    for step in steps(block) {
        if let Some((name, expected)) = expectation(&step.text) {
            let expected = output(expected);
            let actual = stage.poll_output(name);
            if actual.as_ref() != Some(&expected) {
                return Err(format!(
                    "{}: {name} is not sent\n    {}\nbut\n    {}",
                    step.place,
                    show(Some(&expected)),
                    show(actual.as_ref())
                ));
            }
            continue;
        }
        nothing_is_left(&mut stage, &format!("{}: before this step", step.place))?;
        act(&mut stage, &step);
    }
    nothing_is_left(&mut stage, &format!("{}: at the end", block.place(block.lines.len())))
}

/// `S> …` is what the one peer is sent, `ann< …` what ann is.
fn expectation(text: &str) -> Option<(&str, &str)> {
    if let Some(expected) = text.strip_prefix("S> ") {
        return Some(("C", expected));
    }
    text.split_once("< ").filter(|(name, _)| name.chars().all(char::is_alphanumeric))
}

/// Any other step than what somebody is sent.
pub fn act(stage: &mut Stage, step: &Step) {
    let Step { text, place } = step;
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["@", time] => stage.advance(millis(time)),
        ["+", name, "http"] => stage.connect(name, Way::Http),
        ["+", name, "line"] => stage.connect(name, Way::Line),
        [name, "takes", "all"] => stage.allow(name, None),
        [name, "takes", count] => stage.allow(name, Some(count.parse().expect(place))),
        ["server", "stops"] => stage.shut_down(Shutdown::Stop),
        ["server", "restarts"] => stage.shut_down(Shutdown::Restart),
        _ => match text.split_once("> ") {
            Some((name, "FIN")) => stage.end(name),
            Some((name, "RST")) => stage.reset(name),
            Some((name, sent)) => stage.send(name, &bytes(sent)),
            None => panic!("{place}: no step: {text}"),
        },
    }
}

fn nothing_is_left(stage: &mut Stage, place: &str) -> Result<(), String> {
    let mut left = Vec::new();
    for name in stage.names() {
        while let Some(output) = stage.poll_output(&name) {
            left.push(format!("    {name}< {}", show(Some(&output))));
        }
    }
    match left.is_empty() {
        true => Ok(()),
        false => Err(format!("{place}, this has happened and is not printed\n{}", left.join("\n"))),
    }
}

/// A session at a shell with `nc`: what begins with `*` or `[` is read, everything else is typed.
fn play_console(block: &Block<'_>) -> Result<(), String> {
    let mut lines = block.lines.iter().enumerate();
    let command = lines.next().map_or("", |(_, line)| line);
    assert!(
        command.starts_with("$ nc "),
        "{}: a session with nc, or of another kind: {command}",
        block.place(0)
    );
    let mut stage = Stage::new(Limits::default(), chat::Settings::default());
    stage.connect("C", Way::Line);
    // Who listens for a second is taken for a person.
    stage.advance(Millis::from_secs(1));
    let mut unread = String::new();
    for (at, line) in lines.chain([(block.lines.len(), &"")]) {
        while let Some(Output::Write(bytes)) = stage.poll_output("C") {
            unread.push_str(str::from_utf8(&bytes).expect("the line port says text"));
        }
        if line.starts_with(['*', '[']) {
            unread = match unread.strip_prefix(&format!("{line}\n")) {
                Some(rest) => rest.to_owned(),
                None => return Err(format!("{}: the server says {unread:?}", block.place(at))),
            };
        } else if unread.is_empty() {
            stage.send("C", format!("{line}\n").as_bytes());
        } else {
            return Err(format!("{}: before this, the server says {unread:?}", block.place(at)));
        }
    }
    Ok(())
}

/// The steps of a block, comments taken off.
fn steps(block: &Block<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, line) in block.lines.iter().enumerate() {
        let text = without_comment(line);
        match (text.trim().is_empty(), text.starts_with(' '), steps.last_mut()) {
            (true, ..) => {}
            (false, true, Some(step)) => step.text = format!("{} {}", step.text, text.trim()),
            (false, ..) => steps.push(Step { text: text.trim().to_owned(), place: block.place(at) }),
        }
    }
    steps
}

pub fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return &line[..at],
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    line
}

fn output(text: &str) -> Output {
    match text.trim() {
        "FIN" => Output::Fin,
        "gone" => Output::Gone,
        text => Output::Write(bytes(text)),
    }
}

/// Bytes as they are printed.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (piece, after) = match first {
            '"' | '\'' | '(' => {
                let close = if first == '(' { ')' } else { first };
                let (piece, after) =
                    rest[1..].split_once(close).unwrap_or_else(|| panic!("not closed: {rest}"));
                (if first == '(' { bytes(piece) } else { piece.as_bytes().to_vec() }, after)
            }
            _ => {
                let (byte, after) = rest.split_at_checked(2).unwrap_or_else(|| panic!("not a byte: {rest}"));
                let byte = u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("not a byte: {rest}"));
                (vec![byte], after)
            }
        };
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let count = match &after[..end] {
            "" => 1,
            count => count.strip_prefix('*').and_then(|count| count.parse().ok()).expect("xx*n, or a space"),
        };
        all.extend(piece.repeat(count));
        rest = after[end..].trim_start();
    }
    all
}

/// The same the other way round.
pub fn show_bytes(bytes: &[u8]) -> String {
    let is_text = |byte: &u8| (0x20..0x7f).contains(byte) && *byte != b'"';
    let mut words = Vec::new();
    let mut rest = bytes;
    while let [first, ..] = rest {
        let text_len = rest.iter().take_while(|byte| is_text(byte)).count();
        let run_len = rest.iter().take_while(|byte| *byte == first).count();
        let taken = if run_len > 4 {
            words.push(format!("{first:02x}*{run_len}"));
            run_len
        } else if text_len > 2 {
            words.push(format!("{:?}", String::from_utf8_lossy(&rest[..text_len])));
            text_len
        } else {
            words.push(format!("{first:02x}"));
            1
        };
        rest = &rest[taken..];
    }
    words.join(" ")
}

fn show(output: Option<&Output>) -> String {
    match output {
        Some(Output::Write(bytes)) => show_bytes(bytes),
        Some(Output::Fin) => "FIN".to_owned(),
        Some(Output::Gone) => "gone".to_owned(),
        None => "nothing".to_owned(),
    }
}

fn millis(time: &str) -> Millis {
    let digits = time.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().unwrap_or_else(|_| panic!("no time: {time}"));
    match &time[digits.len()..] {
        "ms" => Millis(number),
        "s" => Millis::from_secs(number),
        "m" => Millis::from_secs(60 * number),
        _ => panic!("no time: {time}"),
    }
}

#[test]
fn bytes_are_read_as_they_are_shown() {
    let read = bytes(r#"81 05 "Hello" 0a 00*5 'a "b" #' "ab"*2 (00 2a)*2"#);
    assert_eq!(read, b"\x81\x05Hello\n\0\0\0\0\0a \"b\" #abab\0*\0*");
    assert_eq!(bytes(&show_bytes(&read)), read);
    assert_eq!(without_comment("81 \"#\" # no"), "81 \"#\" ");
}
