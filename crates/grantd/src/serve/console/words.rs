//! What a script of our own sends: JSON of a known shape, and refusals that it can show.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, Request},
    response::Response,
};
use http::{StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;

use crate::serve::{
    body::{self, BodyError},
    pulse::Pulse,
    routes::problem,
};

/// A body in JSON, at most 64 KiB.
pub(super) struct Words<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Words<T> {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        // No form of another site's can say this without asking first (Fetch, CORS-safelisted).
        if !essence.trim().eq_ignore_ascii_case("application/json") {
            let text = "Send JSON, as application/json.";
            return Err(problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let pulse = parts.extensions.get::<Arc<Pulse>>();
        let read =
            body::read(body, pulse.map(|pulse| &**pulse)).await.map_err(|why| match why {
                BodyError::TooLarge => {
                    problem(StatusCode::PAYLOAD_TOO_LARGE, "That is larger than 64 KiB.")
                }
                BodyError::TooSlow => problem(StatusCode::REQUEST_TIMEOUT, "That took too long."),
                BodyError::Broken => problem(StatusCode::BAD_REQUEST, "That broke off on its way."),
            })?;
        // What is wrong with it in detail may hold what was sent: not told, not logged.
        serde_json::from_slice(&read).map(Self).map_err(|_| {
            problem(StatusCode::BAD_REQUEST, "That is not what this page sends: load it again.")
        })
    }
}
