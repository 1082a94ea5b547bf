//! Who may read the revocation feed: resource servers, and nobody else.

use crate::{
    authenticate::Authenticated, credentials::Credentials, params::Params, raw::Authorization,
    refusal::Refusal,
};

/// The credentials of a feed request: in its header, for it has no body.
pub fn feed_credentials(authorization: Authorization<'_>) -> Result<Credentials<'static>, Refusal> {
    Credentials::parse(authorization, &mut Params::none())
}

/// Whether a caller may read the feed: only who serves an API has tokens to refuse.
pub fn admit_feed(caller: &Authenticated) -> Result<(), Refusal> {
    if caller.client().serves.is_empty() { Err(Refusal::FeedNotAllowed) } else { Ok(()) }
}
