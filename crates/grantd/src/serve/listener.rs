//! Accepting connections, no more than there is room for, and ending them well.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{
    connection::{self, Shared},
    farewell,
    load::Load,
    refusal_log::RefusalLog,
    routes::Routes,
    signals::{Signal, Signals},
    stage::{Drain, Stage},
};

/// How many connections are open at most; further ones are told that there is no room.
const CONNECTIONS: u32 = 4096;
/// How many of those are told so at the same time; the rest waits in the kernel's queue.
const AT_THE_DOOR: u32 = 64;
/// Files that are not connections: database, log, what the system adds.
const OTHER_FILES: u64 = 64;
/// How long to wait when the system gives no further connection.
const BREATHER: Duration = Duration::from_millis(50);

/// Serves until SIGTERM or SIGINT, and then in the order of decision 0018 until nobody waits for an
/// answer. Another signal ends it at once.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Routes,
    mut signals: Signals,
    drain: Drain,
) -> Result<()> {
    let places = places();
    let room = Arc::new(Semaphore::new(places as usize));
    let watched_room = Arc::clone(&room);
    let runtime = Handle::current();
    let load = Load::new(routes.metrics.shed.clone(), runtime.metrics().num_workers());
    let load = Arc::new(load);
    load.watch(runtime)?;
    let shared = Arc::new(Shared {
        router: routes.router,
        issuer: routes.issuer,
        log: RefusalLog::new(),
        load,
        metrics: routes.metrics,
        proxies: routes.proxies,
        busy: Box::new(move || watched_room.available_permits() < places as usize / 2),
        stage: routes.stage.subscribe(),
        late: Arc::default(),
    });
    let door = Door {
        entrance: Arc::new(Semaphore::new(AT_THE_DOOR as usize)),
        room: Arc::clone(&room),
        shared: Arc::clone(&shared),
    };
    let signal = tokio::select! {
        never = door.keep_open(&listener) => match never {},
        signal = signals.next() => signal,
    };
    if signal == Signal::Terminate && !drain.delay.is_zero() {
        routes.stage.send_replace(Stage::Leaving);
        tracing::info!(delay = ?drain.delay, "stopping: /readyz says so, and whoever comes is served");
        tokio::select! {
            never = door.keep_open(&listener) => match never {},
            () = cut_short(&mut signals) => return Ok(()),
            () = tokio::time::sleep(drain.delay) => {}
        }
    }
    let deadline = Instant::now() + drain.timeout;
    tokio::select! {
        closed = door.close(listener, deadline) => closed?,
        () = cut_short(&mut signals) => return Ok(()),
    }
    tracing::info!("stopping: what is under way is finished first");
    let late = || shared.late.load(Ordering::Relaxed);
    let earlier = late();
    routes.stage.send_replace(Stage::Closing);
    // Streams would never end by themselves. Who follows them finds no way back to this node.
    routes.watching.abort();
    tokio::select! {
        () = cut_short(&mut signals) => return Ok(()),
        all = tokio::time::timeout_at(deadline, room.acquire_many(places)) => if all.is_err() {
            let open = places as usize - room.available_permits();
            tracing::warn!(open, timeout = ?drain.timeout, "stopping with connections still open: they took longer");
        }
    }
    tracing::info!(late = late() - earlier, "stopped");
    Ok(())
}

/// Waits for the second signal.
async fn cut_short(signals: &mut Signals) {
    signals.next().await;
    tracing::warn!("stopping at once, as the second signal says: what is under way is cut");
}

/// Lets connections in.
struct Door {
    /// Who stands in it is not in the room yet.
    entrance: Arc<Semaphore>,
    room: Arc<Semaphore>,
    shared: Arc<Shared>,
}

impl Door {
    async fn keep_open(&self, listener: &TcpListener) -> Infallible {
        loop {
            // Nobody is taken in whom nobody could even turn away.
            let entrance = Arc::clone(&self.entrance).acquire_owned().await;
            match listener.accept().await {
                Ok((stream, peer)) => match Arc::clone(&self.room).try_acquire_owned() {
                    Ok(place) => self.take_in(stream, peer, place),
                    Err(_) => self.turn_away(stream, entrance),
                },
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(BREATHER).await;
                }
            }
        }
    }

    /// Lets in whom the kernel has connected already, since closing would reset them, and closes; at the deadline
    /// even if there are always more.
    async fn close(&self, listener: TcpListener, deadline: Instant) -> Result<()> {
        // Past the runtime, which may not have heard of them yet.
        let listener = listener.into_std().context("cannot close the listener")?;
        while Instant::now() < deadline
            && let Ok((stream, peer)) = listener.accept()
        {
            let place = Arc::clone(&self.room).acquire_owned();
            let Ok(Ok(place)) = tokio::time::timeout_at(deadline, place).await else { break };
            let adopted = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            match adopted {
                Ok(stream) => self.take_in(stream, peer, place),
                Err(error) => tracing::warn!(%error, "cannot accept a connection"),
            }
            // Nothing here waits while there is room: signals would go unheard.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn take_in(&self, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        // Answers are one small write each: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let _open = shared.metrics.connections.open();
            connection::serve(stream, peer, Arc::clone(&shared)).await;
            drop(place);
        });
    }

    fn turn_away(&self, stream: TcpStream, entrance: Result<OwnedSemaphorePermit, AcquireError>) {
        self.shared.metrics.turned_away.inc();
        tokio::spawn(async move {
            farewell::turn_away(stream).await;
            drop(entrance);
        });
    }
}

/// As many connections as the system allows files for, after asking it for all it would give.
fn places() -> u32 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = setrlimit(Resource::Nofile, raised).map_or(limit.current, |()| limit.maximum);
    let others = OTHER_FILES + u64::from(AT_THE_DOOR);
    let spare = current.unwrap_or(u64::MAX).saturating_sub(others).max(16);
    let places = u32::try_from(spare).unwrap_or(CONNECTIONS).min(CONNECTIONS);
    if places < CONNECTIONS {
        tracing::warn!(
            places,
            "the limit of open files leaves room for few connections: raise it (ulimit -n)"
        );
    }
    places
}
