//! A client as it is registered: everything an operator says and sees of it, no secret among it.

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use grantd_core::{
    Algorithm, Api, Client, ClientApi, ClientId, ClientKind, ClientState, CodeRules, Credential,
    CredentialId, GrantType, GrantTypes, Permission, Pkce, RoleName, Secret, Timestamp,
    TokenFormat, Ttl,
};

/// A registered client (RFC 7591 calls this the client's metadata).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its public identifier.
    pub id: ClientId,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it can keep a secret.
    pub kind: ClientKind,
    /// Whether it may act.
    pub state: ClientState,
    /// The grant types it may use.
    pub grants: GrantTypes,
    /// Where the authorization code may be sent, matched exactly.
    pub redirect_uris: Vec<String>,
    /// Whose it is.
    pub owner: Option<Owner>,
    /// Direct permissions, sorted.
    pub permissions: Vec<Permission>,
    /// Roles, sorted.
    pub roles: Vec<RoleName>,
    /// What a request without `scope` gets, where that is less than everything.
    pub default_scope: Option<Vec<Permission>>,
    /// The names of the APIs it is a resource server of, sorted.
    pub serves: Vec<String>,
    /// Time to live of its access tokens, where it has one of its own.
    pub access_token_ttl: Option<Ttl>,
    /// How its access tokens are written, where it says so itself.
    pub format: Option<TokenFormat>,
    /// Signing algorithm of its tokens, where it has one of its own.
    pub signing_alg: Option<Algorithm>,
    /// Whether it may act for users without PKCE.
    pub pkce: Pkce,
    /// How long it may send the refresh token before the present one again; `None`: not at all.
    pub refresh_retry: Option<Ttl>,
    /// Raised whenever its tokens must die.
    pub generation: u64,
    /// Raised by every change, so that two who change at once notice each other.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Its credentials, without what they prove with.
    pub credentials: Vec<CredentialSummary>,
}

/// Who a client belongs to: a tenant, an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The kind of owner, e.g. `tenant`.
    pub kind: String,
    /// Its id there, e.g. `42`.
    pub id: String,
}

/// As it is written and read: `TYPE:ID`.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

/// Which clients a list shows; without more, all that are not deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFilter {
    /// Only those whose owner is of this kind.
    pub owner_kind: Option<String>,
    /// Only those whose owner has this id; goes with the kind.
    pub owner_id: Option<String>,
    /// Only those in this state, deleted ones too if that is asked for.
    pub state: Option<ClientState>,
    /// Only those with this text in their name, whatever the case of its ASCII letters, or at the
    /// beginning of their id.
    pub search: Option<String>,
}

impl ClientFilter {
    /// Whether the list shows this client.
    pub fn shows(&self, client: &Registration) -> bool {
        let owner = client.owner.as_ref();
        let is =
            |asked: &Option<String>, own: Option<&String>| asked.is_none() || asked.as_ref() == own;
        let state =
            self.state.map_or(client.state != ClientState::Deleted, |state| state == client.state);
        let found = self.search.as_ref().is_none_or(|text| {
            let name = client.name.to_ascii_lowercase();
            name.contains(&text.to_ascii_lowercase())
                || client.id.as_str().starts_with(text.as_str())
        });
        state
            && found
            && is(&self.owner_kind, owner.map(|owner| &owner.kind))
            && is(&self.owner_id, owner.map(|owner| &owner.id))
    }
}

/// Why a text names no owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write the owner as TYPE:ID, like tenant:42")]
pub struct OwnerError;

impl FromStr for Owner {
    type Err = OwnerError;

    fn from_str(text: &str) -> Result<Self, OwnerError> {
        match text.split_once(':') {
            Some((kind, id)) if !kind.is_empty() && !id.is_empty() => {
                Ok(Self { kind: kind.to_owned(), id: id.to_owned() })
            }
            _ => Err(OwnerError),
        }
    }
}

/// What may be seen of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialSummary {
    /// Its id.
    pub id: CredentialId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None`: it does not.
    pub expires_at: Option<Timestamp>,
    /// When and from where it last proved the client; a use is written two seconds after it, or nine
    /// where very many clients are active.
    pub last_used: Option<LastUse>,
}

/// A use of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// From where; empty where the host did not say.
    pub address: String,
}

impl CredentialSummary {
    /// Of a credential made now.
    pub fn of(credential: &Credential, now: Timestamp) -> Self {
        Self {
            id: credential.id,
            created_at: now,
            expires_at: credential.expires_at,
            last_used: None,
        }
    }

    /// Whether it still proves the client; the end itself is outside.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What an operator says of a client to be.
#[derive(Clone, Debug, Default)]
pub struct NewClient {
    /// Its id, where it brings one; else a UUID is made.
    pub id: Option<ClientId>,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Without a secret; PKCE instead.
    pub public: bool,
    /// The grant types; none said: `client_credentials`, or `authorization_code` for a public one.
    pub grants: Vec<GrantType>,
    /// Redirect URIs.
    pub redirect_uris: Vec<String>,
    /// Whose it is.
    pub owner: Option<Owner>,
    /// Direct permissions.
    pub permissions: Vec<Permission>,
    /// Roles.
    pub roles: Vec<RoleName>,
    /// What a request without `scope` gets; none said: everything.
    pub default_scope: Vec<Permission>,
    /// The names of the APIs it is a resource server of.
    pub serves: Vec<String>,
    /// Time to live of its access tokens.
    pub access_token_ttl: Option<Ttl>,
    /// How its access tokens are written; `None`: as the API says.
    pub format: Option<TokenFormat>,
    /// Signing algorithm of its tokens.
    pub signing_alg: Option<Algorithm>,
    /// Whether it may act for users without PKCE.
    pub pkce: Pkce,
    /// How long it may send the refresh token before the present one again.
    pub refresh_retry: Option<Ttl>,
    /// The secret it starts with.
    pub secret: NewSecret,
}

impl NewClient {
    /// The kind of client that is asked for.
    pub const fn kind(&self) -> ClientKind {
        if self.public { ClientKind::Public } else { ClientKind::Confidential }
    }

    /// The grant types, where none are said those that go with the kind.
    pub fn grant_types(&self) -> GrantTypes {
        let default = match self.kind() {
            ClientKind::Confidential => GrantType::ClientCredentials,
            ClientKind::Public => GrantType::AuthorizationCode,
        };
        let asked = if self.grants.is_empty() { &[default][..] } else { &self.grants };
        asked.iter().copied().collect()
    }

    /// The client as it begins, without a credential yet. Its own id was asked for or not: `id` it is.
    pub fn into_registration(self, id: ClientId, now: Timestamp) -> Registration {
        Registration {
            id,
            kind: self.kind(),
            state: ClientState::Active,
            grants: self.grant_types(),
            name: self.name,
            description: self.description,
            redirect_uris: self.redirect_uris,
            owner: self.owner,
            permissions: sorted(self.permissions),
            roles: sorted(self.roles),
            default_scope: Some(sorted(self.default_scope)).filter(|names| !names.is_empty()),
            serves: sorted(self.serves),
            access_token_ttl: self.access_token_ttl,
            format: self.format,
            signing_alg: self.signing_alg,
            pkce: self.pkce,
            refresh_retry: self.refresh_retry,
            generation: 1,
            version: 1,
            created_at: now,
            updated_at: now,
            credentials: Vec::new(),
        }
    }
}

/// The first secret of a client.
#[derive(Clone, Debug, Default)]
pub struct NewSecret {
    /// A secret brought in from elsewhere; `None`: one is made.
    pub imported: Option<Secret>,
    /// When it ends; `None`: it does not.
    pub expires_at: Option<Timestamp>,
}

/// A permission as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionEntry {
    /// Its name, which is the scope.
    pub name: Permission,
    /// The API it belongs to.
    pub api: String,
    /// What it allows, in plain words.
    pub description: String,
}

/// A role as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleEntry {
    /// Its name.
    pub name: RoleName,
    /// What it is for.
    pub description: String,
    /// Its permissions, sorted.
    pub permissions: Vec<Permission>,
}

impl RoleEntry {
    /// A role of these permissions, in whatever order they are said.
    pub fn new(name: RoleName, description: String, permissions: Vec<Permission>) -> Self {
        Self { name, description, permissions: sorted(permissions) }
    }

    /// Whether what it becomes (nothing, where it is removed) has less.
    pub fn narrowed_to(&self, after: Option<&Self>) -> bool {
        let kept = |name| after.is_some_and(|after| after.permissions.contains(name));
        after.is_none() || !self.permissions.iter().all(kept)
    }

    /// What the audit log calls it when a role becomes this.
    pub const fn action(after: Option<&Self>) -> &'static str {
        if after.is_some() { "role.update" } else { "role.delete" }
    }
}

/// A rotation that is under way.
impl Registration {
    /// The newest secret that works.
    pub fn newest_secret(&self, now: Timestamp) -> Option<&CredentialSummary> {
        self.credentials.iter().rev().find(|known| known.is_live(now))
    }

    /// An older secret that works and was used since the newest was made: whoever uses it would be cut
    /// off by the end of the rotation.
    pub fn old_secret_in_use(&self, now: Timestamp) -> Option<&CredentialSummary> {
        let newest = self.newest_secret(now)?;
        let old = self.credentials.iter().filter(|known| known.id != newest.id);
        old.filter(|known| known.is_live(now))
            .find(|known| known.last_used.as_ref().is_some_and(|last| last.at >= newest.created_at))
    }
}

/// A client as a token request sees it, from its registration and the permissions of the server.
impl Registration {
    /// Puts together what decisions need; `apis` begins with the API `default`.
    pub fn to_client(
        &self,
        credentials: Vec<Credential>,
        apis: Vec<ClientApi>,
        serves: Vec<Arc<Api>>,
    ) -> Client {
        Client {
            id: self.id.clone(),
            kind: self.kind,
            state: self.state,
            grants: self.grants,
            credentials,
            roles: self.roles.as_slice().into(),
            apis: apis.into(),
            serves,
            default_scope: self.default_scope.clone(),
            generation: self.generation,
            access_token_ttl: self.access_token_ttl,
            format: self.format,
            signing_alg: self.signing_alg,
            code: Some(Box::new(self.code_rules())).filter(|rules| **rules != CodeRules::default()),
        }
    }

    fn code_rules(&self) -> CodeRules {
        let redirect_uris = self.redirect_uris.clone();
        CodeRules { redirect_uris, pkce: self.pkce, refresh_retry: self.refresh_retry }
    }
}

pub(crate) fn sorted<T: Ord>(names: Vec<T>) -> Vec<T> {
    names.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
