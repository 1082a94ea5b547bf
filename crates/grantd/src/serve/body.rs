//! Reading a request's body whole, within its limits.

use std::{sync::Arc, time::Duration};

use axum::body::{Body, Bytes};
use http::Request;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::pulse::Pulse;

/// The largest body that is read, in bytes.
const LIMIT: usize = 64 * 1024;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(9);

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

/// The whole body. Its time is a second less than the connection's, so that there is an answer.
pub(super) async fn read(request: Request<Body>) -> Result<Bytes, BodyError> {
    let pulse = request.extensions().get::<Arc<Pulse>>().cloned();
    let collected =
        tokio::time::timeout(PATIENCE, Limited::new(request.into_body(), LIMIT).collect()).await;
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
