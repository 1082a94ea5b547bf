//! The commands on clients: every face of grantd calls these. Those on the rest are in `catalog`.

mod catalog;
mod usage;
mod users;

use std::sync::Arc;

use grantd_core::{
    ClientId, ClientKind, ClientSecret, ClientState, Credential, CredentialId, Secret,
    SecretHasher, Timestamp, Ttl,
};

use crate::{
    admin::{Admin, Stamp},
    audit::ChainError,
    checks::{
        check_client, check_description, check_grants, check_leniency, check_redirect_uri,
        check_text,
    },
    client_change::{ClientChange, ClientEdit, ClientRecord, Finish},
    clock::{Clock, SystemClock},
    entropy::{Entropy, SystemEntropy, draw},
    fault::StorageFault,
    registration::{ClientFilter, CredentialSummary, NewClient, Registration},
    storage::{Conflict, Registry, RegistryError},
    user::UserName,
};

/// Creates and changes what the registry holds. Every change names who makes it.
pub struct Registrar {
    registry: Arc<dyn Registry>,
    clock: Box<dyn Clock>,
    entropy: Box<dyn Entropy>,
    /// The issuer identifier, where it is known.
    issuer: Option<String>,
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
    /// No user has this id or name.
    #[error("there is no user `{0}`: see `grantd user list`")]
    UserUnknown(String),
    /// A name is empty, too long or has control characters.
    #[error("{0} has 1 to {1} characters and no control characters")]
    Text(&'static str, usize),
    /// An id that names a place in addresses.
    #[error(
        "`{0}` cannot be a client's id, since it stands for another place in addresses: choose another id"
    )]
    ClientId(ClientId),
    /// A name that could be taken for somebody else's.
    #[error("`{0}` cannot be a user's name: leave out colons and signs that are not seen")]
    UserName(UserName),
    /// The grants and the kind of client do not go together.
    #[error("{0}")]
    Grants(&'static str),
    /// Not a URI that a code may be sent to.
    #[error(
        "`{0}` is no redirect URI: use https, http on 127.0.0.1 or [::1], or a private scheme with a dot, without fragment or `*`"
    )]
    RedirectUri(String),
    /// Not an audience.
    #[error("`{0}` is no audience: use an absolute URI without fragment, like https://api.example")]
    Audience(String),
    /// The audience is the issuer's own.
    #[error("`{0}` is the issuer itself, and so the audience of the API `default`: choose another")]
    OwnAudience(String),
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

/// How a secret is rotated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// How long the other secrets still work; `None`: they end at once.
    pub overlap: Option<Ttl>,
    /// Only if the client still has this version, so that what is sent twice is done once.
    pub version: Option<u64>,
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
        let (clock, entropy) = (Box::new(SystemClock), Box::new(SystemEntropy));
        Self { registry, clock, entropy, issuer: None }
    }

    /// The issuer's own identifier, which no further API may have as its audience.
    #[must_use]
    pub fn issuer(mut self, identifier: &str) -> Self {
        self.issuer = Some(identifier.to_owned());
        self
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
        check_client(&new)?;
        let id = new.id.clone();
        let id = id.unwrap_or_else(|| ClientId::mint(stamp.at, draw(&*self.entropy)));
        let mut client = new.into_registration(id, stamp.at);
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
        let client = self.registry.create_client(&record, &stamp).await?;
        Ok(Created { client, secret })
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

    /// A page of the clients that are asked for, in the order of their ids, those behind `after`.
    pub async fn clients(
        &self,
        filter: &ClientFilter,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<Registration>, CommandError> {
        Ok(self.registry.registrations(filter, after, limit).await?)
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
        let retry = edit.refresh_retry.over(known.refresh_retry);
        check_leniency(known.kind, edit.pkce.unwrap_or(known.pkce), retry)?;
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

    /// A new secret, shown here and nowhere else; the others work on for an overlap, or not.
    pub async fn rotate(
        &self,
        by: &Admin,
        id: &str,
        rotation: Rotation,
        hasher: &SecretHasher,
    ) -> Result<Created, CommandError> {
        let Rotation { overlap, version } = rotation;
        let clear = self.mint_secret();
        let credential = self.credential(&clear, hasher, None, self.clock.now());
        let secret = Some((credential.id, clear));
        let change = ClientChange::Rotate { credential, overlap };
        let client = self.change(by, id, version, &change).await?;
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
}

impl std::fmt::Debug for Registrar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registrar")
    }
}
