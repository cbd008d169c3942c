//! Rows of text with styles, and how long lines become several of them.

use crossterm::style::{Attribute, Color, Print, SetAttribute, SetForegroundColor};
use std::borrow::Cow;
use std::fmt::Write;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// How some text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    pub color: Option<Color>,
    pub is_bold: bool,
    pub is_dim: bool,
    pub is_reversed: bool,
}

pub const PLAIN: Style = Style { color: None, is_bold: false, is_dim: false, is_reversed: false };
pub const DIM: Style = Style { is_dim: true, ..PLAIN };
pub const BOLD: Style = Style { is_bold: true, ..PLAIN };
pub const BAR: Style = Style { is_reversed: true, ..PLAIN };
pub const WARNING: Style = Style { color: Some(Color::Yellow), ..PLAIN };

/// Some text of one style. It is for the screen as it is: nothing in it is hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub style: Style,
}

/// One row of the screen.
pub type Row = Vec<Span>;

pub fn span(text: impl Into<String>, style: Style) -> Span {
    Span { text: text.into(), style }
}

/// How many columns it takes.
pub fn width(row: &[Span]) -> usize {
    row.iter().map(|span| span.text.width()).sum()
}

/// The colour of a name: always the same.
pub fn color_of(name: &str) -> Color {
    // FNV-1a. The blues that are hard to read on black, and what is black or white, are not among them.
    const COLORS: [Color; 10] = [
        Color::DarkRed,
        Color::DarkGreen,
        Color::DarkYellow,
        Color::DarkMagenta,
        Color::DarkCyan,
        Color::Red,
        Color::Green,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
    ];
    let step = |hash: u32, c: char| (hash ^ u32::from(c)).wrapping_mul(0x0100_0193);
    let hash = crate::wire::name::folded(name).fold(0x811c_9dc5, step);
    COLORS[(hash ^ hash >> 15) as usize % COLORS.len()]
}

/// Cuts a row off at so many columns, or fills it up to them.
pub fn fit(row: Row, columns: usize, filler: Style) -> Row {
    let mut fitted = Row::new();
    let mut used = 0;
    for Span { text, style } in row {
        let (text, columns_of_it) = head(&text, columns - used);
        used += columns_of_it;
        fitted.push(span(text, style));
    }
    fitted.push(span(" ".repeat(columns - used), filler));
    fitted
}

/// As much of a text as fits in so many columns, and how many it takes.
pub fn head(text: &str, columns: usize) -> (&str, usize) {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        if used + grapheme.width() > columns {
            return (&text[..at], used);
        }
        used += grapheme.width();
    }
    (text, used)
}

/// How far the tab stops of a text are apart.
const TAB_COLUMNS: usize = 8;

/// A text with spaces in the place of its tabs, up to the next tab stop: how wide a tab is on a screen depends on where it
/// stands, and each line of a text begins somewhere else.
pub fn expand_tabs(text: &str) -> Cow<'_, str> {
    if !text.contains('\t') {
        return Cow::Borrowed(text);
    }
    let (mut expanded, mut used) = (String::with_capacity(text.len() + TAB_COLUMNS), 0);
    for (i, part) in text.split('\t').enumerate() {
        if i > 0 {
            let gap = TAB_COLUMNS - used % TAB_COLUMNS;
            expanded.extend(std::iter::repeat_n(' ', gap));
            used += gap;
        }
        expanded.push_str(part);
        used += part.width();
    }
    Cow::Owned(expanded)
}

/// Breaks a text into pieces of at most so many columns, at spaces where there are any. The first may have fewer. Tabs
/// become spaces.
pub fn wrap(text: &str, first: usize, others: usize) -> Vec<String> {
    let text = expand_tabs(text);
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    let mut columns = first;
    for word in text.split_word_bounds() {
        let wide = word.width();
        if used + wide > columns && (wide <= others || word.trim().is_empty()) {
            lines.push(std::mem::take(&mut line));
            (used, columns) = (0, others);
            // The space at which a line is broken is not shown; nor is a longer one.
            if word.trim().is_empty() {
                continue;
            }
        }
        if used + wide <= columns {
            line.push_str(word);
            used += wide;
            continue;
        }
        // Longer than a whole line: it is broken wherever it must be.
        for grapheme in word.graphemes(true) {
            if used + grapheme.width() > columns && used > 0 {
                lines.push(std::mem::take(&mut line));
                (used, columns) = (0, others);
            }
            line.push_str(grapheme);
            used += grapheme.width();
        }
    }
    lines.push(line);
    lines
}

/// A row as a terminal wants it.
pub fn ansi(row: &[Span], has_colors: bool) -> String {
    let mut out = String::new();
    for Span { text, style } in row.iter().filter(|span| !span.text.is_empty()) {
        let attributes = [
            (style.is_bold, Attribute::Bold),
            (style.is_dim, Attribute::Dim),
            (style.is_reversed, Attribute::Reverse),
        ];
        let set = attributes.into_iter().filter(|(is_set, _)| *is_set);
        set.for_each(|(_, attribute)| {
            write!(out, "{}", SetAttribute(attribute)).expect("a String takes all")
        });
        if let Some(color) = style.color.filter(|_| has_colors) {
            write!(out, "{}", SetForegroundColor(color)).expect("a String takes all");
        }
        write!(out, "{}", Print(text)).expect("a String takes all");
        if *style != PLAIN {
            write!(out, "{}", SetAttribute(Attribute::Reset)).expect("a String takes all");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_broken_at_spaces_where_there_are_any() {
        let cases: [(&str, &[&str]); 6] = [
            ("", &[""]),
            ("short", &["short"]),
            ("one two three four", &["one two ", "three four"]),
            ("averyverylongword", &["averyveryl", "ongword"]),
            ("to averyverylongword", &["to averyve", "rylongword"]),
            ("ねこねこねこ", &["ねこねこね", "こ"]),
        ];
        for (text, lines) in cases {
            assert_eq!(wrap(text, 10, 10), lines, "{text}");
        }
        assert_eq!(wrap("one two", 4, 10), ["one ", "two"]);
    }

    #[test]
    fn a_tab_leads_to_the_next_stop() {
        let cases = [
            ("\ta", "        a"),
            ("a\tb", "a       b"),
            ("1234567\tb", "1234567 b"),
            ("12345678\tb", "12345678        b"),
            ("ねこ\t\tb", "ねこ            b"),
            ("no tab", "no tab"),
        ];
        for (text, expanded) in cases {
            assert_eq!(expand_tabs(text), expanded, "{text}");
            assert_eq!(wrap(text, 80, 80), [expanded], "{text}");
        }
        assert_eq!(wrap("word\tword", 10, 10), ["word    ", "word"]);
    }

    #[test]
    fn a_row_is_as_wide_as_it_is_said_to_be() {
        for columns in 0..12 {
            let row =
                fit(vec![span("ab", BOLD), span("ねこ", PLAIN), span("👩\u{200d}🚀", DIM)], columns, BAR);
            assert_eq!(width(&row), columns, "{row:?}");
        }
    }

    #[test]
    fn colours_are_left_out_where_nobody_wants_them() {
        let row = [span("a", WARNING), span("b", BOLD), span("c", PLAIN)];
        assert_eq!(ansi(&row, false), "a\u{1b}[0m\u{1b}[1mb\u{1b}[0mc");
        assert!(ansi(&row, true).contains("\u{1b}[38;5;11m"), "{:?}", ansi(&row, true));
        assert_eq!(color_of("Ann"), color_of("aNN"));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_wide(text in "[a-c \tねこé\u{301}👩\u{200d}🚀]{0,60}", first in 2_usize..12, others in 4_usize..12) {
            let lines = wrap(&text, first, others);
            for (line, most) in lines.iter().zip([first].into_iter().chain(std::iter::repeat(others))) {
                prop_assert!(line.width() <= most, "{line:?} in {most}");
            }
            let without_spaces = |text: &str| text.replace([' ', '\t'], "");
            prop_assert!(lines.iter().all(|line| !line.contains('\t')));
            prop_assert_eq!(without_spaces(&lines.concat()), without_spaces(&text));
        }
    }
}
