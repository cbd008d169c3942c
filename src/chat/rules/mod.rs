//! The rules of the protocol, each as a transcript that the hub plays.
//!
//! ```text
//!     session     the example that the protocol is explained by
//!     positions   where answers stand; resuming; what is missing is said to be
//!     keys        publishing twice is publishing once
//!     rooms       coming, going, and what an empty room keeps
//!     lists       pages of messages, members and rooms
//!     names       hello, rename, taking a name back, one to another
//!     rates       so much and no more
//!     presence    who came and went, as programs are told it
//!     typed       the same for people
//! ```

mod keys;
mod lists;
mod names;
mod positions;
mod presence;
mod rates;
mod rooms;
mod session;
mod typed;
