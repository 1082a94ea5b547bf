//! Revocation (RFC 7009): a client ends a token of its own.

use crate::{
    authenticate::Authenticated, presented_token::PresentedToken, refusal::Refusal,
    standing::Standing, time::Timestamp,
};

/// What is to be done about a token that its client no longer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It is alive: kill it.
    Kill,
    /// It is dead already, which the caller is told like a success (section 2.2).
    Nothing,
}

/// Decides whether a caller ends a token: only the client that obtained it may (section 2.1), and
/// a resource server may not.
pub fn revoke(
    caller: &Authenticated,
    token: &PresentedToken,
    standing: &Standing,
    now: Timestamp,
) -> Result<Revocation, Refusal> {
    if !standing.holds(token, now) {
        Ok(Revocation::Nothing)
    } else if token.client == caller.client().id.as_str() {
        Ok(Revocation::Kill)
    } else {
        Err(Refusal::TokenForeign)
    }
}
