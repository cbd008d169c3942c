//! sockudo-ws, as its documentation has it where it is about speed: the unified stream, which has no locks; `feed`, which
//! gathers, and a flush at the end of what waits; its own publish and subscribe; and mimalloc.

use bytes::BytesMut;
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use sockudo_ws::{Config, Error, Message, PubSub, Result, Role, WebSocketStream};
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;

const TOPIC: &str = "room";

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    peers::serve(Rc::new(PubSub::new()), handle).await
}

async fn handle(stream: TcpStream, pubsub: Rc<PubSub>) -> Result<()> {
    let (ws, is_echo) = upgrade(stream).await?;
    if is_echo {
        return peers::echo(ws, is_data).await;
    }
    let (sender, outgoing) = unbounded_channel();
    let me = pubsub.create_subscriber(sender);
    pubsub.subscribe(me, TOPIC);
    let ended = peers::chat(ws, outgoing, |message| {
        if is_data(&message) {
            pubsub.publish_excluding(me, TOPIC, message);
        }
    });
    let ended = ended.await;
    pubsub.remove_subscriber(me);
    ended
}

/// The handshake of its examples.
async fn upgrade(mut stream: TcpStream) -> Result<(WebSocketStream<TcpStream>, bool)> {
    let mut head = BytesMut::with_capacity(4096);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(Error::ConnectionClosed);
        }
        if let Some((request, len)) = parse_request(&head)? {
            let is_echo = request.path == "/echo";
            let response = build_response(&generate_accept_key(request.key), None, None);
            stream.write_all(&response).await?;
            let rest = head.split_off(len).freeze();
            let ws =
                WebSocketStream::from_raw_with_leftover(stream, Role::Server, Config::default(), Some(rest));
            return Ok((ws, is_echo));
        }
    }
}

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}
