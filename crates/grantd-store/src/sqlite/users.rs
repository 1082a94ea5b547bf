//! The port's side of users: every call one transaction, answered when it is on disk.

use async_trait::async_trait;
use grantd_core::UserId;
use grantd_issuer::{
    PasswordHash, RegistryError, Stamp, StorageFault, User, UserFilter, UserName, UserRecord,
    UserState, Users, user_change::UserChange,
};
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::{Sqlite, clients::names, record::execute, rows, statements as sql, user_writes};
use crate::pattern::containing;

#[async_trait]
impl Users for Sqlite {
    async fn create_user(&self, record: &UserRecord, stamp: &Stamp) -> Result<(), RegistryError> {
        let (record, stamp) = (record.clone(), stamp.clone());
        self.writer.write(move |open| user_writes::create(open, &record, &stamp)).await
    }

    async fn change_user(
        &self,
        id: UserId,
        version: Option<u64>,
        change: &UserChange,
        stamp: &Stamp,
    ) -> Result<Option<User>, RegistryError> {
        let (change, stamp) = (change.clone(), stamp.clone());
        let write =
            move |open: &Connection| user_writes::change(open, id, version, &change, &stamp);
        self.writer.write(write).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StorageFault> {
        let found = move |open: &Connection| one(open, sql::USER, [id.to_string()]);
        Ok(self.reader().read(found).await?.map(|record| record.user))
    }

    async fn user_named(&self, name: &UserName) -> Result<Option<UserRecord>, StorageFault> {
        let key = name.key();
        self.reader().read(move |open| one(open, sql::USER_NAMED, [key])).await
    }

    async fn users(
        &self,
        filter: &UserFilter,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StorageFault> {
        let filter = filter.clone();
        self.reader().read(move |open| page(open, &filter, after, limit)).await
    }

    async fn rehash(
        &self,
        id: UserId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<(), StorageFault> {
        let row = [id.to_string(), from.as_phc().to_owned(), to.as_phc().to_owned()];
        self.write_plain(move |open| execute(open, sql::REHASH, row).map(drop)).await
    }
}

/// A user whole, of one moment.
fn one(
    connection: &Connection,
    statement: &str,
    of: impl Params,
) -> rusqlite::Result<Option<UserRecord>> {
    let snapshot = connection.unchecked_transaction()?;
    load(&snapshot, statement, of)
}

/// A user whole, inside a transaction.
pub(super) fn load(
    connection: &Connection,
    statement: &str,
    of: impl Params,
) -> rusqlite::Result<Option<UserRecord>> {
    let found = connection.prepare_cached(statement)?.query_row(of, rows::user).optional()?;
    found.map(|mut record| complete(connection, &mut record.user).map(|()| record)).transpose()
}

fn complete(connection: &Connection, user: &mut User) -> rusqlite::Result<()> {
    let id = user.id.to_string();
    user.permissions = names(connection, sql::USER_PERMISSIONS, &id)?;
    user.roles = names(connection, sql::USER_ROLES, &id)?;
    Ok(())
}

fn page(
    connection: &Connection,
    filter: &UserFilter,
    after: Option<UserId>,
    limit: u32,
) -> rusqlite::Result<Vec<User>> {
    let snapshot = connection.unchecked_transaction()?;
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let pattern = filter.search.as_deref().map(containing);
    let parameters = params![after, limit, filter.state.map(UserState::as_str), pattern];
    let mut statement = snapshot.prepare_cached(sql::USERS_AFTER)?;
    let found = statement.query_map(parameters, rows::user)?.collect::<Result<Vec<_>, _>>()?;
    let mut users: Vec<_> = found.into_iter().map(|record| record.user).collect();
    users.iter_mut().try_for_each(|user| complete(&snapshot, user))?;
    Ok(users)
}
