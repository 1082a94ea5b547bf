//! A server on memory with the clients of the cases: `cc cc2 opaque rs rs2 spa`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use grantd_issuer::{
    Admin, Clock, Issuer, KeyRing, Memory, NewClient, PermissionEntry, Registrar, Response,
    core::{Algorithm, Api, ClientState, GrantType, SecretKey, SigningKey, Timestamp, TokenFormat},
};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use serde_json::Value;

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const B: &str = "https://b.example";
pub(crate) const NOW: i64 = 1_800_000_000;

/// A clock that stands until it is moved.
#[derive(Clone)]
pub(crate) struct Standing(pub(crate) Arc<AtomicI64>);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// What the endpoints are, on the issuer's side.
#[derive(Clone, Copy)]
pub(crate) enum At {
    Token,
    Introspect,
    Revoke,
}

pub(crate) struct World {
    pub(crate) memory: Arc<Memory>,
    pub(crate) issuer: Issuer,
    pub(crate) clock: Standing,
    pub(crate) pem: String,
    registrar: Registrar,
    secrets: BTreeMap<&'static str, String>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let memory = Arc::new(Memory::default());
        let registrar = Registrar::new(memory.clone());
        furnish(&registrar).await;
        let pem = SigningKey::generate(Algorithm::Es256).unwrap().to_pem().unwrap();
        let pem = pem.reveal().to_owned();
        let clock = Standing(Arc::new(AtomicI64::new(NOW)));
        let issuer = server(&memory, &clock, ring(&pem), key(7), None);
        let mut world = Self { memory, issuer, clock, pem, registrar, secrets: BTreeMap::new() };
        for (id, new) in clients() {
            world.admit(id, new, &key(7)).await;
        }
        world
    }

    /// Creates a client whose secret is kept under this server key.
    pub(crate) async fn admit(&mut self, id: &'static str, new: NewClient, key: &SecretKey) {
        let new = NewClient { id: Some(id.parse().unwrap()), name: id.to_owned(), ..new };
        let created = self
            .registrar
            .create_client(&Admin::program("test"), new, &key.secret_hasher())
            .await
            .unwrap();
        let secret = created.secret.map(|(_, secret)| secret.reveal().to_owned());
        self.secrets.insert(id, secret.unwrap_or_default());
    }

    /// The same world behind another server: other signing keys, other server keys.
    pub(crate) fn restart(&mut self, keys: KeyRing, key: SecretKey, previous: Option<SecretKey>) {
        self.issuer = server(&self.memory, &self.clock, keys, key, previous);
    }

    pub(crate) async fn post(&self, at: At, form: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.send(at, headers, form).await
    }

    pub(crate) async fn send(&self, at: At, headers: HeaderMap, form: &str) -> Response {
        let body = form.as_bytes();
        match at {
            At::Token => self.issuer.post_token(&headers, body, None).await,
            At::Introspect => self.issuer.post_introspect(&headers, body, None).await,
            At::Revoke => self.issuer.post_revoke(&headers, body, None).await,
        }
    }

    /// The form of a client that proves itself and says this.
    pub(crate) fn form(&self, client: &str, more: &str) -> String {
        match self.secrets[client].as_str() {
            "" => format!("client_id={client}&{more}"),
            secret => format!("client_id={client}&client_secret={secret}&{more}"),
        }
    }

    /// What a client is answered, which is a success.
    pub(crate) async fn answer(&self, at: At, client: &str, more: &str) -> Value {
        let answer = self.post(at, &self.form(client, more)).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        json(&answer)
    }

    pub(crate) async fn issue(&self, client: &str) -> String {
        let answer = self.answer(At::Token, client, "grant_type=client_credentials").await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn introspect(&self, caller: &str, token: &str) -> Value {
        self.answer(At::Introspect, caller, &format!("token={token}")).await
    }

    pub(crate) async fn is_active(&self, token: &str) -> bool {
        let answer = self.introspect("rs", token).await;
        let active = answer["active"].as_bool().unwrap();
        assert_eq!(active, answer != serde_json::json!({ "active": false }));
        active
    }

    pub(crate) fn secret(&self, client: &str) -> &str {
        &self.secrets[client]
    }

    pub(crate) fn registrar(&self) -> &Registrar {
        &self.registrar
    }

    pub(crate) async fn set_state(&self, client: &str, state: ClientState) {
        self.registrar.set_client_state(&Admin::program("test"), client, state).await.unwrap();
        self.issuer.refresh().await.unwrap();
    }
}

pub(crate) fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32])
}

pub(crate) fn ring(pem: &str) -> KeyRing {
    KeyRing::from_pem(&grantd_core::Secret::new(pem.to_owned()), None, None).unwrap()
}

pub(crate) fn json(answer: &Response) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

fn server(
    memory: &Arc<Memory>,
    clock: &Standing,
    keys: KeyRing,
    key: SecretKey,
    previous: Option<SecretKey>,
) -> Issuer {
    let builder = Issuer::builder(ISSUER, keys, key);
    let builder = match previous {
        Some(previous) => builder.previous_secret_key(previous),
        None => builder,
    };
    builder
        .enable(GrantType::ClientCredentials, Some("5m".parse().unwrap()))
        .clock(clock.clone())
        .tokens(memory.clone())
        .build(memory.clone())
}

async fn furnish(registrar: &Registrar) {
    let b = Api { name: "b".to_owned(), audience: Some(B.to_owned()), ..Api::default_api() };
    let sealed = Api {
        name: "sealed".to_owned(),
        audience: Some("https://sealed.example".to_owned()),
        format: Some(TokenFormat::Opaque),
        ..Api::default_api()
    };
    let admin = Admin::program("test");
    registrar.create_api(&admin, &b).await.unwrap();
    registrar.create_api(&admin, &sealed).await.unwrap();
    for (name, api) in [("a.read", "default"), ("b.read", "b"), ("s.read", "sealed")] {
        let name = name.parse().unwrap();
        let entry = PermissionEntry { name, api: api.to_owned(), description: String::new() };
        registrar.create_permission(&admin, &entry).await.unwrap();
    }
}

fn clients() -> [(&'static str, NewClient); 7] {
    let may = |names: &[&str]| NewClient {
        permissions: names.iter().map(|name| name.parse().unwrap()).collect(),
        ..NewClient::default()
    };
    let public = NewClient {
        public: true,
        redirect_uris: vec!["https://spa.example/cb".to_owned()],
        serves: vec!["default".to_owned()],
        ..NewClient::default()
    };
    [
        ("cc", may(&["a.read", "b.read", "s.read"])),
        ("cc2", may(&["a.read"])),
        ("opaque", NewClient { format: Some(TokenFormat::Opaque), ..may(&["a.read", "b.read"]) }),
        ("stays-jwt", NewClient { format: Some(TokenFormat::Jwt), ..may(&["s.read"]) }),
        ("rs", serves(&["default"])),
        ("rs2", serves(&["b", "sealed"])),
        ("spa", public),
    ]
}

/// A resource server of these APIs.
pub(crate) fn serves(names: &[&str]) -> NewClient {
    NewClient { serves: names.iter().map(ToString::to_string).collect(), ..NewClient::default() }
}
