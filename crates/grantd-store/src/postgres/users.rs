//! The port's side of users: every call one transaction, answered when it is on disk.

use async_trait::async_trait;
use grantd_core::UserId;
use grantd_issuer::{
    PasswordHash, RegistryError, Stamp, StorageFault, User, UserFilter, UserName, UserRecord,
    UserState, Users, user_change::UserChange,
};

use super::{
    Postgres,
    link::Ask,
    parameters::{wanted, with},
    rows, statements as sql, user_writes,
};
use crate::pattern::containing;

#[async_trait]
impl Users for Postgres {
    async fn create_user(&self, record: &UserRecord, stamp: &Stamp) -> Result<(), RegistryError> {
        let work = self.link.alone().await?;
        let done = user_writes::create(&work, record, stamp).await;
        work.end(done).await
    }

    async fn change_user(
        &self,
        id: UserId,
        version: Option<u64>,
        change: &UserChange,
        stamp: &Stamp,
    ) -> Result<Option<User>, RegistryError> {
        let work = self.link.alone().await?;
        let done = user_writes::change(&work, (id, version), change, stamp).await;
        work.end(done).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StorageFault> {
        Ok(one(&self.link, Who::Id(id)).await?.map(|record| record.user))
    }

    async fn user_named(&self, name: &UserName) -> Result<Option<UserRecord>, StorageFault> {
        one(&self.link, Who::Named(name)).await
    }

    async fn users(
        &self,
        filter: &UserFilter,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StorageFault> {
        let row = with![
            None::<&str>,
            None::<&str>,
            after.map(|id| id.to_string()).unwrap_or_default(),
            filter.state.map(UserState::as_str),
            filter.search.as_deref().map(|text| containing(text).replace('\0', "\u{1}")),
            i64::from(limit),
        ];
        let found = self.link.rows(sql::USERS, row).await?;
        found.iter().map(|row| Ok(rows::user(row)?.user)).collect()
    }

    async fn rehash(
        &self,
        id: UserId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<(), StorageFault> {
        let row = with![id.to_string(), from.as_phc(), to.as_phc()];
        self.link.execute(sql::REHASH, row).await.map(drop)
    }
}

/// How one user is asked for.
#[derive(Clone, Copy)]
pub(super) enum Who<'a> {
    /// By their id.
    Id(UserId),
    /// By the name they sign in with.
    Named(&'a UserName),
}

/// A user whole.
pub(super) async fn one(ask: &impl Ask, who: Who<'_>) -> Result<Option<UserRecord>, StorageFault> {
    let (id, key) = match who {
        Who::Id(id) => (Some(id.to_string()), None),
        Who::Named(name) => (None, Some(wanted(&name.key()).to_owned())),
    };
    let row = with![id, key, "", None::<&str>, None::<&str>, 1_i64];
    ask.row(sql::USERS, row).await?.as_ref().map(rows::user).transpose()
}
