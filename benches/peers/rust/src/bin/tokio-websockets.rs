//! tokio-websockets, as its own examples have it: a task a connection, and in the room an unbounded channel for each.

use peers::Members;
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;
use tokio_websockets::{Error, Message, ServerBuilder};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    peers::serve(Members::default(), handle).await
}

async fn handle(stream: TcpStream, members: Members<Message>) -> Result<(), Error> {
    let (request, ws) = ServerBuilder::new().accept(stream).await?;
    if request.uri().path() == "/echo" {
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
