//! What accounts of people ask of storage. Every call is one transaction.

use async_trait::async_trait;
use grantd_core::UserId;

use crate::{
    admin::Stamp,
    fault::StorageFault,
    password::PasswordHash,
    storage::RegistryError,
    user::{User, UserFilter, UserName, UserRecord},
    user_change::UserChange,
};

/// People and their passwords' hashes.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user.
    async fn create_user(&self, record: &UserRecord, stamp: &Stamp) -> Result<(), RegistryError>;

    /// Changes a user as [`UserChange::apply`] decides, and ends the sessions that it ends; `None`:
    /// no such user. With `version`, only if the user still has it.
    async fn change_user(
        &self,
        id: UserId,
        version: Option<u64>,
        change: &UserChange,
        stamp: &Stamp,
    ) -> Result<Option<User>, RegistryError>;

    /// One user.
    async fn user(&self, id: UserId) -> Result<Option<User>, StorageFault>;

    /// The user who signs in by this name, in whatever case, with their password's hash.
    async fn user_named(&self, name: &UserName) -> Result<Option<UserRecord>, StorageFault>;

    /// The users that are asked for, in the order of their ids, those behind `after`.
    async fn users(
        &self,
        filter: &UserFilter,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StorageFault>;

    /// Keeps another hash of the same password, unless it was changed meanwhile. Nobody else needs
    /// to know: it is no change of the user.
    async fn rehash(
        &self,
        id: UserId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<(), StorageFault>;
}
