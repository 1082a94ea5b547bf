//! The routes: each reads, calls the issuer, and hands its answer on.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::{any, get},
};
use grantd_issuer::{Clients, Issuer};
use http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use url::Url;

use super::{
    body::{self, BodyError},
    keep_fresh,
};

#[derive(Clone)]
struct Server {
    issuer: Arc<Issuer>,
    storage: Arc<dyn Clients>,
}

/// All routes of the server, under the issuer's path as well where it has one.
pub(crate) fn router(issuer: Arc<Issuer>, storage: Arc<dyn Clients>) -> Router {
    keep_fresh(Arc::clone(&issuer));
    let path = Url::parse(issuer.identifier()).map(|url| url.path().to_owned()).unwrap_or_default();
    let server = Server { issuer, storage };
    let mut routes = Router::new().merge(endpoints());
    if path.len() > 1 {
        // RFC 8414 section 3.1: the well-known part stands between the host and the issuer's path.
        let metadata_path = format!("/.well-known/oauth-authorization-server{path}");
        routes = routes.nest(&path, endpoints()).route(&metadata_path, get(metadata));
    }
    routes.fallback(not_found).with_state(server)
}

fn endpoints() -> Router<Server> {
    Router::new()
        .route("/oauth/token", any(token))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/.well-known/jwks.json", get(jwks))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
}

async fn token(State(server): State<Server>, request: Request) -> Response {
    if request.method() != Method::POST {
        return Issuer::method_not_allowed().map(Body::from);
    }
    let (parts, body) = request.into_parts();
    let mut unread = Request::new(body);
    *unread.extensions_mut() = parts.extensions;
    let answer = match body::read(unread).await {
        Ok(body) => server.issuer.post_token(&parts.headers, &body).await,
        Err(BodyError::TooLarge) => Issuer::body_too_large(),
        Err(BodyError::TooSlow) => Issuer::body_too_slow(),
        Err(BodyError::Broken) => {
            return problem(StatusCode::BAD_REQUEST, "The request body broke off.");
        }
    };
    answer.map(Body::from)
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

/// The process can serve: its database answers.
async fn readyz(State(server): State<Server>) -> Response {
    match server.storage.revision().await {
        Ok(_) => Response::new(Body::from("ready\n")),
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "The database does not answer."),
    }
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
