//! Writing users: the whole record, its audit event and its entry in the change log.

use grantd_core::{Permission, RoleName, Timestamp, UserId};
use grantd_issuer::{
    Conflict, PasswordHash, RegistryError, Stamp, User, UserRecord, audit::Deed,
    change_log::Changed, client_change::Fate, user_change::UserChange,
};

use super::{
    approval_writes, catalog,
    link::Ask,
    parameters::with,
    record::record,
    rows::{parse, unsigned},
    sessions, statements as sql,
    users::{Who, one},
    work::Work,
};

/// Adds a user.
pub(super) async fn create(
    work: &Work,
    new: &UserRecord,
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let user = &new.user;
    if work.row(sql::IS_CLIENT, with![user.id.to_string()]).await?.is_some() {
        return Err(Conflict::UserIdIsClients(user.id).into());
    }
    let catalog = catalog::load(work).await?;
    catalog.check_permissions(&user.permissions)?;
    catalog.check_roles(&user.roles)?;
    put(work, new).await?;
    let deed = Deed::on("user.create", "user", &user.id, (None, Some(user)));
    record(work, &deed, &[Changed::User { id: user.id, killed_below: None }], stamp).await
}

/// Changes a user as the change itself decides, and ends the sessions that it ends.
pub(super) async fn change(
    work: &Work,
    (id, version): (UserId, Option<u64>),
    change: &UserChange,
    stamp: &Stamp,
) -> Result<Option<User>, RegistryError> {
    let Some(before) = one(work, Who::Id(id)).await? else { return Ok(None) };
    if version.is_some_and(|version| version != before.user.version) {
        return Err(Conflict::UserDiffers(before.user.name).into());
    }
    let mut after = before.clone();
    let killed = change.apply(&mut after, &catalog::load(work).await?, stamp.at)?;
    put(work, &after).await?;
    sessions::end(work, id, killed.sessions).await?;
    if killed.approvals == Fate::Ends {
        let own = with![id.to_string()];
        approval_writes::end(work, sql::END_APPROVALS_OF_USER, own, stamp.at).await?;
    }
    let shown = (Some(&before.user), Some(&after.user));
    let deed = Deed::on(change.action(), "user", &id, shown);
    record(work, &deed, &[killed.change(&after.user)], stamp).await?;
    Ok(Some(after.user))
}

/// Raises the generation of all users whom the statement means, for the change log.
pub(super) async fn raise_users(
    work: &Work,
    statement: &str,
    of: &str,
    now: Timestamp,
) -> Result<Vec<Changed>, RegistryError> {
    let mut raised = Vec::new();
    for row in work.rows(statement, with![of, now.micros()]).await? {
        let killed_below = Some(unsigned(&row, "generation")?);
        raised.push(Changed::User { id: parse(&row, "id")?, killed_below });
    }
    Ok(raised)
}

async fn put(work: &Work, new: &UserRecord) -> Result<(), RegistryError> {
    let (user, id) = (&new.user, new.user.id.to_string());
    let named = one(work, Who::Named(&user.name)).await?;
    if named.is_some_and(|known| known.user.id != user.id) {
        return Err(Conflict::UserExists(user.name.clone()).into());
    }
    let row = with![
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
    work.execute(sql::PUT_USER, row).await?;
    let permissions: Vec<_> = user.permissions.iter().map(Permission::as_str).collect();
    work.execute(sql::CLEAR_USER_PERMISSIONS, with![id]).await?;
    work.execute(sql::INSERT_USER_PERMISSIONS, with![id, permissions]).await?;
    let roles: Vec<_> = user.roles.iter().map(RoleName::as_str).collect();
    work.execute(sql::CLEAR_USER_ROLES, with![id]).await?;
    work.execute(sql::INSERT_USER_ROLES, with![id, roles]).await?;
    Ok(())
}
