//! Finds the one bearer token of a request (RFC 6750 section 2.1).

use http::{HeaderMap, header::AUTHORIZATION, request::Parts};

use crate::GuardRefusal;

/// The token in the Authorization header, whose scheme may be spelled in any case.
///
/// The query string is searched only to refuse a token there (RFC 9700 section 4.3.2).
pub(crate) fn bearer_token(parts: &Parts) -> Result<&str, GuardRefusal> {
    if names_token(parts.uri.query().unwrap_or_default().as_bytes()) {
        return Err(GuardRefusal::TokenInQuery);
    }
    let credentials = authorization(&parts.headers)?;
    let (scheme, rest) = match credentials.iter().position(|byte| *byte == b' ') {
        Some(at) => credentials.split_at(at),
        None => (credentials, &b""[..]),
    };
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(GuardRefusal::CredentialsMissing);
    }
    let token = std::str::from_utf8(rest)
        .map_err(|_| GuardRefusal::BearerMalformed)?
        .trim_start_matches(' ');
    if is_b64token(token) { Ok(token) } else { Err(GuardRefusal::BearerMalformed) }
}

/// Whether a query string or form has a parameter `access_token`.
pub(crate) fn names_token(pairs: &[u8]) -> bool {
    url::form_urlencoded::parse(pairs).any(|(name, _)| name == "access_token")
}

fn authorization(headers: &HeaderMap) -> Result<&[u8], GuardRefusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(GuardRefusal::CredentialsMissing)?;
    if values.next().is_some() {
        return Err(GuardRefusal::AuthorizationRepeated);
    }
    Ok(value.as_bytes())
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750 section 2.1).
fn is_b64token(token: &str) -> bool {
    let letters = token.trim_end_matches('=');
    !letters.is_empty()
        && letters.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}
