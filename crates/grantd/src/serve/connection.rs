//! One connection: HTTP/1.1 with limits of time and size, a panic kept to its request.

use std::{convert::Infallible, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc};

use axum::{Router, body::Body, response::Response};
use futures_util::FutureExt;
use grantd_core::Refused;
use grantd_issuer::Fault;
use http::{HeaderValue, Request, StatusCode, header::X_CONTENT_TYPE_OPTIONS};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::watch, time::Instant};
use tower::ServiceExt;

use super::{
    feed::Streaming,
    pulse::{Pulse, Verdict, Watched},
    refusal_log::RefusalLog,
    routes::{self, Peer},
};

/// The head of a request, with room for a header as large as a certificate.
const READ_BUFFER: usize = 32 * 1024;

/// What all connections share.
pub(super) struct Shared {
    pub(super) routes: Router,
    pub(super) log: RefusalLog,
    /// Whether so many connections are open that idle ones must go sooner.
    pub(super) busy: Box<dyn Fn() -> bool + Send + Sync>,
    /// Turns true when the server stops.
    pub(super) stopping: watch::Receiver<bool>,
}

/// Serves one connection to its end.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    let pulse = Arc::new(Pulse::new(Instant::now()));
    let mut stopping = shared.stopping.clone();
    let service = service_fn(|request: Request<Incoming>| {
        let (shared, pulse) = (Arc::clone(&shared), Arc::clone(&pulse));
        async move {
            let mut response = answer(request, peer, &shared, &pulse).await;
            // A stream is our own time until it ends, which hyper notices before we do.
            match response.extensions_mut().remove::<Streaming>() {
                Some(Streaming) => pulse.request_complete(),
                None => pulse.answered(),
            }
            Ok::<_, Infallible>(response)
        }
    });
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&pulse)));
    let mut connection = std::pin::pin!(
        http1::Builder::new().max_buf_size(READ_BUFFER).serve_connection(io, service)
    );
    let (mut check, mut draining) = (Instant::now(), false);
    loop {
        tokio::select! {
            biased;
            // Whether it ended well or the peer broke off: there is nobody left to tell.
            _ = connection.as_mut() => return,
            _ = stopping.wait_for(|stop| *stop), if !draining => {
                connection.as_mut().graceful_shutdown();
                draining = true;
            }
            () = tokio::time::sleep_until(check) => match pulse.judge(Instant::now(), (shared.busy)()) {
                Verdict::FineUntil(next) => check = next,
                Verdict::TooSlow | Verdict::Idle => return,
            }
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    shared: &Shared,
    pulse: &Arc<Pulse>,
) -> Response {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Arc::clone(pulse));
    request.extensions_mut().insert(Peer(peer.ip()));
    let routed = shared.routes.clone().oneshot(request);
    let mut response = match AssertUnwindSafe(routed).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => {
            // The panic's text is in the log already, by the panic hook.
            tracing::error!("a request panicked; it was answered with 500 and the server goes on");
            routes::problem(StatusCode::INTERNAL_SERVER_ERROR, "The server failed on this request.")
        }
    };
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(refused) = response.extensions_mut().remove::<Refused>() {
        shared.log.refused(&refused, peer);
    }
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        shared.log.failed(&fault);
    }
    response
}
