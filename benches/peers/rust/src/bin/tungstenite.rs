//! tokio-tungstenite, as its own examples have it: a task a connection, and in the room an unbounded channel for each.
//! The read buffer has the size that its documentation names for many connections.

use peers::Members;
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    peers::serve(Members::default(), handle).await
}

async fn handle(stream: TcpStream, members: Members<Message>) -> Result<(), Error> {
    let mut is_echo = false;
    // The error's size is the library's choice.
    #[allow(clippy::result_large_err)]
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        is_echo = request.uri().path() == "/echo";
        Ok(response)
    };
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let ws = accept_hdr_async_with_config(stream, look, Some(config)).await?;
    if is_echo {
        return peers::echo(ws, is_data).await;
    }
    let (sender, outgoing) = unbounded_channel();
    let me = members.borrow_mut().insert(sender);
    let ended = peers::chat(ws, outgoing, |message| {
        if is_data(&message) {
            for (_, member) in members.borrow().iter().filter(|(other, _)| *other != me) {
                let _ = member.send(message.clone());
            }
        }
    });
    let ended = ended.await;
    members.borrow_mut().remove(me);
    ended
}

fn is_data(message: &Message) -> bool {
    message.is_text() || message.is_binary()
}
