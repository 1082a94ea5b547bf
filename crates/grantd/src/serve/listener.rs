//! Accepting connections, no more than there is room for, and ending them well.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    signal::unix::{SignalKind, signal},
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore, watch},
};

use super::{
    connection::{self, Shared},
    farewell,
    load::Load,
    refusal_log::RefusalLog,
    routes::Routes,
};

/// How many connections are open at most; further ones are told that there is no room.
const CONNECTIONS: u32 = 4096;
/// How many of those are told so at the same time; the rest waits in the kernel's queue.
const AT_THE_DOOR: u32 = 64;
/// Files that are not connections: database, log, what the system adds.
const OTHER_FILES: u64 = 64;
/// How long open connections have to finish when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when the system gives no further connection.
const BREATHER: Duration = Duration::from_millis(50);

/// Serves until SIGTERM or SIGINT, then lets what is under way finish.
pub(crate) async fn serve(listener: TcpListener, routes: Routes) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let places = places();
    let room = Arc::new(Semaphore::new(places as usize));
    let door = Arc::new(Semaphore::new(AT_THE_DOOR as usize));
    let (stop, stopping) = watch::channel(false);
    let watched_room = Arc::clone(&room);
    let load = Arc::new(Load::new(routes.metrics.shed.clone()));
    load.watch(Handle::current())?;
    let shared = Arc::new(Shared {
        router: routes.router,
        issuer: routes.issuer,
        log: RefusalLog::new(),
        load,
        metrics: routes.metrics,
        proxies: routes.proxies,
        busy: Box::new(move || watched_room.available_permits() < places as usize / 2),
        stopping,
    });
    loop {
        let accepted = async {
            // Nobody is taken in whom nobody could even turn away.
            let at_the_door = Arc::clone(&door).acquire_owned().await;
            (at_the_door, listener.accept().await)
        };
        tokio::select! {
            (at_the_door, accepted) = accepted => match accepted {
                Ok((stream, peer)) => {
                    // Answers are one small write each: waiting to fill a packet only delays them.
                    let _ = stream.set_nodelay(true);
                    let shared = Arc::clone(&shared);
                    match Arc::clone(&room).try_acquire_owned() {
                        Ok(place) => tokio::spawn(take_in(stream, peer, shared, place)),
                        Err(_) => tokio::spawn(turn_away(stream, shared, at_the_door)),
                    };
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(BREATHER).await;
                }
            },
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    drop(listener);
    tracing::info!("stopping: what is under way is finished first");
    stop.send_replace(true);
    // Streams would never end by themselves.
    routes.watching.abort();
    if tokio::time::timeout(DRAIN, room.acquire_many(places)).await.is_err() {
        tracing::warn!("stopping with connections still open: they took longer than {DRAIN:?}");
    }
    tracing::info!("stopped");
    Ok(())
}

async fn take_in(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    place: OwnedSemaphorePermit,
) {
    let _open = shared.metrics.connections.open();
    connection::serve(stream, peer, Arc::clone(&shared)).await;
    drop(place);
}

async fn turn_away(
    stream: TcpStream,
    shared: Arc<Shared>,
    at_the_door: Result<OwnedSemaphorePermit, AcquireError>,
) {
    shared.metrics.turned_away.inc();
    farewell::turn_away(stream).await;
    drop(at_the_door);
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
