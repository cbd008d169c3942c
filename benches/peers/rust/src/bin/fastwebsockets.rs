//! fastwebsockets over hyper, as its own examples have it: a task a connection, and in the room a channel for each. It
//! writes each frame by itself, so in the room a buffer gathers those that wait together.

use bytes::Bytes;
use fastwebsockets::upgrade::{UpgradeFut, is_upgrade_request, upgrade};
use fastwebsockets::{FragmentCollector, FragmentCollectorRead, Frame, OpCode, Payload, WebSocketError};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use peers::Members;
use std::future::ready;
use std::rc::Rc;
use tokio::io::BufWriter;
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::spawn_local;

/// A frame to be sent: what it is, and what is in it.
type Outgoing = (OpCode, Bytes);

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    peers::serve(Members::default(), handle).await
}

async fn handle(stream: TcpStream, members: Members<Outgoing>) -> hyper::Result<()> {
    let service = service_fn(move |request| answer(request, Rc::clone(&members)));
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await
}

async fn answer(
    mut request: Request<Incoming>,
    members: Members<Outgoing>,
) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    if !is_upgrade_request(&request) {
        let mut no = Response::new(Empty::new());
        *no.status_mut() = StatusCode::UPGRADE_REQUIRED;
        return Ok(no);
    }
    let is_echo = request.uri().path() == "/echo";
    let (response, upgraded) = upgrade(&mut request)?;
    spawn_local(async move {
        let _ = if is_echo { echo(upgraded).await } else { chat(upgraded, &members).await };
    });
    Ok(response)
}

async fn echo(upgraded: UpgradeFut) -> Result<(), WebSocketError> {
    let mut ws = FragmentCollector::new(upgraded.await?);
    loop {
        let frame = ws.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => ws.write_frame(frame).await?,
            _ => {}
        }
    }
}

async fn chat(upgraded: UpgradeFut, members: &Members<Outgoing>) -> Result<(), WebSocketError> {
    let (incoming, mut outgoing) = upgraded.await?.split(|stream| {
        let (incoming, outgoing) = tokio::io::split(stream);
        (incoming, BufWriter::new(outgoing))
    });
    let mut incoming = FragmentCollectorRead::new(incoming);
    let (sender, mut receiver) = unbounded_channel::<Outgoing>();
    let me = members.borrow_mut().insert(sender.clone());
    let writer = spawn_local(async move {
        let mut waiting = receiver.recv().await;
        while let Some((opcode, payload)) = waiting {
            let frame = Frame::new(true, opcode, None, Payload::Borrowed(&payload));
            if outgoing.write_frame(frame).await.is_err() {
                return;
            }
            waiting = receiver.try_recv().ok();
            if waiting.is_none() {
                if outgoing.flush().await.is_err() {
                    return;
                }
                waiting = receiver.recv().await;
            }
        }
    });
    // Pongs, and the answer to a Close.
    let mut answers = |frame: Frame<'_>| {
        let _ = sender.send((frame.opcode, Bytes::copy_from_slice(&frame.payload)));
        ready(Ok::<_, WebSocketError>(()))
    };
    loop {
        match incoming.read_frame(&mut answers).await {
            Ok(frame) if frame.opcode == OpCode::Text => {
                let text = Bytes::copy_from_slice(&frame.payload);
                for (_, member) in members.borrow().iter().filter(|(other, _)| *other != me) {
                    let _ = member.send((OpCode::Text, text.clone()));
                }
            }
            Ok(frame) if frame.opcode != OpCode::Close => {}
            _ => break,
        }
    }
    members.borrow_mut().remove(me);
    drop(sender);
    let _ = writer.await;
    Ok(())
}
