//! What may be said of a client: texts, grants, redirect URIs.

use std::collections::BTreeSet;

use grantd_core::{ClientKind, GrantType, GrantTypes};
use url::Url;

use crate::registrar::CommandError;

pub(crate) fn sorted<T: Ord>(names: Vec<T>) -> Vec<T> {
    names.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

pub(crate) fn check_text(what: &'static str, text: &str, limit: usize) -> Result<(), CommandError> {
    let fits = (1..=limit).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits && !text.trim().is_empty() { Ok(()) } else { Err(CommandError::Text(what, limit)) }
}

pub(crate) fn check_description(text: &str) -> Result<(), CommandError> {
    if text.is_empty() { Ok(()) } else { check_text("the description", text, 2000) }
}

/// Only what may stand in a URI (RFC 3986 section 2), so that it is compared as it is read.
pub(crate) fn is_uri_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\<>^`{|}".contains(&byte))
}

/// What a client uses where nothing is said.
pub(crate) fn default_grant(kind: ClientKind) -> GrantType {
    match kind {
        ClientKind::Confidential => GrantType::ClientCredentials,
        ClientKind::Public => GrantType::AuthorizationCode,
    }
}

/// Whether these grants go together with each other and with the kind of client.
pub(crate) fn check_grants(
    kind: ClientKind,
    grants: GrantTypes,
    redirect_uris: &[String],
) -> Result<(), CommandError> {
    let code = grants.contains(GrantType::AuthorizationCode);
    if kind == ClientKind::Public && grants.contains(GrantType::ClientCredentials) {
        Err(CommandError::Grants(
            "a public client has no secret and cannot use client_credentials: leave --public out",
        ))
    } else if code && redirect_uris.is_empty() {
        Err(CommandError::Grants("authorization_code needs at least one --redirect-uri"))
    } else if grants.contains(GrantType::RefreshToken) && !code {
        Err(CommandError::Grants(
            "refresh_token goes with authorization_code: add --grant authorization_code",
        ))
    } else {
        Ok(())
    }
}

/// RFC 9700 sections 2.1 and 2.6, RFC 8252 section 7. What a browser would read differently from
/// what is written, such as `https:host` or a host in digits, is refused.
pub(crate) fn check_redirect_uri(uri: &str) -> Result<(), CommandError> {
    let allowed = Url::parse(uri).is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default();
        let written = uri.split_once("://").is_some_and(|(_, rest)| rest.starts_with(host));
        let scheme = match url.scheme() {
            "https" => written && !host.is_empty(),
            "http" => written && matches!(host, "127.0.0.1" | "[::1]"),
            private => private.contains('.'),
        };
        scheme && !uri.contains('#') && url.username().is_empty() && url.password().is_none()
    });
    if allowed && is_uri_text(uri) {
        Ok(())
    } else {
        Err(CommandError::RedirectUri(uri.to_owned()))
    }
}
