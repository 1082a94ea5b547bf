//! Who may use the admin API: whoever brings a living token with `manage_system`, client or user.

use axum::{body::Body, extract::FromRequestParts, response::Response};
use grantd_core::UserId;
use grantd_guard::Principal;
use grantd_issuer::Admin;
use http::{
    HeaderValue,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
    request::Parts,
};
use http_body_util::{BodyExt, Collected};

use super::error::ApiError;
use crate::serve::routes::{Peer, problem};

/// The permission that opens the admin API.
pub(crate) const MANAGE: &str = "manage_system";

/// Who acts. Only a request that the guard let through has one.
pub(super) struct Actor(pub(super) Admin);

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let principal = parts.extensions.get::<Principal>().filter(|who| who.can(MANAGE));
        let Some(principal) = principal else { return Err(ApiError::Forbidden) };
        let address = parts.extensions.get::<Peer>().map(|Peer(address)| *address);
        Ok(Self(match principal.user_id() {
            Some(user) => Admin::user(user, address),
            None => Admin::client(principal.client_id(), address),
        }))
    }
}

impl Actor {
    /// Who acts, unless they would shut themselves out.
    pub(super) fn not_on_user(self, user: UserId) -> Result<Admin, ApiError> {
        if self.0.name() == format!("user:{user}") {
            let detail = "This is the user whose token you use: let another one do it, or `grantd user` on the server.";
            return Err(ApiError::Conflict(detail.to_owned()));
        }
        Ok(self.0)
    }

    /// Who acts, unless their client would shut itself out.
    pub(super) fn not_on(self, client: &str) -> Result<Admin, ApiError> {
        if self.0.name() == format!("client:{client}") {
            let detail = "This is the client whose token you use: let another one do it, or `grantd client` on the server.";
            return Err(ApiError::Conflict(detail.to_owned()));
        }
        Ok(self.0)
    }
}

/// The guard's refusals as problem details, like every other error here.
pub(super) async fn as_problem(response: Response) -> Response {
    let is_json =
        response.headers().get(CONTENT_TYPE).is_some_and(|value| value == "application/json");
    if !response.status().is_client_error() && !response.status().is_server_error() || !is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let message = serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_default();
    let detail = message["message"].as_str().unwrap_or_default();
    let (_, document) = problem(parts.status, detail).into_parts();
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::new(document))
}
