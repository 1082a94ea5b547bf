//! Reading a request's body whole, within its limits.

use std::time::Duration;

use axum::body::Bytes;
use grantd_issuer::Issuer;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Buf};

use super::pulse::Pulse;

/// The largest body that is read, in bytes.
const LIMIT: usize = 64 * 1024;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(9);
/// How long one may take that nobody will look at.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why there is no body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// More than [`LIMIT`].
    TooLarge,
    /// It took longer than [`PATIENCE`].
    TooSlow,
    /// The peer broke off or broke the framing.
    Broken,
}

impl BodyError {
    /// What the OAuth endpoints answer to it.
    pub(super) fn answer(&self) -> http::Response<Bytes> {
        match self {
            Self::TooLarge => Issuer::body_too_large(),
            Self::TooSlow => Issuer::body_too_slow(),
            Self::Broken => Issuer::body_broken_off(),
        }
    }
}

/// Reads and forgets what is left of a request that is not served, so that the peer reads our answer and
/// no reset of the connection. Answers whether that was all of it.
pub(super) async fn discard<B: Body + Unpin>(mut body: B) -> bool {
    let discarded = tokio::time::timeout(FAREWELL, async {
        let mut left = LIMIT;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            let length = frame.data_ref().map_or(0, Buf::remaining);
            let Some(rest) = left.checked_sub(length) else { return false };
            left = rest;
        }
        true
    });
    discarded.await.unwrap_or(false)
}

/// The whole body. Its time is a second less than the connection's, so that there is an answer.
pub(super) async fn read<B>(body: B, pulse: Option<&Pulse>) -> Result<Bytes, BodyError>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let collected = tokio::time::timeout(PATIENCE, Limited::new(body, LIMIT).collect()).await;
    if let Some(pulse) = pulse {
        pulse.request_complete();
    }
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Ok(Err(_)) => Err(BodyError::Broken),
        Err(_) => Err(BodyError::TooSlow),
    }
}
