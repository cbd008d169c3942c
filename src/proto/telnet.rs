//! Telnet, as far as a line needs it: commands are taken out of the text, and every option is refused. RFC 854 and 855.
//!
//! ```text
//!   ff fb 1f            IAC WILL NAWS          taken out, answered by  ff fe 1f   IAC DONT NAWS
//!   ff fd 06            IAC DO TIMING-MARK     taken out, answered by  ff fc 06   IAC WONT TIMING-MARK
//!   ff fa 18 .. ff f0   IAC SB .. IAC SE       taken out: a sub-negotiation
//!   ff f1               IAC NOP                taken out: a command
//!   ff ff               IAC IAC                the byte 255 itself
//!   h i 0d 00           CR NUL                 the Return key, as CR LF is (RFC 1123, 3.3.1): h i CR LF
//! ```
//!
//! A text in which no command has come is left as it is. UTF-8 has no byte 255, so no text is mistaken for a command. A 255
//! that no command follows is left where it is too, and its line is then not UTF-8.
//!
//! WONT and DONT are never answered, as all options are off already: so two ends that refuse each other come to rest
//! (RFC 854, "General considerations", rule c). A peer that goes on offering is refused [`REFUSALS_MAX`] times, which is
//! enough for every option in both directions, and is not answered after that.

/// How many offers of one connection are answered.
pub const REFUSALS_MAX: u16 = 2 * 256;

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;
/// The first command: EOF, of RFC 1184. RFC 854 itself begins with SE.
const COMMAND_MIN: u8 = 236;
const LF: u8 = b'\n';
const CR: u8 = b'\r';

/// Takes the commands out of what a peer sends. A few bytes, as there is one for each line connection.
///
/// ```
/// use chinwag::proto::telnet::Telnet;
///
/// let (mut telnet, mut refusals) = (Telnet::default(), Vec::new());
/// let mut bytes = *b"\xff\xfb\x1fhello\r\n";
/// assert_eq!(telnet.filter(&mut bytes, &mut refusals), b"hello\r\n");
/// assert_eq!(refusals, b"\xff\xfe\x1f");
/// ```
#[derive(Debug, Default)]
pub struct Telnet {
    state: State,
    /// Whether a command has come.
    is_telnet: bool,
    refused: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// In the text.
    #[default]
    Text,
    /// Behind a CR of the text.
    Return,
    /// Behind IAC.
    Command,
    /// Behind IAC and WILL, WONT, DO or DONT.
    Option(u8),
    /// In a sub-negotiation.
    Within,
    /// Behind IAC in a sub-negotiation.
    WithinCommand,
}

impl Telnet {
    /// Whether the last bytes ended behind an IAC, and `next` is no command: then that IAC was a byte of the text. It is
    /// the caller's to put before `next`, since it was in another buffer.
    pub fn take_stray(&mut self, next: &[u8]) -> bool {
        let is_stray = self.state == State::Command && next.first().is_some_and(|&byte| byte < COMMAND_MIN);
        if is_stray {
            self.state = State::Text;
        }
        is_stray
    }

    /// Moves the text in `bytes` together and returns it. Appends to `refusals` what is to be sent to the peer.
    pub fn filter<'b>(&mut self, bytes: &'b mut [u8], refusals: &mut Vec<u8>) -> &'b mut [u8] {
        if !self.is_telnet && self.state == State::Text && !bytes.contains(&IAC) {
            return bytes;
        }
        let mut len = 0;
        for at in 0..bytes.len() {
            let byte = bytes[at];
            self.is_telnet |= self.state == State::Command && byte >= COMMAND_MIN;
            let text: &[u8] = match (self.state, byte) {
                (State::Text | State::Return, IAC) => {
                    self.state = State::Command;
                    &[]
                }
                (State::Return, 0) => {
                    self.state = State::Text;
                    &[LF]
                }
                (State::Text | State::Return, byte) => {
                    self.state = self.behind(byte);
                    &[byte]
                }
                (State::Command, IAC) => {
                    self.state = State::Text;
                    &[IAC]
                }
                (State::Command, WILL..=DONT) => {
                    self.state = State::Option(byte);
                    &[]
                }
                (State::Command, SB) => {
                    self.state = State::Within;
                    &[]
                }
                (State::Command, COMMAND_MIN..) => {
                    self.state = State::Text;
                    &[]
                }
                (State::Command, byte) => {
                    self.state = self.behind(byte);
                    &[IAC, byte]
                }
                (State::Option(verb), option) => {
                    self.refuse(verb, option, refusals);
                    self.state = State::Text;
                    &[]
                }
                (State::Within, IAC) => {
                    self.state = State::WithinCommand;
                    &[]
                }
                (State::Within, _) => &[],
                (State::WithinCommand, IAC) => {
                    self.state = State::Within;
                    &[]
                }
                (State::WithinCommand, SE) => {
                    self.state = State::Text;
                    &[]
                }
                // A command that breaks the sub-negotiation off, and counts.
                (State::WithinCommand, verb @ WILL..=DONT) => {
                    self.state = State::Option(verb);
                    &[]
                }
                (State::WithinCommand, SB) => {
                    self.state = State::Within;
                    &[]
                }
                (State::WithinCommand, _) => {
                    self.state = State::Text;
                    &[]
                }
            };
            // No more than has been read: two bytes are put down only where the one before was held back.
            for &byte in text {
                if let Some(place) = bytes.get_mut(len) {
                    *place = byte;
                    len += 1;
                }
            }
        }
        &mut bytes[..len]
    }

    /// Where a byte of the text leads to.
    fn behind(&self, byte: u8) -> State {
        if byte == CR && self.is_telnet { State::Return } else { State::Text }
    }

    fn refuse(&mut self, verb: u8, option: u8, refusals: &mut Vec<u8>) {
        let refusal = match verb {
            WILL => DONT,
            DO => WONT,
            _ => return,
        };
        if self.refused < REFUSALS_MAX {
            self.refused += 1;
            refusals.extend_from_slice(&[IAC, refusal, option]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is left of `bytes`, and what is answered, when they come in pieces that end at `cuts`.
    fn filtered(bytes: &[u8], cuts: &[usize]) -> (Vec<u8>, Vec<u8>) {
        let (mut telnet, mut text, mut refusals) = (Telnet::default(), Vec::new(), Vec::new());
        let mut start = 0;
        for end in cuts.iter().copied().chain([bytes.len()]) {
            let mut piece = bytes[start..end].to_vec();
            start = end;
            if telnet.take_stray(&piece) {
                text.push(IAC);
            }
            text.extend_from_slice(telnet.filter(&mut piece, &mut refusals));
        }
        (text, refusals)
    }

    #[track_caller]
    fn assert_filtered(bytes: &[u8], text: &[u8], refusals: &[u8]) {
        let every_byte: Vec<usize> = (0..bytes.len()).collect();
        for cuts in (0..bytes.len()).map(|cut| vec![cut]).chain([every_byte]) {
            assert_eq!(filtered(bytes, &cuts), (text.to_vec(), refusals.to_vec()), "cut at {cuts:?}");
        }
    }

    #[test]
    fn a_text_without_commands_is_untouched() {
        assert_filtered(b"\xff\r\0\n", b"\xff\r\0\n", b"");
        assert_filtered(b"a\r\0b\0\r\nc\r", b"a\r\0b\0\r\nc\r", b"");
        assert_filtered("gr\u{fc}\u{df} dich\n".as_bytes(), "gr\u{fc}\u{df} dich\n".as_bytes(), b"");
    }

    #[test]
    fn every_option_is_refused_in_both_directions() {
        for option in 0..=255 {
            assert_filtered(&[b'a', IAC, WILL, option, b'b'], b"ab", &[IAC, DONT, option]);
            assert_filtered(&[b'a', IAC, DO, option, b'b'], b"ab", &[IAC, WONT, option]);
        }
    }

    #[test]
    fn a_refusal_is_not_answered() {
        assert_filtered(&[IAC, WONT, 1, IAC, DONT, 3, b'a'], b"a", b"");
    }

    #[test]
    fn what_putty_begins_with() {
        assert_filtered(
            b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18\xff\xfb\x27\xff\xfd\x01\xff\xfb\x03\xff\xfd\x03hi\r\n",
            b"hi\r\n",
            b"\xff\xfe\x1f\xff\xfe\x20\xff\xfe\x18\xff\xfe\x27\xff\xfc\x01\xff\xfe\x03\xff\xfc\x03",
        );
    }

    #[test]
    fn sub_negotiations_are_taken_out_whatever_is_in_them() {
        assert_filtered(b"a\xff\xfa\x18\0xterm\n{\xff\xff\r\0\xff\xf0b", b"ab", b"");
        // One that another command breaks off.
        assert_filtered(b"a\xff\xfa\x18\xff\xfb\x01b", b"ab", b"\xff\xfe\x01");
        assert_filtered(b"a\xff\xfa\x18\xff\xfa\x1f\0\xff\xf0b", b"ab", b"");
        assert_filtered(b"a\xff\xfa\x18\xff\xf1b", b"ab", b"");
    }

    #[test]
    fn every_command_is_taken_out() {
        for command in (COMMAND_MIN..=255).filter(|byte| !matches!(*byte, SB | WILL..=IAC)) {
            assert_filtered(&[b'a', IAC, command, b'b'], b"ab", b"");
        }
    }

    #[test]
    fn iac_iac_is_the_byte_255() {
        assert_filtered(b"a\xff\xffb", b"a\xffb", b"");
        assert_filtered(b"\xff\xff\xff\xff", b"\xff\xff", b"");
        assert_filtered(b"\xff\xff\xfb", b"\xff\xfb", b"");
    }

    #[test]
    fn a_255_that_no_command_follows_stays() {
        for byte in 0..COMMAND_MIN {
            assert_filtered(&[b'a', IAC, byte, b'b'], &[b'a', IAC, byte, b'b'], b"");
            assert_filtered(&[IAC, byte], &[IAC, byte], b"");
        }
    }

    #[test]
    fn cr_nul_is_the_return_key() {
        assert_filtered(b"\xff\xf1a\r\0b\r\nc\rd\0", b"a\r\nb\r\nc\rd\0", b"");
        assert_filtered(b"\xff\xf1a\r\xff\xf1\0", b"a\r\0", b"");
    }

    #[test]
    fn who_offers_for_ever_is_answered_so_often_and_no_more() {
        let (text, refusals) = filtered(&[IAC, WILL, 1].repeat(10_000), &[]);
        assert_eq!((text.len(), refusals.len()), (0, 3 * usize::from(REFUSALS_MAX)));
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<Telnet>() <= 6, "{}", size_of::<Telnet>());
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference_and_nothing_grows(
            bytes in prop::collection::vec(prop::sample::select(b"a\r\n\0\xff\xff\xff\xfb\xfa\xf0\xfd\xf1\x01".to_vec()), 0..60),
            cuts in prop::collection::vec(0..60_usize, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort();
            let whole = filtered(&bytes, &[]);
            prop_assert!(whole.0.len() <= bytes.len() && whole.1.len() <= bytes.len());
            prop_assert_eq!(&filtered(&bytes, &cuts), &whole);
            let every_byte: Vec<usize> = (0..bytes.len()).collect();
            prop_assert_eq!(&filtered(&bytes, &every_byte), &whole);
        }
    }
}
