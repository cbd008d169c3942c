//! The line that is being typed.
//!
//! ```text
//!     text     "héllo wörld↵second"        ↵: a line end that came with a paste; each line is said on its own
//!     cursor          ^                     always between two characters, as people count them: graphemes
//! ```
//!
//! The keys are those of readline, which fingers know.

use crate::wire::visible;
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// How much can be typed or pasted.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// How many lines can be had back.
const HISTORY_LEN_MAX: usize = 1000;

/// The line, and those before it.
#[derive(Debug, Default)]
pub struct Editor {
    text: String,
    /// In bytes.
    cursor: usize,
    /// What was cut out last.
    cut: String,
    history: Vec<String>,
    /// Which of these is shown, and what was being typed before.
    recalled: Option<(usize, String)>,
}

/// Somewhere to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    Left,
    Right,
    WordLeft,
    WordRight,
    Start,
    End,
}

impl Editor {
    /// What is there.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands in front of the cursor.
    pub fn before_cursor(&self) -> &str {
        &self.text[..self.cursor]
    }

    /// Puts text where the cursor is. What cannot be said is left out, and a tab is a space.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', " ");
        let mut text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
        let room = TEXT_BYTES_MAX - self.text.len();
        if text.len() > room {
            text.truncate((0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
        }
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
        self.align();
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion) {
        self.cursor = self.target(motion);
    }

    /// Takes out what lies between the cursor and there.
    pub fn delete(&mut self, motion: Motion) {
        let target = self.target(motion);
        let range = self.cursor.min(target)..self.cursor.max(target);
        let taken: String = self.text.drain(range.clone()).collect();
        if !matches!(motion, Motion::Left | Motion::Right) && !taken.is_empty() {
            self.cut = taken;
        }
        self.cursor = range.start;
        self.align();
    }

    /// Puts back what was cut out last.
    pub fn paste_cut(&mut self) {
        let cut = self.cut.clone();
        self.insert(&cut);
    }

    /// Replaces what stands between there and the cursor.
    pub fn replace_before_cursor(&mut self, from: usize, text: &str) {
        self.text.replace_range(from..self.cursor, text);
        self.cursor = from + text.len();
    }

    /// Takes out all of it, to be said, and remembers it.
    pub fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        self.cursor = 0;
        self.recalled = None;
        if !text.trim().is_empty() && self.history.last() != Some(&text) {
            self.history.push(text.clone());
            if self.history.len() > HISTORY_LEN_MAX {
                self.history.remove(0);
            }
        }
        text
    }

    /// Shows what was typed before this.
    pub fn recall_older(&mut self) {
        let (at, draft) = match self.recalled.take() {
            Some((at, draft)) => (at, draft),
            None => (self.history.len(), self.text.clone()),
        };
        let older = at.saturating_sub(1);
        self.show_recalled(if at == 0 { at } else { older }, draft);
    }

    /// Shows what was typed after this; in the end, what was being typed.
    pub fn recall_newer(&mut self) {
        if let Some((at, draft)) = self.recalled.take() {
            self.show_recalled(at + 1, draft);
        }
    }

    fn show_recalled(&mut self, at: usize, draft: String) {
        match self.history.get(at) {
            Some(text) => {
                self.text.clone_from(text);
                self.recalled = Some((at, draft));
            }
            None => self.text = draft,
        }
        self.cursor = self.text.len();
    }

    /// What of it is seen in so many columns, and in which of these the cursor stands.
    pub fn view(&self, width: usize) -> (String, usize) {
        // One column is left free behind the end, for the cursor.
        let width = width.max(2) - 1;
        let cells: Vec<(usize, Cow<'_, str>)> =
            self.text.grapheme_indices(true).map(|(at, grapheme)| (at, shown(grapheme))).collect();
        let columns =
            |cells: &[(usize, Cow<'_, str>)]| cells.iter().map(|(_, cell)| cell.width()).sum::<usize>();
        let before = cells.iter().take_while(|(at, _)| *at < self.cursor).count();
        // As much in front of the cursor as there is room for; where all fits, all of it.
        let mut start = 0;
        if columns(&cells) > width {
            while columns(&cells[start..before]) > width {
                start += 1;
            }
        }
        let mut view = String::new();
        let mut used = 0;
        for (_, cell) in &cells[start..] {
            used += cell.width();
            if used > width {
                break;
            }
            view.push_str(cell);
        }
        (view, columns(&cells[start..before]))
    }

    /// Text that is put together or torn apart may make other characters of its ends.
    fn align(&mut self) {
        if !self.is_boundary(self.cursor) {
            self.cursor = self.target(Motion::Right);
        }
    }

    fn is_boundary(&self, at: usize) -> bool {
        at == self.text.len() || self.text.grapheme_indices(true).any(|(start, _)| start == at)
    }

    fn target(&self, motion: Motion) -> usize {
        let starts = || self.text.grapheme_indices(true).map(|(at, _)| at);
        let words = || self.text.unicode_word_indices();
        match motion {
            Motion::Start => 0,
            Motion::End => self.text.len(),
            Motion::Left => starts().take_while(|at| *at < self.cursor).last().unwrap_or(0),
            Motion::Right => starts().find(|at| *at > self.cursor).unwrap_or(self.text.len()),
            Motion::WordLeft => {
                words().map(|(at, _)| at).take_while(|at| *at < self.cursor).last().unwrap_or(0)
            }
            Motion::WordRight => words()
                .map(|(at, word)| at + word.len())
                .find(|end| *end > self.cursor)
                .unwrap_or(self.text.len()),
        }
    }
}

/// A character as it is shown.
fn shown(grapheme: &str) -> Cow<'_, str> {
    match grapheme {
        "\n" => Cow::Borrowed("↵"),
        _ if grapheme.chars().any(|c| visible::is_hidden(c) || visible::is_isolate(c)) => {
            Cow::Owned(super::words::shown(grapheme))
        }
        _ => Cow::Borrowed(grapheme),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(text: &str) -> Editor {
        let mut editor = Editor::default();
        editor.insert(text);
        editor
    }

    #[test]
    fn the_cursor_goes_by_characters_as_people_count_them() {
        let mut editor = typed("ae\u{301}👩\u{200d}🚀ね");
        for (column, text) in [(4, "ae\u{301}👩\u{200d}🚀"), (2, "ae\u{301}"), (1, "a"), (0, ""), (0, "")]
        {
            editor.go(Motion::Left);
            assert_eq!((editor.view(20).1, editor.before_cursor()), (column, text));
        }
        editor.go(Motion::End);
        editor.delete(Motion::Left);
        editor.delete(Motion::Left);
        assert_eq!(editor.text(), "ae\u{301}");
        editor.go(Motion::Start);
        editor.delete(Motion::Right);
        assert_eq!(editor.text(), "e\u{301}");
    }

    #[test]
    fn words_are_gone_over_and_cut() {
        let mut editor = typed("one two-three  four");
        let mut stops = Vec::new();
        for _ in 0..5 {
            editor.go(Motion::WordLeft);
            stops.push(editor.cursor);
        }
        assert_eq!(stops, [15, 8, 4, 0, 0]);
        editor.go(Motion::WordRight);
        assert_eq!(editor.before_cursor(), "one");
        editor.delete(Motion::WordRight);
        assert_eq!(editor.text(), "one-three  four");
        editor.go(Motion::End);
        editor.delete(Motion::WordLeft);
        editor.delete(Motion::Start);
        assert_eq!(editor.text(), "");
        editor.paste_cut();
        assert_eq!(editor.text(), "one-three  ");
    }

    #[test]
    fn what_was_typed_can_be_had_back_and_what_is_being_typed_is_not_lost() {
        let mut editor = Editor::default();
        for text in ["one", "two", "two", " "] {
            editor.insert(text);
            editor.take();
        }
        editor.insert("dra");
        let mut seen = Vec::new();
        for _ in 0..3 {
            editor.recall_older();
            seen.push(editor.text().to_owned());
        }
        for _ in 0..3 {
            editor.recall_newer();
            seen.push(editor.text().to_owned());
        }
        assert_eq!(seen, ["two", "one", "one", "two", "dra", "dra"]);
    }

    #[test]
    fn a_paste_of_many_lines_is_one_text_and_harmless() {
        let mut editor = Editor::default();
        editor.insert("one\r\ntwo\rthree\n\u{1b}[31mfour\t\u{7}five\u{202e}");
        assert_eq!(editor.text(), "one\ntwo\nthree\n[31mfour five\u{202e}");
        assert_eq!(editor.view(80).0, r"one↵two↵three↵[31mfour five\u{202e}");
    }

    #[test]
    fn as_much_is_seen_as_there_is_room_for() {
        let mut editor = typed("ねこねこ!");
        assert_eq!(editor.view(20), ("ねこねこ!".to_owned(), 9));
        // Nine columns, and one for the cursor.
        assert_eq!(editor.view(10), ("ねこねこ!".to_owned(), 9));
        assert_eq!(editor.view(9), ("こねこ!".to_owned(), 7));
        editor.go(Motion::Start);
        assert_eq!(editor.view(8), ("ねこね".to_owned(), 0));
        assert_eq!(editor.view(0).1, 0);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_the_cursor_is_in_the_line_and_in_view(
            steps in proptest::collection::vec((0_u8..8, "[a-z ね👩\u{200d}🚀\u{301}\n]{0,4}"), 0..40),
            width in 0_usize..30,
        ) {
            let mut editor = Editor::default();
            for (step, text) in steps {
                match step {
                    0 => editor.go(Motion::Left),
                    1 => editor.go(Motion::WordRight),
                    2 => editor.delete(Motion::Left),
                    3 => editor.delete(Motion::WordLeft),
                    4 => editor.recall_older(),
                    5 => drop(editor.take()),
                    _ => editor.insert(&text),
                }
                prop_assert!(editor.is_boundary(editor.cursor));
                let (view, column) = editor.view(width);
                prop_assert!(view.width() < width.max(2) && column < width.max(2), "{view} {column}");
            }
        }
    }
}
