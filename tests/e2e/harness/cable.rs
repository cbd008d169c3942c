//! What connections go through on their way to a daemon, and where they can be cut.

use chinwag::net::Address;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A port of its own, behind which is a daemon, or nobody.
#[derive(Debug)]
pub struct Cable {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Where it leads to.
    to: Option<SocketAddr>,
    /// Both ends of what goes through it.
    ends: Vec<TcpStream>,
    /// After so many more bytes to the client, it is cut by itself.
    cut_after: Option<usize>,
}

impl Cable {
    /// A cable to where a daemon listens.
    pub fn to(address: &Address) -> Cable {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address_of_cable = listener.local_addr().expect("it has one");
        let state = Arc::new(Mutex::new(State::default()));
        let cable = Cable { address: address_of_cable, state };
        cable.lead_to(address);
        let state = Arc::clone(&cable.state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // Nobody is there, or nobody any more: the client is closed.
                let to = lock(&state).to;
                let Some(server) = to.and_then(|to| TcpStream::connect(to).ok()) else { continue };
                let copy = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
                lock(&state).ends.extend([copy(&client), copy(&server)]);
                carry(copy(&client), copy(&server), None);
                carry(server, client, Some(Arc::clone(&state)));
            }
        });
        cable
    }

    /// From now on it leads there.
    pub fn lead_to(&self, address: &Address) {
        let Address::Tcp(to) = address else { panic!("a cable leads to a port") };
        lock(&self.state).to = Some(*to);
    }

    /// What goes through it is cut.
    pub fn cut(&self) {
        lock(&self.state).cut();
    }

    /// The same, and nothing new goes through it until it leads somewhere again.
    pub fn pull(&self) {
        let mut state = lock(&self.state);
        state.to = None;
        state.cut();
    }

    /// It is cut after so many more bytes to the client.
    pub fn cut_after(&self, bytes: usize) {
        lock(&self.state).cut_after = Some(bytes);
    }
}

impl State {
    fn cut(&mut self) {
        for end in self.ends.drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Carries what comes from one to the other, on a thread, until either ends.
fn carry(mut from: TcpStream, mut to: TcpStream, counted: Option<Arc<Mutex<State>>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let mut len = count;
            let mut is_cut = false;
            if let Some(state) = &counted
                && let Some(left) = &mut lock(state).cut_after
            {
                len = count.min(*left);
                *left -= len;
                is_cut = *left == 0;
            }
            let is_written = to.write_all(&buffer[..len]).is_ok();
            if let (true, Some(state)) = (is_cut, &counted) {
                let mut state = lock(state);
                state.cut_after = None;
                state.cut();
            }
            if !is_written {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
