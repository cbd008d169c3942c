//! tokio-websockets, as its own examples have it: a task a connection, and in the room an unbounded channel for each.

use slab::Slab;
use std::cell::RefCell;
use std::rc::Rc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};
use tokio_websockets::{Error, Message, ServerBuilder};

type Members = Rc<RefCell<Slab<UnboundedSender<Message>>>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(peers::address()).await?;
    peers::announce(listener.local_addr()?);
    let members = Members::default();
    let serve = async move {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            spawn_local(handle(stream, Rc::clone(&members)));
        }
    };
    LocalSet::new().run_until(serve).await
}

async fn handle(stream: TcpStream, members: Members) -> Result<(), Error> {
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
