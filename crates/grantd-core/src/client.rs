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
    /// The names of its roles, sorted (claim `roles`).
    pub roles: Vec<RoleName>,
    /// What it may do, API by API; the first is always the API `default`.
    pub apis: Vec<ClientApi>,
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
}

impl Client {
    /// Whether it is a resource server of the API with this audience.
    pub fn serves(&self, audience: &str, issuer: &str) -> bool {
        self.serves.iter().any(|api| api.audience(issuer) == audience)
    }
}

/// A client's rights in one API.
#[derive(Clone, Debug, PartialEq, Eq)]
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
