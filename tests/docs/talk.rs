//! Conversations in the chat's own dialects, as the pages print them: held against the chat, message for message.
//!
//! ````text
//!     ```chat history=2                 what can be set is what a hex dump can set
//!     + ann json                        ann comes as a JSON program, over a WebSocket; or text, or line, which is nc
//!     + bob text /ws?room=dev           with this in the request's first line
//!     ann> {"type":"ping","id":1}       what she sends: one message, or one line, going on with a line
//!        that is indented
//!     ann< {"type":"pong","id":1,"at":1795000000000}
//!     bob< closed 4005 replaced         a Close frame
//!     ```
//! ````
//!
//! `<epoch>` and the like stand for what cannot be known beforehand: whatever stands in its place the first time must stand
//! in it from then on. All other steps are those of the hex dumps. Time is invented, and begins at 1795000000000. Whatever
//! is said must be printed before the next step, to each in the order in which it comes.

use super::stage::{CALENDAR, Output, Stage, Way};
use super::transcript::{Step, act, limits};
use super::{Block, pages};
use chinwag::proto::ws::{Opcode, encoder};
use std::collections::{BTreeMap, VecDeque};

/// One end of a conversation.
struct Speaker {
    /// The subprotocol of its WebSocket; `None` on the line port.
    subprotocol: Option<&'static str>,
    /// What has come and is no whole message yet.
    bytes: Vec<u8>,
    /// What has been said to it, and is not yet printed.
    heard: VecDeque<String>,
}

struct Talk {
    stage: Stage,
    speakers: BTreeMap<String, Speaker>,
    /// What stands in the place of each `<word>`.
    known: BTreeMap<String, String>,
}

#[test]
fn every_conversation_is_as_the_chat_has_it() {
    let pages = pages();
    let blocks = pages.iter().flat_map(|page| page.blocks());
    let blocks: Vec<_> = blocks.filter(|block| block.info.split(' ').next() == Some("chat")).collect();
    let wrong: Vec<String> = blocks.iter().filter_map(|block| play(block).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(!blocks.is_empty(), "the reference page has one");
}

fn play(block: &Block<'_>) -> Result<(), String> {
    let mut words = block.info.split_whitespace().collect();
    let (limits, chat) = limits(&mut words);
    assert_eq!(words, ["chat"], "{}: no such setting", block.place(0));
    let mut talk =
        Talk { stage: Stage::new(limits, chat), speakers: BTreeMap::new(), known: BTreeMap::new() };
    for step in steps(block) {
        match step.text.split_once("< ").filter(|(name, _)| talk.speakers.contains_key(*name)) {
            Some((name, expected)) => talk.expect(name, expected, &step.place)?,
            None => {
                talk.nothing_is_left(&format!("{}: before this step", step.place))?;
                talk.act(&step);
            }
        }
    }
    talk.nothing_is_left(&format!("{}: at the end", block.place(block.lines.len())))
}

/// The steps of a block. A comment has two spaces before its `#`, as a message may begin with one.
fn steps(block: &Block<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, line) in block.lines.iter().enumerate() {
        let text = line.split_once("  # ").map_or(*line, |(text, _)| text).trim_end();
        match (text.is_empty() || text.starts_with("# "), text.starts_with(' '), steps.last_mut()) {
            (true, ..) => {}
            (false, true, Some(step)) => step.text += text.trim(),
            (false, ..) => steps.push(Step { text: text.trim().to_owned(), place: block.place(at) }),
        }
    }
    steps
}

impl Talk {
    fn act(&mut self, step: &Step) {
        let words: Vec<&str> = step.text.split_whitespace().collect();
        let said = step.text.split_once("> ").filter(|(name, _)| self.speakers.contains_key(*name));
        match (&words[..], said) {
            (&["+", name, dialect, ref target @ ..], _) => {
                let target = target.first().copied().unwrap_or("/ws");
                let subprotocol = match dialect {
                    "json" => Some("chinwag.v1.json"),
                    "text" => Some("chat"),
                    "line" => None,
                    _ => panic!("{}: nobody comes like {dialect}", step.place),
                };
                let way = subprotocol.map_or(Way::Line, |offered| Way::Offering(target, offered));
                self.stage.connect(name, way);
                let speaker = Speaker { subprotocol, bytes: Vec::new(), heard: VecDeque::new() };
                self.speakers.insert(name.to_owned(), speaker);
            }
            (_, Some((name, said))) if said != "FIN" && said != "RST" => {
                let said = self.fill_in(said);
                let mut bytes = Vec::new();
                match self.speakers[name].subprotocol {
                    None => bytes.extend([said.as_bytes(), b"\n"].concat()),
                    Some(_) => encoder::frame(&mut bytes, Opcode::Text, said.as_bytes(), Some([1, 2, 3, 4])),
                }
                self.stage.send(name, &bytes);
            }
            _ => act(&mut self.stage, step),
        }
        for (name, speaker) in &mut self.speakers {
            while let Some(output) = self.stage.poll_output(name) {
                match output {
                    Output::Write(bytes) => speaker.bytes.extend(bytes),
                    Output::Fin => speaker.heard.push_back("FIN".to_owned()),
                    Output::Gone => speaker.heard.push_back("gone".to_owned()),
                }
            }
            while let Some(heard) = next_heard(speaker) {
                speaker.heard.push_back(heard);
            }
        }
    }

    fn expect(&mut self, name: &str, expected: &str, place: &str) -> Result<(), String> {
        let heard = self.speakers.get_mut(name).and_then(|speaker| speaker.heard.pop_front());
        let heard = heard.unwrap_or_else(|| "nothing".to_owned());
        match self.is_as_printed(expected, &heard) {
            true => Ok(()),
            false => Err(format!("{place}: {name} is not told\n    {expected}\nbut\n    {heard}")),
        }
    }

    /// Compares, and learns what stands in the place of each word.
    fn is_as_printed(&mut self, printed: &str, heard: &str) -> bool {
        let printed = self.fill_in(printed);
        let Some((before, word, after)) = placeholder(&printed) else { return printed == heard };
        let Some(rest) = heard.strip_prefix(before) else { return false };
        let is_free = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let len = rest.find(|c| !is_free(c)).unwrap_or(rest.len());
        self.known.insert(word.to_owned(), rest[..len].to_owned());
        len > 0 && self.is_as_printed(after, &rest[len..])
    }

    fn fill_in(&self, text: &str) -> String {
        self.known
            .iter()
            .fold(text.to_owned(), |text, (word, value)| text.replace(&format!("<{word}>"), value))
    }

    fn nothing_is_left(&self, place: &str) -> Result<(), String> {
        let left =
            self.speakers.iter().flat_map(|(name, it)| it.heard.iter().map(move |heard| (name, heard)));
        let left: Vec<String> = left.map(|(name, heard)| format!("    {name}< {heard}")).collect();
        match left.is_empty() {
            true => Ok(()),
            false => Err(format!("{place}, this has been said and is not printed\n{}", left.join("\n"))),
        }
    }
}

/// What stands before the first `<word>`, the word, and what stands behind it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('<').find_map(|(at, _)| {
        let (word, after) = text[at + 1..].split_once('>')?;
        let is_word = !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
        is_word.then_some((&text[..at], word, after))
    })
}

/// The next whole message that has come.
fn next_heard(speaker: &mut Speaker) -> Option<String> {
    let bytes = &mut speaker.bytes;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the chat says text");
    let Some(subprotocol) = speaker.subprotocol else {
        let end = bytes.iter().position(|&byte| byte == b'\n')?;
        return Some(text(bytes.drain(..=end).collect()).trim_end_matches('\n').to_owned());
    };
    if bytes.starts_with(b"HTTP/1.1 101 ") {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = text(bytes.drain(..end + 4).collect());
        assert!(head.contains(&format!("Sec-WebSocket-Protocol: {subprotocol}\r\n")), "{head}");
    }
    // What the server sends is unmasked, whole, and here shorter than 64 KiB.
    let (header, len) = match **bytes {
        [_, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([a, b]))),
        [_, len @ ..=125, ..] => (2, usize::from(len)),
        _ => return None,
    };
    if bytes.len() < header + len {
        return None;
    }
    let frame: Vec<u8> = bytes.drain(..header + len).collect();
    Some(match (frame[0], &frame[header..]) {
        (0x81, payload) => text(payload.to_vec()),
        (0x88, [a, b, reason @ ..]) => {
            format!("closed {} {}", u16::from_be_bytes([*a, *b]), text(reason.to_vec()))
        }
        (0x89, _) => "ping".to_owned(),
        (first, _) => panic!("no such frame is expected: {first:02x}"),
    })
}

#[test]
fn a_placeholder_is_the_same_wherever_it_stands() {
    let stage = Stage::new(Default::default(), Default::default());
    let mut talk = Talk { stage, speakers: BTreeMap::new(), known: BTreeMap::new() };
    assert!(talk.is_as_printed("a <b> <c>.", "a 1 x-y."));
    assert!(talk.is_as_printed("<c><b>", "x-y1"));
    assert!(!talk.is_as_printed("<c>", "x-z"));
    assert!(!talk.is_as_printed("a <new>.", "a ."), "something must stand there");
    assert_eq!(talk.fill_in("<c> < <C> >"), "x-y < <C> >");
}

/// What the head of this file says of it.
#[test]
fn the_calendar_is_the_one_of_the_protocols_examples() {
    assert_eq!(CALENDAR, 1_795_000_000_000);
}
