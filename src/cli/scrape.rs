//! `--prometheus ADDR`: the endpoint from which a run is scraped.
//!
//! It is chinwag's own server with one service, on a thread of its own. A scrape copies a page that is rendered once a second,
//! so the threads that make the load never wait for it. Its limits are those of a server that has one client: a few
//! connections, short waits, and a pause between two turns.

use super::listeners::{self, Listening};
use crate::bench::live::{Moment, Watch};
use crate::bench::report::{EXPOSITION_CONTENT_TYPE, ExpositionPage};
use crate::config::Listen;
use crate::net::Post;
use crate::proto::http::Response;
use crate::server::{Limits, Server};
use crate::service::{ConnId, Context, Message, Request, Service, Shutdown, Upgrade};
use crate::time::Millis;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Where the metrics are.
const PATH: &str = "/metrics";
/// Connections at once.
pub const CONNECTIONS_MAX: usize = 16;
/// How long a connection may wait before its request, with its request, and between two requests.
const TIMEOUT: Millis = Millis::from_secs(5);
/// Between two turns of the loop: scrapes that come faster than any Prometheus wait, and do not take the processor from the
/// load.
const TURN_PAUSE: Duration = Duration::from_millis(20);
/// How long the last scrapes may take at the end.
const DRAIN_TIMEOUT: Millis = Millis(500);

/// The endpoint, for as long as it is there.
#[derive(Debug)]
pub struct Endpoint {
    stopper: Post<Shutdown>,
    thread: Option<JoinHandle<()>>,
    error: Arc<OnceLock<io::Error>>,
}

/// Opens the endpoint, and says where it listens. An error is one line.
pub fn open(listen: &Listen, page: ExpositionPage) -> Result<Endpoint, String> {
    let (opened, is_open) = channel();
    let (listen, error) = (listen.clone(), Arc::new(OnceLock::new()));
    let failed = Arc::clone(&error);
    let serve = move || {
        if let Err(error) = serve(&listen, page, &opened) {
            let _ = failed.set(error);
        }
    };
    let thread = thread::Builder::new().name("metrics".into()).spawn(serve);
    let thread = thread.map_err(|error| format!("cannot start a thread: {error}"))?;
    // A thread that ends says so by hanging up.
    let (stopper, listening) =
        is_open.recv().map_err(|_| "the metrics endpoint did not start".to_owned())??;
    listening.iter().for_each(Listening::announce);
    Ok(Endpoint { stopper, thread: Some(thread), error })
}

type Opened = Result<(Post<Shutdown>, Vec<Listening>), String>;

fn serve(listen: &Listen, page: ExpositionPage, opened: &Sender<Opened>) -> io::Result<()> {
    let limits = Limits {
        connections_max: Some(CONNECTIONS_MAX),
        first_byte_timeout: TIMEOUT,
        head_timeout: TIMEOUT,
        keep_alive_timeout: TIMEOUT,
        stall_timeout: TIMEOUT,
        drain_timeout: DRAIN_TIMEOUT,
        body_bytes_max: 0,
        ..Limits::default()
    };
    let mut server = Server::new(limits)?;
    let metrics = server.mount(Metrics(page), 0);
    server.serve(PATH, metrics);
    let listening = listeners::open_metrics(&mut server, listen);
    let is_open = listening.is_ok();
    let _ = opened.send(listening.map(|listening| (server.stopper(), listening)));
    while is_open && !server.is_done() {
        server.turn()?;
        thread::sleep(TURN_PAUSE);
    }
    Ok(())
}

/// The service: a page that changes.
struct Metrics(ExpositionPage);

impl Service for Metrics {
    fn methods(&self) -> &'static [&'static str] {
        &["GET", "HEAD"]
    }

    fn on_request(&mut self, _: &mut dyn Context, request: &Request<'_>) -> Response {
        match request.head.method() {
            "GET" | "HEAD" => {
                Response::new(200).with_body(EXPOSITION_CONTENT_TYPE, self.0.text().into_bytes())
            }
            _ => Response::method_not_allowed(self.methods()),
        }
    }

    fn on_upgrade(&mut self, _: &mut dyn Context, _: &Request<'_>) -> Upgrade {
        Upgrade::Refuse(Response::text(400, format!("{PATH} is not a WebSocket endpoint: use GET\n")))
    }

    fn on_message(&mut self, _: &mut dyn Context, _: ConnId, _: Message<'_>) {}
}

impl Watch for Endpoint {
    fn second(&mut self, _: &Moment<'_>) -> Result<(), String> {
        match self.error.get() {
            Some(error) => Err(format!("the metrics endpoint has failed: {error}; --prometheus ends here")),
            None => Ok(()),
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.stopper.send(Shutdown::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
