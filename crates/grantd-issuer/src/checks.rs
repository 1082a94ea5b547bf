//! What may be said of clients and APIs, before anybody looks at what the server has.

use grantd_core::{Api, ClientId, ClientKind, GrantType, GrantTypes, Pkce, Ttl};
use url::Url;

use crate::{registrar::CommandError, registration::NewClient, user::UserName};

/// Whether a client may be what is said of it, whatever else the server has.
pub fn check_client(new: &NewClient) -> Result<(), CommandError> {
    check_text("the name", &new.name, 200)?;
    check_description(&new.description)?;
    new.id.as_ref().map_or(Ok(()), check_client_id)?;
    if let Some(owner) = &new.owner {
        check_text("the owner's type", &owner.kind, 100)?;
        check_text("the owner's id", &owner.id, 200)?;
    }
    check_grants(new.kind(), new.grant_types(), &new.redirect_uris)?;
    check_leniency(new.kind(), new.pkce, new.refresh_retry)?;
    new.redirect_uris.iter().try_for_each(|uri| check_redirect_uri(uri))
}

/// Ids that stand for another place where an address is read (RFC 3986 section 5.2.4), and the
/// console's page for a new app: a client of such an id could not be reached.
fn check_client_id(id: &ClientId) -> Result<(), CommandError> {
    if matches!(id.as_str(), "." | ".." | "new") {
        return Err(CommandError::ClientId(id.clone()));
    }
    Ok(())
}

/// Whether somebody may be called so from now on.
pub(crate) fn check_user_name(name: &UserName) -> Result<(), CommandError> {
    if name.is_plain() { Ok(()) } else { Err(CommandError::UserName(name.clone())) }
}

/// Whether an API may be called so, and its tokens be for that audience.
pub fn check_api(api: &Api) -> Result<(), CommandError> {
    check_text("the name", &api.name, 100)?;
    let audience = api.audience.as_deref().unwrap_or_default();
    if Url::parse(audience).is_err() || audience.contains('#') || !is_uri_text(audience) {
        return Err(CommandError::Audience(audience.to_owned()));
    }
    Ok(())
}

pub(crate) fn check_text(what: &'static str, text: &str, limit: usize) -> Result<(), CommandError> {
    let fits = (1..=limit).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits && !text.trim().is_empty() { Ok(()) } else { Err(CommandError::Text(what, limit)) }
}

/// Whether a text may describe something: one line, not too long.
pub fn check_description(text: &str) -> Result<(), CommandError> {
    if text.is_empty() { Ok(()) } else { check_text("the description", text, 2000) }
}

/// Only what may stand in a URI (RFC 3986 section 2), so that it is compared as it is read.
fn is_uri_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\<>^`{|}".contains(&byte))
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
            "a public client has no secret and cannot use client_credentials: make it confidential (without --public)",
        ))
    } else if code && redirect_uris.is_empty() {
        Err(CommandError::Grants(
            "authorization_code needs at least one redirect URI (--redirect-uri)",
        ))
    } else if grants.contains(GrantType::RefreshToken) && !code {
        Err(CommandError::Grants(
            "refresh_token goes with authorization_code: add that grant (--grant authorization_code)",
        ))
    } else {
        Ok(())
    }
}

/// The longest time for which a used refresh token may be sent again, in seconds.
const LONGEST_RETRY: u32 = 300;

/// Only who can keep a secret may be let off anything (RFC 9700 sections 2.1.1 and 4.14.2).
pub(crate) fn check_leniency(
    kind: ClientKind,
    pkce: Pkce,
    retry: Option<Ttl>,
) -> Result<(), CommandError> {
    if kind == ClientKind::Public && (pkce == Pkce::Optional || retry.is_some()) {
        return Err(CommandError::Grants(
            "a public client must use PKCE, and each refresh token once: make it confidential to change that",
        ));
    }
    if retry.is_some_and(|retry| retry.seconds() > LONGEST_RETRY) {
        return Err(CommandError::Grants("a used refresh token may be sent again for 5m at most"));
    }
    Ok(())
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
