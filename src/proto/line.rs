//! Lines of text, for whoever comes with `nc`.
//!
//! ```text
//!   h e l l o \n   w o r l d \r \n   t h i s   i s   t o o   l o n g . . . \n   o k \n
//!   Line("hello")  Line("world")     TooLong, when the first byte is too many    Line("ok")
//!                                    -> Skipping ------------------------> \n
//! ```
//!
//! A line ends with LF; a CR before it is no part of the line. The limit counts what is between the ends. A
//! line over the limit is reported as soon as it is, once, and skipped up to its end: a person who pastes too
//! much keeps the connection. What is not UTF-8 is reported when its line ends. A last line that has no end is a line
//! if the stream has come to its proper end, which [`Decoder::finish`] is told; if the connection breaks it is none.
//!
//! A line that lies whole in the input is given out where it lies. Only one that a read has cut is gathered.

use super::{Input, growth};

const LINE_END_MAX: usize = 2; // CR LF

/// What the peer has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'e> {
    /// A line, without its end.
    Line(&'e str),
    /// A line is longer than the limit. The rest of it is skipped.
    TooLong {
        /// Its first byte.
        first: u8,
    },
    /// A line was not UTF-8.
    NotUtf8 {
        /// Its first byte.
        first: u8,
    },
}

/// Cuts what arrives into lines.
///
/// ```
/// use chinwag::proto::Input;
/// use chinwag::proto::line::{Decoder, Event};
///
/// let mut bytes = *b"hello\r\nhalf a li";
/// let mut lines = Decoder::new(80);
/// let mut input = Input::new(&mut bytes);
/// assert_eq!(lines.poll_event(&mut input), Some(Event::Line("hello")));
/// assert_eq!(lines.poll_event(&mut input), None);
/// ```
#[derive(Debug)]
pub struct Decoder {
    /// Of a line that a read has cut. None in the other states; boxed, as most decoders are in those.
    gathered: Option<Box<Gathered>>,
    line_bytes_max: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the beginning of a line.
    Start,
    /// In a line that a read has cut.
    Begun,
    /// A line that was cut has become whole, and is lent to the caller until the next call.
    Whole,
    /// In a line that was too long.
    Skipping,
}

/// Invariant: `bytes` is no more than the limit and a line's end.
#[derive(Debug, Default)]
struct Gathered {
    bytes: Vec<u8>,
}

impl Decoder {
    /// At the beginning of a line. Lines hold `line_bytes_max` bytes at most, their ends not counted.
    pub fn new(line_bytes_max: usize) -> Self {
        let line_bytes_max = u32::try_from(line_bytes_max).unwrap_or(u32::MAX);
        Self { gathered: None, line_bytes_max, state: State::Start }
    }

    /// Takes bytes off `input` until they say something. `None` when they are used up.
    pub fn poll_event<'e, 'b: 'e>(&'e mut self, input: &mut Input<'b>) -> Option<Event<'e>> {
        if let State::Skipping = self.state {
            let (_, ended) = take_piece(input);
            if !ended {
                return None;
            }
            self.state = State::Start;
        }
        let gathered = self.gathered.take().filter(|_| self.state == State::Begun);
        self.state = State::Start;
        let (piece, ended) = take_piece(input);

        let begun = gathered.as_ref().map_or(&[][..], |gathered| &gathered.bytes);
        let line_bytes_max = self.line_bytes_max as usize;
        if text_len(begun, piece) > line_bytes_max {
            self.state = if ended { State::Start } else { State::Skipping };
            return Some(Event::TooLong { first: first_of(begun, piece) });
        }
        match (gathered, ended) {
            (None, true) => Some(judge(piece)),
            (None, false) if piece.is_empty() => None,
            (gathered, ended) => {
                let mut gathered = gathered.unwrap_or_default();
                let Gathered { bytes } = &mut *gathered;
                let len_max = line_bytes_max.saturating_add(LINE_END_MAX);
                bytes.reserve_exact(growth(bytes.len(), bytes.capacity(), piece.len(), len_max));
                bytes.extend_from_slice(piece);
                let whole = self.gathered.insert(gathered);
                self.state = if ended { State::Whole } else { State::Begun };
                ended.then(|| judge(&whole.bytes))
            }
        }
    }

    /// The stream has come to its proper end: a last line that has begun is a line. One that was too long has been told.
    pub fn finish(&mut self) -> Option<Event<'_>> {
        if self.state != State::Begun {
            return None;
        }
        self.state = State::Whole;
        self.gathered.as_ref().map(|gathered| judge(&gathered.bytes))
    }

    /// The bytes of a line that has begun and not ended; none of one that was too long, which has been told.
    pub fn begun(&self) -> &[u8] {
        match (self.state, &self.gathered) {
            (State::Begun, Some(gathered)) => &gathered.bytes,
            _ => &[],
        }
    }

    /// Drops those.
    pub fn forget_begun(&mut self) {
        if self.state == State::Begun {
            (self.gathered, self.state) = (None, State::Start);
        }
    }

    /// Whether the line that has begun is too long with what comes next.
    pub fn is_too_long_with(&self, next: &[u8]) -> bool {
        let piece_len = next.iter().position(|byte| *byte == b'\n').map_or(next.len(), |at| at + 1);
        let piece = next.get(..piece_len).unwrap_or_default();
        self.state != State::Skipping && text_len(self.begun(), piece) > self.line_bytes_max as usize
    }

    /// How many bytes of memory it holds beside itself. None between two lines.
    pub fn heap_bytes(&self) -> usize {
        self.gathered.as_ref().map_or(0, |gathered| size_of::<Gathered>() + gathered.bytes.capacity())
    }
}

/// Takes up to the end of the line, and says whether it was there.
fn take_piece<'b>(input: &mut Input<'b>) -> (&'b [u8], bool) {
    match input.remaining().iter().position(|byte| *byte == b'\n') {
        Some(at) => (input.take(at + 1), true),
        None => (input.take_all(), false),
    }
}

/// How long the line is that consists of these two, its end not counted. A CR that comes last may be half an
/// end.
fn text_len(begun: &[u8], piece: &[u8]) -> usize {
    let text = piece.strip_suffix(b"\n").unwrap_or(piece);
    let cr = text.last().or(begun.last()) == Some(&b'\r');
    begun.len() + text.len() - usize::from(cr)
}

/// The first byte of the line that consists of these two. A line that is none is never empty.
fn first_of(begun: &[u8], piece: &[u8]) -> u8 {
    begun.first().or(piece.first()).copied().unwrap_or_default()
}

fn judge(line: &[u8]) -> Event<'_> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    str::from_utf8(line).map_or(Event::NotUtf8 { first: first_of(line, b"") }, Event::Line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq)]
    enum Owned {
        Line(String),
        TooLong(u8),
        NotUtf8(u8),
    }

    fn owned(event: Event<'_>) -> Owned {
        match event {
            Event::Line(line) => Owned::Line(line.to_owned()),
            Event::TooLong { first } => Owned::TooLong(first),
            Event::NotUtf8 { first } => Owned::NotUtf8(first),
        }
    }

    /// The events of `bytes`, shown in pieces that end at `cuts`.
    fn events(bytes: &[u8], line_bytes_max: usize, cuts: &[usize]) -> Vec<Owned> {
        let mut decoder = Decoder::new(line_bytes_max);
        let mut events = Vec::new();
        let mut start = 0;
        for end in cuts.iter().copied().chain([bytes.len()]) {
            let mut piece = bytes[start..end].to_vec();
            start = end;
            let mut input = Input::new(&mut piece);
            while let Some(event) = decoder.poll_event(&mut input) {
                events.push(owned(event));
            }
            assert!(input.is_empty());
            assert!(decoder.heap_bytes() <= size_of::<Gathered>() + line_bytes_max + LINE_END_MAX);
        }
        events
    }

    fn line(text: &str) -> Owned {
        Owned::Line(text.to_owned())
    }

    #[test]
    fn an_idle_decoder_is_small() {
        assert!(size_of::<Decoder>() <= 16, "{}", size_of::<Decoder>());
    }

    #[test]
    fn lines_end_with_lf_or_crlf() {
        let expected = [line("a"), line("b"), line(""), line(""), line("c\rd"), line("e\r")];
        assert_eq!(events(b"a\nb\r\n\n\r\nc\rd\ne\r\r\n", 80, &[]), expected);
    }

    #[test]
    fn the_last_line_is_one_when_the_stream_ends_and_not_before() {
        for (bytes, last) in [
            (&b"a\nb"[..], Some(Owned::Line("b".into()))),
            (b"a\nb\r", Some(Owned::Line("b".into()))),
            (b"a\n\r", Some(Owned::Line("".into()))),
            (b"a\n\xC3", Some(Owned::NotUtf8(0xC3))),
            (b"a\n", None),
            (b"a\n123456", None),
        ] {
            assert_eq!(events(bytes, 5, &[]).first(), Some(&line("a")));
            let (mut decoder, mut bytes) = (Decoder::new(5), bytes.to_vec());
            let mut input = Input::new(&mut bytes);
            while decoder.poll_event(&mut input).is_some() {}
            assert_eq!(decoder.finish().map(owned), last, "{}", bytes.escape_ascii());
            assert_eq!(decoder.finish(), None, "once");
        }
    }

    #[test]
    fn exactly_the_limit_passes() {
        for bytes in [&b"1234\n"[..], b"1234\r\n"] {
            for cut in 0..bytes.len() {
                assert_eq!(events(bytes, 4, &[cut]), [line("1234")], "cut at {cut}");
            }
        }
    }

    #[test]
    fn one_byte_over_the_limit_is_reported_at_once_and_once() {
        for bytes in [&b"12345"[..], b"1234\r5", b"12345678901234567890", b"12345\n", b"12345\r\n"] {
            for cut in 0..bytes.len() {
                assert_eq!(events(bytes, 4, &[cut]), [Owned::TooLong(b'1')], "{bytes:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_line_too_long_is_skipped_to_its_end() {
        let bytes = b"123456789\nok\n";
        for cut in 0..bytes.len() {
            assert_eq!(events(bytes, 4, &[cut]), [Owned::TooLong(b'1'), line("ok")], "cut at {cut}");
        }
    }

    #[test]
    fn what_is_not_utf8_is_reported_once_a_line() {
        let bytes = b"\xFF\xFF\nok\n\xE2\x82\n\xE2\x82\xAC\n";
        for cut in 0..bytes.len() {
            let expected = [Owned::NotUtf8(0xFF), line("ok"), Owned::NotUtf8(0xE2), line("\u{20AC}")];
            assert_eq!(events(bytes, 4, &[cut]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_whole_line_is_given_where_it_lies() {
        let mut bytes = *b"hello\nrest";
        let range = bytes.as_ptr_range();
        let mut decoder = Decoder::new(80);
        let mut input = Input::new(&mut bytes);
        let Some(Event::Line(line)) = decoder.poll_event(&mut input) else { panic!("a line") };
        assert!(range.contains(&line.as_ptr()));
    }

    #[test]
    fn a_cut_line_leaves_no_memory_behind() {
        let mut decoder = Decoder::new(80);
        let mut halves = [*b"hel", *b"lo\n"];
        let [first, second] = halves.each_mut().map(|half| &mut half[..]);
        assert_eq!(decoder.poll_event(&mut Input::new(first)), None);
        assert_ne!(decoder.heap_bytes(), 0);
        assert_eq!(decoder.begun(), b"hel");
        let mut input = Input::new(second);
        assert_eq!(decoder.poll_event(&mut input), Some(Event::Line("hello")));
        assert_eq!(decoder.begun(), b"");
        assert_eq!(decoder.poll_event(&mut input), None);
        assert_eq!(decoder.heap_bytes(), 0);
    }

    #[test]
    fn what_has_begun_can_be_forgotten() {
        let mut decoder = Decoder::new(4);
        assert_eq!(decoder.poll_event(&mut Input::new(&mut b"ab".to_vec())), None);
        assert!(!decoder.is_too_long_with(b"cd\r\nefghij") && decoder.is_too_long_with(b"cde"));
        decoder.forget_begun();
        let mut rest = *b"cd\n";
        assert_eq!(decoder.poll_event(&mut Input::new(&mut rest)), Some(Event::Line("cd")));
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(
            bytes in prop::collection::vec(prop::sample::select(b"ab\r\n\n\xC3\xA9".to_vec()), 0..60),
            line_bytes_max in 0..8_usize,
            cuts in prop::collection::vec(0..60_usize, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort();
            let whole = events(&bytes, line_bytes_max, &[]);
            prop_assert_eq!(&events(&bytes, line_bytes_max, &cuts), &whole);
            let every_byte: Vec<usize> = (0..bytes.len()).collect();
            prop_assert_eq!(&events(&bytes, line_bytes_max, &every_byte), &whole);
        }
    }
}
