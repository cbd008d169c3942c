//! Every bound of the server that is not a message's, with its default.

use crate::time::Millis;

/// How long, how much, how many. The defaults are what the daemon runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; with `None`, as many as there are descriptors for.
    pub connections_max: Option<usize>,
    /// Connections at once from one address, or from the /64 of an IPv6 address; `None` for any number. Unix sockets
    /// have no addresses, and no bound.
    pub connections_per_address_max: Option<usize>,
    /// From accepting a connection to its first byte. Not on the line port, whose peers may well listen first.
    pub first_byte_timeout: Millis,
    /// From a request's first byte to its last: a head that drips in holds a slot no longer than this.
    pub head_timeout: Millis,
    /// From one response to the next request.
    pub keep_alive_timeout: Millis,
    /// How long a WebSocket connection may be silent before it is sent a Ping.
    pub ping_interval: Millis,
    /// How long after that Ping the first byte may take to come.
    pub pong_timeout: Millis,
    /// How long a peer has to answer our Close, and to take what it was sent before.
    pub close_timeout: Millis,
    /// How long we go on listening after our FIN, so that what the peer still sends does not reset the connection.
    pub linger_timeout: Millis,
    /// How long a peer that cannot be written to may take nothing at all.
    pub stall_timeout: Millis,
    /// How long all of it together may take when the server shuts down.
    pub drain_timeout: Millis,
    /// Bytes that wait for one connection: from the high mark on it is not read, until they are below the low one.
    pub outbox_high_bytes: usize,
    /// See `outbox_high_bytes`. Below it every Ping has its own Pong; above it only the newest has (RFC 6455, 5.5.3).
    pub outbox_low_bytes: usize,
    /// Bytes that others can make wait for one connection: one that has more waiting is closed when there is more to say.
    pub outbox_bytes_max: usize,
    /// Bytes that a topic holds for those of its members who are behind.
    pub write_queue_bytes_max: usize,
    /// How long what a topic says is held back, so that several messages share a write to each member; zero for not at all.
    pub coalesce: Millis,
    /// The largest body of a request.
    pub body_bytes_max: usize,
    /// The longest line on the line port, without its end.
    pub line_bytes_max: usize,
    /// The smallest message that is deflated, where that was agreed on. Smaller ones hardly become smaller.
    pub deflate_bytes_min: usize,
    /// What may be spent on clients that want to point back into their earlier messages (RFC 7692, 7.1.1.2): 48 KiB for
    /// each. Others are told to begin each message anew.
    pub deflate_context_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: None,
            connections_per_address_max: None,
            first_byte_timeout: Millis::from_secs(10),
            head_timeout: Millis::from_secs(5),
            keep_alive_timeout: Millis::from_secs(60),
            ping_interval: Millis::from_secs(25),
            pong_timeout: Millis::from_secs(10),
            close_timeout: Millis::from_secs(5),
            linger_timeout: Millis::from_secs(2),
            stall_timeout: Millis::from_secs(35),
            drain_timeout: Millis::from_secs(5),
            outbox_high_bytes: 64 * 1024,
            outbox_low_bytes: 16 * 1024,
            outbox_bytes_max: 1024 * 1024,
            write_queue_bytes_max: 256 * 1024,
            coalesce: Millis(0),
            body_bytes_max: 64 * 1024,
            line_bytes_max: 64 * 1024,
            deflate_bytes_min: 128,
            deflate_context_bytes_max: 0,
        }
    }
}
