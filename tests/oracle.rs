//! A second opinion: tungstenite reads the same bytes, right and wrong ones, and must hear the same.
//!
//! Both get frames of a peer that keeps the rules, a few bytes of which have been changed; then zeros, since
//! tungstenite judges a frame when it is whole and we judge it as it comes. Where the two differ, and why:
//!
//! | what the peer sends | we | tungstenite 0.30 |
//! | --- | --- | --- |
//! | a length that is not in its shortest form (5.2: MUST) | 1002 | takes it |
//! | a length with its highest bit set (5.2: MUST) | 1002 | 1009: it is over the limit |
//! | several faults in a frame, its length over the limit among them | the first in order of the bytes | 1009 |
//! | a Close with a code that must not be sent (7.4) | 1002 | a Close with 1002 in place of the code |
//! | the same, and a reason that is not UTF-8 | 1002 | 1007 |
//! | a Close with 1014, which IANA has registered | that Close | a Close with 1002 in place of the code |
//!
//! Everything else must be the same: each event, their order, and the code of the verdict.

mod support;

use std::io::{self, Read, Write};

use chinwag::proto::ws::{Error, Opcode, Role, close, encoder};
use proptest::prelude::*;
use support::{Heard, hear_cut, vectors};
use tungstenite::protocol::{self, WebSocketConfig};
use tungstenite::{Message, WebSocket};

const MESSAGE_BYTES_MAX: usize = 2048;
/// More zeros than any frame within the limit can want.
const ZEROS: usize = 2 * MESSAGE_BYTES_MAX;

/// A socket from which no more comes than this, and to which everything goes.
struct Bytes<'a>(&'a [u8]);

impl Read for Bytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.read(buffer) }
    }
}

impl Write for Bytes<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was heard, and the close code of the fault that ended it, where one did.
#[derive(Debug, PartialEq)]
struct Account {
    heard: Vec<Heard>,
    fault: Option<u16>,
}

fn theirs(role: Role, bytes: &[u8]) -> Account {
    let role = match role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let mut ws = WebSocket::from_raw_socket(Bytes(bytes), role, Some(config));
    let mut heard = Vec::new();
    loop {
        heard.push(match ws.read() {
            Ok(Message::Text(text)) => Heard::Text(text.to_string()),
            Ok(Message::Binary(bytes)) => Heard::Binary(bytes.to_vec()),
            Ok(Message::Ping(payload)) => Heard::Ping(payload.to_vec()),
            Ok(Message::Pong(payload)) => Heard::Pong(payload.to_vec()),
            Ok(Message::Close(close)) => {
                heard.push(Heard::Close(close.map(|close| (close.code.into(), close.reason.to_string()))));
                return Account { heard, fault: None };
            }
            Ok(Message::Frame(_)) => unreachable!("it is not given out by read"),
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return Account { heard, fault: None };
            }
            Err(tungstenite::Error::Protocol(_)) => {
                return Account { heard, fault: Some(close::PROTOCOL_ERROR) };
            }
            Err(tungstenite::Error::Utf8(_)) => {
                return Account { heard, fault: Some(close::INVALID_PAYLOAD) };
            }
            Err(tungstenite::Error::Capacity(_)) => {
                return Account { heard, fault: Some(close::MESSAGE_TOO_BIG) };
            }
            Err(error) => panic!("what would this be? {error}"),
        });
    }
}

/// What tungstenite would make of what we have heard, by the table above. `None` where it may make anything
/// of it.
fn expected(mut heard: Vec<Heard>, theirs: &Account) -> Option<Account> {
    let replaced = Heard::Close(Some((close::PROTOCOL_ERROR, "Protocol violation".to_owned())));
    let fault = match heard.last() {
        Some(Heard::Error(error)) => {
            let error = *error;
            heard.pop();
            match error {
                // Of a control frame we say that it is too long as soon as its length is in a longer form.
                Error::LengthNotMinimal | Error::ControlTooLong => return None,
                Error::CloseCode(_) if theirs.fault == Some(close::INVALID_PAYLOAD) => theirs.fault,
                Error::CloseCode(_) => {
                    heard.push(replaced);
                    None
                }
                // They look at the length first.
                _ if error.close_code() == close::PROTOCOL_ERROR
                    && theirs.fault == Some(close::MESSAGE_TOO_BIG) =>
                {
                    theirs.fault
                }
                error => Some(error.close_code()),
            }
        }
        Some(Heard::Close(Some((close::BAD_GATEWAY, _)))) => {
            heard.pop();
            heard.push(replaced);
            None
        }
        _ => None,
    };
    Some(Account { heard, fault })
}

fn compare(role: Role, mut bytes: Vec<u8>) {
    bytes.extend([0; ZEROS]);
    let ours = hear_cut(role, MESSAGE_BYTES_MAX, &bytes, &[]);
    let theirs = theirs(role, &bytes);
    match expected(ours.clone(), &theirs) {
        Some(expected) => assert_eq!(theirs, expected, "we heard {ours:?}"),
        None => {
            let before = &ours[..ours.len() - 1];
            assert!(theirs.heard.starts_with(before), "we heard {ours:?}, they {theirs:?}");
        }
    }
}

#[test]
fn the_vectors_are_heard_alike() {
    for vector in vectors::all() {
        if vector.message_bytes_max >= MESSAGE_BYTES_MAX && vector.bytes.len() <= MESSAGE_BYTES_MAX {
            compare(vector.role, vector.bytes);
        }
    }
}

/// A frame that is said by its parts.
type Frame = (bool, Opcode, Vec<u8>);

/// Frames of one message, or a control frame: in order, and nothing wrong with them.
fn message() -> impl Strategy<Value = Vec<Frame>> {
    let text = prop_oneof![2 => "[a-z ]{0,40}", 1 => "\\PC{0,40}"];
    let text = text.prop_map(|text| (Opcode::Text, text.into_bytes()));
    let binary = prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| (Opcode::Binary, bytes));
    let data = (prop_oneof![text, binary], 1..5_usize)
        .prop_map(|((opcode, payload), count)| fragments(opcode, &payload, count));
    let control =
        (prop::sample::select(vec![Opcode::Ping, Opcode::Pong]), prop::collection::vec(any::<u8>(), 0..=125))
            .prop_map(|(opcode, payload)| vec![(true, opcode, payload)]);
    let code = prop_oneof![1000..1020_u16, 2990..5010_u16, any::<u16>()];
    let close = (code, "\\PC{0,9}").prop_map(|(code, reason)| {
        vec![(true, Opcode::Close, [&code.to_be_bytes(), reason.as_bytes()].concat())]
    });
    prop_oneof![8 => data, 4 => control, 1 => close]
}

fn fragments(opcode: Opcode, payload: &[u8], count: usize) -> Vec<Frame> {
    let len = payload.len().div_ceil(count).max(1);
    let mut frames: Vec<Frame> =
        payload.chunks(len).map(|part| (false, Opcode::Continuation, part.to_vec())).collect();
    if frames.is_empty() {
        frames.push((false, Opcode::Continuation, Vec::new()));
    }
    if let Some(first) = frames.first_mut() {
        first.1 = opcode;
    }
    if let Some(last) = frames.last_mut() {
        last.0 = true;
    }
    frames
}

/// A stream of such messages, and where frames have been put into the middle of others.
fn stream() -> impl Strategy<Value = (Role, Vec<u8>)> {
    let role = prop::sample::select(vec![Role::Client, Role::Server]);
    let messages = prop::collection::vec(message(), 0..6);
    let swaps = prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..2);
    (role, any::<[u8; 4]>(), messages, swaps).prop_map(|(role, key, messages, swaps)| {
        let mut frames: Vec<Frame> = messages.into_iter().flatten().collect();
        for (one, other) in swaps {
            if !frames.is_empty() {
                let (one, other) = (one.index(frames.len()), other.index(frames.len()));
                frames.swap(one, other);
            }
        }
        let key = (role == Role::Server).then_some(key);
        let mut bytes = Vec::new();
        for (fin, opcode, payload) in frames {
            encoder::fragment(&mut bytes, fin, opcode, &payload, key);
        }
        (role, bytes)
    })
}

/// A header with any of the bits that it can have, its length near where the rules change.
fn odd_header() -> impl Strategy<Value = Vec<u8>> {
    let first =
        prop_oneof![prop::sample::select(vec![0x00, 0x01, 0x02, 0x81, 0x82, 0x88, 0x89, 0x8A]), any::<u8>()];
    let limit = MESSAGE_BYTES_MAX as u64;
    let lens = vec![0, 1, 2, 125, 126, 127, limit - 1, limit, limit + 1, 65_535, 65_536, 1 << 63, u64::MAX];
    let len = (prop::sample::select(lens), 0..3_u8);
    (first, any::<bool>(), len, any::<[u8; 4]>()).prop_map(|(first, masked, (len, form), key)| {
        let mask = if masked { 0x80 } else { 0 };
        let mut bytes = vec![first];
        match form {
            0 => bytes.push(mask | (len & 0x7F) as u8),
            1 => bytes.extend([&[mask | 126], &(len as u16).to_be_bytes()[..]].concat()),
            _ => bytes.extend([&[mask | 127], &len.to_be_bytes()[..]].concat()),
        }
        if masked {
            bytes.extend(key);
        }
        bytes
    })
}

/// A change to one byte: where, and to what.
fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn what_keeps_the_rules_is_heard_alike((role, bytes) in stream()) {
        compare(role, bytes);
    }

    #[test]
    fn what_has_been_changed_is_heard_alike((role, mut bytes) in stream(), changes in changes()) {
        for (at, byte) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        compare(role, bytes);
    }

    #[test]
    fn an_odd_header_is_heard_alike(
        (role, mut bytes) in stream(),
        headers in prop::collection::vec(odd_header(), 1..3),
    ) {
        bytes.extend(headers.concat());
        compare(role, bytes);
    }
}
