//! Refuses a second token in a form body (RFC 6750 section 2: one way of sending it per request).

use bytes::Bytes;
use http::{Method, Request, header::CONTENT_TYPE, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt, Limited};

use crate::{GuardRefusal, bearer::names_token};

/// The longest body that is looked into, in bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// Puts the request together again, its body unchanged, unless it is a form with `access_token`.
///
/// Only a form of known length up to 64 KiB is read; streams, uploads and JSON pass through
/// untouched. That is enough: the guard takes no token from a body, so a form that is passed over
/// gains nothing, and what remains is the courtesy of telling a confused client. Call this after the
/// token was verified, so that nobody without one can make the guard buffer anything.
pub(crate) async fn refuse_second_token<B>(
    parts: Parts,
    body: B,
) -> Result<Request<B>, GuardRefusal>
where
    B: Body<Data = Bytes> + From<Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if !is_form(&parts) || !is_short(&body) {
        return Ok(Request::from_parts(parts, body));
    }
    let read =
        Limited::new(body, MAX_LENGTH).collect().await.map_err(|_| GuardRefusal::FormUnreadable)?;
    let form = read.to_bytes();
    if names_token(&form) {
        return Err(GuardRefusal::TokenInForm);
    }
    Ok(Request::from_parts(parts, B::from(form)))
}

fn is_form(parts: &Parts) -> bool {
    let content_type =
        parts.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    parts.method != Method::GET
        && parts.method != Method::HEAD
        && essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

fn is_short(body: &impl Body) -> bool {
    body.size_hint().upper().is_some_and(|length| length > 0 && length <= MAX_LENGTH as u64)
}
