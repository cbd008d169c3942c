//! The chat in a program of one's own, next to a service of one's own: the chat at `/chat` and on a line port, and at
//! `/shout` what is sent comes back louder.
//!
//! ```text
//!     cargo run --example embed_chat                   then: nc 127.0.0.1 5657, and ws://127.0.0.1:5656/chat
//! ```

use chinwag::chat::{Chat, Seed, Settings};
use chinwag::server::Server;
use chinwag::service::{ConnId, Context, Message, Service};
use std::io::Read;

struct Shout;

impl Service for Shout {
    fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
        if let Message::Text(text) = message {
            cx.send(conn, Message::Text(&text.to_uppercase()));
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut addresses = std::env::args().skip(1);
    let mut address = |or: &str| addresses.next().unwrap_or(or.to_owned()).parse();
    let mut secret = [0; 32]; // What nobody may guess: secrets and epochs are made from it.
    std::fs::File::open("/dev/urandom")?.read_exact(&mut secret)?;

    let mut server = Server::new(Default::default())?;
    let settings = Settings { history_messages_max: 1000, ..Settings::default() };
    let chat = server.mount(Chat::new(settings, Seed::new(secret)), 64 * 1024);
    let shout = server.mount(Shout, 64 * 1024);
    server.serve("/chat", chat);
    server.serve("/shout", shout);
    println!("listening on {}", server.listen(&address("127.0.0.1:5656")?)?);
    println!("lines on {}", server.listen_lines(&address("127.0.0.1:5657")?, chat)?);
    Ok(server.run()?)
}
