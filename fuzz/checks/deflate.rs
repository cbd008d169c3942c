//! Frames where messages may be deflated: where the reads cut them makes no difference, nor what an inflater was used for
//! before; memory stays within its bound; and what was heard is heard again when it is said again, deflated.
//!
//! The first byte chooses the role, the limit and whether there is a context, the second how long the reads are. The rest
//! is what the peer sends.

use chinwag::proto::Input;
use chinwag::proto::ws::deflate::{CONTEXT_BYTES, Deflaters, Inflater, Parameters, WindowBits};
use chinwag::proto::ws::{Connection, Error, Event, Opcode, Role, encoder};

const LIMITS: [usize; 4] = [0, 5, 125, 70_000];
/// The box, and a control frame in it.
const PARTIAL_BYTES_MAX: usize = 180 + 125;

#[derive(Debug, PartialEq)]
enum Heard {
    Message(Opcode, Vec<u8>),
    Close(Option<(u16, String)>),
    Error(Error),
}

#[derive(Clone, Copy)]
struct Ears {
    role: Role,
    message_bytes_max: usize,
    keeps_context: bool,
}

pub fn check(bytes: &[u8]) {
    let [settings, read_len, bytes @ ..] = bytes else { return };
    let ears = Ears {
        role: if settings & 1 == 0 { Role::Server } else { Role::Client },
        message_bytes_max: LIMITS[usize::from(settings >> 1) % LIMITS.len()],
        keeps_context: settings & 8 != 0,
    };
    // One that has been used for something else, and was left in the middle of it.
    let mut inflater = Inflater::default();
    let _ = inflater.inflate(false, &[0xF2, 0x48, 0xCD], |_| Ok(()));
    let whole = hear(ears, bytes, bytes.len(), Some(&mut inflater));
    assert_eq!(hear(ears, bytes, usize::from(*read_len), Some(&mut inflater)), whole);
    assert_eq!(hear(ears, bytes, 1, None), whole);

    let key = (ears.role == Role::Server).then_some([settings ^ 0x5A, 7, *read_len, 0]);
    let window = WindowBits::new(9 + read_len % 7).expect("9 to 15");
    let mut deflaters = Deflaters::default();
    let mut said = Vec::new();
    for heard in &whole {
        match heard {
            Heard::Message(opcode @ (Opcode::Text | Opcode::Binary), payload) => {
                match deflaters.deflate(window, payload) {
                    Some(deflated) => encoder::deflated(&mut said, true, *opcode, deflated, key),
                    None => encoder::frame(&mut said, *opcode, payload, key),
                }
            }
            Heard::Message(opcode, payload) => encoder::frame(&mut said, *opcode, payload, key),
            Heard::Close(None) => encoder::frame(&mut said, Opcode::Close, b"", key),
            Heard::Close(Some((code, reason))) => {
                encoder::frame(&mut said, Opcode::Close, &encoder::close_payload(*code, reason), key);
            }
            Heard::Error(_) => {}
        }
    }
    let again = hear(Ears { keeps_context: false, ..ears }, &said, said.len(), Some(&mut inflater));
    assert!(again.iter().eq(whole.iter().filter(|heard| !matches!(heard, Heard::Error(_)))));
}

fn hear(ears: Ears, bytes: &[u8], read_len: usize, mut inflater: Option<&mut Inflater>) -> Vec<Heard> {
    let agreed = Parameters {
        server_no_context_takeover: !ears.keeps_context,
        client_no_context_takeover: !ears.keeps_context,
        ..Parameters::default()
    };
    let mut ws = Connection::new(ears.role, ears.message_bytes_max).deflated(&agreed);
    let context_bytes_max = if ears.keeps_context { CONTEXT_BYTES + 8 } else { 0 };
    let arriving_bytes_max = ears.message_bytes_max * 9 / 8 + 1024;
    let bytes_max =
        PARTIAL_BYTES_MAX + arriving_bytes_max.max(2 * ears.message_bytes_max) + context_bytes_max;
    let mut heard = Vec::new();
    for read in bytes.chunks(read_len.max(1)) {
        let mut read = read.to_vec();
        let mut input = Input::new(&mut read);
        loop {
            let polled = match &mut inflater {
                Some(inflater) => ws.poll_event_with(&mut input, inflater),
                None => ws.poll_event(&mut input),
            };
            heard.push(match polled {
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
            if let Some(Heard::Message(_, payload)) = heard.last() {
                assert!(payload.len() <= ears.message_bytes_max.max(125), "over the limit");
            }
        }
        assert!(input.is_empty());
        assert!(ws.heap_bytes() <= bytes_max, "{} bytes", ws.heap_bytes());
    }
    let ends = heard.iter().position(|heard| matches!(heard, Heard::Close(_) | Heard::Error(_)));
    assert!(ends.is_none_or(|end| end + 1 == heard.len()), "something was heard after the end");
    heard
}
