//! For axum handlers: the principal as an argument, a refusal as a response.

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::request::Parts;

use crate::{GuardRefusal, Principal};

/// Takes the principal that [`Guard::protect`](crate::Guard::protect) or
/// [`Guard::require`](crate::Guard::require) verified; 401 on a route that neither protects.
impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = GuardRefusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, GuardRefusal> {
        parts.extensions.get().cloned().ok_or_else(|| {
            let refusal = GuardRefusal::RouteUnprotected;
            tracing::error!(refusal = refusal.name(), "{refusal}");
            refusal
        })
    }
}

impl IntoResponse for GuardRefusal {
    fn into_response(self) -> Response {
        self.response()
    }
}
