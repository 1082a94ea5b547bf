//! Client authentication as a request presents it: read once for every endpoint that asks for it.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use crate::{
    params::{Params, decode_form},
    raw::Authorization,
    refusal::Refusal,
};

/// Client authentication as presented: exactly one way of it.
pub enum Credentials<'a> {
    /// HTTP Basic (RFC 6749 section 2.3.1).
    Basic {
        /// Id and secret, form-decoded; absent where the escapes are broken.
        decoded: Option<(String, Zeroizing<String>)>,
        /// Id and secret as they stand, for secrets brought in from elsewhere.
        raw: (String, Zeroizing<String>),
        /// `client_id` of the body, which must name the same client (RFC 6749 section 3.2.1).
        body_id: Option<Cow<'a, str>>,
    },
    /// `client_id` and `client_secret` in the body.
    Body {
        /// The id.
        id: Cow<'a, str>,
        /// The secret.
        secret: Cow<'a, str>,
    },
    /// An id alone: a public client, or a confidential one that forgot its secret.
    IdOnly {
        /// The id.
        id: Cow<'a, str>,
    },
}

impl Credentials<'_> {
    /// The ids under which the client may be found, the likelier first.
    pub fn client_ids(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Self::Basic { decoded, raw, .. } => match decoded {
                Some((id, _)) if *id == raw.0 => (id.as_str(), None),
                Some((id, _)) => (id.as_str(), Some(raw.0.as_str())),
                None => (raw.0.as_str(), None),
            },
            Self::Body { id, .. } | Self::IdOnly { id } => (id.as_ref(), None),
        };
        std::iter::once(first).chain(second)
    }
}

impl<'a> Credentials<'a> {
    /// Takes the one way of authentication out of header and parameters (RFC 6749 section 2.3).
    pub(crate) fn parse(
        authorization: Authorization<'_>,
        params: &mut Params<'a>,
    ) -> Result<Self, Refusal> {
        let (id, secret) = (params.take("client_id"), params.take("client_secret"));
        let header = match authorization {
            Authorization::Absent => {
                return match (id, secret) {
                    (Some(id), Some(secret)) => Ok(Self::Body { id, secret }),
                    (Some(id), None) => Ok(Self::IdOnly { id }),
                    (None, _) => Err(Refusal::ClientNotNamed),
                };
            }
            Authorization::Many => return Err(Refusal::AuthorizationRepeated),
            Authorization::One(header) => header,
        };
        if secret.is_some() {
            return Err(Refusal::AuthenticationMethodsMixed);
        }
        parse_basic(header, id)
    }
}

impl std::fmt::Debug for Credentials<'_> {
    /// Prints neither id nor secret: people send one in the place of the other.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(…)",
            Self::Body { .. } => "Body(…)",
            Self::IdOnly { .. } => "IdOnly(…)",
        })
    }
}

/// Reads `Basic base64(id:secret)` (RFC 7617 section 2); the scheme in any case, the base64 strict.
fn parse_basic<'a>(
    header: &[u8],
    body_id: Option<Cow<'a, str>>,
) -> Result<Credentials<'a>, Refusal> {
    let (scheme, value) = header.split_at_checked(6).ok_or(Refusal::BasicMalformed)?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return Err(Refusal::BasicMalformed);
    }
    let pair = BASE64_STANDARD.decode(value.trim_ascii()).map_err(|_| Refusal::BasicMalformed)?;
    let pair = Zeroizing::new(pair);
    let pair = str::from_utf8(&pair).map_err(|_| Refusal::BasicMalformed)?;
    let (id, secret) = pair.split_once(':').ok_or(Refusal::BasicMalformed)?;
    let decoded = decode_form(id.as_bytes()).zip(decode_form(secret.as_bytes()));
    if secret.is_empty() {
        let id = decoded.map_or_else(|| id.to_owned(), |(id, _)| id.into_owned());
        if body_id.is_some_and(|named| named != id) {
            return Err(Refusal::ClientIdsDiffer);
        }
        return Ok(Credentials::IdOnly { id: id.into() });
    }
    let decoded =
        decoded.map(|(id, secret)| (id.into_owned(), Zeroizing::new(secret.into_owned())));
    let raw = (id.to_owned(), Zeroizing::new(secret.to_owned()));
    Ok(Credentials::Basic { decoded, raw, body_id })
}
