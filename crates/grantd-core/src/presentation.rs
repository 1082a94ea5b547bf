//! A request that presents a token: introspection and revocation have the same shape.

use std::borrow::Cow;

use crate::{credentials::Credentials, params::Params, raw::Raw, refusal::Refusal};

/// A well-formed request about one token (RFC 7662 section 2.1, RFC 7009 section 2.1).
///
/// `token_type_hint` is not read: a token tells its kind by its look.
pub struct Presentation<'a> {
    /// Who the caller says it is.
    pub credentials: Credentials<'a>,
    /// The token as sent; nothing of it is believed yet.
    pub token: Cow<'a, str>,
}

impl<'a> Presentation<'a> {
    /// Reads the request; cheap, and no secret is touched.
    pub fn parse(raw: &Raw<'a>) -> Result<Self, Refusal> {
        let mut params = Params::parse(raw.content_type, raw.body)?;
        let credentials = Credentials::parse(raw.authorization, &mut params)?;
        let token = params.take("token").ok_or(Refusal::TokenMissing)?;
        Ok(Self { credentials, token })
    }
}

impl std::fmt::Debug for Presentation<'_> {
    /// Prints no token: one that is alive is as good as a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presentation({:?})", self.credentials)
    }
}
