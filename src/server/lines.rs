//! The line port: bytes become lines, and reach their service.
//!
//! ```text
//!     bytes ─▶ telnet's commands taken out ─▶ blanks skipped, first line judged ─▶ lines ─▶ the service
//!                      │                                │
//!                      └─▶ options refused              └─▶ another protocol: one notice, and the end
//! ```
//!
//! Telnet's commands are taken out once, as bytes come. What is left of a peer that is not read for a while lies in
//! [`Connection::unread`](super::connection::Connection::unread), and has been through that already.

use super::close_reason::CloseReason;
use super::connection::{Codec, Phase};
use super::core::Core;
use crate::proto::Input;
use crate::proto::line::{Decoder, Event};
use crate::proto::sniff::{self, Guess, HEAD_MAX, Protocol};
use crate::proto::telnet::Telnet;
use crate::service::{BadLine, Message};
use crate::time::Millis;

/// What is known of a line connection's bytes.
#[derive(Debug)]
pub struct Lines {
    decoder: Decoder,
    telnet: Telnet,
    /// The first line has not come whole, and may be another protocol's.
    is_opening: bool,
}

impl Lines {
    /// Nothing has come yet. Lines hold `line_bytes_max` bytes at most.
    pub fn new(line_bytes_max: usize) -> Lines {
        Lines { decoder: Decoder::new(line_bytes_max), telnet: Telnet::default(), is_opening: true }
    }

    /// The first byte of a line that has begun and not ended.
    pub fn begun(&self) -> Option<u8> {
        self.decoder.begun().first().copied()
    }

    /// Skips what is blank before the first line, and says whether that line is another protocol's. Takes nothing else off
    /// `input`, and does nothing once the first line has been judged.
    fn judge(&mut self, input: &mut Input<'_>) -> Option<Protocol> {
        while self.is_opening {
            let begun = self.decoder.begun();
            if begun.is_empty() {
                let blank = input.remaining().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                input.take(blank);
            }
            let begun = self.decoder.begun();
            let (mut head, mut head_len) = ([0; HEAD_MAX], 0);
            let end = input.remaining().iter().position(|byte| *byte == b'\n');
            let piece = input.remaining().get(..end.map_or(input.len(), |end| end + 1)).unwrap_or_default();
            for (place, byte) in head.iter_mut().zip(begun.iter().chain(piece)) {
                *place = *byte;
                head_len += 1;
            }
            let head = head.get(..head_len).unwrap_or_default();
            match sniff::blank_len(head) {
                0 => {}
                blank => {
                    // What has begun is no more than the first bytes of that blank.
                    let blank_left = blank.saturating_sub(begun.len());
                    self.decoder.forget_begun();
                    input.take(blank_left);
                    continue;
                }
            }
            if let Guess::Foreign(protocol) = sniff::by_beginning(head) {
                return Some(protocol);
            }
            let is_too_long = self.decoder.is_too_long_with(piece);
            if end.is_none() && !is_too_long {
                return None;
            }
            self.is_opening = false;
            let line = [begun, piece].concat();
            return match is_too_long {
                true => sniff::begins_request(&line).then_some(Protocol::Http),
                false => sniff::by_request_line(&line),
            };
        }
        None
    }

    /// The same with what has begun, which is all of the first line that there will be.
    fn judge_last(&mut self) -> Option<Protocol> {
        let mut end = *b"\n";
        if self.decoder.begun().is_empty() { None } else { self.judge(&mut Input::new(&mut end)) }
    }
}

/// What a peer of another protocol is told.
fn notice(protocol: Protocol) -> String {
    let advice = match protocol {
        Protocol::Proxy => {
            ": a later version will read it, with --proxy-protocol; until then the proxy must not send it"
        }
        _ => "",
    };
    format!("* this port speaks lines of text, not {}{advice}\n", protocol.name())
}

impl Core {
    /// Handles bytes that lie in the loop's read buffer.
    pub(super) fn process_line_bytes(&mut self, now: Millis, index: u32, bytes: &mut [u8]) {
        let conn = self.state.conn(index);
        let Codec::Line(Lines { telnet, .. }) = &mut conn.codec else { return };
        if conn.phase != Phase::Open {
            return;
        }
        let is_stray = telnet.take_stray(bytes);
        let mut refusals = Vec::new();
        let text = telnet.filter(bytes, &mut refusals);
        if !refusals.is_empty() {
            self.state.push_bytes(index, &refusals);
        }
        if is_stray {
            self.process_bytes(now, index, &mut [0xFF]);
        }
        if !text.is_empty() {
            self.process_bytes(now, index, text);
        }
    }

    pub(super) fn process_lines(
        &mut self,
        now: Millis,
        index: u32,
        lines: &mut Lines,
        input: &mut Input<'_>,
    ) {
        while self.is_served(index) {
            if let Some(protocol) = lines.judge(input) {
                return self.refuse_protocol(now, index, protocol);
            }
            match lines.decoder.poll_event(input) {
                Some(event) => self.handle_line(now, index, event),
                None => return,
            }
        }
    }

    /// The peer has ended its stream as one should: a last line that has no end is a line.
    pub(super) fn finish_lines(&mut self, now: Millis, index: u32) {
        let conn = self.state.conn(index);
        if !matches!(conn.codec, Codec::Line(_)) || conn.unread.is_some() {
            return;
        }
        let mut codec = std::mem::take(&mut conn.codec);
        if let Codec::Line(lines) = &mut codec {
            self.state.speaking = Some(index);
            if let Some(protocol) = lines.judge_last() {
                self.refuse_protocol(now, index, protocol);
            } else if let Some(event) = lines.decoder.finish() {
                self.handle_line(now, index, event);
            }
            self.state.speaking = None;
        }
        self.state.conn(index).codec = codec;
    }

    fn handle_line(&mut self, now: Millis, index: u32, event: Event<'_>) {
        let service = self.state.conn(index).service.expect("a line connection has a service from the start");
        let error = match event {
            Event::Line(text) => return self.handle_message(now, index, service, Message::Text(text)),
            Event::TooLong { first } => BadLine::TooLong { first },
            Event::NotUtf8 { first } => BadLine::NotUtf8 { first },
        };
        let id = self.state.conn(index).id(index);
        self.with_service(now, service, |service, cx| service.on_bad_line(cx, id, error));
    }

    /// Ends a connection that the line port is not for. Its service has heard nothing from it.
    fn refuse_protocol(&mut self, now: Millis, index: u32, protocol: Protocol) {
        let notice = notice(protocol);
        self.warnings
            .warn(now, format!("refused on the line port: {}", notice.trim_start_matches("* ").trim_end()));
        self.state.push_bytes(index, notice.as_bytes());
        self.state.close(now, index, CloseReason::WrongProtocol);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known of `bytes` when they come in pieces: another protocol, or what is left as lines.
    fn judged(pieces: &[&[u8]]) -> Result<Vec<String>, Protocol> {
        let (mut lines, mut told) = (Lines::new(100), Vec::new());
        for piece in pieces {
            let mut piece = piece.to_vec();
            let mut input = Input::new(&mut piece);
            loop {
                if let Some(protocol) = lines.judge(&mut input) {
                    assert!(told.is_empty(), "nothing is told of another protocol");
                    return Err(protocol);
                }
                match lines.decoder.poll_event(&mut input) {
                    None => break,
                    Some(Event::Line(line)) => told.push(line.to_owned()),
                    Some(other) => told.push(format!("{other:?}")),
                }
            }
        }
        match lines.judge_last() {
            Some(protocol) if told.is_empty() => Err(protocol),
            Some(_) => panic!("only the first line is judged"),
            None => {
                told.extend(lines.decoder.finish().map(|last| format!("{last:?}")));
                Ok(told)
            }
        }
    }

    #[track_caller]
    fn assert_judged(bytes: &[u8], expected: &Result<Vec<String>, Protocol>) {
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            assert_eq!(&judged(&[first, second]), expected, "{} cut at {cut}", bytes.escape_ascii());
        }
        let each: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(&judged(&each), expected, "{} byte by byte", bytes.escape_ascii());
    }

    #[test]
    fn other_protocols_are_known_however_they_are_cut_and_whatever_blank_is_before() {
        for (beginning, protocol) in sniff::BEGINNINGS {
            let text: Vec<u8> = (beginning.iter())
                .flat_map(|byte| match byte {
                    b'#' => b"12".to_vec(),
                    b'$' => b"\r".to_vec(),
                    b'_' => b" ".to_vec(),
                    byte => vec![*byte],
                })
                .collect();
            for before in ["", "\r\n\r\n", "\n \t\u{feff}\u{feff}\u{3000}"] {
                for after in ["", "\r\nhost: a\r\n\r\n/name mallory\nhello\n"] {
                    let bytes = [before.as_bytes(), &text, after.as_bytes()].concat();
                    assert_judged(&bytes, &Err(*protocol));
                }
            }
        }
        for line in ["get /x HTTP/1.1", "x * HTTP/1.0", "INVITE sip:a SIP/2.0", "foo http://a/ HTTP/1.1 "] {
            for end in ["", "\n", "\r\nhost: a\r\n\r\nhello\n"] {
                let expected = Err(if line.contains("SIP") { Protocol::Sip } else { Protocol::Http });
                assert_judged(format!("\r\n{line}{end}").as_bytes(), &expected);
            }
        }
    }

    #[test]
    fn a_request_that_is_longer_than_a_line_may_be_is_one() {
        for method in ["POST", "get", "x", "A-METHOD-THAT-IS-LONGER-THAN-WHAT-THE-TABLE-LOOKS-AT"] {
            for target in ["/", "http://a/", "*"] {
                let line = format!("{method} {target}{} HTTP/1.1\r\n\r\nhello\n", "a".repeat(200));
                assert_judged(line.as_bytes(), &Err(Protocol::Http));
            }
        }
        let told = Ok(vec!["TooLong { first: 103 }".to_owned(), "hello".to_owned()]);
        assert_judged(format!("get well {}\nhello\n", "a".repeat(200)).as_bytes(), &told);
    }

    #[test]
    fn blanks_before_the_first_line_are_skipped_and_no_others() {
        let lines = |lines: &[&str]| Ok(lines.iter().map(|&line| line.to_owned()).collect());
        for blank in ["", "\n", "\r\n\r\n", "  \t", "\u{feff}", "\u{feff}\u{feff}\n\u{3000} \u{2028}\n"] {
            assert_judged(format!("{blank}{{\"a\":1}}\n\n b\n").as_bytes(), &lines(&["{\"a\":1}", "", " b"]));
            assert_judged(
                format!("{blank}hi\nGET / HTTP/1.1\n").as_bytes(),
                &lines(&["hi", "GET / HTTP/1.1"]),
            );
            assert_judged(format!("{blank}hi").as_bytes(), &lines(&["Line(\"hi\")"]));
            assert_judged(blank.as_bytes(), &lines(&[]));
        }
        assert_judged(b"\xef\xbb\xffhi\n", &lines(&["NotUtf8 { first: 239 }"]));
        assert_judged(b"\xef\xbb", &lines(&["NotUtf8 { first: 239 }"]));
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<Lines>() <= 24, "{}", size_of::<Lines>());
    }
}
