//! tokio-tungstenite, as its own examples have it: a task a connection, and in the room an unbounded channel for each.

use futures_util::{SinkExt, StreamExt};
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

type Members = Rc<RefCell<HashMap<SocketAddr, UnboundedSender<Message>>>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(peers::address()).await?;
    peers::announce(listener.local_addr()?);
    let members = Members::default();
    let serve = async move {
        loop {
            let (stream, peer) = listener.accept().await?;
            stream.set_nodelay(true)?;
            spawn_local(handle(stream, peer, Rc::clone(&members)));
        }
    };
    LocalSet::new().run_until(serve).await
}

async fn handle(stream: TcpStream, peer: SocketAddr, members: Members) {
    let mut is_echo = false;
    // The error's size is the library's choice.
    #[allow(clippy::result_large_err)]
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        is_echo = request.uri().path() == "/echo";
        Ok(response)
    };
    let Ok(ws) = accept_hdr_async(stream, look).await else { return };
    if is_echo { echo(ws).await } else { chat(ws, peer, &members).await }
}

async fn echo(mut ws: WebSocketStream<TcpStream>) {
    while let Some(Ok(message)) = ws.next().await {
        let is_data = message.is_text() || message.is_binary();
        if is_data && ws.send(message).await.is_err() {
            return;
        }
    }
}

async fn chat(ws: WebSocketStream<TcpStream>, peer: SocketAddr, members: &Members) {
    let (mut outgoing, mut incoming) = ws.split();
    let (sender, mut receiver) = unbounded_channel();
    members.borrow_mut().insert(peer, sender);
    let writer = spawn_local(async move {
        while let Some(message) = receiver.recv().await {
            if outgoing.send(message).await.is_err() {
                return;
            }
        }
    });
    while let Some(Ok(message)) = incoming.next().await {
        if message.is_text() || message.is_binary() {
            for (_, member) in members.borrow().iter().filter(|(other, _)| **other != peer) {
                let _ = member.send(message.clone());
            }
        }
    }
    members.borrow_mut().remove(&peer);
    writer.abort();
}
