//! Clients that ask all the time, and count what they lose.

use std::{
    io::{BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::wire::{self, Answer};

/// How a client uses connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// A new one for each request.
    Once,
    /// One for as long as it lasts, with this pause between two requests.
    Kept(Duration),
}

/// Clients at work, until they are asked what they have seen.
pub(crate) struct Load {
    told: Arc<Told>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Told {
    is_over: AtomicBool,
    answered: AtomicU64,
    lost: Mutex<Vec<String>>,
}

/// What a client asks, and what becomes of each answer of 200: a complaint, if any.
pub(crate) type Ask = (Vec<u8>, Box<dyn Fn(&Answer) -> Option<String> + Send>);

impl Load {
    pub(crate) fn new() -> Self {
        Self { told: Arc::default(), clients: Vec::new() }
    }

    /// Another client, which asks these in turn.
    pub(crate) fn add(&mut self, to: SocketAddr, how: Use, asks: Vec<Ask>) {
        let told = Arc::clone(&self.told);
        self.clients.push(thread::spawn(move || {
            let mut connection = None;
            for (request, judge) in asks.iter().cycle() {
                if told.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let complaint = match exchange(to, &mut connection, request) {
                    Ok(answer) if answer.status == 200 => judge(&answer),
                    Ok(answer) => Some(format!("{} {}", answer.status, answer.text())),
                    Err(error) => Some(error),
                };
                if let Some(complaint) = complaint {
                    told.lost.lock().unwrap().push(format!("{how:?}: {complaint}"));
                    connection = None;
                }
                told.answered.fetch_add(1, Ordering::Relaxed);
                match how {
                    Use::Once => connection = None,
                    Use::Kept(pause) => thread::sleep(pause),
                }
            }
        }));
    }

    /// How many requests were made so far.
    pub(crate) fn asked(&self) -> u64 {
        self.told.answered.load(Ordering::Relaxed)
    }

    /// Ends it: how many requests were made, and what was wrong with those that were lost.
    pub(crate) fn end(self) -> (u64, Vec<String>) {
        self.told.is_over.store(true, Ordering::Relaxed);
        self.clients.into_iter().for_each(|client| client.join().unwrap());
        (self.told.answered.load(Ordering::Relaxed), self.told.lost.lock().unwrap().clone())
    }
}

/// One request and its answer. What is lost is not sent again: a POST must not be (RFC 9110
/// section 9.2.2). As pools do, it looks first whether the server has closed the connection.
fn exchange(
    to: SocketAddr,
    connection: &mut Option<BufReader<TcpStream>>,
    request: &[u8],
) -> Result<Answer, String> {
    connection.take_if(|kept| is_closed(kept.get_ref()));
    let age = if connection.is_some() { "kept" } else { "new" };
    let kept = connection.take();
    let mut open = kept.map_or_else(|| open(to), Ok)?;
    open.get_mut().write_all(request).map_err(|error| format!("writing, {age}: {error}"))?;
    let answer = wire::read(&mut open).ok_or_else(|| format!("no answer on a {age} connection"))?;
    if answer.header("connection") != Some("close") {
        *connection = Some(open);
    }
    Ok(answer)
}

fn open(to: SocketAddr) -> Result<BufReader<TcpStream>, String> {
    let stream = TcpStream::connect(to).map_err(|error| format!("connecting: {error}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_nodelay(true).unwrap();
    Ok(BufReader::new(stream))
}

fn is_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let waits =
        stream.peek(&mut [0; 1]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    stream.set_nonblocking(false).unwrap();
    !waits
}
