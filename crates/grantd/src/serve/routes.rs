//! The routes: each reads, calls the issuer, and hands its answer on.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::{from_fn, map_response, map_response_with_state},
    response::Response,
    routing::{any, get},
};
use grantd_issuer::{Issuer, Registrar, Registry};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};
use url::Url;

use crate::proxies::Proxies;

use super::{
    Watcher,
    api::api,
    authorization::{Bounds, authorization},
    body,
    console::{Once, console, framed, same_origin, unkept},
    feed::revocations,
    metrics::{self, Metrics},
    own_guard::own_guard,
    pulse::Pulse,
    ready::readyz,
    sign_in::SignIn,
    stage::Stage,
};

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// What routes work with.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) issuer: Arc<Issuer>,
    pub(super) storage: Arc<dyn Registry>,
    pub(super) registrar: Arc<Registrar>,
    /// The last change that was noticed; gone when the server stops.
    pub(super) revisions: watch::Receiver<u64>,
    pub(super) metrics: Arc<Metrics>,
    /// The issuer's path, without a slash at its end: what every link begins with.
    pub(super) base: Arc<str>,
    /// Whether browsers trust the connection: https, or this very machine.
    pub(super) is_trustworthy: bool,
    /// What one user may do in a while at the authorization endpoint.
    pub(super) bounds: Arc<Bounds>,
    /// Secrets on their way to the one page that shows them.
    pub(super) once: Arc<Once>,
    /// Sessions and passwords of people.
    pub(super) sign_in: Arc<SignIn>,
    /// Makes the server look for changes at once.
    pub(super) noticed: Arc<Notify>,
    /// Whether the server stops.
    pub(super) stage: watch::Receiver<Stage>,
}

impl Server {
    /// A path on this server, below the issuer's, of names that may have any sign.
    pub(super) fn path_to(&self, names: &[&str]) -> String {
        let mut url = Url::parse("http://any").ok();
        if let Some(Ok(mut segments)) = url.as_mut().map(Url::path_segments_mut) {
            segments.extend(names);
        }
        format!("{}{}", self.base, url.map(|url| url.path().to_owned()).unwrap_or_default())
    }
}

/// What connections are served with.
pub(crate) struct Routes {
    /// Everything, the token endpoint included.
    pub(crate) router: Router,
    /// For the token endpoint, which goes past the router: see decision 0007.
    pub(super) issuer: Arc<Issuer>,
    /// What follows the change log; the feed's streams end with it.
    pub(super) watching: AbortHandle,
    /// Who may say where a request comes from.
    pub(crate) proxies: Proxies,
    pub(super) metrics: Arc<Metrics>,
    /// For who stops the server.
    pub(super) stage: watch::Sender<Stage>,
}

/// Where the token endpoint is.
pub(super) const TOKEN: &str = "/oauth/token";

/// All routes of the server, under the issuer's path as well where it has one.
pub(crate) fn routes(issuer: Arc<Issuer>, storage: Arc<dyn Registry>) -> Routes {
    let (told, revisions) = watch::channel(0);
    let (stage, stopping) = watch::channel(Stage::Serving);
    let noticed = Arc::new(Notify::new());
    let path = Url::parse(issuer.identifier()).map(|url| url.path().to_owned()).unwrap_or_default();
    let metrics = Arc::new(Metrics::new(Arc::clone(&issuer), path.trim_end_matches('/')));
    let watcher = Watcher {
        issuer: issuer.clone(),
        storage: storage.clone(),
        told,
        noticed: noticed.clone(),
        metrics: Arc::clone(&metrics),
    };
    let watching = tokio::spawn(watcher.run()).abort_handle();
    let registrar = Arc::new(Registrar::new(Arc::clone(&storage)).issuer(issuer.identifier()));
    let sign_in = SignIn::new(Arc::clone(&storage), &issuer);
    let server = Server {
        issuer: Arc::clone(&issuer),
        storage,
        registrar,
        revisions,
        metrics: Arc::clone(&metrics),
        base: path.trim_end_matches('/').into(),
        is_trustworthy: is_trustworthy(issuer.identifier()),
        bounds: Arc::default(),
        once: Arc::default(),
        sign_in: Arc::new(sign_in),
        noticed,
        stage: stopping,
    };
    let pages = console()
        .merge(authorization())
        .layer(from_fn(same_origin))
        .layer(map_response(unkept))
        .layer(map_response_with_state(Arc::clone(&server.base), framed));
    let endpoints = endpoints().merge(api(&own_guard(&issuer), issuer.identifier())).merge(pages);
    // Not under the issuer's path: what a proxy hands on from outside does not reach it.
    let mut router = endpoints.clone().route("/metrics", get(metrics::show));
    if path.len() > 1 {
        // RFC 8414 section 3.1: the well-known part stands between the host and the issuer's path.
        let metadata_path = format!("/.well-known/oauth-authorization-server{path}");
        router = router.nest(&path, endpoints).route(&metadata_path, get(metadata));
    }
    let router = router.fallback(not_found).with_state(server).layer(from_fn(metrics::name_route));
    Routes { router, issuer, watching, metrics, stage, proxies: Proxies::default() }
}

/// Secure Contexts section 3.1.
fn is_trustworthy(issuer: &str) -> bool {
    let url = Url::parse(issuer).ok();
    url.is_some_and(|url| {
        let host = url.host_str().unwrap_or_default();
        let own = host.starts_with("127.") || matches!(host, "localhost" | "[::1]");
        url.scheme() == "https" || own
    })
}

fn endpoints() -> Router<Server> {
    Router::new()
        .route(TOKEN, any(token))
        .route("/oauth/introspect", any(introspect))
        .route("/oauth/revoke", any(revoke))
        .route("/oauth/revocations", get(revocations))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/.well-known/jwks.json", get(jwks))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
}

async fn token(State(server): State<Server>, request: Request) -> Response {
    let from = origin(&request);
    match receive(request).await {
        Ok((headers, body)) => {
            server.issuer.post_token(&headers, &body, from).await.map(Body::from)
        }
        Err(answer) => *answer,
    }
}

async fn introspect(State(server): State<Server>, request: Request) -> Response {
    let from = origin(&request);
    match receive(request).await {
        Ok((headers, body)) => {
            server.issuer.post_introspect(&headers, &body, from).await.map(Body::from)
        }
        Err(answer) => *answer,
    }
}

async fn revoke(State(server): State<Server>, request: Request) -> Response {
    let from = origin(&request);
    match receive(request).await {
        Ok((headers, body)) => {
            let answer = server.issuer.post_revoke(&headers, &body, from).await;
            server.noticed.notify_one();
            answer.map(Body::from)
        }
        Err(answer) => *answer,
    }
}

/// The address that a request came from.
pub(super) fn origin(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<Peer>().map(|Peer(address)| *address)
}

/// The headers and the whole body of a POST, or the answer to what is none.
async fn receive(request: Request) -> Result<(HeaderMap, Bytes), Box<Response>> {
    if request.method() != Method::POST {
        return Err(Box::new(Issuer::method_not_allowed().map(Body::from)));
    }
    let (parts, body) = request.into_parts();
    let pulse = parts.extensions.get::<Arc<Pulse>>();
    match body::read(body, pulse.map(|pulse| &**pulse)).await {
        Ok(body) => Ok((parts.headers, body)),
        Err(why) => Err(Box::new(why.answer().map(Body::from))),
    }
}

async fn metadata(State(server): State<Server>) -> Response {
    server.issuer.metadata().map(Body::from)
}

async fn jwks(State(server): State<Server>) -> Response {
    server.issuer.jwks().map(Body::from)
}

/// The process is alive.
async fn healthz() -> &'static str {
    "ok\n"
}

async fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "There is nothing at this address.")
}

/// An error outside the OAuth endpoints (RFC 9457).
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let document =
        serde_json::json!({ "status": status.as_u16(), "title": title, "detail": detail });
    let mut response = Response::new(Body::from(document.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
