//! The commands on clients, permissions, roles and APIs: every face of grantd calls these.

mod usage;

use std::sync::Arc;

use grantd_core::{
    Api, ClientId, ClientKind, ClientSecret, ClientState, Credential, CredentialId, Permission,
    RoleName, Secret, SecretHasher, Timestamp, Ttl,
};
use url::Url;

use crate::{
    admin::{Admin, Stamp},
    audit::{AuditEvent, Chain, ChainError},
    checks::{
        check_description, check_grants, check_redirect_uri, check_text, default_grant,
        is_uri_text, sorted,
    },
    client_change::{ClientChange, ClientEdit, ClientRecord, Finish},
    clock::{Clock, SystemClock},
    entropy::{Entropy, SystemEntropy, draw},
    fault::StorageFault,
    registration::{CredentialSummary, NewClient, PermissionEntry, Registration, RoleEntry},
    storage::{Conflict, Registry, RegistryError},
};

/// How many audit events are read at a time.
const PAGE: u32 = 1000;

/// Creates and changes what the registry holds. Every change names who makes it.
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
    /// The audit log does not hold.
    #[error(transparent)]
    Audit(#[from] ChainError),
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

    /// Another clock than the machine's, for tests.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    fn stamp(&self, by: &Admin) -> Stamp {
        Stamp::of(by, self.clock.now())
    }

    /// Creates a client; a confidential one gets its first secret.
    pub async fn create_client(
        &self,
        by: &Admin,
        new: NewClient,
        hasher: &SecretHasher,
    ) -> Result<Created, CommandError> {
        let stamp = self.stamp(by);
        let first = new.secret.clone();
        let mut client = self.register(new, stamp.at)?;
        let mut credentials = Vec::new();
        let mut secret = None;
        if client.kind == ClientKind::Confidential {
            let clear = first.imported.unwrap_or_else(|| self.mint_secret());
            let credential = self.credential(&clear, hasher, first.expires_at, stamp.at);
            client.credentials.push(CredentialSummary::of(&credential, stamp.at));
            secret = Some((credential.id, clear));
            credentials.push(credential);
        }
        self.check_default_scope(&client).await?;
        let record = ClientRecord { client, credentials };
        self.registry.create_client(&record, &stamp).await?;
        Ok(Created { client: record.client, secret })
    }

    fn mint_secret(&self) -> Secret {
        ClientSecret::mint(&zeroize::Zeroizing::new(draw(&*self.entropy)))
    }

    fn credential(
        &self,
        clear: &Secret,
        hasher: &SecretHasher,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Credential {
        let id = CredentialId::mint(now, draw(&*self.entropy));
        Credential { id, hash: hasher.hash(clear.reveal()), expires_at }
    }

    fn register(&self, new: NewClient, now: Timestamp) -> Result<Registration, CommandError> {
        check_text("the name", &new.name, 200)?;
        check_description(&new.description)?;
        if let Some(owner) = &new.owner {
            check_text("the owner's type", &owner.kind, 100)?;
            check_text("the owner's id", &owner.id, 200)?;
        }
        let kind = if new.public { ClientKind::Public } else { ClientKind::Confidential };
        let asked = Some(new.grants).filter(|grants| !grants.is_empty());
        let grants = asked.unwrap_or_else(|| vec![default_grant(kind)]).into_iter().collect();
        check_grants(kind, grants, &new.redirect_uris)?;
        new.redirect_uris.iter().try_for_each(|uri| check_redirect_uri(uri))?;
        Ok(Registration {
            id: new.id.unwrap_or_else(|| ClientId::mint(now, draw(&*self.entropy))),
            name: new.name,
            description: new.description,
            kind,
            state: ClientState::Active,
            grants,
            redirect_uris: new.redirect_uris,
            owner: new.owner,
            permissions: sorted(new.permissions),
            roles: sorted(new.roles),
            default_scope: Some(sorted(new.default_scope)).filter(|names| !names.is_empty()),
            serves: sorted(new.serves),
            access_token_ttl: new.access_token_ttl,
            format: new.format,
            signing_alg: new.signing_alg,
            generation: 1,
            version: 1,
            created_at: now,
            updated_at: now,
            credentials: Vec::new(),
        })
    }

    /// A default that the client may not ask for would refuse each of its plain requests later.
    async fn check_default_scope(&self, client: &Registration) -> Result<(), CommandError> {
        let Some(default) = &client.default_scope else { return Ok(()) };
        let roles = self.registry.roles().await?;
        let of_roles = roles.iter().filter(|role| client.roles.contains(&role.name));
        let of_roles = of_roles.flat_map(|role| &role.permissions);
        let effective: Vec<_> = client.permissions.iter().chain(of_roles).collect();
        match default.iter().find(|name| !effective.contains(name)) {
            Some(missing) => Err(CommandError::DefaultScope(missing.to_string())),
            None => Ok(()),
        }
    }

    /// One client.
    pub async fn client(&self, id: &str) -> Result<Registration, CommandError> {
        let found = self.registry.registration(id).await?;
        found.ok_or_else(|| CommandError::ClientUnknown(id.to_owned()))
    }

    /// A page of clients behind `after`, deleted ones left out.
    pub async fn clients(
        &self,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<Registration>, CommandError> {
        Ok(self.registry.registrations(after, limit).await?)
    }

    /// Changes what is said about a client; with `version`, only if nobody else did meanwhile.
    /// Taking a permission, role or grant away kills the tokens it has.
    pub async fn edit_client(
        &self,
        by: &Admin,
        id: &str,
        edit: ClientEdit,
        version: Option<u64>,
    ) -> Result<Registration, CommandError> {
        if let Some(name) = &edit.name {
            check_text("the name", name, 200)?;
        }
        check_description(edit.description.as_deref().unwrap_or_default())?;
        let uris = edit.redirect_uris.as_deref().unwrap_or_default();
        uris.iter().try_for_each(|uri| check_redirect_uri(uri))?;
        let known = self.client(id).await?;
        let uris = edit.redirect_uris.as_ref().unwrap_or(&known.redirect_uris);
        check_grants(known.kind, edit.grants.unwrap_or(known.grants), uris)?;
        self.change(by, id, version, &ClientChange::Edit(Box::new(edit))).await
    }

    /// Suspends, deletes or restores a client; what it was issued so far is void in each case.
    pub async fn set_client_state(
        &self,
        by: &Admin,
        id: &str,
        state: ClientState,
    ) -> Result<Registration, CommandError> {
        self.change(by, id, None, &ClientChange::State(state)).await
    }

    /// A new secret, shown here and nowhere else; the others work for `overlap` longer, or not.
    pub async fn rotate(
        &self,
        by: &Admin,
        id: &str,
        overlap: Option<Ttl>,
        hasher: &SecretHasher,
    ) -> Result<Created, CommandError> {
        let clear = self.mint_secret();
        let credential = self.credential(&clear, hasher, None, self.clock.now());
        let secret = Some((credential.id, clear));
        let client =
            self.change(by, id, None, &ClientChange::Rotate { credential, overlap }).await?;
        Ok(Created { client, secret })
    }

    /// Ends the overlap of a rotation now; the tokens of the old secrets die.
    pub async fn finish_rotation(
        &self,
        by: &Admin,
        id: &str,
        finish: Finish,
    ) -> Result<Registration, CommandError> {
        self.change(by, id, None, &ClientChange::FinishRotation(finish)).await
    }

    /// Ends one secret now; the tokens that it obtained die, and no others.
    pub async fn revoke_secret(
        &self,
        by: &Admin,
        id: &str,
        credential: CredentialId,
    ) -> Result<Registration, CommandError> {
        self.change(by, id, None, &ClientChange::RevokeSecret(credential)).await
    }

    async fn change(
        &self,
        by: &Admin,
        id: &str,
        version: Option<u64>,
        change: &ClientChange,
    ) -> Result<Registration, CommandError> {
        let changed = self.registry.change_client(id, version, change, &self.stamp(by)).await?;
        changed.ok_or_else(|| CommandError::ClientUnknown(id.to_owned()))
    }

    /// Creates an API.
    pub async fn create_api(&self, by: &Admin, api: &Api) -> Result<(), CommandError> {
        check_text("the name", &api.name, 100)?;
        let audience = api.audience.as_deref().unwrap_or_default();
        if Url::parse(audience).is_err() || audience.contains('#') || !is_uri_text(audience) {
            return Err(CommandError::Audience(audience.to_owned()));
        }
        Ok(self.registry.create_api(api, &self.stamp(by)).await?)
    }

    /// Changes an API's settings; its name and audience stay.
    pub async fn change_api(&self, by: &Admin, api: &Api) -> Result<(), CommandError> {
        Ok(self.registry.change_api(api, &self.stamp(by)).await?)
    }

    /// All APIs.
    pub async fn apis(&self) -> Result<Vec<Api>, CommandError> {
        Ok(self.registry.apis().await?)
    }

    /// Creates a permission.
    pub async fn create_permission(
        &self,
        by: &Admin,
        permission: &PermissionEntry,
    ) -> Result<(), CommandError> {
        check_description(&permission.description)?;
        Ok(self.registry.create_permission(permission, &self.stamp(by)).await?)
    }

    /// Removes a permission from all that have it; their tokens die.
    pub async fn delete_permission(
        &self,
        by: &Admin,
        name: &Permission,
    ) -> Result<(), CommandError> {
        Ok(self.registry.delete_permission(name, &self.stamp(by)).await?)
    }

    /// All permissions.
    pub async fn permissions(&self) -> Result<Vec<PermissionEntry>, CommandError> {
        Ok(self.registry.permissions().await?)
    }

    /// Creates a role.
    pub async fn create_role(&self, by: &Admin, role: &RoleEntry) -> Result<(), CommandError> {
        check_description(&role.description)?;
        Ok(self.registry.create_role(role, &self.stamp(by)).await?)
    }

    /// Makes a role what it is given as, or removes it; what that takes away dies in tokens too.
    pub async fn change_role(
        &self,
        by: &Admin,
        name: &RoleName,
        role: Option<&RoleEntry>,
    ) -> Result<(), CommandError> {
        check_description(role.map(|role| role.description.as_str()).unwrap_or_default())?;
        Ok(self.registry.change_role(name, role, &self.stamp(by)).await?)
    }

    /// All roles.
    pub async fn roles(&self) -> Result<Vec<RoleEntry>, CommandError> {
        Ok(self.registry.roles().await?)
    }

    /// Audit events behind a place in the log.
    pub async fn audit(&self, after: u64, limit: u32) -> Result<Vec<AuditEvent>, CommandError> {
        Ok(self.registry.audit(after, limit).await?)
    }

    /// Follows the whole audit log and checks that nothing was altered, removed or reordered.
    pub async fn verify_audit(&self) -> Result<Chain, CommandError> {
        let mut chain = Chain::default();
        // Read first: what is written meanwhile is no gap.
        let written = self.registry.audit_length().await?;
        while chain.length() < written {
            let page = self.registry.audit(chain.length(), PAGE).await?;
            if page.is_empty() {
                break;
            }
            page.iter().try_for_each(|event| chain.follow(event))?;
        }
        chain.end(written.max(chain.length()))?;
        Ok(chain)
    }
}

impl std::fmt::Debug for Registrar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registrar")
    }
}
