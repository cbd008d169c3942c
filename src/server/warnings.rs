//! Warnings about what peers send: each is logged once, so that a peer that repeats itself cannot fill the log.

use crate::time::Millis;
use std::collections::HashSet;

/// How many different warnings are logged within [`FORGOTTEN_AFTER`].
const WARNINGS_MAX: usize = 16;
/// How long a warning is not repeated.
const FORGOTTEN_AFTER: Millis = Millis::from_secs(3600);
/// How much of a peer's text is shown, in characters.
const SHOWN_CHARS_MAX: usize = 100;

/// The warnings that were logged lately.
#[derive(Debug, Default)]
pub struct Warnings {
    logged: HashSet<String>,
    since: Millis,
}

impl Warnings {
    /// Logs a warning; at the level of debug if it was logged lately, or if many others were.
    pub fn warn(&mut self, now: Millis, warning: String) {
        let level = if self.is_due(now, &warning) { log::Level::Warn } else { log::Level::Debug };
        log::log!(level, "{warning}");
    }

    fn is_due(&mut self, now: Millis, warning: &str) -> bool {
        if self.since + FORGOTTEN_AFTER <= now {
            self.logged.clear();
            self.since = now;
        }
        self.logged.len() < WARNINGS_MAX && self.logged.insert(warning.to_owned())
    }
}

/// What a peer wrote, in quotes, as printable ASCII and not too long: fit for a log and for a response.
pub fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_default).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push_str("...");
    }
    format!("\"{shown}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_logged_once_and_again_after_an_hour() {
        let mut warnings = Warnings::default();
        assert!(warnings.is_due(Millis(0), "a"));
        assert!(!warnings.is_due(Millis(1), "a"));
        assert!(warnings.is_due(Millis(1), "b"));
        let later = FORGOTTEN_AFTER;
        assert!(!warnings.is_due(later - Millis(1), "a"));
        assert!(warnings.is_due(later, "a"));
        assert!(!warnings.is_due(later, "a"));
    }

    #[test]
    fn there_are_so_many_different_warnings_and_no_more() {
        let mut warnings = Warnings::default();
        let due = (0..1000).filter(|n| warnings.is_due(Millis(0), &n.to_string())).count();
        assert_eq!((due, warnings.logged.len()), (WARNINGS_MAX, WARNINGS_MAX));
    }

    #[test]
    fn what_a_peer_wrote_cannot_act_on_a_terminal() {
        assert_eq!(quoted("a\x1b[2Jb\n\"c\u{202E}"), "\"a\\u{1b}[2Jb\\n\\\"c\\u{202e}\"");
        assert_eq!(quoted(&"x".repeat(100)), format!("\"{}\"", "x".repeat(100)));
        assert_eq!(quoted(&"\u{1F600}".repeat(101)), format!("\"{}...\"", "\\u{1f600}".repeat(100)));
    }
}
