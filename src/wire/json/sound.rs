//! What valid JSON may not be, if others are to read it: half a character, or bottomless. RFC 8259, sections 8.2 and 9.
//!
//! ```text
//!     {"data":["\ud83d\ude00 and \ud83d"]}
//!                                └─ the first half of a pair, and no second: a string in JavaScript, an error in Python
//! ```
//!
//! The library has read the text before, and whatever is not JSON was refused. But it has not looked into what it passes on
//! as it is written, which is all that others will read.

use super::string;

/// How deep arrays and objects may stand in each other. Section 9 lets every parser have such a limit, and many stop at
/// a hundred or so; what is said here has to pass theirs too, in a page of history three levels further down.
pub const DEPTH_MAX: usize = 64;

/// Judges a text that is JSON, and says what is wrong with it.
pub fn judge(json: &str) -> Result<(), &'static str> {
    let (mut rest, mut depth) = (json, 0_usize);
    while let Some(at) = rest.find(['"', '[', '{', ']', '}']) {
        let (mark, behind) = rest[at..].split_at(1);
        rest = match mark {
            "\"" => {
                let len = string::find_end(behind).map_or(behind.len(), |end| end + 1);
                let (string, behind) = rest[at..].split_at(1 + len);
                if has_lone_surrogate(string) {
                    return Err("a string holds one half of a surrogate pair");
                }
                behind
            }
            "[" | "{" if depth == DEPTH_MAX => return Err("arrays and objects are nested too deeply"),
            "[" | "{" => {
                depth += 1;
                behind
            }
            _ => {
                depth = depth.saturating_sub(1);
                behind
            }
        };
    }
    Ok(())
}

/// Whether a string that is valid JSON is not one of characters: the library, when asked for these, finds nothing else
/// wrong with it.
fn has_lone_surrogate(string: &str) -> bool {
    string.contains(r"\u") && serde_json::from_str::<String>(string).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples::any_json;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    #[test]
    fn whole_characters_are_sound() {
        for json in [
            "null",
            "1e999999",
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\u0000\uFFFF\ud7ff\ue000""#,
            r#""\ud83d\ude00""#,
            r#""\uD83D\uDE00 and \uDBFF\uDFFF""#,
            r#""\\ud83d""#,
            r#"{"a":{"b":[{}]},"\"[[":"]]"}"#,
        ] {
            assert_eq!(judge(json), Ok(()), "{json}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_no_character() {
        for json in [
            r#""\ud83d""#,
            r#""\ude00""#,
            r#""\ud83d \ude00""#,
            r#""\ud83d\n""#,
            r#""\ud83d\ud83d\ude00""#,
            r#""\ude00\ud83d""#,
            r#""\ud83d\u0041""#,
            r#""\ud800\ue000""#,
            r#""\\\ud800""#,
            r#"["\"\\", "\udfff"]"#,
            r#"{"\udbff":1}"#,
            r#"{"a":{"b":["\udbff"]}}"#,
        ] {
            assert!(serde_json::from_str::<&RawValue>(json).is_ok(), "{json} is JSON");
            assert_eq!(judge(json), Err("a string holds one half of a surrogate pair"), "{json}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let arrays = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = |depth| format!("{}null{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        let too_deep = Err("arrays and objects are nested too deeply");
        for json in [arrays(DEPTH_MAX), objects(DEPTH_MAX)] {
            assert_eq!(judge(&json), Ok(()));
            assert_eq!(judge(&format!("[{json}]")), too_deep);
            assert_eq!(
                judge(&format!("[{0},{0},\"[{{\"]", arrays(DEPTH_MAX - 1))),
                Ok(()),
                "beside each other"
            );
        }
        assert_eq!(judge(&arrays(1 << 20)), too_deep);
    }

    proptest! {
        #[test]
        fn what_is_sound_is_what_the_library_can_build(json in any_json(), half in r"(\\ud83[0-9a-f])?") {
            let json = format!(r#"{{"a":{json},"b":["{half}"]}}"#);
            let built = serde_json::from_str::<serde_json::Value>(&json);
            prop_assert_eq!(judge(&json).is_ok(), built.is_ok(), "{}", json);
        }

        #[test]
        fn what_is_no_json_does_no_harm(text in "[\\[\\]{}:,\"\\\\u0-9d]{0,12}") {
            let _ = judge(&text);
        }
    }
}
