//! grantd inside an axum application, with its storage in memory and its commands for clients.
//! `cargo run -p grantd-issuer --example axum_host`

#![expect(clippy::print_stdout, reason = "an example talks to who tries it")]

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::Response,
    routing::{get, post},
};
use grantd_issuer::{
    Admin, Issuer, KeyRing, Memory, NewClient, PermissionEntry, Registrar,
    core::{Algorithm, GrantType, SecretKey, SigningKey},
};
use http::HeaderMap;

async fn token(State(issuer): State<Arc<Issuer>>, headers: HeaderMap, body: Bytes) -> Response {
    issuer.post_token(&headers, &body, None).await.map(Body::from)
}

async fn jwks(State(issuer): State<Arc<Issuer>>) -> Response {
    issuer.jwks().map(Body::from)
}

async fn metadata(State(issuer): State<Arc<Issuer>>) -> Response {
    issuer.metadata().map(Body::from)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret_key = SecretKey::from_bytes([7; 32]);
    let storage = Arc::new(Memory::default());
    let registrar = Registrar::new(storage.clone());
    let admin = Admin::program("axum_host");
    let reading = PermissionEntry {
        name: "invoices.read".parse()?,
        api: "default".to_owned(),
        description: "Read invoices".to_owned(),
    };
    registrar.create_permission(&admin, &reading).await?;
    let new = NewClient {
        name: "Sync".to_owned(),
        permissions: vec![reading.name],
        ..NewClient::default()
    };
    let created = registrar.create_client(&admin, new, &secret_key.secret_hasher()).await?;
    if let Some((_, secret)) = &created.secret {
        println!("client_id={} client_secret={}", created.client.id, secret.reveal());
    }

    let keys = KeyRing::new(vec![SigningKey::generate(Algorithm::Es256)?], &[])?;
    let issuer = Issuer::builder("http://127.0.0.1:8082", keys, secret_key)
        .enable(GrantType::ClientCredentials, Some("15m".parse()?))
        .build(storage);
    let routes = Router::new()
        .route("/", get(|| async { "the host's own page\n" }))
        .route("/oauth/token", post(token))
        .route("/.well-known/jwks.json", get(jwks))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .with_state(Arc::new(issuer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8082").await?;
    axum::serve(listener, routes).await?;
    Ok(())
}
