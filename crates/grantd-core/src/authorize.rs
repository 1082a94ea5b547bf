//! Hop 5: what an authenticated client gets. One file a grant; this one holds what they share.

mod client_credentials;

use std::borrow::Cow;

use crate::{
    api::Api,
    authenticate::Authenticated,
    client::{Client, ClientApi},
    duration::Ttl,
    grant_type::GrantType,
    id::CredentialId,
    jose::Algorithm,
    permission::{Permission, is_scope_byte},
    refusal::Refusal,
    token_format::TokenFormat,
    token_request::Ask,
};

/// The server's own settings that decide about a token.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The issuer identifier (RFC 8414 section 2), also the audience of the API `default`.
    pub issuer: String,
    /// What a token lives where neither client, API nor grant say otherwise.
    pub access_token_ttl: Ttl,
    /// The enabled grants, each with a time to live of its own if it has one.
    pub grants: Vec<(GrantType, Option<Ttl>)>,
}

impl Policy {
    /// Whether a grant is enabled.
    pub fn offers(&self, grant: GrantType) -> bool {
        self.grants.iter().any(|(enabled, _)| *enabled == grant)
    }

    /// The most specific time to live: the client's, the API's, the grant's, the server's.
    fn ttl(&self, client: &Client, api: &Api, grant: GrantType) -> Ttl {
        let of_grant =
            || self.grants.iter().find(|(enabled, _)| *enabled == grant).and_then(|(_, ttl)| *ttl);
        client
            .access_token_ttl
            .or(api.access_token_ttl)
            .or_else(of_grant)
            .unwrap_or(self.access_token_ttl)
    }
}

/// A decision to issue: everything a token says, and nothing that is still open.
#[derive(Clone, Debug)]
pub struct Authorized<'a> {
    /// The client.
    pub client: &'a Client,
    /// The credential that proved it.
    pub credential: Option<CredentialId>,
    /// By which grant.
    pub grant: GrantType,
    /// The token's audience.
    pub audience: &'a str,
    /// The granted permissions, blank-separated, none twice.
    pub scope: String,
    /// How long the token lives.
    pub ttl: Ttl,
    /// How it is written.
    pub format: TokenFormat,
    /// The algorithm asked for, which only a JWT has; `None`: the server's first key.
    pub signing_alg: Option<Algorithm>,
}

/// Decides what a client gets for what it asks.
pub fn authorize<'a>(
    client: &'a Authenticated,
    grant: GrantType,
    ask: &Ask<'_>,
    policy: &'a Policy,
) -> Result<Authorized<'a>, Refusal> {
    if !policy.offers(grant) {
        return Err(Refusal::GrantTypeUnsupported);
    }
    if !client.client().grants.contains(grant) {
        return Err(Refusal::GrantTypeNotAllowed);
    }
    match grant {
        GrantType::ClientCredentials => client_credentials::authorize(client, ask, policy),
        // No server can enable these yet: `Policy::offers` has said no.
        GrantType::AuthorizationCode | GrantType::RefreshToken => {
            Err(Refusal::GrantTypeUnsupported)
        }
    }
}

/// The API a token is for (RFC 8707 section 2): the one that `resource` names, else the one that
/// all asked scopes belong to, else `default`.
fn choose_api<'a>(
    client: &'a Client,
    ask: &Ask<'_>,
    issuer: &str,
) -> Result<&'a ClientApi, Refusal> {
    if let Some(resource) = &ask.resource {
        check_resource(resource)?;
        return client
            .apis
            .iter()
            .find(|known| known.api.audience(issuer) == resource.as_ref())
            .ok_or(Refusal::ResourceNotAllowed);
    }
    let Some(scope) = &ask.scope else { return default_api(client) };
    let mut asked = split_scope(scope)?;
    match client.apis.iter().find(|api| asked.clone().all(|name| api.permits(name))) {
        Some(api) => Ok(api),
        None if asked.all(|name| client.apis.iter().any(|api| api.permits(name))) => {
            Err(Refusal::ScopesOfSeveralApis)
        }
        None => Err(Refusal::ScopeNotAllowed),
    }
}

/// The API of a plain request: the one that the client's default scope belongs to, else `default`.
fn default_api(client: &Client) -> Result<&ClientApi, Refusal> {
    let wanted = client.default_scope.as_deref().unwrap_or_default();
    let whole = |api: &&ClientApi| wanted.iter().all(|name| api.permits(name.as_str()));
    client.apis.iter().find(whole).or(client.apis.first()).ok_or(Refusal::ResourceNotAllowed)
}

/// `resource` is an absolute URI without a fragment (RFC 8707 section 2).
fn check_resource(resource: &str) -> Result<(), Refusal> {
    let absolute = url::Url::parse(resource).is_ok();
    if absolute && !resource.contains('#') { Ok(()) } else { Err(Refusal::ResourceMalformed) }
}

/// The scope-tokens of a `scope` parameter (RFC 6749 section 3.3): single blanks between them.
fn split_scope(scope: &str) -> Result<impl Iterator<Item = &str> + Clone, Refusal> {
    let well_formed =
        scope.split(' ').all(|token| !token.is_empty() && token.bytes().all(is_scope_byte));
    if well_formed { Ok(scope.split(' ')) } else { Err(Refusal::ScopeMalformed) }
}

/// The scope that is granted: all that was asked and nothing else (RFC 6749 section 3.3), or
/// without an ask the client's default, or all it may do in this API.
fn grant_scope(
    client: &Client,
    api: &ClientApi,
    asked: Option<&Cow<'_, str>>,
) -> Result<String, Refusal> {
    let Some(asked) = asked else {
        let default = client.default_scope.as_deref();
        let wanted = |name: &str| {
            default.is_none_or(|names| names.iter().any(|wanted| wanted.as_str() == name))
        };
        return Ok(join(
            api.permissions.iter().map(Permission::as_str).filter(|name| wanted(name)),
        ));
    };
    let mut granted = Vec::with_capacity(4);
    for name in split_scope(asked)? {
        if !api.permits(name) {
            let elsewhere = client.apis.iter().any(|other| other.permits(name));
            return Err(if elsewhere {
                Refusal::ScopesOfSeveralApis
            } else {
                Refusal::ScopeNotAllowed
            });
        }
        if !granted.contains(&name) {
            granted.push(name);
        }
    }
    Ok(join(granted.into_iter()))
}

fn join<'s>(names: impl Iterator<Item = &'s str>) -> String {
    let mut scope = String::with_capacity(64);
    for name in names {
        if !scope.is_empty() {
            scope.push(' ');
        }
        scope.push_str(name);
    }
    scope
}
