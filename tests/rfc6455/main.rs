//! RFC 6455, rule by rule: a file per section, a test per MUST and MUST NOT, named after it.
//!
//! What is here binds whoever turns bytes into messages and messages into bytes. A rule that needs a socket, a
//! clock or a random number cannot be shown to hold here; the second table says where it is.
//!
//! Rules that do not apply:
//!
//! | section | rule | why not |
//! | --- | --- | --- |
//! | 4.1 | one connection in a CONNECTING state per host | it keeps scripts in browsers from floods; ours are run by hand |
//! | 4.1 | how proxies are found and asked | we use none |
//! | 4.1 | Origin, if the client is a browser | it is none; it can be given as a further header field |
//! | 5.2, 5.8 | extension data, its length, its negotiation | none is negotiated, so that none can be in use |
//! | 5.4 | what intermediaries must not change | we are none |
//! | 5.5.1 | clients must not show the reason to end users | ours are for developers, whom 7.1.7 would tell |
//!
//! Rules that are held elsewhere:
//!
//! | section | rule | where |
//! | --- | --- | --- |
//! | 4.1 | the parts of a URI are valid; a connection that cannot be opened fails | `tests/e2e` |
//! | 4.1 | TLS before the handshake, with server name indication | with TLS |
//! | 4.1, 5.3 | the keys of handshakes and of frames are fresh and unpredictable | `client`: here they are arguments |
//! | 4.1 | nothing is sent before the response has come | `tests/e2e` |
//! | 4.2.2 | an Origin that is not welcome gets 403, a path that is not there 404 | `tests/core/http.rs`, `tests/e2e` |
//! | 5.5.1 | a Close is answered with a Close, and no data follows it | `tests/core/closing.rs`, `tests/e2e` |
//! | 5.5.1, 7.1.7, 7.2 | TCP is closed after both Closes, a failure, a loss | `tests/core/closing.rs`, `tests/e2e` |
//! | 5.5.2 | a ping is answered | `tests/core/pings.rs`, `tests/e2e` |
//! | 6.1 | nothing is sent unless the connection is open; what is to be sent is sent | `tests/core`, `tests/sim` |

#[path = "../support/mod.rs"]
mod support;

mod s4_1;
mod s4_2;
mod s4_3;
mod s4_4;
mod s5_1;
mod s5_2;
mod s5_3;
mod s5_4;
mod s5_5;
mod s5_6;
mod s5_7;
mod s5_8;
mod s6_1;
mod s6_2;
mod s7_1;
mod s7_4;
mod s8_1;
