//! The storage port: what grantd asks of a database, in the words of the domain.
//!
//! A host that only issues tokens to machines implements [`Clients`]; one that also wants grantd's
//! commands for creating them implements [`Registry`].

use async_trait::async_trait;
use grantd_core::{
    Api, Client, ClientId, ClientState, Credential, Permission, RoleName, Timestamp,
};

use crate::{
    fault::StorageFault,
    registration::{PermissionEntry, Registration, RoleEntry},
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
}

/// What the commands ask of storage. Every call is one transaction.
#[async_trait]
pub trait Registry: Clients {
    /// Adds a client with its first credential.
    async fn create_client(
        &self,
        client: &Registration,
        secret: Option<&Credential>,
    ) -> Result<(), RegistryError>;

    /// One client as it was registered, deleted ones included.
    async fn registration(&self, id: &str) -> Result<Option<Registration>, StorageFault>;

    /// Clients that are not deleted, in the order of their ids, those behind `after`.
    async fn registrations(
        &self,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<Registration>, StorageFault>;

    /// Sets a client's state and raises its generation; `false`: no such client.
    async fn set_client_state(
        &self,
        id: &str,
        state: ClientState,
        now: Timestamp,
    ) -> Result<bool, StorageFault>;

    /// Adds a permission to an API.
    async fn create_permission(
        &self,
        permission: &PermissionEntry,
        now: Timestamp,
    ) -> Result<(), RegistryError>;

    /// All permissions, by name.
    async fn permissions(&self) -> Result<Vec<PermissionEntry>, StorageFault>;

    /// Adds a role.
    async fn create_role(&self, role: &RoleEntry, now: Timestamp) -> Result<(), RegistryError>;

    /// All roles, by name.
    async fn roles(&self) -> Result<Vec<RoleEntry>, StorageFault>;

    /// Adds an API.
    async fn create_api(&self, api: &Api, now: Timestamp) -> Result<(), RegistryError>;

    /// All APIs, by name.
    async fn apis(&self) -> Result<Vec<Api>, StorageFault>;
}

/// Why a change cannot be made: it names what is not there, or what is there already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The id is taken, by a deleted client perhaps.
    #[error("a client with the id `{0}` exists already (perhaps deleted): choose another id")]
    ClientExists(ClientId),
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
