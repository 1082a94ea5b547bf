//! Writing users: the whole record, its audit event and its entry in the change log.

use grantd_core::{Timestamp, UserId};
use grantd_issuer::{
    Conflict, PasswordHash, RegistryError, Stamp, User, UserRecord, audit::Deed,
    change_log::Changed, client_change::Fate, user_change::UserChange,
};
use rusqlite::{Connection, params};

use super::{
    approval_writes, catalog,
    lane::fault,
    record::{execute, question, record},
    rows, sessions, statements as sql, users,
};

/// Adds a user.
pub(super) fn create(
    connection: &Connection,
    new: &UserRecord,
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let user = &new.user;
    if question::<i64>(connection, sql::IS_CLIENT, [user.id.to_string()])?.is_some() {
        return Err(Conflict::UserIdIsClients(user.id).into());
    }
    let catalog = catalog::load(connection)?;
    catalog.check_permissions(&user.permissions)?;
    catalog.check_roles(&user.roles)?;
    put(connection, new)?;
    let deed = Deed::on("user.create", "user", &user.id, (None, Some(user)));
    record(connection, &deed, &[Changed::User { id: user.id, killed_below: None }], stamp)
}

/// Changes a user as the change itself decides, and ends the sessions that it ends.
pub(super) fn change(
    connection: &Connection,
    id: UserId,
    version: Option<u64>,
    change: &UserChange,
    stamp: &Stamp,
) -> Result<Option<User>, RegistryError> {
    let found = users::load(connection, sql::USER, [id.to_string()]);
    let Some(before) = found.map_err(|error| fault(&error))? else { return Ok(None) };
    if version.is_some_and(|version| version != before.user.version) {
        return Err(Conflict::UserDiffers(before.user.name).into());
    }
    let mut after = before.clone();
    let killed = change.apply(&mut after, &catalog::load(connection)?, stamp.at)?;
    put(connection, &after)?;
    sessions::end(connection, id, killed.sessions)?;
    if killed.approvals == Fate::Ends {
        approval_writes::end(connection, sql::END_APPROVALS_OF_USER, [id.to_string()], stamp.at)?;
    }
    let shown = (Some(&before.user), Some(&after.user));
    let deed = Deed::on(change.action(), "user", &id, shown);
    record(connection, &deed, &[killed.change(&after.user)], stamp)?;
    Ok(Some(after.user))
}

/// Raises the generation of all users whom the statement means, and says so to the change log.
pub(super) fn raise_users(
    connection: &Connection,
    statement: &str,
    of: &str,
    now: Timestamp,
) -> Result<Vec<Changed>, RegistryError> {
    let mut statement = connection.prepare_cached(statement).map_err(|error| fault(&error))?;
    let raised = statement.query_map(params![of, now.micros()], |row| {
        Ok(Changed::User { id: rows::parse(row, 0)?, killed_below: Some(rows::unsigned(row, 1)?) })
    });
    Ok(raised.and_then(Iterator::collect).map_err(|error| fault(&error))?)
}

fn put(connection: &Connection, new: &UserRecord) -> Result<(), RegistryError> {
    let (user, id) = (&new.user, new.user.id.to_string());
    let named = users::load(connection, sql::USER_NAMED, [user.name.key()]);
    let named = named.map_err(|error| fault(&error))?;
    if named.is_some_and(|known| known.user.id != user.id) {
        return Err(Conflict::UserExists(user.name.clone()).into());
    }
    let row = params![
        id,
        user.name.as_str(),
        user.name.key(),
        user.state.as_str(),
        new.password.as_ref().map(PasswordHash::as_phc),
        user.generation.cast_signed(),
        user.version.cast_signed(),
        user.created_at.micros(),
        user.updated_at.micros(),
    ];
    execute(connection, sql::PUT_USER, row)?;
    execute(connection, sql::CLEAR_USER_PERMISSIONS, [&id])?;
    for permission in &user.permissions {
        execute(connection, sql::INSERT_USER_PERMISSION, [id.as_str(), permission.as_str()])?;
    }
    execute(connection, sql::CLEAR_USER_ROLES, [&id])?;
    for role in &user.roles {
        execute(connection, sql::INSERT_USER_ROLE, [id.as_str(), role.as_str()])?;
    }
    Ok(())
}
