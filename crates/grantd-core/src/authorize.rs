//! Hop 5: what an authenticated client gets. One file a grant; this one holds what they share.

mod authorization_code;
mod client_credentials;
mod refresh_token;

use std::borrow::Cow;

use crate::{
    api::Api,
    approval::{Approved, OnBehalf, UserState},
    authenticate::Authenticated,
    client::{Client, ClientApi},
    duration::Ttl,
    grant_type::GrantType,
    id::CredentialId,
    jose::Algorithm,
    permission::{Permission, is_scope_byte, scope_names},
    refusal::Refusal,
    time::Timestamp,
    token_format::TokenFormat,
    token_request::{Ask, Grant, TokenRequest},
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
    /// How long refresh tokens go on at most, from the approval on.
    pub refresh_ttl: Ttl,
    /// How long one may lie unused.
    pub refresh_idle: Ttl,
}

impl Policy {
    /// Whether a grant is enabled.
    pub fn offers(&self, grant: GrantType) -> bool {
        self.grants.iter().any(|(enabled, _)| *enabled == grant)
    }

    /// The most specific time to live: the client's, the API's, the grant's, the server's.
    pub fn ttl(&self, client: &Client, api: &Api, grant: GrantType) -> Ttl {
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
    /// By which grant (claim `gty`): a refreshed token is one of the code's.
    pub grant: GrantType,
    /// For whom it acts; `None`: the client speaks for itself.
    pub on_behalf: Option<OnBehalf>,
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

/// The stored fact that a grant rests on, as it was found.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'f> {
    /// Client credentials rest on nothing but the client.
    Nothing,
    /// The approval of a code; `None`: there is no such code.
    Code(Option<&'f Approved>),
    /// The approval of a refresh token, and the token's number; `None`: there is no such token.
    Refresh(Option<(&'f Approved, u32)>),
}

/// Decides what a client gets for what it asks.
pub fn authorize<'a>(
    client: &'a Authenticated,
    request: &TokenRequest<'_>,
    fact: Fact<'_>,
    policy: &'a Policy,
    now: Timestamp,
) -> Result<Authorized<'a>, Refusal> {
    admit(client.client(), request.grant.grant_type(), policy)?;
    let ask = &request.ask;
    match (&request.grant, fact) {
        (Grant::ClientCredentials, _) => client_credentials::authorize(client, ask, policy),
        (Grant::AuthorizationCode(proof), Fact::Code(approved)) => {
            authorization_code::authorize(client, (proof, ask), approved, policy, now)
        }
        (Grant::RefreshToken(_), Fact::Refresh(presented)) => {
            refresh_token::authorize(client, ask, presented, policy, now)
        }
        (Grant::AuthorizationCode(_), _) => Err(Refusal::CodeUnknown),
        (Grant::RefreshToken(_), _) => Err(Refusal::RefreshTokenUnknown),
    }
}

/// Whether the server offers a grant, and this client may use it (RFC 6749 section 5.2).
pub fn admit(client: &Client, grant: GrantType, policy: &Policy) -> Result<(), Refusal> {
    if !policy.offers(grant) {
        return Err(Refusal::GrantTypeUnsupported);
    }
    if !client.grants.contains(grant) {
        return Err(Refusal::GrantTypeNotAllowed);
    }
    Ok(())
}

/// What a token on a user's behalf is good for: what they allowed, what they may do themselves and
/// what the client may do, as all three are at this moment, and of that what is asked.
fn on_behalf<'a>(
    authenticated: &'a Authenticated,
    approved: &Approved,
    (asked, resource): (Option<&str>, Option<&str>),
    policy: &'a Policy,
) -> Result<Authorized<'a>, Refusal> {
    let (client, approval, owner) = (authenticated.client(), &approved.approval, &approved.owner);
    if owner.state != UserState::Active {
        return Err(Refusal::UserDisabled);
    }
    let known = client.apis.iter().find(|known| known.api.name == approval.api);
    let known = known.ok_or(Refusal::ScopeNotAllowed)?;
    let audience = known.api.audience(&policy.issuer);
    if let Some(resource) = resource {
        check_resource(resource)?;
        if resource != audience {
            return Err(Refusal::ResourceDiffers);
        }
    }
    let allowed = scope_names(&approval.scope);
    if let Some(asked) = asked
        && !split_scope(asked)?.all(|name| allowed.clone().any(|known| known == name))
    {
        return Err(Refusal::ScopeBeyondApproval);
    }
    let wanted = |name: &str| asked.is_none_or(|asked| asked.split(' ').any(|one| one == name));
    let scope = join(allowed.filter(|name| wanted(name) && known.permits(name) && owner.can(name)));
    if scope.is_empty() && !approval.scope.is_empty() {
        return Err(Refusal::ScopeNotAllowed);
    }
    let (user, generation, approval) = (owner.id, owner.generation, approval.id);
    Ok(Authorized {
        on_behalf: Some(OnBehalf { user, generation, approval }),
        ..grant(authenticated, known, scope, GrantType::AuthorizationCode, policy)
    })
}

/// A token of a client for one API.
fn grant<'a>(
    authenticated: &'a Authenticated,
    known: &'a ClientApi,
    scope: String,
    grant: GrantType,
    policy: &'a Policy,
) -> Authorized<'a> {
    let (client, api) = (authenticated.client(), &known.api);
    Authorized {
        client,
        credential: authenticated.credential(),
        grant,
        on_behalf: None,
        audience: api.audience(&policy.issuer),
        scope,
        ttl: policy.ttl(client, api, grant),
        format: client.format.or(api.format).unwrap_or(TokenFormat::Jwt),
        signing_alg: client.signing_alg.or(api.signing_alg),
    }
}

/// What an authorization request asks of a user: permissions of the client in one API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name of the API.
    pub api: String,
    /// The permissions, blank-separated.
    pub scope: String,
}

impl Asked {
    /// The names of the permissions.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        scope_names(&self.scope)
    }
}

/// What a request asks for, if the client may have it at all (RFC 6749 section 3.3, RFC 8707 section
/// 2): without `scope` its default or all of it, as for client credentials.
pub(crate) fn asked(client: &Client, ask: &Ask<'_>, issuer: &str) -> Result<Asked, Refusal> {
    let known = choose_api(client, ask, issuer)?;
    let scope = grant_scope(client, known, ask.scope.as_ref())?;
    Ok(Asked { api: known.api.name.clone(), scope })
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
