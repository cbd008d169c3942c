//! What the process counts: plain integers in one struct, added to where things happen and read when somebody asks.

/// Totals since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections turned away, as there were as many as there may be.
    pub turned_away: u64,
    /// Connections freed.
    pub closed: u64,
    /// WebSocket handshakes completed.
    pub upgrades: u64,
    /// HTTP requests answered, refused handshakes among them.
    pub requests: u64,
    /// Of those, how many named a host that the server does not answer for.
    pub hosts_refused: u64,
    /// Of those, how many came from a page of an origin that may not connect.
    pub origins_refused: u64,
    /// Connections that began with TLS on a port without it.
    pub tls_on_plain: u64,
    /// Connections that began with text on a port with TLS.
    pub plain_on_tls: u64,
    /// Messages and lines received.
    pub messages_in: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes that the kernel took.
    pub bytes_out: u64,
    /// System calls that wrote.
    pub writes: u64,
    /// Of those, how many the kernel cut short: the peer reads more slowly than we write.
    pub writes_short: u64,
    /// Entries published, each once however many read it.
    pub published: u64,
    /// Times that a service was asked for what a topic's log had forgotten.
    pub replays: u64,
    /// Times that a connection was not read because too much waited for it.
    pub paused: u64,
    /// Pings sent.
    pub pings: u64,
    /// Pings received.
    pub pings_in: u64,
    /// Pongs that were dropped for a newer one.
    pub pongs_replaced: u64,
    /// Messages deflated, each once however many read it.
    pub deflated: u64,
    /// Bytes by which that made what was sent shorter, counted for each reader.
    pub deflate_bytes_saved: u64,
}

impl Metrics {
    /// Each number with its name.
    pub fn each(&self, report: &mut dyn FnMut(&'static str, u64)) {
        // Taken apart without `..`: a number that nobody reports does not compile.
        let Metrics {
            accepted,
            turned_away,
            closed,
            upgrades,
            requests,
            hosts_refused,
            origins_refused,
            tls_on_plain,
            plain_on_tls,
            messages_in,
            bytes_in,
            bytes_out,
            writes,
            writes_short,
            published,
            replays,
            paused,
            pings,
            pings_in,
            pongs_replaced,
            deflated,
            deflate_bytes_saved,
        } = self;
        for (name, value) in [
            ("accepted", accepted),
            ("turned_away", turned_away),
            ("closed", closed),
            ("upgrades", upgrades),
            ("requests", requests),
            ("hosts_refused", hosts_refused),
            ("origins_refused", origins_refused),
            ("tls_on_plain", tls_on_plain),
            ("plain_on_tls", plain_on_tls),
            ("messages_in", messages_in),
            ("bytes_in", bytes_in),
            ("bytes_out", bytes_out),
            ("writes", writes),
            ("writes_short", writes_short),
            ("published", published),
            ("replays", replays),
            ("paused", paused),
            ("pings", pings),
            ("pings_in", pings_in),
            ("pongs_replaced", pongs_replaced),
            ("deflated", deflated),
            ("deflate_bytes_saved", deflate_bytes_saved),
        ] {
            report(name, *value);
        }
    }
}

/// TLS handshakes since the start, on connections accepted and dialled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsMetrics {
    /// Those that came through.
    pub handshakes: u64,
    /// Of those, how many took up an earlier session.
    pub resumed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that took too long.
    pub timed_out: u64,
}

impl TlsMetrics {
    /// Each number with its name.
    pub fn each(&self, report: &mut dyn FnMut(&'static str, u64)) {
        let TlsMetrics { handshakes, resumed, failed, timed_out } = *self;
        report("tls_handshakes", handshakes);
        report("tls_resumed", resumed);
        report("tls_failed", failed);
        report("tls_timed_out", timed_out);
    }
}
