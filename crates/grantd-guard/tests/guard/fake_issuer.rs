//! An issuer on this machine whose documents, speed and manners a test can change.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    routing::get,
};
use grantd_guard::{Discovery, Guard, GuardBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::forge::{AUDIENCE, Forge, claims};

/// One document that the issuer serves.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    pub(crate) delay: Duration,
    pub(crate) fetches: usize,
}

type Shared = Arc<Mutex<Document>>;

/// The running issuer; it ends with the test's runtime.
pub(crate) struct FakeIssuer {
    pub(crate) issuer: String,
    pub(crate) metadata: Shared,
    pub(crate) keys: Shared,
}

impl FakeIssuer {
    /// An issuer that publishes these keys, its name ending in `path`.
    pub(crate) async fn start(path: &str, keys: &[&Forge]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let issuer = format!("{host}{path}");
        let metadata =
            document(&json!({ "issuer": issuer, "jwks_uri": format!("{host}/jwks.json") }));
        let keys = document(&set(keys));
        let well_known =
            format!("/.well-known/oauth-authorization-server{}", path.trim_end_matches('/'));
        let app = Router::new()
            .route(&well_known, get(answer).with_state(Arc::clone(&metadata)))
            .route("/jwks.json", get(answer).with_state(Arc::clone(&keys)));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { issuer, metadata, keys }
    }

    /// A guard of this issuer, yet to be built.
    pub(crate) fn guard(&self) -> GuardBuilder<Discovery> {
        Guard::discover(&self.issuer).audience(AUDIENCE)
    }

    /// From now on it publishes these keys.
    pub(crate) fn publish(&self, keys: &[&Forge]) {
        change(&self.keys, |document| document.body = set(keys).to_string());
    }

    /// How often the keys were fetched.
    pub(crate) fn fetches(&self) -> usize {
        self.keys.lock().unwrap().fetches
    }

    /// A good token of this issuer.
    pub(crate) fn token(&self, key: &Forge) -> String {
        key.token(&claims(&json!({ "iss": self.issuer })))
    }
}

/// Changes a document.
pub(crate) fn change(document: &Shared, how: impl FnOnce(&mut Document)) {
    how(&mut document.lock().unwrap());
}

fn document(body: &Value) -> Shared {
    let (status, delay) = (StatusCode::OK, Duration::ZERO);
    Arc::new(Mutex::new(Document { status, body: body.to_string(), delay, fetches: 0 }))
}

fn set(keys: &[&Forge]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() })
}

async fn answer(State(document): State<Shared>) -> (StatusCode, HeaderMap, String) {
    let now = {
        let mut document = document.lock().unwrap();
        document.fetches += 1;
        document.clone()
    };
    tokio::time::sleep(now.delay).await;
    let mut headers = HeaderMap::new();
    if now.status.is_redirection() {
        headers.insert(LOCATION, "/jwks.json".parse().unwrap());
    }
    (now.status, headers, now.body)
}
