//! Lines: as the plain way would cut them, wherever the reads cut them, and in no more memory than a line may
//! have.
//!
//! The first byte is the limit, the second how long the reads are. The rest is what the peer writes.

use chinwag::proto::Input;
use chinwag::proto::line::{Decoder, Event};

/// A CR and an LF, and the box.
const SPARE_BYTES: usize = 2 + 24;

#[derive(Debug, PartialEq)]
enum Heard {
    Line(String),
    TooLong,
    NotUtf8,
}

pub fn check(bytes: &[u8]) {
    let [limit, read_len, bytes @ ..] = bytes else { return };
    let line_bytes_max = usize::from(*limit);
    let plain = plain(bytes, line_bytes_max);
    for read_len in [bytes.len(), usize::from(*read_len), 1] {
        assert_eq!(hear(bytes, line_bytes_max, read_len), plain);
    }
}

fn plain(bytes: &[u8], line_bytes_max: usize) -> Vec<Heard> {
    let mut heard = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.len() > line_bytes_max {
            heard.push(Heard::TooLong);
        } else if line.ends_with(b"\n") {
            heard.push(str::from_utf8(text).map_or(Heard::NotUtf8, |text| Heard::Line(text.to_owned())));
        }
    }
    heard
}

fn hear(bytes: &[u8], line_bytes_max: usize, read_len: usize) -> Vec<Heard> {
    let mut decoder = Decoder::new(line_bytes_max);
    let mut heard = Vec::new();
    for read in bytes.chunks(read_len.max(1)) {
        let mut read = read.to_vec();
        let mut input = Input::new(&mut read);
        while let Some(event) = decoder.poll_event(&mut input) {
            heard.push(match event {
                Event::Line(line) => Heard::Line(line.to_owned()),
                Event::TooLong { .. } => Heard::TooLong,
                Event::NotUtf8 { .. } => Heard::NotUtf8,
            });
        }
        assert!(input.is_empty());
        assert!(decoder.heap_bytes() <= line_bytes_max + SPARE_BYTES);
    }
    heard
}
