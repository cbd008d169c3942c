//! The parts that the servers in `bin` share: the address, and a room and an echo for libraries whose WebSocket is a
//! `Stream` and a `Sink`.
//!
//! Each server has `/echo`, which sends every message back, and a room at any other path, where a message goes to
//! everybody but its sender. The first argument is the address; port 0 lets the system choose.

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use slab::Slab;
use std::cell::RefCell;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::{LocalSet, spawn_local};

/// The room of the servers whose library has none: an unbounded channel for each member.
pub type Members<M> = Rc<RefCell<Slab<UnboundedSender<M>>>>;

/// Prints the address of the server, and gives each connection a task of its own, on this thread. `room` is for all of them.
pub async fn serve<R, F>(room: R, handle: impl Fn(TcpStream, R) -> F) -> std::io::Result<()>
where
    R: Clone,
    F: Future + 'static,
{
    let listener = TcpListener::bind(address()).await?;
    announce(listener.local_addr()?);
    let accept = async move {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let handled = handle(stream, room.clone());
            spawn_local(async move {
                let _ = handled.await;
            });
        }
    };
    LocalSet::new().run_until(accept).await
}

/// The address to listen on.
pub fn address() -> SocketAddr {
    let text = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    text.parse().expect("the first argument is an address, as in 127.0.0.1:9001")
}

/// Prints the address of the server for the script that started it.
pub fn announce(address: SocketAddr) {
    println!("listening on {address}");
}

/// Sends each message back for which `is_data` holds. Messages that arrived together leave with one flush.
pub async fn echo<S, M, E>(mut ws: S, is_data: impl Fn(&M) -> bool) -> Result<(), E>
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
{
    // First all that has come, then all answers: some libraries flush before they read.
    let mut batch = Vec::new();
    while let Some(message) = ws.next().await {
        batch.push(message?);
        while let Some(Some(message)) = ws.next().now_or_never() {
            batch.push(message?);
        }
        for message in batch.drain(..).filter(&is_data) {
            ws.feed(message).await?;
        }
        ws.flush().await?;
    }
    Ok(())
}

/// Passes what the connection receives to `publish`, and sends what comes from `outgoing`. Messages that wait together
/// leave with one flush, as with `StreamExt::forward` in tokio-tungstenite's example of a chat.
pub async fn chat<S, M, E>(
    mut ws: S,
    mut outgoing: UnboundedReceiver<M>,
    publish: impl Fn(M),
) -> Result<(), E>
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
{
    loop {
        tokio::select! {
            incoming = ws.next() => match incoming {
                Some(message) => publish(message?),
                None => return Ok(()),
            },
            Some(message) = outgoing.recv() => {
                ws.feed(message).await?;
                while let Ok(message) = outgoing.try_recv() {
                    ws.feed(message).await?;
                }
                ws.flush().await?;
            }
        }
    }
}
