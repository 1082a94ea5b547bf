//! Accepting connections, no more than there is room for, and ending them well.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::Router;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{Semaphore, watch},
};

use super::{
    connection::{self, Shared},
    refusal_log::RefusalLog,
};

/// How many connections are open at most; further ones wait in the kernel's queue.
const CONNECTIONS: u32 = 4096;
/// How long open connections have to finish when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when the system gives no further connection.
const BREATHER: Duration = Duration::from_millis(50);

/// Serves until SIGTERM or SIGINT, then lets what is under way finish.
pub(crate) async fn serve(listener: TcpListener, routes: Router) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let room = Arc::new(Semaphore::new(CONNECTIONS as usize));
    let (stop, stopping) = watch::channel(false);
    let watched_room = Arc::clone(&room);
    let shared = Arc::new(Shared {
        routes,
        log: RefusalLog::new(),
        busy: Box::new(move || watched_room.available_permits() < CONNECTIONS as usize / 2),
        stopping,
    });
    loop {
        let accepted = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            (place, accepted) = accepted => match accepted {
                Ok((stream, peer)) => {
                    // Answers are one small write each: waiting to fill a packet only delays them.
                    let _ = stream.set_nodelay(true);
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move {
                        connection::serve(stream, peer, shared).await;
                        drop(place);
                    });
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
    if tokio::time::timeout(DRAIN, room.acquire_many(CONNECTIONS)).await.is_err() {
        tracing::warn!("stopping with connections still open: they took longer than {DRAIN:?}");
    }
    tracing::info!("stopped");
    Ok(())
}
