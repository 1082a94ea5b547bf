//! A client as a token request needs it: its state, its credentials and what it may do.

use std::{str::FromStr, sync::Arc};

use crate::{
    api::Api,
    duration::Ttl,
    grant_type::GrantTypes,
    id::{ClientId, CredentialId},
    jose::Algorithm,
    permission::{Permission, RoleName},
    secret::SecretHash,
    time::Timestamp,
    token_format::TokenFormat,
};

/// An OAuth client (RFC 6749 section 2), complete for every decision about its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its public identifier.
    pub id: ClientId,
    /// Whether it can keep a secret.
    pub kind: ClientKind,
    /// Whether it may act at all.
    pub state: ClientState,
    /// The grant types it may use.
    pub grants: GrantTypes,
    /// What it can prove itself with; none for a public client.
    pub credentials: Vec<Credential>,
    /// The names of its roles, sorted (claim `roles`); many clients have the same.
    pub roles: Arc<[RoleName]>,
    /// What it may do, API by API; the first is always the API `default`. Many clients may the same.
    pub apis: Arc<[ClientApi]>,
    /// The APIs whose tokens it is handed as their resource server, and may introspect.
    pub serves: Vec<Arc<Api>>,
    /// What a request without `scope` gets, where that is less than everything.
    pub default_scope: Option<Vec<Permission>>,
    /// Raised whenever the tokens issued so far must die (claim `gen`).
    pub generation: u64,
    /// Time to live of its access tokens, before the API's and the server's.
    pub access_token_ttl: Option<Ttl>,
    /// How its access tokens are written, before the API's; JWT where neither says.
    pub format: Option<TokenFormat>,
    /// Signing algorithm, before the API's and the server's.
    pub signing_alg: Option<Algorithm>,
    /// How it acts for users; `None` where it has nothing of its own to say, as most machines.
    pub code: Option<Box<CodeRules>>,
}

/// How a client acts for users, by the authorization code grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeRules {
    /// Where its codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Whether it may go without PKCE.
    pub pkce: Pkce,
    /// How long the client, if it is confidential, may send the refresh token before the present one again, and
    /// gets the present one again; `None`: not at all, and it is taken for stolen. A public client
    /// never may (RFC 9700 section 4.14.2).
    pub refresh_retry: Option<Ttl>,
}

/// Whether a client must use PKCE (RFC 9700 section 2.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pkce {
    /// It must.
    #[default]
    Required,
    /// It may leave it out: a confidential one from before PKCE.
    Optional,
}

impl Pkce {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Required, Self::Optional];

    /// The name in rows and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }
}

/// A policy that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown PKCE policy `{0}`: use required or optional")]
pub struct UnknownPkce(String);

impl FromStr for Pkce {
    type Err = UnknownPkce;

    fn from_str(text: &str) -> Result<Self, UnknownPkce> {
        let named = Self::ALL.into_iter().find(|policy| policy.as_str() == text);
        named.ok_or_else(|| UnknownPkce(text.to_owned()))
    }
}

impl Client {
    /// Whether it is a resource server of the API with this audience.
    pub fn serves(&self, audience: &str, issuer: &str) -> bool {
        self.serves.iter().any(|api| api.audience(issuer) == audience)
    }

    /// How it acts for users.
    pub fn code(&self) -> &CodeRules {
        static NOTHING: CodeRules =
            CodeRules { redirect_uris: Vec::new(), pkce: Pkce::Required, refresh_retry: None };
        self.code.as_deref().unwrap_or(&NOTHING)
    }

    /// How long it may send the refresh token before the present one again.
    pub fn refresh_retry(&self) -> Option<Ttl> {
        self.code().refresh_retry.filter(|_| self.kind == ClientKind::Confidential)
    }
}

/// A client's rights in one API.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientApi {
    /// The API.
    pub api: Arc<Api>,
    /// Effective permissions there (direct ones and those of its roles), sorted, no repetition.
    pub permissions: Vec<Permission>,
}

impl ClientApi {
    /// Whether the client has this permission here.
    pub fn permits(&self, name: &str) -> bool {
        self.permissions.binary_search_by(|permission| permission.as_str().cmp(name)).is_ok()
    }
}

/// Whether a client can keep a secret (RFC 6749 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// It can, and must prove itself with one.
    Confidential,
    /// It cannot: a browser or native app. It has no secret and must use PKCE.
    Public,
}

impl ClientKind {
    /// The name in rows and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Public => "public",
        }
    }
}

/// Whether a client may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// It may.
    Active,
    /// Suspended: no new tokens, all existing dead.
    Revoked,
    /// Soft-deleted: as revoked, and hidden.
    Deleted,
}

impl ClientState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Revoked, Self::Deleted];

    /// The name in rows and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Deleted => "deleted",
        }
    }
}

/// A state that no client has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown state `{0}`: use active, revoked or deleted")]
pub struct UnknownClientState(String);

impl FromStr for ClientState {
    type Err = UnknownClientState;

    fn from_str(text: &str) -> Result<Self, UnknownClientState> {
        let named = Self::ALL.into_iter().find(|state| state.as_str() == text);
        named.ok_or_else(|| UnknownClientState(text.to_owned()))
    }
}

/// A client secret as it is kept: only its keyed hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its own id (claim `cid` of the tokens it obtains).
    pub id: CredentialId,
    /// HMAC-SHA-256 of the secret.
    pub hash: SecretHash,
    /// From then on it proves nothing; `None`: no end.
    pub expires_at: Option<Timestamp>,
}

impl Credential {
    /// Whether it still proves anything at `now`; the end itself is outside.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}
