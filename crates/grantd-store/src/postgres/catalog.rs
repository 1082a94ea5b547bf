//! Permissions, roles and APIs: what clients' rights are made of.

use grantd_core::{Api, Permission, RoleName};
use grantd_issuer::{
    Conflict, PermissionEntry, RegistryError, RoleEntry, Stamp, StorageFault,
    audit::{Deed, Held},
    change_log::Changed,
    client_change::Catalog,
};

use super::{
    approval_writes,
    client_writes::raise,
    link::Ask,
    parameters::with,
    record::record,
    rows::{self, parse, parse_all, unsigned, value},
    statements as sql,
    user_writes::raise_users,
    work::Work,
};

/// All of it, as decisions need it.
pub(super) async fn load(work: &Work) -> Result<Catalog, StorageFault> {
    let permissions = permissions(work).await?;
    let roles = roles(work).await?;
    let apis = apis(work).await?;
    Ok(Catalog {
        permissions: permissions.into_iter().map(|entry| entry.name).collect(),
        roles: roles.into_iter().map(|role| (role.name, role.permissions)).collect(),
        apis: apis.into_iter().map(|api| api.name).collect(),
    })
}

/// All permissions, by name.
pub(super) async fn permissions(ask: &impl Ask) -> Result<Vec<PermissionEntry>, StorageFault> {
    let rows = ask.rows(sql::PERMISSIONS, with![]).await?;
    let entry = |row| {
        Ok(PermissionEntry {
            name: parse(row, "name")?,
            api: value(row, "api")?,
            description: value(row, "description")?,
        })
    };
    rows.iter().map(entry).collect()
}

/// All roles, by name.
pub(super) async fn roles(ask: &impl Ask) -> Result<Vec<RoleEntry>, StorageFault> {
    let rows = ask.rows(sql::ROLES, with![]).await?;
    let entry = |row| {
        Ok(RoleEntry {
            name: parse(row, "name")?,
            description: value(row, "description")?,
            permissions: parse_all(row, "permissions")?,
        })
    };
    rows.iter().map(entry).collect()
}

/// All APIs, by name.
pub(super) async fn apis(ask: &impl Ask) -> Result<Vec<Api>, StorageFault> {
    ask.rows(sql::APIS, with![]).await?.iter().map(rows::api).collect()
}

pub(super) async fn create_permission(
    work: &Work,
    entry: &PermissionEntry,
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    if !apis(work).await?.iter().any(|api| api.name == entry.api) {
        return Err(Conflict::ApiUnknown(entry.api.clone()).into());
    }
    let row = with![entry.name.as_str(), entry.api, entry.description, stamp.at.micros()];
    if work.execute(sql::INSERT_PERMISSION, row).await? == 0 {
        return Err(Conflict::PermissionExists(entry.name.clone()).into());
    }
    let deed = Deed::on("permission.create", "permission", &entry.name, (None, Some(entry)));
    record(work, &deed, &[Changed::Catalog], stamp).await
}

async fn permission(work: &Work, name: &Permission) -> Result<PermissionEntry, RegistryError> {
    let found = permissions(work).await?.into_iter().find(|entry| entry.name == *name);
    found.ok_or_else(|| Conflict::PermissionUnknown(name.clone()).into())
}

/// Another description.
pub(super) async fn change_permission(
    work: &Work,
    expected: Option<&PermissionEntry>,
    (name, description): (&Permission, &str),
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let before = permission(work, name).await?;
    if expected.is_some_and(|expected| *expected != before) {
        return Err(Conflict::PermissionDiffers(name.clone()).into());
    }
    let after = PermissionEntry { description: description.to_owned(), ..before.clone() };
    work.execute(sql::UPDATE_PERMISSION, with![name.as_str(), description]).await?;
    let deed = Deed::on("permission.update", "permission", name, (Some(&before), Some(&after)));
    record(work, &deed, &[Changed::Catalog], stamp).await
}

pub(super) async fn delete_permission(
    work: &Work,
    name: &Permission,
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let entry = permission(work, name).await?;
    let text = name.as_str();
    let mut changes = raise(work, sql::RAISE_PERMISSION_HOLDERS, text, stamp.at).await?;
    changes.extend(raise_users(work, sql::RAISE_PERMISSION_USERS, text, stamp.at).await?);
    changes.push(Changed::Catalog);
    let held_by = [
        ("clients", held(work, sql::CLIENTS_WITH_PERMISSION, text).await?),
        ("users", held(work, sql::USERS_WITH_PERMISSION, text).await?),
        ("roles", held(work, sql::ROLES_WITH_PERMISSION, text).await?),
    ];
    for statement in [
        sql::DELETE_PERMISSION_OF_CLIENTS,
        sql::DELETE_PERMISSION_OF_USERS,
        sql::DELETE_PERMISSION_OF_ROLES,
        sql::TAKE_FROM_DEFAULT_SCOPES,
        sql::DELETE_PERMISSION,
    ] {
        work.execute(statement, with![text]).await?;
    }
    approval_writes::forget_permission(work, text, stamp.at).await?;
    let deed = Deed::on("permission.delete", "permission", name, (Some(&entry), None));
    record(work, &deed.held_by(&held_by), &changes, stamp).await
}

/// Who has it, for the audit log.
async fn held(work: &Work, statement: &str, name: &str) -> Result<Held, StorageFault> {
    let rows = work.rows(statement, with![name, i64::from(Held::MOST)]).await?;
    let count = rows.first().map_or(Ok(0), |row| unsigned(row, "count"))?;
    let first = rows.iter().map(|row| value(row, "id")).collect::<Result<_, _>>()?;
    Ok(Held { count, first })
}

pub(super) async fn create_role(
    work: &Work,
    role: &RoleEntry,
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let row = with![role.name.as_str(), role.description, stamp.at.micros()];
    if work.execute(sql::INSERT_ROLE, row).await? == 0 {
        return Err(Conflict::RoleExists(role.name.clone()).into());
    }
    put_role_permissions(work, role).await?;
    let deed = Deed::on("role.create", "role", &role.name, (None, Some(role)));
    record(work, &deed, &[Changed::Catalog], stamp).await
}

/// Another description and other permissions, or none of the role at all.
pub(super) async fn change_role(
    work: &Work,
    name: &RoleName,
    (expected, role): (Option<&RoleEntry>, Option<&RoleEntry>),
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let known = roles(work).await?;
    let Some(before) = known.iter().find(|role| role.name == *name) else {
        return Err(Conflict::RoleUnknown(name.clone()).into());
    };
    if expected.is_some_and(|expected| expected != before) {
        return Err(Conflict::RoleDiffers(name.clone()).into());
    }
    let text = name.as_str();
    let mut changes = Vec::new();
    if before.narrowed_to(role) {
        changes = raise(work, sql::RAISE_ROLE_HOLDERS, text, stamp.at).await?;
        changes.extend(raise_users(work, sql::RAISE_ROLE_USERS, text, stamp.at).await?);
    }
    changes.push(Changed::Catalog);
    let mut deed = Deed::on(RoleEntry::action(role), "role", name, (Some(before), role));
    work.execute(sql::CLEAR_ROLE_PERMISSIONS, with![text]).await?;
    if let Some(role) = role {
        work.execute(sql::UPDATE_ROLE, with![text, role.description]).await?;
        put_role_permissions(work, role).await?;
    } else {
        deed = deed.held_by(&[
            ("clients", held(work, sql::CLIENTS_WITH_ROLE, text).await?),
            ("users", held(work, sql::USERS_WITH_ROLE, text).await?),
        ]);
        for statement in [sql::DELETE_ROLE_HOLDERS, sql::DELETE_ROLE_USERS, sql::DELETE_ROLE] {
            work.execute(statement, with![text]).await?;
        }
    }
    record(work, &deed, &changes, stamp).await
}

async fn put_role_permissions(work: &Work, role: &RoleEntry) -> Result<(), RegistryError> {
    load(work).await?.check_permissions(&role.permissions)?;
    let permissions: Vec<_> = role.permissions.iter().map(Permission::as_str).collect();
    work.execute(sql::INSERT_ROLE_PERMISSIONS, with![role.name.as_str(), permissions]).await?;
    Ok(())
}
