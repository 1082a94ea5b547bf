//! The application under guard: schools, invoices, whoami; and how to ask it.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::Path,
    http::{HeaderMap, Request, StatusCode, header::WWW_AUTHENTICATE},
    routing::get,
};
use grantd_guard::{Guard, Principal};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Schools and the client, one a tenant, that each belongs to.
const SCHOOLS: [(&str, &str); 2] = [("a-school", "c1"), ("b-school", "c2")];

pub(crate) fn application(guard: &Guard) -> Router {
    let schools = get(async || "schools").post(async |body: String| body);
    Router::new()
        .route("/api/v1/schools", schools.layer(guard.require("schools.read")))
        .route("/api/v1/schools/{school}", get(school).layer(guard.require("schools.read")))
        .route("/api/v1/invoices", get(async || "invoices").layer(guard.require("invoices.read")))
        .route("/whoami", get(whoami))
        .route("/me", get(me))
        .layer(guard.protect())
}

/// A tenant sees its own schools; another's do not exist for it.
async fn school(principal: Principal, Path(school): Path<String>) -> Result<String, StatusCode> {
    let owned = SCHOOLS.contains(&(&*school, principal.client_id()));
    if owned { Ok(school) } else { Err(StatusCode::NOT_FOUND) }
}

async fn whoami(principal: Principal) -> Json<Value> {
    Json(json!({
        "grantType": principal.grant_type().as_str(),
        "clientId": principal.client_id(),
        "userId": principal.user_id(),
        "scopes": principal.scopes().collect::<Vec<_>>(),
    }))
}

/// A route for users only.
async fn me(principal: Principal) -> Result<String, StatusCode> {
    principal.user_id().map(str::to_owned).ok_or(StatusCode::FORBIDDEN)
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The challenge, or nothing.
    pub(crate) fn challenge(&self) -> &str {
        self.headers.get(WWW_AUTHENTICATE).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) async fn send(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// GET with these Authorization headers.
pub(crate) async fn ask(app: &Router, path: &str, authorization: &[&str]) -> Answer {
    let mut request = Request::get(path);
    for value in authorization {
        request = request.header("authorization", *value);
    }
    send(app, request.body(Body::empty()).unwrap()).await
}

/// GET with this token.
pub(crate) async fn ask_with(app: &Router, path: &str, token: &str) -> Answer {
    ask(app, path, &[&format!("Bearer {token}")]).await
}

/// The token is refused as RFC 6750 section 3.1 says.
pub(crate) async fn assert_invalid(app: &Router, token: &str, what: &str) {
    let answer = ask_with(app, "/api/v1/schools", token).await;
    assert_eq!(
        (answer.status, answer.challenge()),
        (401, r#"Bearer error="invalid_token""#),
        "{what}"
    );
    assert_eq!(answer.json()["error"], "invalid_token", "{what}");
}
