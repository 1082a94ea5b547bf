//! An introspection endpoint on this machine: it knows the tokens that it sealed, and can misbehave.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use grantd_core::{SecretKey, TokenSealer};
use grantd_guard::{Discovery, FeedCredentials, GuardBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    fake_issuer::{FakeIssuer, change},
    forge::claims,
};

/// How it answers.
#[derive(Default)]
pub(crate) struct Manners {
    pub(crate) questions: usize,
    pub(crate) delay: Duration,
    pub(crate) status: Option<StatusCode>,
    /// Instead of the truth, this.
    pub(crate) says: Option<String>,
    /// Ids of tokens that are dead.
    pub(crate) dead: Vec<String>,
}

/// The running endpoint; it ends with the test's runtime.
pub(crate) struct FakeIntrospection {
    pub(crate) issuer: String,
    pub(crate) manners: Arc<Mutex<Manners>>,
}

impl FakeIntrospection {
    /// An endpoint that this issuer's metadata names.
    pub(crate) async fn start(issuer: &FakeIssuer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/introspect", listener.local_addr().unwrap());
        let manners = Arc::new(Mutex::new(Manners::default()));
        let app = Router::new().route("/introspect", post(answer)).with_state(Arc::clone(&manners));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        change(&issuer.metadata, |document| {
            let mut metadata: Value = serde_json::from_str(&document.body).unwrap();
            metadata["introspection_endpoint"] = address.into();
            document.body = metadata.to_string();
        });
        Self { issuer: issuer.issuer.clone(), manners }
    }

    /// A good token of this issuer with these claims changed.
    pub(crate) fn token(&self, changes: &Value) -> String {
        let mut claims = claims(&json!({ "iss": self.issuer }));
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        seal(&claims)
    }

    pub(crate) fn change(&self, how: impl FnOnce(&mut Manners)) {
        how(&mut self.manners.lock().unwrap());
    }

    pub(crate) fn questions(&self) -> usize {
        self.manners.lock().unwrap().questions
    }
}

/// The guard with leave to ask.
pub(crate) fn asking(guard: GuardBuilder<Discovery>) -> GuardBuilder<Discovery> {
    guard.introspection(FeedCredentials::basic("api 1", "s:ecret"))
}

/// An opaque token that says these claims.
pub(crate) fn seal(claims: &Value) -> String {
    sealer().seal(claims.to_string().as_bytes(), [1; TokenSealer::NONCE]).unwrap()
}

fn sealer() -> TokenSealer {
    TokenSealer::new(&SecretKey::from_bytes([7; 32]), &[])
}

async fn answer(
    State(manners): State<Arc<Mutex<Manners>>>,
    headers: HeaderMap,
    form: String,
) -> Response {
    assert_eq!(headers["authorization"], "Basic YXBpKzE6cyUzQWVjcmV0");
    assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
    let (answer, delay) = {
        let mut manners = manners.lock().unwrap();
        manners.questions += 1;
        (manners.answer(&form), manners.delay)
    };
    tokio::time::sleep(delay).await;
    answer
}

impl Manners {
    fn answer(&self, form: &str) -> Response {
        if let Some(status) = self.status {
            return status.into_response();
        }
        if let Some(says) = &self.says {
            return says.clone().into_response();
        }
        let mut pairs = url::form_urlencoded::parse(form.as_bytes());
        let (name, token) = pairs.next().unwrap();
        assert_eq!(name, "token");
        let facts = sealer().unseal(&token).map(|claims| serde_json::from_slice(&claims).unwrap());
        let facts =
            facts.filter(|facts: &Value| !self.dead.iter().any(|id| facts["jti"] == id.as_str()));
        let mut answer = facts.unwrap_or_else(|| json!({}));
        answer["active"] = (answer != json!({})).into();
        answer.to_string().into_response()
    }
}
