//! The dialect for people: one line in, one line out.
//!
//! ```text
//!     in    hi there              a message to the room
//!           /join dev             a command
//!           //join is a command   a message that begins with one slash
//!
//!     out   [ann] hi there        somebody said it
//!           #43 [ann] hi there    the same, where numbers are shown
//!           [ann -> you] hi       somebody said it to this member alone
//!           * bob joined          a notice
//! ```
//!
//! Line ends are no part of a line here. On the line port they have been taken off; over a WebSocket there should be
//! none, but the tools that send each typed line as a message send its end along, so one at the very end is dropped.

mod parse;
mod render;
pub mod shown;

pub use parse::{is_blank, parse};
pub use render::render;

/// What `/help` tells: how a command is written, and what it does.
pub const HELP: [(&str, &str); 13] = [
    ("/name NAME", "be called NAME"),
    ("/join ROOM N", "go to ROOM and leave this one; N: show its last N messages"),
    ("/who", "tell who is here"),
    ("/history N", "show the last N messages"),
    ("/rooms", "tell which rooms there are"),
    ("/msg NAME TEXT", "say TEXT to NAME alone; \"NAME\" if it has spaces"),
    ("/ping", "answer"),
    ("/echo on|off", "show me my own messages too, or no longer"),
    ("/seq on|off", "show the numbers of messages, or no longer"),
    ("/resume E:N", "show what came after message N of epoch E; /seq on tells both"),
    ("/help", "tell this"),
    ("/quit", "end the connection"),
    ("//TEXT", "say a line that begins with a slash"),
];
