//! From a request to its principal, the same for both layers.

use bytes::Bytes;
use http::Request;
use http_body::Body;

use crate::{Guard, GuardRefusal, bearer::bearer_token, form::refuse_second_token};

/// Verifies the request's token and puts its [`Principal`](crate::Principal) into the extensions, in
/// place of whatever was there.
pub(crate) async fn admit<B>(guard: &Guard, request: Request<B>) -> Result<Request<B>, GuardRefusal>
where
    B: Body<Data = Bytes> + From<Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut parts, body) = request.into_parts();
    let principal = guard.verify(bearer_token(&parts)?).await?;
    parts.extensions.insert(principal);
    refuse_second_token(parts, body).await
}
