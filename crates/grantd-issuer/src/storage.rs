//! The storage port: what grantd asks of a database, in the words of the domain.
//!
//! A host that only issues tokens to machines implements [`Clients`]; one that also answers
//! questions about single tokens and revokes them implements [`Tokens`]; one that wants grantd's
//! commands for creating clients implements [`Registry`].

use std::time::Duration;

use async_trait::async_trait;
use grantd_core::{
    Api, Client, ClientId, CredentialId, Permission, RoleName, Standing, Timestamp, TokenId,
    TokenNames, Ttl, UserId,
};

use crate::{
    admin::Stamp,
    approvals::Approvals,
    audit::{AuditEvent, AuditQuery},
    change_log::ChangeEntry,
    client_change::{ClientChange, ClientRecord},
    fault::StorageFault,
    passkey::{Passkey, Passkeys},
    registration::{
        ClientFilter, CredentialSummary, LastUse, PermissionEntry, Registration, RoleEntry,
    },
    registration_json::moment,
    session::Sessions,
    survey::Surveys,
    usage::Usage,
    user::UserName,
    user_storage::Users,
};

/// What a token request asks of storage.
#[async_trait]
pub trait Clients: Send + Sync {
    /// The client with this id in whatever state, complete for every decision; `None`: no such id.
    async fn client(&self, id: &str) -> Result<Option<Client>, StorageFault>;

    /// A number that differs from the last one whenever anything about clients changed, by this
    /// process or another. Storage that cannot tell answers always the same, and the host calls
    /// [`crate::Issuer::forget_clients`] after its own changes.
    async fn revision(&self) -> Result<u64, StorageFault> {
        Ok(0)
    }

    /// Entries of the change log behind a revision, in their order; `None` where storage keeps no
    /// such log, and everything that is cached must be forgotten instead.
    async fn changes(
        &self,
        _after: u64,
        _limit: u32,
    ) -> Result<Option<Vec<ChangeEntry>>, StorageFault> {
        Ok(None)
    }

    /// Waits until something may have changed, by this process or another: a wake-up call that may be
    /// missed. Storage that hears of nothing never ends the wait.
    async fn changed(&self) {
        std::future::pending::<()>().await;
    }

    /// How often to ask for the revision, whatever is heard.
    fn look_interval(&self) -> Duration {
        Duration::from_millis(50)
    }
}

/// What verifying or killing a presented token asks of storage.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// What stands against a token, as it is on disk at this moment (not cached).
    async fn standing(&self, token: &TokenNames) -> Result<Standing, StorageFault>;

    /// Kills one token; it need not be remembered after `until`. On disk when this returns.
    async fn revoke_token(
        &self,
        id: TokenId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StorageFault>;
}

/// What the commands ask of storage. Every call is one transaction.
#[async_trait]
pub trait Registry: Clients + Usage + Users + Sessions + Passkeys + Surveys + Approvals {
    /// Adds a client with its first credential, and gives it as it is now: the change log may say that
    /// tokens of this id below a generation are dead (those of a client that a restored backup did not
    /// know), and then it begins with that generation.
    async fn create_client(
        &self,
        record: &ClientRecord,
        stamp: &Stamp,
    ) -> Result<Registration, RegistryError>;

    /// Changes a client as [`ClientChange::apply`] decides: `None`: no such client. With `version`,
    /// only if the client still has it.
    async fn change_client(
        &self,
        id: &str,
        version: Option<u64>,
        change: &ClientChange,
        stamp: &Stamp,
    ) -> Result<Option<Registration>, RegistryError>;

    /// One client as it was registered, deleted ones included.
    async fn registration(&self, id: &str) -> Result<Option<Registration>, StorageFault>;

    /// The clients that are asked for, in the order of their ids, those behind `after`.
    async fn registrations(
        &self,
        filter: &ClientFilter,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<Registration>, StorageFault>;

    /// Adds a permission to an API.
    async fn create_permission(
        &self,
        permission: &PermissionEntry,
        stamp: &Stamp,
    ) -> Result<(), RegistryError>;

    /// Describes a permission anew; its name and API stay.
    async fn change_permission(
        &self,
        expected: Option<&PermissionEntry>,
        name: &Permission,
        description: &str,
        stamp: &Stamp,
    ) -> Result<(), RegistryError>;

    /// Removes a permission from the server, and so from all that have it; their tokens die.
    async fn delete_permission(
        &self,
        name: &Permission,
        stamp: &Stamp,
    ) -> Result<(), RegistryError>;

    /// All permissions, by name.
    async fn permissions(&self) -> Result<Vec<PermissionEntry>, StorageFault>;

    /// Adds a role.
    async fn create_role(&self, role: &RoleEntry, stamp: &Stamp) -> Result<(), RegistryError>;

    /// Makes a role what it is given as, or removes it; where that takes a permission, the tokens of
    /// all who have the role die. With `expected`, only if it still is so.
    async fn change_role(
        &self,
        name: &RoleName,
        expected: Option<&RoleEntry>,
        role: Option<&RoleEntry>,
        stamp: &Stamp,
    ) -> Result<(), RegistryError>;

    /// All roles, by name.
    async fn roles(&self) -> Result<Vec<RoleEntry>, StorageFault>;

    /// Adds an API.
    async fn create_api(&self, api: &Api, stamp: &Stamp) -> Result<(), RegistryError>;

    /// Makes an API what it is given as; its name and audience stay. With `expected`, only if it
    /// still is so.
    async fn change_api(
        &self,
        expected: Option<&Api>,
        api: &Api,
        stamp: &Stamp,
    ) -> Result<(), RegistryError>;

    /// All APIs, by name.
    async fn apis(&self) -> Result<Vec<Api>, StorageFault>;

    /// Remembers that a signing key is in wrong hands: tokens that it signed are dead.
    async fn revoke_key(&self, kid: &str, stamp: &Stamp) -> Result<(), RegistryError>;

    /// Remembers that tokens may live so long, so that what kills them is kept long enough.
    async fn allow_ttl(&self, ttl: Ttl) -> Result<(), StorageFault>;

    /// Forgets entries of the change log whose tokens have all ended by themselves before `now`.
    async fn forget_ended(&self, now: Timestamp) -> Result<(), StorageFault>;

    /// Remembers when and from where credentials were used; a use older than the known one is dropped.
    async fn record_use(&self, uses: &[(CredentialId, LastUse)]) -> Result<(), StorageFault>;

    /// The audit events that are asked for.
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEvent>, StorageFault>;

    /// A number that tells this database from any other, for cursors of its change log.
    async fn epoch(&self) -> Result<u64, StorageFault>;

    /// How many audit events were ever written.
    async fn audit_length(&self) -> Result<u64, StorageFault>;
}

/// Why a change cannot be made: it names what is not there, or what is there already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The id is taken, by a deleted client perhaps.
    #[error("a client with the id `{0}` exists already (perhaps deleted): choose another id")]
    ClientExists(ClientId),
    /// A user has this id: a token's `sub` must never say two things.
    #[error("a user has the id `{0}`: choose another id for the client")]
    ClientIdIsUsers(ClientId),
    /// A client has this id: a token's `sub` must never say two things.
    #[error("a client has the id `{0}`: create the user again")]
    UserIdIsClients(UserId),
    /// The permission's name is taken; it is unique in the whole server.
    #[error("permission `{0}` exists already")]
    PermissionExists(Permission),
    /// The role's name is taken.
    #[error("role `{0}` exists already")]
    RoleExists(RoleName),
    /// No such permission.
    #[error("permission `{0}` does not exist: create it with `grantd permission create {0}`")]
    PermissionUnknown(Permission),
    /// No such role.
    #[error("role `{0}` does not exist: create it with `grantd role create {0}`")]
    RoleUnknown(RoleName),
    /// The client has no such credential.
    #[error("the client has no credential `{0}`: see `grantd client show`")]
    CredentialUnknown(CredentialId),
    /// A public client has nothing to rotate.
    #[error("client `{0}` is public: it has no secret")]
    PublicClientHasNoSecret(ClientId),
    /// The old secret is still in use.
    #[error(
        "secret {id} is still in use, last at {at} from {address}: move that caller to the new secret, or add --force"
    )]
    SecretStillUsed {
        /// Which.
        id: CredentialId,
        /// When it was last used, as text.
        at: String,
        /// From where.
        address: String,
    },
    /// Somebody else changed the client meanwhile.
    #[error("client `{0}` was changed meanwhile: look at it again, then repeat the change")]
    VersionDiffers(ClientId),
    /// Another user has this name, in whatever case.
    #[error("a user with the name `{0}` exists already: choose another name")]
    UserExists(UserName),
    /// Somebody else changed the user meanwhile.
    #[error("user `{0}` was changed meanwhile: look at them again, then repeat the change")]
    UserDiffers(UserName),
    /// The password that was proved is not theirs any more.
    #[error(
        "the password of user `{0}` was changed meanwhile: sign in with the one that holds now"
    )]
    PasswordDiffers(UserName),
    /// The passkey is somebody's already: this user's, or another's.
    #[error("this passkey is known already: choose another device, or remove it first")]
    PasskeyExists,
    /// The user has as many passkeys as one may have.
    #[error("there are {} passkeys already: remove one first", Passkey::MOST)]
    PasskeysFull,
    /// The same answer of a passkey counted already.
    #[error("this was answered already: begin again")]
    PasskeyAnswered,
    /// Somebody else changed the role meanwhile.
    #[error("role `{0}` was changed meanwhile: look at it again, then repeat the change")]
    RoleDiffers(RoleName),
    /// Somebody else changed the permission meanwhile.
    #[error("permission `{0}` was changed meanwhile: look at it again, then repeat the change")]
    PermissionDiffers(Permission),
    /// Somebody else changed the API meanwhile.
    #[error("API `{0}` was changed meanwhile: look at it again, then repeat the change")]
    ApiDiffers(String),
    /// No such API.
    #[error("API `{0}` does not exist: create it with `grantd api create {0} --audience URI`")]
    ApiUnknown(String),
    /// The API's name or its audience is taken.
    #[error("an API with the name `{name}` or the audience `{audience}` exists already")]
    ApiExists {
        /// The name asked for.
        name: String,
        /// The audience asked for.
        audience: String,
    },
}

impl Conflict {
    /// This secret was used since the newest one was made.
    pub fn secret_still_used(summary: &CredentialSummary) -> Self {
        let last = summary.last_used.clone();
        let (at, address) =
            last.map_or((Timestamp::default(), String::new()), |last| (last.at, last.address));
        let address = if address.is_empty() { "an unknown address".to_owned() } else { address };
        Self::SecretStillUsed { id: summary.id, at: moment(at), address }
    }

    /// An API of this name, or for this audience, is there.
    pub fn api_exists(api: &Api) -> Self {
        Self::ApiExists {
            name: api.name.clone(),
            audience: api.audience.clone().unwrap_or_default(),
        }
    }
}

/// Why a change was not made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegistryError {
    /// It contradicts what is there.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The storage could not.
    #[error(transparent)]
    Storage(#[from] StorageFault),
}

impl RegistryError {
    /// The fault of a call that nothing can contradict.
    pub fn into_fault(self) -> StorageFault {
        match self {
            Self::Storage(fault) => fault,
            Self::Conflict(conflict) => StorageFault::plain(conflict.to_string()),
        }
    }
}
