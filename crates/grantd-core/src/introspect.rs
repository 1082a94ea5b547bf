//! Introspection (RFC 7662): what a resource server is told about a token it was handed.

use crate::{
    authenticate::Authenticated, client::ClientKind, presented_token::PresentedToken,
    refusal::Refusal, standing::Standing, time::Timestamp,
};

/// What the caller is told. An inactive token has one answer, whatever the reason (section 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Introspection {
    /// The token is alive, and for this caller.
    Active(Box<PresentedToken>),
    /// It is not, or is no token at all.
    Inactive,
}

/// Whether a caller may ask at all: only one that has proved itself with a secret (section 2.1).
pub fn admit_introspection(caller: &Authenticated) -> Result<(), Refusal> {
    match caller.client().kind {
        ClientKind::Confidential => Ok(()),
        ClientKind::Public => Err(Refusal::IntrospectionNeedsSecret),
    }
}

/// Decides what a caller learns: all of a living token that is for an API it serves, and of any
/// other nothing (section 4), its own included.
pub fn introspect(
    caller: &Authenticated,
    token: PresentedToken,
    standing: &Standing,
    issuer: &str,
    now: Timestamp,
) -> Introspection {
    let seen = admit_introspection(caller).is_ok()
        && caller.client().serves(&token.audience, issuer)
        && standing.holds(&token, now);
    if seen { Introspection::Active(Box::new(token)) } else { Introspection::Inactive }
}
