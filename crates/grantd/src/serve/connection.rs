//! One connection: HTTP/1.1 with limits of time and size, a panic kept to its request.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::AtomicU64},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::MatchedPath,
};
use futures_util::FutureExt;
use grantd_core::Refused;
use grantd_issuer::{Fault, Issuer, Revoked};
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CONNECTION, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS},
};
use http_body_util::{Either, Full};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::watch, time::Instant};
use tower::ServiceExt;

use crate::proxies::Proxies;

use super::{
    body,
    feed::Streaming,
    linger::Lingering,
    load::Load,
    metrics::{Ending, Metrics},
    pulse::{Pulse, Verdict, Watched},
    refusal_log::RefusalLog,
    routes::{self, Peer, TOKEN},
    sign_in,
    stage::Stage,
};

/// A body that is there at once, or one that the router made.
type Answer = Either<Full<Bytes>, Body>;

/// The head of a request, with room for a header as large as a certificate.
const READ_BUFFER: usize = 32 * 1024;

/// What all connections share.
pub(super) struct Shared {
    pub(super) router: Router,
    pub(super) issuer: Arc<Issuer>,
    pub(super) log: RefusalLog,
    pub(super) load: Arc<Load>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) proxies: Proxies,
    /// Whether so many connections are open that idle ones must go sooner.
    pub(super) busy: Box<dyn Fn() -> bool + Send + Sync>,
    /// Whether the server stops.
    pub(super) stage: watch::Receiver<Stage>,
    /// How many connections had something to say after their end.
    pub(super) late: Arc<AtomicU64>,
}

/// Serves one connection to its end.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    let pulse = Arc::new(Pulse::new(Instant::now()));
    let service = service_fn(|request: Request<Incoming>| {
        let (shared, pulse) = (Arc::clone(&shared), Arc::clone(&pulse));
        async move {
            let mut response = answer(request, peer, &shared, &pulse).await;
            // A stream is our own time until it ends, which hyper notices before we do.
            match response.extensions_mut().remove::<Streaming>() {
                Some(Streaming) => pulse.request_complete(),
                None => pulse.answered(),
            }
            if *shared.stage.borrow() > Stage::Serving {
                // RFC 9112 section 9.6: nobody sends another request here after this.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let stream = Lingering::new(stream, Arc::clone(&shared.late));
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&pulse)));
    let mut connection = std::pin::pin!(
        http1::Builder::new().max_buf_size(READ_BUFFER).serve_connection(io, service)
    );
    let mut last_call = std::pin::pin!(last_call(shared.stage.clone(), &pulse));
    let (mut check, mut called) = (Instant::now(), false);
    loop {
        tokio::select! {
            biased;
            // Whether it ended well or the peer broke off: there is nobody left to tell.
            _ = connection.as_mut() => return,
            () = last_call.as_mut(), if !called => {
                called = true;
                // What has begun is answered, and its answer ends the connection. hyper would close one
                // of which it has read only a part.
                if pulse.is_waiting() {
                    connection.as_mut().graceful_shutdown();
                }
            }
            () = tokio::time::sleep_until(check) => match pulse.judge(Instant::now(), (shared.busy)()) {
                Verdict::FineUntil(next) => check = next,
                Verdict::TooSlow | Verdict::Idle => return,
            }
        }
    }
}

/// Until a connection of a server that stops is closed, unless a request has begun by then.
async fn last_call(mut stage: watch::Receiver<Stage>, pulse: &Pulse) {
    // Without a sender the server is gone as well.
    let _ = stage.wait_for(|stage| *stage == Stage::Closing).await;
    tokio::time::sleep_until(pulse.last_call(Instant::now())).await;
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    shared: &Shared,
    pulse: &Arc<Pulse>,
) -> Response<Answer> {
    let start = Instant::now();
    if shared.load.is_too_much(start) && !shared.metrics.is_cheap(request.uri().path()) {
        return shed(request, shared).await;
    }
    let from = shared.proxies.origin(peer.ip(), request.headers());
    if request.body().is_end_stream() {
        // There is no body to wait for: from now on the time is ours.
        pulse.request_complete();
    }
    let hot = request.method() == Method::POST && request.uri().path() == TOKEN;
    let answered = AssertUnwindSafe(async {
        if hot {
            token(request, from, shared, pulse).await
        } else {
            routed(request, from, shared, pulse).await
        }
    });
    let mut response = answered.catch_unwind().await.unwrap_or_else(|_| {
        // The panic's text is in the log already, by the panic hook.
        tracing::error!("a request panicked; it was answered with 500 and the server goes on");
        shared.metrics.panicked();
        let text = "The server failed on this request.";
        routes::problem(StatusCode::INTERNAL_SERVER_ERROR, text).map(Either::Right)
    });
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(refused) = response.extensions_mut().remove::<Refused>() {
        shared.metrics.refused(refused.refusal);
        shared.log.refused(&refused, from);
    }
    if let Some(why) = response.extensions_mut().remove::<sign_in::Refused>() {
        shared.log.sign_in_refused(why, from);
    }
    if let Some(revoked) = response.extensions_mut().remove::<Revoked>() {
        shared.log.revoked(&revoked, from);
    }
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        shared.metrics.failed(&fault);
        shared.log.failed(&fault);
    }
    let (ending, took) = (Ending::of(response.status()), start.elapsed());
    if hot {
        shared.metrics.token.answered(ending, took);
    } else {
        let route = response.extensions_mut().remove::<MatchedPath>();
        shared.metrics.answered(route.as_ref(), ending, took);
    }
    response
}

/// No more than this is done for a request that is one too many; not even its client is looked at.
async fn shed(request: Request<Incoming>, shared: &Shared) -> Response<Answer> {
    let seconds = shared.load.shed();
    let oauth = request.uri().path().contains("/oauth/");
    let all_read = body::discard(request.into_body()).await;
    let mut response = if oauth {
        Issuer::overloaded().map(|body| Either::Left(Full::new(body)))
    } else {
        let text = "The server has more to do than it can. Try again shortly.";
        routes::problem(StatusCode::SERVICE_UNAVAILABLE, text).map(Either::Right)
    };
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !all_read {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The token endpoint, past the router: the one path whose every microsecond counts.
async fn token(
    request: Request<Incoming>,
    from: IpAddr,
    shared: &Shared,
    pulse: &Pulse,
) -> Response<Answer> {
    let (parts, body) = request.into_parts();
    let answer = match body::read(body, Some(pulse)).await {
        Ok(body) => shared.issuer.post_token(&parts.headers, &body, Some(from)).await,
        Err(why) => why.answer(),
    };
    answer.map(|body| Either::Left(Full::new(body)))
}

async fn routed(
    request: Request<Incoming>,
    from: IpAddr,
    shared: &Shared,
    pulse: &Arc<Pulse>,
) -> Response<Answer> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Arc::clone(pulse));
    request.extensions_mut().insert(Peer(from));
    match shared.router.clone().oneshot(request).await {
        Ok(response) => response.map(Either::Right),
        Err(never) => match never {},
    }
}
