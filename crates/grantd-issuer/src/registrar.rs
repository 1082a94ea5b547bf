//! The commands on clients, permissions and roles: every face of grantd calls these.

use std::{collections::BTreeSet, sync::Arc};

use grantd_core::{
    Api, Client, ClientId, ClientKind, ClientSecret, ClientState, Credential, CredentialId,
    GrantType, GrantTypes, Secret, SecretHasher, Timestamp,
};
use url::Url;

use crate::{
    clock::{Clock, SystemClock},
    entropy::{Entropy, SystemEntropy, draw},
    fault::StorageFault,
    registration::{CredentialSummary, NewClient, PermissionEntry, Registration, RoleEntry},
    storage::{Conflict, Registry, RegistryError},
};

/// Creates and changes what the registry holds.
pub struct Registrar {
    registry: Arc<dyn Registry>,
    clock: Box<dyn Clock>,
    entropy: Box<dyn Entropy>,
}

/// Why a command was not carried out. Each message says what to do next.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommandError {
    /// It contradicts what is there.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// No client has this id.
    #[error("there is no client `{0}`: see `grantd client list`")]
    ClientUnknown(String),
    /// A name is empty, too long or has control characters.
    #[error("{0} has 1 to {1} characters and no control characters")]
    Text(&'static str, usize),
    /// The grants and the kind of client do not go together.
    #[error("{0}")]
    Grants(&'static str),
    /// Not a URI that a code may be sent to.
    #[error(
        "`{0}` is no redirect URI: use https, http on 127.0.0.1 or [::1], or a private scheme with a dot, without fragment"
    )]
    RedirectUri(String),
    /// Not an audience.
    #[error("`{0}` is no audience: use an absolute URI without fragment, like https://api.example")]
    Audience(String),
    /// The default scope is more than the client has.
    #[error(
        "the default scope `{0}` is not among the client's permissions: add it with --permission or a role"
    )]
    DefaultScope(String),
    /// The storage could not.
    #[error(transparent)]
    Storage(#[from] StorageFault),
}

impl From<RegistryError> for CommandError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Conflict(conflict) => Self::Conflict(conflict),
            RegistryError::Storage(fault) => Self::Storage(fault),
        }
    }
}

/// A client just created, with the secret that is shown here and nowhere else.
#[derive(Debug)]
pub struct Created {
    /// The client.
    pub client: Registration,
    /// Its secret and the credential's id; `None` for a public client.
    pub secret: Option<(CredentialId, Secret)>,
}

impl Registrar {
    /// Commands on this registry.
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry, clock: Box::new(SystemClock), entropy: Box::new(SystemEntropy) }
    }

    /// Creates a client; a confidential one gets its first secret.
    pub async fn create_client(
        &self,
        new: NewClient,
        hasher: &SecretHasher,
    ) -> Result<Created, CommandError> {
        let now = self.clock.now();
        let secret = (!new.public).then(|| self.first_secret(&new, now));
        let expires_at = new.secret.expires_at;
        let mut client = self.register(new, now)?;
        let credential = secret.as_ref().map(|(id, secret)| Credential {
            id: *id,
            hash: hasher.hash(secret.reveal()),
            expires_at,
        });
        client.credentials.extend(secret.iter().map(|(id, _)| CredentialSummary {
            id: *id,
            created_at: now,
            expires_at,
        }));
        self.check_default_scope(&client).await?;
        self.registry.create_client(&client, credential.as_ref()).await?;
        Ok(Created { client, secret })
    }

    fn first_secret(&self, new: &NewClient, now: Timestamp) -> (CredentialId, Secret) {
        let id = CredentialId::mint(now, draw(&*self.entropy));
        let made = || ClientSecret::mint(&zeroize::Zeroizing::new(draw(&*self.entropy)));
        (id, new.secret.imported.clone().unwrap_or_else(made))
    }

    fn register(&self, new: NewClient, now: Timestamp) -> Result<Registration, CommandError> {
        check_text("the name", &new.name, 200)?;
        check_description(&new.description)?;
        if let Some(owner) = &new.owner {
            check_text("the owner's type", &owner.kind, 100)?;
            check_text("the owner's id", &owner.id, 200)?;
        }
        let grants = choose_grants(&new)?;
        for uri in &new.redirect_uris {
            check_redirect_uri(uri)?;
        }
        Ok(Registration {
            id: new.id.unwrap_or_else(|| ClientId::mint(now, draw(&*self.entropy))),
            name: new.name,
            description: new.description,
            kind: if new.public { ClientKind::Public } else { ClientKind::Confidential },
            state: ClientState::Active,
            grants,
            redirect_uris: new.redirect_uris,
            owner: new.owner,
            permissions: sorted(new.permissions),
            roles: sorted(new.roles),
            default_scope: Some(sorted(new.default_scope)).filter(|names| !names.is_empty()),
            access_token_ttl: new.access_token_ttl,
            signing_alg: new.signing_alg,
            generation: 1,
            created_at: now,
            updated_at: now,
            credentials: Vec::new(),
        })
    }

    /// A default that the client may not ask for would refuse each of its plain requests later.
    async fn check_default_scope(&self, client: &Registration) -> Result<(), CommandError> {
        let Some(default) = &client.default_scope else { return Ok(()) };
        let roles = self.registry.roles().await?;
        let of_roles = roles
            .iter()
            .filter(|role| client.roles.contains(&role.name))
            .flat_map(|role| &role.permissions);
        let effective: BTreeSet<_> = client.permissions.iter().chain(of_roles).collect();
        match default.iter().find(|name| !effective.contains(name)) {
            Some(missing) => Err(CommandError::DefaultScope(missing.to_string())),
            None => Ok(()),
        }
    }

    /// One client.
    pub async fn client(&self, id: &str) -> Result<Registration, CommandError> {
        self.registry
            .registration(id)
            .await?
            .ok_or_else(|| CommandError::ClientUnknown(id.to_owned()))
    }

    /// A page of clients behind `after`, deleted ones left out.
    pub async fn clients(
        &self,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<Registration>, CommandError> {
        Ok(self.registry.registrations(after, limit).await?)
    }

    /// Suspends, deletes or restores a client; what it was issued so far is void in each case.
    pub async fn set_client_state(&self, id: &str, state: ClientState) -> Result<(), CommandError> {
        if self.registry.set_client_state(id, state, self.clock.now()).await? {
            Ok(())
        } else {
            Err(CommandError::ClientUnknown(id.to_owned()))
        }
    }

    /// Creates an API.
    pub async fn create_api(&self, api: &Api) -> Result<(), CommandError> {
        check_text("the name", &api.name, 100)?;
        let audience = api.audience.as_deref().unwrap_or_default();
        if Url::parse(audience).is_err() || audience.contains('#') || !is_uri_text(audience) {
            return Err(CommandError::Audience(audience.to_owned()));
        }
        Ok(self.registry.create_api(api, self.clock.now()).await?)
    }

    /// All APIs.
    pub async fn apis(&self) -> Result<Vec<Api>, CommandError> {
        Ok(self.registry.apis().await?)
    }

    /// Creates a permission.
    pub async fn create_permission(
        &self,
        permission: &PermissionEntry,
    ) -> Result<(), CommandError> {
        check_description(&permission.description)?;
        Ok(self.registry.create_permission(permission, self.clock.now()).await?)
    }

    /// All permissions.
    pub async fn permissions(&self) -> Result<Vec<PermissionEntry>, CommandError> {
        Ok(self.registry.permissions().await?)
    }

    /// Creates a role.
    pub async fn create_role(&self, role: &RoleEntry) -> Result<(), CommandError> {
        check_description(&role.description)?;
        Ok(self.registry.create_role(role, self.clock.now()).await?)
    }

    /// All roles.
    pub async fn roles(&self) -> Result<Vec<RoleEntry>, CommandError> {
        Ok(self.registry.roles().await?)
    }
}

impl std::fmt::Debug for Registrar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registrar")
    }
}

fn sorted<T: Ord>(names: Vec<T>) -> Vec<T> {
    names.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

fn check_text(what: &'static str, text: &str, limit: usize) -> Result<(), CommandError> {
    let fits = (1..=limit).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits && !text.trim().is_empty() { Ok(()) } else { Err(CommandError::Text(what, limit)) }
}

fn check_description(text: &str) -> Result<(), CommandError> {
    if text.is_empty() { Ok(()) } else { check_text("the description", text, 2000) }
}

/// Only what may stand in a URI (RFC 3986 section 2), so that it is compared as it is read.
fn is_uri_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\<>^`{|}".contains(&byte))
}

fn choose_grants(new: &NewClient) -> Result<GrantTypes, CommandError> {
    let default =
        if new.public { GrantType::AuthorizationCode } else { GrantType::ClientCredentials };
    let grants: GrantTypes = if new.grants.is_empty() {
        [default].into_iter().collect()
    } else {
        new.grants.iter().copied().collect()
    };
    let code = grants.contains(GrantType::AuthorizationCode);
    if new.public && grants.contains(GrantType::ClientCredentials) {
        Err(CommandError::Grants(
            "a public client has no secret and cannot use client_credentials: leave --public out",
        ))
    } else if code && new.redirect_uris.is_empty() {
        Err(CommandError::Grants("authorization_code needs at least one --redirect-uri"))
    } else if grants.contains(GrantType::RefreshToken) && !code {
        Err(CommandError::Grants(
            "refresh_token goes with authorization_code: add --grant authorization_code",
        ))
    } else {
        Ok(grants)
    }
}

/// RFC 9700 sections 2.1 and 2.6, RFC 8252 section 7. What a browser would read differently from
/// what is written, such as `https:host` or a host in digits, is refused.
fn check_redirect_uri(uri: &str) -> Result<(), CommandError> {
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

/// A client as a token request sees it, from its registration and the permissions of the server.
impl Registration {
    /// Puts together what decisions need; `apis` begins with the API `default`.
    pub fn to_client(
        &self,
        credentials: Vec<Credential>,
        apis: Vec<grantd_core::ClientApi>,
    ) -> Client {
        Client {
            id: self.id.clone(),
            kind: self.kind,
            state: self.state,
            grants: self.grants,
            credentials,
            roles: self.roles.clone(),
            apis,
            default_scope: self.default_scope.clone(),
            generation: self.generation,
            access_token_ttl: self.access_token_ttl,
            signing_alg: self.signing_alg,
        }
    }
}
