//! Frames, in either role: where the reads cut them makes no difference, memory stays within its bound, and
//! what was heard is heard again when it is said again.
//!
//! The first byte chooses the role and the limit, the second how long the reads are. The rest is what the
//! peer sends.

use chinwag::proto::Input;
use chinwag::proto::ws::{Connection, Error, Event, Opcode, Role, encoder};

const LIMITS: [usize; 4] = [0, 5, 125, 70_000];
/// The box, and a control frame in it.
const PARTIAL_BYTES_MAX: usize = 160 + 125;

#[derive(Debug, PartialEq)]
enum Heard {
    Message(Opcode, Vec<u8>),
    Close(Option<(u16, String)>),
    Error(Error),
}

pub fn check(bytes: &[u8]) {
    let [settings, read_len, bytes @ ..] = bytes else { return };
    let role = if settings & 1 == 0 { Role::Server } else { Role::Client };
    let message_bytes_max = LIMITS[usize::from(settings >> 1) % LIMITS.len()];
    let whole = hear(role, message_bytes_max, bytes, bytes.len());
    assert_eq!(hear(role, message_bytes_max, bytes, usize::from(*read_len)), whole);
    assert_eq!(hear(role, message_bytes_max, bytes, 1), whole);

    let key = (role == Role::Server).then_some([settings ^ 0x5A, 7, *read_len, 0]);
    let mut said = Vec::new();
    for heard in &whole {
        match heard {
            Heard::Message(opcode, payload) => encoder::frame(&mut said, *opcode, payload, key),
            Heard::Close(None) => encoder::frame(&mut said, Opcode::Close, b"", key),
            Heard::Close(Some((code, reason))) => {
                encoder::frame(&mut said, Opcode::Close, &encoder::close_payload(*code, reason), key);
            }
            Heard::Error(_) => {}
        }
    }
    let again = hear(role, message_bytes_max, &said, said.len());
    assert!(again.iter().eq(whole.iter().filter(|heard| !matches!(heard, Heard::Error(_)))));
}

fn hear(role: Role, message_bytes_max: usize, bytes: &[u8], read_len: usize) -> Vec<Heard> {
    let mut ws = Connection::new(role, message_bytes_max);
    let mut heard = Vec::new();
    for read in bytes.chunks(read_len.max(1)) {
        let mut read = read.to_vec();
        let mut input = Input::new(&mut read);
        loop {
            heard.push(match ws.poll_event(&mut input) {
                Ok(Some(Event::Text(text))) => Heard::Message(Opcode::Text, text.into()),
                Ok(Some(Event::Binary(bytes))) => Heard::Message(Opcode::Binary, bytes.into()),
                Ok(Some(Event::Ping(payload))) => Heard::Message(Opcode::Ping, payload.into()),
                Ok(Some(Event::Pong(payload))) => Heard::Message(Opcode::Pong, payload.into()),
                Ok(Some(Event::Close(close))) => {
                    Heard::Close(close.map(|close| (close.code, close.reason.to_owned())))
                }
                Ok(None) => break,
                Err(error) => Heard::Error(error),
            });
        }
        assert!(input.is_empty());
        assert!(ws.heap_bytes() <= PARTIAL_BYTES_MAX + message_bytes_max);
    }
    let ends = heard.iter().position(|heard| matches!(heard, Heard::Close(_) | Heard::Error(_)));
    assert!(ends.is_none_or(|end| end + 1 == heard.len()), "something was heard after the end");
    heard
}
