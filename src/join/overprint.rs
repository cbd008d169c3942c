//! One line of standard input as a terminal would leave it.
//!
//! ```text
//!     written                              left
//!     " 50 %\r100 %\n"                     "100 %"            a carriage return writes over what stands there
//!     "ok\r\n"                             "ok"               in front of a line end it does nothing
//!     "\e[1;31merror\e[0m: no\n"           "error: no"        colours, titles and links are left out
//!     "building...\r\e[Kdone\n"            "done"             erasing and moving within the line are obeyed
//! ```
//!
//! So `make 2>&1 | chinwag join` says what a person at a terminal would have read in the end. The parser of escape
//! sequences is the crate `vte`, as terminals use it; a sequence that is cut by a read goes on with the next, and one that
//! has no end goes no further than its line. What has been said cannot be changed, so moving up is left out.

use unicode_width::UnicodeWidthChar;
use vte::{Params, Parser, Perform};

/// The longest line that is kept, in columns and combining marks. No server takes one of that length.
pub const LINE_LEN_MAX: usize = 1 << 20;
const TAB_COLUMNS: usize = 8;
/// Stands in the columns behind the first of a character that takes several.
const TAIL: char = '\0';

/// A line that is being written.
#[derive(Default)]
pub struct Overprint {
    parser: Parser,
    cells: Cells,
    /// The beginning of a character: the parser gets whole ones, since vte 0.15 loses what follows one that is cut.
    unread: Vec<u8>,
}

#[derive(Debug, Default)]
struct Cells {
    /// One for each column.
    cells: Vec<Cell>,
    cursor: usize,
    /// How many bytes of marks the cells hold.
    marks_len: usize,
    /// Something was written over, or erased.
    is_changed: bool,
    is_too_long: bool,
}

#[derive(Clone, Debug, Default)]
struct Cell {
    c: char,
    /// What is drawn on top of it.
    marks: String,
}

impl Overprint {
    /// Takes in bytes of the line, at most up to the end of the line.
    pub fn write(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        let whole = self.unread.len() - cut_len(&self.unread);
        self.parser.advance(&mut self.cells, &self.unread[..whole]);
        self.unread.drain(..whole);
    }

    /// The line, which is over; `None` if it was too long. What follows is another.
    pub fn take(&mut self) -> Option<String> {
        // What is left of a character or a sequence that was cut by the end.
        self.write(b"\n");
        self.parser = Parser::new();
        let Cells { cells, is_changed, is_too_long, .. } = std::mem::take(&mut self.cells);
        if is_too_long {
            return None;
        }
        let mut line = String::with_capacity(cells.len());
        for Cell { c, marks } in cells.iter().filter(|cell| cell.c != TAIL) {
            line.push(*c);
            line.push_str(marks);
        }
        // Spaces that hide what stood there before are not said.
        line.truncate(if is_changed { line.trim_end_matches(' ').len() } else { line.len() });
        Some(line)
    }
}

/// How many bytes at the end begin a character without ending it.
fn cut_len(bytes: &[u8]) -> usize {
    let last = bytes.iter().rev().take(3).position(|byte| !(0x80..0xc0).contains(byte));
    let Some((back, lead)) = last.map(|back| (back + 1, bytes[bytes.len() - 1 - back])) else {
        return 0;
    };
    let len = match lead {
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => 1,
    };
    if back < len { back } else { 0 }
}

impl Cells {
    fn put(&mut self, c: char, columns: usize) {
        if self.is_too_long || self.cursor + columns + self.marks_len > LINE_LEN_MAX {
            self.is_too_long = true;
            self.cells = Vec::new();
            return;
        }
        while self.cells.len() < self.cursor {
            self.cells.push(Cell { c: ' ', ..Cell::default() });
        }
        for at in self.cursor..self.cells.len().min(self.cursor + columns) {
            self.blank(at);
        }
        for at in self.cursor..self.cursor + columns {
            let cell = Cell { c: if at == self.cursor { c } else { TAIL }, marks: String::new() };
            match self.cells.get_mut(at) {
                Some(place) => *place = cell,
                None => self.cells.push(cell),
            }
        }
        self.cursor += columns;
    }

    /// Takes away the character that has this column; spaces stand in all of its columns.
    fn blank(&mut self, at: usize) {
        self.is_changed = true;
        let start = (0..=at).rev().find(|at| self.cells[*at].c != TAIL).unwrap_or(0);
        let behind = (start + 1..self.cells.len()).find(|at| self.cells[*at].c != TAIL);
        let behind = behind.unwrap_or(self.cells.len());
        for cell in &mut self.cells[start..behind] {
            self.marks_len -= cell.marks.len();
            *cell = Cell { c: ' ', ..Cell::default() };
        }
    }

    /// What is drawn on top of the character in front of the cursor.
    fn add_mark(&mut self, mark: char) {
        let before = self.cells.iter_mut().take(self.cursor).rev().find(|cell| cell.c != TAIL);
        match before {
            None => self.put(mark, 1),
            Some(cell) if self.marks_len + self.cursor < LINE_LEN_MAX => {
                cell.marks.push(mark);
                self.marks_len += mark.len_utf8();
            }
            Some(_) => self.is_too_long = true,
        }
    }

    fn go_to(&mut self, column: usize) {
        self.cursor = column.min(LINE_LEN_MAX);
    }

    fn erase(&mut self, from: usize, to: usize) {
        let to = to.min(self.cells.len());
        (from..to).for_each(|at| self.blank(at));
        if to == self.cells.len() && from < to {
            self.cells.truncate(from);
        }
    }
}

impl Perform for Cells {
    fn print(&mut self, c: char) {
        match c.width() {
            // vte passes a delete character on.
            None => {}
            Some(0) => self.add_mark(c),
            Some(columns) => self.put(c, columns),
        }
    }

    fn execute(&mut self, control: u8) {
        match control {
            b'\r' => self.cursor = 0,
            // Backspace moves, and takes nothing away.
            0x08 => self.cursor = self.cursor.saturating_sub(1),
            b'\t' => {
                let columns = TAB_COLUMNS - self.cursor % TAB_COLUMNS;
                match self.cursor < self.cells.len() {
                    // A tab goes over what stands there.
                    true => self.go_to(self.cursor + columns),
                    false => self.put('\t', columns),
                }
            }
            _ => {}
        }
    }

    // ECMA-48, 8.3: what moves within a line and erases in it.
    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], is_ignored: bool, action: char) {
        let param =
            |at: usize| params.iter().nth(at).and_then(|param| param.first().copied()).map(usize::from);
        let count = param(0).unwrap_or(1).max(1);
        if is_ignored || !intermediates.is_empty() {
            return;
        }
        match (action, param(0).unwrap_or(0)) {
            ('C', _) => self.go_to(self.cursor + count),
            ('D', _) => self.cursor = self.cursor.saturating_sub(count),
            ('E' | 'F', _) => self.cursor = 0,
            ('G' | '`', _) => self.go_to(count - 1),
            ('H' | 'f', _) => self.go_to(param(1).unwrap_or(1).max(1) - 1),
            ('J' | 'K', 0) => self.erase(self.cursor, usize::MAX),
            ('J' | 'K', 1) => self.erase(0, self.cursor + 1),
            ('J' | 'K', 2) => self.erase(0, usize::MAX),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn left(bytes: &[u8], step: usize) -> Option<String> {
        let mut line = Overprint::default();
        bytes.chunks(step.max(1)).for_each(|piece| line.write(piece));
        line.take()
    }

    #[test]
    fn a_line_is_what_a_terminal_shows_in_the_end_however_it_is_cut() {
        let cases: [(&[u8], &str); 30] = [
            (b"", ""),
            (b"plain text, two  spaces  ", "plain text, two  spaces  "),
            (b"ok\r", "ok"),
            (b"ok \r\r", "ok "),
            (b" 10 %\r 55 %\r100 %", "100 %"),
            (b"downloading\rdone", "doneloading"),
            (b"downloading\r           \rdone", "done"),
            (b"downloading\r\x1b[Kdone", "done"),
            (b"downloading\x1b[2K\rdone", "done"),
            (b"downloading\x1b[1K!", "           !"),
            (b"|\x08/\x08-\x08\\\x08 done", " done"),
            (b"\x1b[1;31merror\x1b[0m: \x1b[38;2;1;2;3mno\x1b[m", "error: no"),
            (b"\x1b]0;a title\x07text", "text"),
            (b"\x1b]8;;http://a/\x1b\\link\x1b]8;;\x1b\\ on", "link on"),
            (b"\x1bPq#0;2;0;0;0\x1b\\x\x1b_apc\x1b\\y", "xy"),
            (b"\x1b[?25l\x1b[?2004hhi\x1b(B\x1b[?25h\x1b7", "hi"),
            (b"\x1b[H\x1b[2Jnew", "new"),
            (b"a\x1b[5Gb\x1b[1;3Hc\x1b[9Cd", "a c b       d"),
            (b"abc\x1b[2DX", "aXc"),
            (b"bell\x07 nul\0 del\x7f", "bell nul del"),
            (b"tab\tby\ttab", "tab\tby\ttab"),
            (b"a\tb\rxx", "xx      b"),
            (b"12345678901\r\tX", "12345678X01"),
            ("ねこねこ\rx".as_bytes(), "x こねこ"),
            ("ね\rab".as_bytes(), "ab"),
            ("caf\u{65}\u{301}s\r\u{1b}[5CX".as_bytes(), "cafe\u{301}sX"),
            ("👩\u{200d}🚀 go\u{200b}ne".as_bytes(), "👩\u{200d}🚀 go\u{200b}ne"),
            (b"caf\xe9", "caf\u{fffd}"),
            (b"caf\xe9 au lait\xc3", "caf\u{fffd} au lait\u{fffd}"),
            (b"cut \x1b[31", "cut "),
        ];
        for (bytes, text) in cases {
            for step in 1..=bytes.len().max(1) {
                assert_eq!(left(bytes, step).as_deref(), Some(text), "{:?} by {step}", bytes.escape_ascii());
            }
        }
    }

    #[test]
    fn a_sequence_without_an_end_goes_no_further_than_its_line() {
        let mut line = Overprint::default();
        for cut in [&b"a\x1b]0;no end"[..], b"a\x1bPno end", b"a\x1b[3", b"a\x1b", b"a\x1b[31m"] {
            line.write(cut);
            assert_eq!(line.take().as_deref(), Some("a"));
            line.write(b"next");
            assert_eq!(line.take().as_deref(), Some("next"));
        }
    }

    #[test]
    fn a_progress_bar_of_any_length_is_one_line_and_a_line_that_is_too_long_is_none() {
        let mut line = Overprint::default();
        for percent in 0..200_000 {
            line.write(format!("\r\x1b[K{percent} of 200000 e\u{301}\u{302}").as_bytes());
        }
        assert_eq!(line.take().as_deref(), Some("199999 of 200000 e\u{301}\u{302}"));
        let fits = vec![b'x'; LINE_LEN_MAX];
        assert_eq!(left(&fits, 1 << 16).map(|line| line.len()), Some(LINE_LEN_MAX));
        for long in [
            [&fits[..], b"x"].concat(),
            [b"a", "\u{301}".repeat(LINE_LEN_MAX / 2 + 1).as_bytes()].concat(),
            [&b"\x1b[65535C".repeat(20)[..], b"x"].concat(),
        ] {
            let mut line = Overprint::default();
            line.write(&long);
            assert_eq!(line.take(), None);
            line.write(b"short");
            assert_eq!(line.take().as_deref(), Some("short"));
        }
    }

    proptest! {
        #[test]
        fn nothing_of_a_line_acts_on_a_screen_and_cuts_change_nothing(
            line in "([a-zね\u{301}]|[\r\t\u{8}\u{7}]|\u{1b}\\[[0-9;]{0,3}[A-HJKmf]|\u{1b}\\][a-z]{0,3}|\u{1b})*",
            step in 1_usize..9,
        ) {
            let whole = left(line.as_bytes(), usize::MAX);
            prop_assert_eq!(&left(line.as_bytes(), step), &whole);
            prop_assert!(!whole.unwrap_or_default().chars().any(|c| c.is_control() && c != '\t'));
        }

        #[test]
        fn plain_text_stays_as_it_is(text in "[a-zA-Z0-9 .,é\u{301}ねこ👩\u{200d}🚀\t]{0,60}") {
            prop_assert_eq!(left(text.as_bytes(), 7), Some(text));
        }
    }
}
