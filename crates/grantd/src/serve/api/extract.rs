//! What a request to the admin API carries, taken out of it strictly.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH},
    request::Parts,
};
use serde::{Serialize, de::DeserializeOwned};

use super::error::ApiError;
use crate::serve::{body, fingerprint::fingerprint, pulse::Pulse};

/// A JSON body, whole and without unknown members.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            return Err(ApiError::NotJson);
        }
        let body = body::read(body, pulse(&parts)).await?;
        parse(&body).map(Self)
    }
}

/// A JSON body that may be left out.
pub(super) struct Wish<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for Wish<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let body = body::read(body, pulse(&parts)).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json(&parts.headers) {
            return Err(ApiError::NotJson);
        }
        if body.trim_ascii() == b"null" { Ok(Self(T::default())) } else { parse(&body).map(Self) }
    }
}

fn pulse(parts: &Parts) -> Option<&Pulse> {
    parts.extensions.get::<Arc<Pulse>>().map(|pulse| &**pulse)
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // A list of values without names would be taken for the members in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(ApiError::Malformed("The body is a JSON object.".to_owned()));
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::Malformed(format!("The body is not as it should be: {error}.")))
}

/// The query, without unknown or repeated parameters.
pub(super) struct Ask<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Ask<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(ask)| Self(ask)).map_err(|error| {
            ApiError::Malformed(format!("The query is not as it should be: {}.", error.body_text()))
        })
    }
}

/// What the path names.
pub(super) struct At<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let named = Path::from_request_parts(parts, state).await;
        named
            .map(|Path(named)| Self(named))
            .map_err(|_| ApiError::Unknown("There is nothing at this address.".to_owned()))
    }
}

/// What `If-Match` demands (RFC 9110 section 13.1.1).
pub(super) struct IfMatch(Option<Vec<String>>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let values = parts.headers.get_all(IF_MATCH).iter();
        let tags: Vec<String> = values
            .flat_map(|value| value.to_str().unwrap_or_default().split(','))
            .map(|tag| tag.trim().to_owned())
            .collect();
        Ok(Self(Some(tags).filter(|tags| !tags.is_empty())))
    }
}

impl IfMatch {
    /// Whether a change may go on from this state. A weak tag never matches.
    pub(super) fn allows(&self, tag: &Tag) -> Result<(), ApiError> {
        match &self.0 {
            Some(tags) if !tags.iter().any(|known| *known == "*" || *known == tag.0) => {
                Err(ApiError::Changed(format!("It is {} now: read it again, then repeat.", tag.0)))
            }
            _ => Ok(()),
        }
    }

    /// The version that a change is bound to: the one that was read, where the caller names a state.
    pub(super) fn bound_to(&self, version: u64) -> Option<u64> {
        let named = self.0.as_ref().is_some_and(|tags| !tags.iter().any(|tag| tag == "*"));
        named.then_some(version)
    }

    /// A race that was lost is the caller's to know who said which state they mean, and else one
    /// that a repetition wins.
    pub(super) fn explain(&self, error: ApiError) -> ApiError {
        match error {
            ApiError::Changed(detail) if self.0.is_none() => ApiError::Conflict(detail),
            error => error,
        }
    }
}

/// The tag of a state (RFC 9110 section 8.8.3).
pub(super) struct Tag(String);

impl Tag {
    /// Of something that counts its versions.
    pub(super) fn version(version: u64) -> Self {
        Self(format!("\"{version}\""))
    }

    /// Of something that does not: of all it is.
    pub(super) fn of(shown: &impl Serialize) -> Self {
        Self(format!("\"{}\"", fingerprint(shown)))
    }
}

/// An answer with its tag.
pub(super) struct Tagged<T>(pub(super) StatusCode, pub(super) Tag, pub(super) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let Self(status, tag, shown) = self;
        let mut response = Shown(shown).into_response();
        *response.status_mut() = status;
        if let Ok(tag) = HeaderValue::try_from(tag.0) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

/// JSON that nobody keeps: it tells of clients and may hold a secret.
pub(super) struct Shown<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.0).into_response();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
