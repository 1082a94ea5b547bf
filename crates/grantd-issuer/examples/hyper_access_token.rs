//! grantd inside a bare hyper server: the token endpoint at `/access_token`, clients from the
//! host's own storage. `cargo run -p grantd-issuer --example hyper_access_token`

use std::{convert::Infallible, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use grantd_issuer::{
    Clients, Issuer, KeyRing, StorageFault,
    core::{
        Algorithm, Api, Client, ClientApi, ClientKind, ClientState, Credential, CredentialId,
        GrantType, SecretHasher, SecretKey, SigningKey, Timestamp,
    },
};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The host's own storage: here, one client from its configuration.
struct Partners(SecretHasher);

#[async_trait]
impl Clients for Partners {
    async fn client(&self, id: &str) -> Result<Option<Client>, StorageFault> {
        if id != "acme" {
            return Ok(None);
        }
        let fault = |error: &dyn std::error::Error| StorageFault::plain(error.to_string());
        let invoices = "invoices.read".parse().map_err(|error| fault(&error))?;
        let secret = Credential {
            id: CredentialId::mint(Timestamp::from_seconds(0), [0; 10]),
            hash: self.0.hash("a secret that the host keeps elsewhere"),
            expires_at: None,
        };
        Ok(Some(Client {
            id: "acme".parse().map_err(|error| fault(&error))?,
            kind: ClientKind::Confidential,
            state: ClientState::Active,
            grants: [GrantType::ClientCredentials].into_iter().collect(),
            credentials: vec![secret],
            roles: [].into(),
            apis: [ClientApi { api: Arc::new(Api::default_api()), permissions: vec![invoices] }]
                .into(),
            serves: vec![],
            default_scope: None,
            generation: 1,
            access_token_ttl: None,
            format: None,
            signing_alg: None,
            code: None,
        }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A real host reads these from its secrets: keys made anew void what they signed and hashed.
    let secret_key = SecretKey::from_bytes([7; 32]);
    let keys = KeyRing::new(vec![SigningKey::generate(Algorithm::Rs256)?], &[])?;
    let partners = Arc::new(Partners(secret_key.secret_hasher()));
    let issuer = Arc::new(
        Issuer::builder("http://127.0.0.1:8081", keys, secret_key)
            .enable(GrantType::ClientCredentials, Some("1h".parse()?))
            .token_path("/access_token")
            .build(partners),
    );
    let listener = TcpListener::bind("127.0.0.1:8081").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let issuer = Arc::clone(&issuer);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&issuer, request));
            // A client that breaks off concerns nobody else.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    issuer: &Issuer,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let response = match (&parts.method, parts.uri.path()) {
        (&Method::POST, "/access_token") => match Limited::new(body, 64 * 1024).collect().await {
            Ok(body) => issuer.post_token(&parts.headers, &body.to_bytes(), None).await,
            Err(_) => Issuer::body_too_large(),
        },
        (_, "/access_token") => Issuer::method_not_allowed(),
        (_, "/.well-known/jwks.json") => issuer.jwks(),
        (_, "/.well-known/oauth-authorization-server") => issuer.metadata(),
        _ => {
            let mut nowhere = Response::new(Bytes::new());
            *nowhere.status_mut() = http::StatusCode::NOT_FOUND;
            nowhere
        }
    };
    Ok(response.map(Full::new))
}
