//! permessage-deflate: messages whose payload is compressed. RFC 7692.
//!
//! ```text
//!   client   Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
//!   server   Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover
//!
//!   Hello   48 65 6c 6c 6f  ->  deflate, sync flush  ->  f2 48 cd c9 c9 07 00 | 00 00 ff ff
//!                                                        goes over the wire     does not (7.2.1), and is put
//!                                                                               back by the receiver (7.2.2)
//! ```
//!
//! Compression works by pointing back at what was said before, at most a *window* of 2^8 to 2^15 bytes. Whether the window
//! reaches into the messages before this one is *context takeover*: it makes small messages much smaller, and ties each
//! connection to a state of its own, in which no other connection's message can be written. We send without it, so that
//! one deflated message fits everybody who has negotiated the same window.
//!
//! This file is what both ends agree on (7.1). `zlib.rs` is how bytes become fewer, and more again; it is left out without
//! the feature `deflate`, and then nothing is agreed on.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU8;

use super::Role;

#[cfg(not(feature = "deflate"))]
mod absent;
#[cfg(feature = "deflate")]
mod zlib;

#[cfg(not(feature = "deflate"))]
pub use absent::{Deflaters, Inflater};
#[cfg(feature = "deflate")]
pub use zlib::{Deflaters, Inflater};

/// What the extension is called.
pub const NAME: &str = "permessage-deflate";
/// What it costs to remember what one peer has said before: an [`Inflater`] of its own.
pub const CONTEXT_BYTES: usize = 48 * 1024;
/// Whether this build can deflate at all.
pub const IS_SUPPORTED: bool = cfg!(feature = "deflate");

/// What is cut off each deflated message (7.2.1): the end of an empty block without compression.
#[cfg(feature = "deflate")]
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// How far back compression may point: 2^8 to 2^15 bytes (7.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowBits(NonZeroU8);

impl WindowBits {
    /// 256 bytes. The library cannot deflate into so small a window, and inflates from any.
    pub const SMALLEST: WindowBits = WindowBits(NonZeroU8::new(8).unwrap());
    /// 32 KiB, which is what it is when nobody says anything.
    pub const LARGEST: WindowBits = WindowBits(NonZeroU8::new(15).unwrap());

    /// From 8 to 15.
    pub fn new(bits: u8) -> Option<WindowBits> {
        NonZeroU8::new(bits).map(WindowBits).filter(|bits| (Self::SMALLEST..=Self::LARGEST).contains(bits))
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0.get()
    }

    /// 7.1.2: "a decimal integer without leading zeros".
    fn parse(value: &str) -> Option<WindowBits> {
        WindowBits::new(value.parse().ok()?).filter(|bits| bits.to_string() == value)
    }

    /// The largest window whose deflater makes of so many bytes what this window's might have made too: nothing points back
    /// beyond the message's own beginning.
    pub fn widest_for(self, payload_len: usize) -> WindowBits {
        if payload_len <= 1 << self.get() { WindowBits::LARGEST } else { self }
    }

    /// Whether we can deflate for a peer that keeps no more than this.
    pub fn can_be_deflated_into(self) -> bool {
        self > Self::SMALLEST
    }
}

impl fmt::Display for WindowBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The parameters of the extension, as one end offers them or the other answers (7.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The server begins each message anew (7.1.1.1).
    pub server_no_context_takeover: bool,
    /// The client does (7.1.1.2).
    pub client_no_context_takeover: bool,
    /// The largest window that the server is to use (7.1.2.1).
    pub server_max_window_bits: Option<WindowBits>,
    /// The largest window that the client is to use, or in an offer will (7.1.2.2). 15 in an offer is no value, and says
    /// only that the server may ask for less.
    pub client_max_window_bits: Option<WindowBits>,
}

/// Whether parameters are offered by a client or answered by a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// By a client.
    Offered,
    /// By a server.
    Answered,
}

const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

impl Parameters {
    /// What a client of ours offers: no context on either side, and whatever window the server likes.
    pub const OFFER: Parameters = Parameters {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        server_max_window_bits: None,
        client_max_window_bits: Some(WindowBits::LARGEST),
    };

    /// Reads them. `None` where one is unknown, stands twice, or has a value that it must not have: then the offer is to be
    /// declined (7.1), and the answer fails the connection.
    pub fn parse<'h>(
        said: Said,
        parameters: impl IntoIterator<Item = (&'h str, Option<Cow<'h, str>>)>,
    ) -> Option<Parameters> {
        let mut parsed = Parameters::default();
        for (name, value) in parameters {
            let is_first = match (name, value.as_deref()) {
                (SERVER_NO_CONTEXT_TAKEOVER, None) => {
                    !std::mem::replace(&mut parsed.server_no_context_takeover, true)
                }
                (CLIENT_NO_CONTEXT_TAKEOVER, None) => {
                    !std::mem::replace(&mut parsed.client_no_context_takeover, true)
                }
                (SERVER_MAX_WINDOW_BITS, Some(bits)) => {
                    parsed.server_max_window_bits.replace(WindowBits::parse(bits)?).is_none()
                }
                (CLIENT_MAX_WINDOW_BITS, Some(bits)) => {
                    parsed.client_max_window_bits.replace(WindowBits::parse(bits)?).is_none()
                }
                // 7.1.2.2: only an offer may leave the value out.
                (CLIENT_MAX_WINDOW_BITS, None) if said == Said::Offered => {
                    parsed.client_max_window_bits.replace(WindowBits::LARGEST).is_none()
                }
                _ => return None,
            };
            if !is_first {
                return None;
            }
        }
        Some(parsed)
    }

    /// What a server of ours answers to this offer, `None` to decline it. With `keeps_context` it has memory to spare for
    /// what this client has said before, if the client wants that.
    pub fn answer(&self, keeps_context: bool) -> Option<Parameters> {
        let server_max_window_bits = self.server_max_window_bits;
        if !server_max_window_bits.is_none_or(WindowBits::can_be_deflated_into) {
            return None;
        }
        Some(Parameters {
            // 7.1.1.1: also where it was not asked for. One message deflated is for everybody.
            server_no_context_takeover: true,
            client_no_context_takeover: self.client_no_context_takeover || !keeps_context,
            server_max_window_bits,
            // Its own bound, confirmed where it named one. We inflate from any window.
            client_max_window_bits: self.client_max_window_bits.filter(|bits| *bits < WindowBits::LARGEST),
        })
    }

    /// What follows when a server gives this answer to `offer`. `None` where it does not fit: the connection is to be failed
    /// (7.1).
    pub fn agree(&self, offer: &Parameters) -> Option<Parameters> {
        let is_granted = self.server_no_context_takeover || !offer.server_no_context_takeover;
        let server_fits = match (offer.server_max_window_bits, self.server_max_window_bits) {
            (Some(offered), Some(answered)) => answered <= offered,
            (Some(_), None) => false,
            (None, _) => true,
        };
        // 7.1.2.2: not without an offer that has it.
        let client_fits = self.client_max_window_bits <= offer.client_max_window_bits;
        (is_granted && server_fits && client_fits).then_some(Parameters {
            client_max_window_bits: self.client_max_window_bits.or(offer.client_max_window_bits),
            ..*self
        })
    }

    /// The window into which we may deflate in our `role`. `None` where we cannot: then all that we send goes as it is,
    /// which may always be (6).
    pub fn window(&self, role: Role) -> Option<WindowBits> {
        let bits = match role {
            Role::Server => self.server_max_window_bits,
            Role::Client => self.client_max_window_bits,
        };
        Some(bits.unwrap_or(WindowBits::LARGEST)).filter(|bits| bits.can_be_deflated_into())
    }

    /// Whether what is said to us in our `role` may point back into earlier messages.
    pub fn peer_keeps_context(&self, role: Role) -> bool {
        match role {
            Role::Server => !self.client_no_context_takeover,
            Role::Client => !self.server_no_context_takeover,
        }
    }

    /// The extension and its parameters, as the value of a header field.
    pub fn encode(&self, said: Said) -> String {
        let mut value = NAME.to_owned();
        let mut push = |name: &str, bits: Option<WindowBits>| {
            value.push_str("; ");
            value.push_str(name);
            if let Some(bits) = bits {
                value.push_str(&format!("={bits}"));
            }
        };
        if self.server_no_context_takeover {
            push(SERVER_NO_CONTEXT_TAKEOVER, None);
        }
        if self.client_no_context_takeover {
            push(CLIENT_NO_CONTEXT_TAKEOVER, None);
        }
        if self.server_max_window_bits.is_some() {
            push(SERVER_MAX_WINDOW_BITS, self.server_max_window_bits);
        }
        if let Some(bits) = self.client_max_window_bits {
            let has_value = said == Said::Answered || bits < WindowBits::LARGEST;
            push(CLIENT_MAX_WINDOW_BITS, has_value.then_some(bits));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::ws::handshake::extensions_of;

    fn parse(said: Said, value: &str) -> Option<Parameters> {
        let extension = extensions_of(value).next().expect("an extension");
        assert_eq!(extension.name, NAME);
        Parameters::parse(said, extension.parameters())
    }

    /// What our server answers to an offer.
    fn answer(offer: &str, keeps_context: bool) -> Option<String> {
        parse(Said::Offered, offer)?.answer(keeps_context).map(|answer| answer.encode(Said::Answered))
    }

    const BOTH: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn every_offer_of_the_rfc_has_its_answer() {
        let cases = [
            ("permessage-deflate", ""),
            ("permessage-deflate; client_max_window_bits", ""),
            (
                "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
                "; server_max_window_bits=10",
            ),
            ("permessage-deflate; server_no_context_takeover", ""),
            ("permessage-deflate; client_no_context_takeover", ""),
            ("permessage-deflate; server_max_window_bits=\"1\\5\"", "; server_max_window_bits=15"),
            ("permessage-deflate; client_max_window_bits=8", "; client_max_window_bits=8"),
            (
                "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
                "; server_max_window_bits=9; client_max_window_bits=9",
            ),
        ];
        for (offer, rest) in cases {
            assert_eq!(answer(offer, false), Some(format!("{BOTH}{rest}")), "{offer}");
        }
    }

    #[test]
    fn what_is_unknown_doubled_or_malformed_declines_the_offer() {
        for parameters in [
            "foo",
            "server_no_context_takeover=1",
            "client_no_context_takeover=true",
            "server_max_window_bits",
            "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=010",
            "server_max_window_bits=+10",
            "server_max_window_bits=0",
            "server_max_window_bits=266",
            "server_max_window_bits=ten",
            "client_max_window_bits=7",
            "client_max_window_bits=16",
            "client_max_window_bits=09",
            "server_no_context_takeover; server_no_context_takeover",
            "client_no_context_takeover; client_no_context_takeover",
            "server_max_window_bits=10; server_max_window_bits=10",
            "client_max_window_bits; client_max_window_bits=10",
            "Server_no_context_takeover",
            // Sound, and more than we can do.
            "server_max_window_bits=8",
        ] {
            assert_eq!(answer(&format!("permessage-deflate; {parameters}"), true), None, "{parameters}");
        }
    }

    #[test]
    fn a_client_keeps_its_context_only_where_it_may_and_wants_to() {
        let kept = "permessage-deflate; server_no_context_takeover";
        assert_eq!(answer("permessage-deflate", true).as_deref(), Some(kept));
        assert_eq!(answer("permessage-deflate", false).as_deref(), Some(BOTH));
        assert_eq!(answer("permessage-deflate; client_no_context_takeover", true).as_deref(), Some(BOTH));
    }

    #[test]
    fn an_answer_fits_its_offer_or_fails_the_connection() {
        let agree = |offer: &str, answer: &str| {
            let answer = parse(Said::Answered, &format!("permessage-deflate{answer}"))?;
            answer.agree(&parse(Said::Offered, &format!("permessage-deflate{offer}")).expect("our own offer"))
        };
        let fits = [
            ("", ""),
            // 7.1.1.1, 7.1.2.1: the server may bind itself, and us to begin anew, without being asked.
            ("", "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8"),
            ("; server_max_window_bits=10", "; server_max_window_bits=10"),
            ("; server_max_window_bits=10", "; server_max_window_bits=9"),
            ("; client_max_window_bits", "; client_max_window_bits=15"),
            ("; client_max_window_bits", ""),
            ("; client_max_window_bits=12", "; client_max_window_bits=9"),
        ];
        for (offer, answer) in fits {
            assert!(agree(offer, answer).is_some(), "{offer} -> {answer}");
        }
        let fails = [
            ("; server_no_context_takeover", ""),
            ("; server_max_window_bits=10", ""),
            ("; server_max_window_bits=10", "; server_max_window_bits=11"),
            ("", "; client_max_window_bits=10"),
            ("; client_max_window_bits=10", "; client_max_window_bits=11"),
            ("; client_max_window_bits", "; client_max_window_bits"),
            ("", "; foo"),
            ("", "; server_no_context_takeover; server_no_context_takeover"),
        ];
        for (offer, answer) in fails {
            assert_eq!(agree(offer, answer), None, "{offer} -> {answer}");
        }
    }

    #[test]
    fn each_end_knows_its_own_window_and_the_others_habits() {
        let bits = |bits| WindowBits::new(bits).expect("8 to 15");
        let agreed = Parameters {
            server_no_context_takeover: true,
            server_max_window_bits: Some(bits(10)),
            client_max_window_bits: Some(bits(8)),
            ..Parameters::default()
        };
        assert_eq!(agreed.window(Role::Server), Some(bits(10)));
        assert_eq!(agreed.window(Role::Client), None, "what a client cannot do it need not do");
        assert!(agreed.peer_keeps_context(Role::Server) && !agreed.peer_keeps_context(Role::Client));
        assert_eq!(Parameters::default().window(Role::Server), Some(WindowBits::LARGEST));
    }

    #[test]
    fn what_we_offer_is_read_as_it_was_meant() {
        let offer = Parameters::OFFER.encode(Said::Offered);
        assert_eq!(offer, format!("{BOTH}; client_max_window_bits"));
        assert_eq!(parse(Said::Offered, &offer), Some(Parameters::OFFER));
        let answer = Parameters::OFFER.answer(true).expect("ours");
        assert_eq!(
            answer.agree(&Parameters::OFFER).map(|agreed| agreed.window(Role::Client)),
            Some(Some(WindowBits::LARGEST))
        );
    }

    #[test]
    fn an_agreed_window_is_one_byte() {
        assert_eq!(size_of::<Option<WindowBits>>(), 1);
    }
}
