//! The introspection answer (RFC 7662 section 2.2).

use bytes::Bytes;
use grantd_core::{Introspection, PresentedToken};
use http::StatusCode;
use serde::Serialize;

use super::{Response, fault};
use crate::fault::Fault;

/// The answer for either outcome; an inactive token's says nothing else.
pub(super) fn answer(told: &Introspection) -> Response {
    let body = match told {
        Introspection::Inactive => Ok(Bytes::from_static(br#"{"active":false}"#)),
        Introspection::Active(token) => serde_json::to_vec(&Facts::of(token)).map(Bytes::from),
    };
    match body {
        Ok(body) => super::answer(StatusCode::OK, body),
        Err(_) => fault(Fault::Signing),
    }
}

/// RFC 7662 section 2.2, and grantd's `roles gty gen cid ugen grant`.
#[derive(Serialize)]
struct Facts<'a> {
    active: bool,
    scope: &'a str,
    client_id: &'a str,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    sub: &'a str,
    aud: &'a str,
    iss: &'a str,
    jti: String,
    roles: &'a [String],
    gty: &'static str,
    r#gen: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ugen: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
}

impl<'a> Facts<'a> {
    fn of(token: &'a PresentedToken) -> Self {
        Self {
            active: true,
            scope: &token.scope,
            client_id: &token.client,
            token_type: "Bearer",
            exp: token.expires_at.seconds(),
            iat: token.issued_at.seconds(),
            sub: &token.subject,
            aud: &token.audience,
            iss: &token.issuer,
            jti: token.id.to_string(),
            roles: &token.roles,
            gty: token.grant.as_str(),
            r#gen: token.generation,
            cid: token.credential.map(|id| id.to_string()),
            ugen: token.on_behalf.map(|owner| owner.generation),
            grant: token.on_behalf.map(|owner| owner.approval.to_string()),
        }
    }
}
