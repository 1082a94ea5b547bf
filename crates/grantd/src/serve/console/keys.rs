//! The public part of the signing keys, and which of them signs.

use askama::Template;
use axum::{extract::State, response::Response};
use grantd_issuer::KeyDuty;
use http::StatusCode;

use super::{
    frame::{Frame, Section},
    operator::Operator,
    page::page,
};
use crate::serve::routes::Server;

#[derive(Template)]
#[template(path = "keys.html")]
struct List<'a> {
    frame: Frame,
    issuer: &'a str,
    keys: Vec<Key>,
}

struct Key {
    kid: String,
    alg: &'static str,
    duty: KeyDuty,
    pem: String,
    jwk: String,
}

/// `GET /developer/keys`
pub(super) async fn list(operator: Operator, State(server): State<Server>) -> Response {
    let keys = server.issuer.keys().duties().map(|(key, duty)| Key {
        kid: key.kid().to_owned(),
        alg: key.algorithm().as_str(),
        duty,
        pem: key.to_pem().unwrap_or_default(),
        jwk: serde_json::to_string_pretty(key.jwk()).unwrap_or_default(),
    });
    let keys = keys.collect();
    let (frame, issuer) = (operator.frame(Section::Keys), server.issuer.identifier());
    page(StatusCode::OK, &List { frame, issuer, keys })
}

impl Key {
    fn signs(&self) -> bool {
        self.duty != KeyDuty::VerifiesOnly
    }
}
