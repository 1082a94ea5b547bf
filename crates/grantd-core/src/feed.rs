//! Who may read the revocation feed: resource servers, by their secret or a token of their own.

use crate::{
    client::{Client, ClientKind, ClientState},
    credentials::Credentials,
    grant_type::GrantType,
    params::Params,
    presented_token::PresentedToken,
    raw::Authorization,
    refusal::Refusal,
    standing::Standing,
    time::Timestamp,
};

/// What a feed request proves itself with: in its header, for it has no body.
pub enum FeedProof<'a> {
    /// The client's secret, by HTTP Basic.
    Secret(Credentials<'static>),
    /// An access token (RFC 6750 section 2.1), of which nothing is believed yet.
    Token(&'a str),
}

impl<'a> FeedProof<'a> {
    /// Reads the header; the scheme in any case.
    pub fn parse(authorization: Authorization<'a>) -> Result<Self, Refusal> {
        match bearer(authorization) {
            // What is not even ASCII is no token either.
            Some(token) => Ok(Self::Token(str::from_utf8(token).unwrap_or_default())),
            None => Credentials::parse(authorization, &mut Params::none()).map(Self::Secret),
        }
    }
}

impl std::fmt::Debug for FeedProof<'_> {
    /// Prints no token: one that is alive is as good as a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(credentials) => write!(f, "Secret({credentials:?})"),
            Self::Token(_) => f.write_str("Token(…)"),
        }
    }
}

/// Whether a client may read the feed: only who serves an API has tokens to refuse, and only who can
/// keep a secret is told what concerns other clients.
pub fn admit_feed(client: &Client) -> Result<(), Refusal> {
    let active = client.state == ClientState::Active && client.kind == ClientKind::Confidential;
    if active && !client.serves.is_empty() { Ok(()) } else { Err(Refusal::FeedNotAllowed) }
}

/// Whether a token opens the feed to the client that obtained it: alive, and for this server itself,
/// which is the API `default`. One for another API does not, not even for one that the client
/// serves: whoever saw it there could read the feed with it. A user's never does.
pub fn admit_feed_token(
    token: &PresentedToken,
    standing: &Standing,
    issuer: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    if !standing.holds(token, now) {
        return Err(Refusal::FeedTokenDead);
    }
    if token.audience != issuer {
        return Err(Refusal::FeedTokenForeign);
    }
    let own = token.grant == GrantType::ClientCredentials && token.subject == token.client;
    if own { Ok(()) } else { Err(Refusal::FeedNotAllowed) }
}

fn bearer(authorization: Authorization<'_>) -> Option<&[u8]> {
    let Authorization::One(header) = authorization else { return None };
    let (scheme, token) = header.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token.trim_ascii())
}
