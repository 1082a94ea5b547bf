//! Hop 3: a raw request becomes a token request, or a refusal. Cheap; no secret is touched.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use crate::{
    grant_type::GrantType,
    params::{Params, decode_form},
    raw::{Authorization, Raw},
    refusal::Refusal,
};

/// A well-formed request to the token endpoint: one client, one way of proving it, one grant.
#[derive(Debug)]
pub struct TokenRequest<'a> {
    /// Who it says it is.
    pub credentials: Credentials<'a>,
    /// Which grant it asks for.
    pub grant: GrantType,
    /// What it wants the token to be for.
    pub ask: Ask<'a>,
}

/// What a token is asked to be good for.
#[derive(Debug, Default)]
pub struct Ask<'a> {
    /// `scope` as sent (RFC 6749 section 3.3); absent and empty are the same.
    pub scope: Option<Cow<'a, str>>,
    /// `resource` as sent (RFC 8707 section 2).
    pub resource: Option<Cow<'a, str>>,
}

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

impl<'a> TokenRequest<'a> {
    /// Reads a token request (RFC 6749 sections 2.3.1, 3.2, 4.4.2).
    pub fn parse(raw: &Raw<'a>) -> Result<Self, Refusal> {
        let mut params = Params::parse(raw.content_type, raw.body)?;
        let credentials = parse_credentials(raw.authorization, &mut params)?;
        let grant = params.take("grant_type").ok_or(Refusal::GrantTypeMissing)?;
        let grant = grant.parse().map_err(|_| Refusal::GrantTypeUnsupported)?;
        let ask = Ask { scope: params.take("scope"), resource: params.take("resource") };
        Ok(Self { credentials, grant, ask })
    }
}

fn parse_credentials<'a>(
    authorization: Authorization<'_>,
    params: &mut Params<'a>,
) -> Result<Credentials<'a>, Refusal> {
    let (id, secret) = (params.take("client_id"), params.take("client_secret"));
    let header = match authorization {
        Authorization::Absent => {
            return match (id, secret) {
                (Some(id), Some(secret)) => Ok(Credentials::Body { id, secret }),
                (Some(id), None) => Ok(Credentials::IdOnly { id }),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse<'a>(header: Option<&'a str>, body: &'a str) -> Result<TokenRequest<'a>, Refusal> {
        TokenRequest::parse(&Raw {
            authorization: header
                .map_or(Authorization::Absent, |h| Authorization::One(h.as_bytes())),
            content_type: Some(b"application/x-www-form-urlencoded"),
            body: body.as_bytes(),
        })
    }

    fn basic(pair: &str) -> String {
        format!("bAsIc {}", BASE64_STANDARD.encode(pair))
    }

    fn refusal(header: Option<&str>, body: &str) -> Option<Refusal> {
        parse(header, body).err()
    }

    const GRANT: &str = "grant_type=client_credentials";

    #[test]
    fn ca_04_basic_is_form_decoded_after_the_first_colon() {
        let header = basic("an%3Aidentifier:+%25%26%2B%C2%A3%E2%82%AC");
        let request = parse(Some(&header), GRANT).unwrap();
        let Credentials::Basic { decoded: Some((id, secret)), .. } = request.credentials else {
            panic!()
        };
        assert_eq!((id.as_str(), secret.as_str()), ("an:identifier", " %&+£€"));
    }

    #[test]
    fn ca_07_broken_escapes_leave_only_the_raw_pair() {
        let header = basic("foo with %:foo with $");
        let request = parse(Some(&header), GRANT).unwrap();
        assert!(matches!(request.credentials, Credentials::Basic { decoded: None, .. }));
    }

    #[test]
    fn ca_08_to_12_what_is_not_basic_is_refused() {
        let good = basic("a:b");
        let exclaimed = format!("{good}!");
        for header in [
            "Basic",
            "Basic ",
            "",
            "Basic !!!notbase64",
            "Bearer abc.def.ghi",
            &exclaimed,
            &basic("nocolon"),
        ] {
            assert_eq!(refusal(Some(header), GRANT), Some(Refusal::BasicMalformed), "{header}");
        }
    }

    #[test]
    fn ca_22_to_25_one_way_of_authentication_and_one_client() {
        let header = basic("a:b");
        let with = |more: &str| refusal(Some(&header), &format!("{GRANT}&{more}"));
        assert_eq!(with("client_id=a&client_secret=b"), Some(Refusal::AuthenticationMethodsMixed));
        assert_eq!(with("client_secret=b"), Some(Refusal::AuthenticationMethodsMixed));
        assert_eq!(with("client_id=a"), None);
        assert_eq!(with("client_secret="), None, "TE-31: empty is omitted");
    }

    #[test]
    fn ca_19_and_40_a_request_names_its_client() {
        assert_eq!(refusal(None, GRANT), Some(Refusal::ClientNotNamed));
        assert_eq!(
            refusal(None, &format!("{GRANT}&client_secret=x")),
            Some(Refusal::ClientNotNamed)
        );
    }

    #[test]
    fn debug_shows_no_credentials() {
        let header = basic("someid:topsecret");
        let printed = format!("{:?}", parse(Some(&header), GRANT).unwrap());
        assert!(!printed.contains("topsecret") && !printed.contains("someid"), "{printed}");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(header: Option<Vec<u8>>, body: Vec<u8>) {
            let authorization = header.as_deref().map_or(Authorization::Absent, Authorization::One);
            for content_type in [&b"application/json"[..], b"application/x-www-form-urlencoded"] {
                let _ = TokenRequest::parse(&Raw { authorization, content_type: Some(content_type), body: &body });
            }
        }
    }
}
