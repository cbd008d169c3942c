//! The plan, as the JSON of a report has it: with this and the address, a run can be made again.

use crate::bench::plan::{Arrival, Load, Plan, Templates};
use crate::bench::request::Handshake;
use serde::Serialize;

/// The rest of the plan: all that it takes to do it again.
#[derive(Serialize)]
pub struct Options<'a> {
    load: &'static str,
    rate: Option<f64>,
    arrival: Option<&'static str>,
    window: Option<u32>,
    size_min_bytes: usize,
    size_max_bytes: usize,
    messages: Option<u64>,
    duration_s: f64,
    warmup_s: f64,
    ramp_s: f64,
    drain_s: f64,
    in_flight: usize,
    threads: usize,
    self_echo: bool,
    room: &'a str,
    rooms: usize,
    deflate: bool,
    binary: bool,
    name: Option<&'a str>,
    subprotocols: &'a [String],
    /// Without their values, and without tokens: they may be secrets.
    headers: Vec<&'a str>,
    join: &'a str,
    send: &'a str,
    /// The file of the script.
    script: Option<&'a str>,
    bind: Vec<String>,
    server_pid: Option<u32>,
    #[serde(skip_serializing_if = "is_alone")]
    server_pids: &'a [u32],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cluster: bool,
    churn_rate: f64,
    slow_percent: u32,
    slow_bytes_per_second: usize,
}

impl Options<'_> {
    /// Those of a plan.
    pub fn of(plan: &Plan) -> Options<'_> {
        // Every field by name, so that a new one does not compile until somebody decides where it stands.
        let Plan {
            scenario: _,
            servers: _,
            is_cluster,
            dialect: _,
            connections: _,
            senders: _,
            seed: _,
            handshake: Handshake { headers, subprotocols, tokens: _ },
            name: member_name,
            templates: Templates { join, send, script },
            self_echo,
            room,
            rooms,
            deflate,
            is_binary,
            load,
            size: (size_min_bytes, size_max_bytes),
            messages,
            duration,
            warmup,
            ramp,
            in_flight,
            drain,
            bind,
            threads,
            server_pids,
            churn_rate,
            slow_percent,
            slow_bytes_per_second,
        } = plan;
        let (name, rate, arrival, window) = match *load {
            Load::Open { rate, arrival } => ("open", Some(rate), Some(arrival), None),
            Load::Closed { window } => ("closed", None, None, Some(window)),
        };
        let arrival = arrival.map(|arrival| match arrival {
            Arrival::Even => "even",
            Arrival::Poisson => "poisson",
        });
        Options {
            load: name,
            rate,
            arrival,
            window,
            size_min_bytes: *size_min_bytes,
            size_max_bytes: *size_max_bytes,
            messages: *messages,
            duration_s: duration.as_secs_f64(),
            warmup_s: warmup.as_secs_f64(),
            ramp_s: ramp.as_secs_f64(),
            drain_s: drain.as_secs_f64(),
            in_flight: *in_flight,
            threads: *threads,
            self_echo: *self_echo,
            room,
            rooms: *rooms,
            deflate: *deflate,
            binary: *is_binary,
            name: member_name.as_deref(),
            subprotocols,
            headers: headers.iter().map(|(name, _)| &**name).collect(),
            join,
            send,
            script: script.as_ref().map(|script| &*script.file),
            bind: bind.iter().map(ToString::to_string).collect(),
            server_pid: server_pids.first().copied(),
            server_pids,
            cluster: *is_cluster,
            churn_rate: *churn_rate,
            slow_percent: *slow_percent,
            slow_bytes_per_second: *slow_bytes_per_second,
        }
    }
}

/// Whether a list says no more than its first element does.
pub fn is_alone<T>(list: &[T]) -> bool {
    list.len() < 2
}
