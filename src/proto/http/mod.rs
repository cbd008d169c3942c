//! HTTP/1.1, as much of it as a chat daemon serves: heads, bodies with a length, whole responses. RFC 9110,
//! RFC 9112.
//!
//! ```text
//!   GET /ws?room=lobby HTTP/1.1 CRLF        the request line
//!   Host: chat.example CRLF                 header fields, 100 at most
//!   Upgrade: websocket CRLF
//!   CRLF                                    the empty line; 32 KiB at most lie before it
//!   ...                                     a body, or the next request, or the first frame
//! ```
//!
//! The grammar is `httparse`'s. The limits, the rules about which fields may stand together, and the answers
//! to those who break them are here. Nothing allocates on a server until
//! a response is made.

pub mod body;

mod error;
mod fields;
mod head;
mod page;
mod query;
mod response;

pub use error::Error;
pub use fields::Fields;
pub(crate) use fields::{is_token, is_token_byte, push_line};
pub use head::{
    HEAD_BYTES_MAX, HEADERS_MAX, Head, HeaderSlots, REQUEST_LINE_BYTES_MAX, ResponseHead, head_end,
};
pub use page::Page;
pub use query::{percent_decode, take_params};
pub use response::{CONTINUE, Response, reason};
