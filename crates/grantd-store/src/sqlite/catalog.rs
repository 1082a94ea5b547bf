//! Permissions, roles and APIs: what clients' rights are made of.

use grantd_core::{Algorithm, Api, Permission, RoleName, TokenFormat, Ttl};
use grantd_issuer::{
    Conflict, PermissionEntry, RegistryError, RoleEntry, Stamp, StorageFault,
    audit::{Deed, Held},
    change_log::Changed,
    client_change::Catalog,
};
use rusqlite::{Connection, Row, params};

use super::{
    approval_writes,
    client_writes::raise,
    clients,
    lane::fault,
    record::{allow_ttl, execute, record},
    rows, statements as sql,
    user_writes::raise_users,
};

/// All of it, as decisions need it.
pub(super) fn load(connection: &Connection) -> Result<Catalog, StorageFault> {
    let permissions = permissions(connection).map_err(|error| fault(&error))?;
    let roles = roles(connection).map_err(|error| fault(&error))?;
    let apis = apis(connection).map_err(|error| fault(&error))?;
    Ok(Catalog {
        permissions: permissions.into_iter().map(|entry| entry.name).collect(),
        roles: roles.into_iter().map(|role| (role.name, role.permissions)).collect(),
        apis: apis.into_iter().map(|api| api.name).collect(),
    })
}

/// All permissions, by name.
pub(super) fn permissions(connection: &Connection) -> rusqlite::Result<Vec<PermissionEntry>> {
    let entry = |row: &Row<'_>| {
        Ok(PermissionEntry {
            name: rows::parse(row, 0)?,
            api: row.get(1)?,
            description: row.get(2)?,
        })
    };
    connection.prepare_cached(sql::PERMISSIONS)?.query_map([], entry)?.collect()
}

/// All roles, by name.
pub(super) fn roles(connection: &Connection) -> rusqlite::Result<Vec<RoleEntry>> {
    let entry = |row: &Row<'_>| {
        let permissions =
            clients::names(connection, sql::ROLE_PERMISSIONS, row.get_ref(0)?.as_str()?)?;
        Ok(RoleEntry { name: rows::parse(row, 0)?, description: row.get(1)?, permissions })
    };
    connection.prepare_cached(sql::ROLES)?.query_map([], entry)?.collect()
}

/// All APIs, by name.
pub(super) fn apis(connection: &Connection) -> rusqlite::Result<Vec<Api>> {
    connection.prepare_cached(sql::APIS)?.query_map([], rows::api)?.collect()
}

pub(super) fn create_permission(
    connection: &Connection,
    entry: &PermissionEntry,
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    if !apis(connection).map_err(|error| fault(&error))?.iter().any(|api| api.name == entry.api) {
        return Err(Conflict::ApiUnknown(entry.api.clone()).into());
    }
    let row = params![entry.name.as_str(), entry.api, entry.description, stamp.at.micros()];
    if execute(connection, sql::INSERT_PERMISSION, row)? == 0 {
        return Err(Conflict::PermissionExists(entry.name.clone()).into());
    }
    let deed = Deed::on("permission.create", "permission", &entry.name, (None, Some(entry)));
    record(connection, &deed, &[Changed::Catalog], stamp)
}

fn permission(
    connection: &Connection,
    name: &Permission,
) -> Result<PermissionEntry, RegistryError> {
    let known = permissions(connection).map_err(|error| fault(&error))?;
    let found = known.into_iter().find(|entry| entry.name == *name);
    found.ok_or_else(|| Conflict::PermissionUnknown(name.clone()).into())
}

/// Another description.
pub(super) fn change_permission(
    connection: &Connection,
    expected: Option<&PermissionEntry>,
    (name, description): (&Permission, &str),
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let before = permission(connection, name)?;
    if expected.is_some_and(|expected| *expected != before) {
        return Err(Conflict::PermissionDiffers(name.clone()).into());
    }
    let after = PermissionEntry { description: description.to_owned(), ..before.clone() };
    execute(connection, sql::UPDATE_PERMISSION, [name.as_str(), description])?;
    let deed = Deed::on("permission.update", "permission", name, (Some(&before), Some(&after)));
    record(connection, &deed, &[Changed::Catalog], stamp)
}

pub(super) fn delete_permission(
    connection: &Connection,
    name: &Permission,
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let entry = permission(connection, name)?;
    let text = name.as_str();
    let mut changes = raise(connection, sql::RAISE_PERMISSION_HOLDERS, text, stamp.at)?;
    changes.extend(raise_users(connection, sql::RAISE_PERMISSION_USERS, text, stamp.at)?);
    changes.push(Changed::Catalog);
    let held_by = [
        ("clients", held(connection, sql::CLIENTS_WITH_PERMISSION, text)?),
        ("users", held(connection, sql::USERS_WITH_PERMISSION, text)?),
        ("roles", held(connection, sql::ROLES_WITH_PERMISSION, text)?),
    ];
    execute(connection, sql::DELETE_PERMISSION_OF_CLIENTS, [text])?;
    execute(connection, sql::DELETE_PERMISSION_OF_USERS, [text])?;
    execute(connection, sql::DELETE_PERMISSION_OF_ROLES, [text])?;
    take_from_default_scopes(connection, name)?;
    approval_writes::forget_permission(connection, text, stamp.at)?;
    execute(connection, sql::DELETE_PERMISSION, [text])?;
    let deed = Deed::on("permission.delete", "permission", name, (Some(&entry), None));
    record(connection, &deed.held_by(&held_by), &changes, stamp)
}

/// Who has it, for the audit log.
fn held(connection: &Connection, statement: &str, name: &str) -> Result<Held, StorageFault> {
    let mut statement = connection.prepare_cached(statement).map_err(|error| fault(&error))?;
    let mut count = 0;
    let first = statement.query_map(params![name, Held::MOST], |row| {
        count = rows::unsigned(row, 1)?;
        row.get(0)
    });
    let first = first.and_then(Iterator::collect).map_err(|error| fault(&error))?;
    Ok(Held { count, first })
}

fn take_from_default_scopes(
    connection: &Connection,
    name: &Permission,
) -> Result<(), StorageFault> {
    let mut statement =
        connection.prepare_cached(sql::DEFAULT_SCOPES_WITH).map_err(|error| fault(&error))?;
    let with: Result<Vec<(String, String)>, _> = statement
        .query_map([name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect);
    for (id, scope) in with.map_err(|error| fault(&error))? {
        let rest: Vec<_> = scope.split(' ').filter(|known| *known != name.as_str()).collect();
        execute(connection, sql::SET_DEFAULT_SCOPE, [id, rest.join(" ")])?;
    }
    Ok(())
}

pub(super) fn create_role(
    connection: &Connection,
    role: &RoleEntry,
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let row = params![role.name.as_str(), role.description, stamp.at.micros()];
    if execute(connection, sql::INSERT_ROLE, row)? == 0 {
        return Err(Conflict::RoleExists(role.name.clone()).into());
    }
    put_role_permissions(connection, role)?;
    let deed = Deed::on("role.create", "role", &role.name, (None, Some(role)));
    record(connection, &deed, &[Changed::Catalog], stamp)
}

/// Another description and other permissions, or none of the role at all.
pub(super) fn change_role(
    connection: &Connection,
    name: &RoleName,
    (expected, role): (Option<&RoleEntry>, Option<&RoleEntry>),
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let known = roles(connection).map_err(|error| fault(&error))?;
    let Some(before) = known.iter().find(|role| role.name == *name) else {
        return Err(Conflict::RoleUnknown(name.clone()).into());
    };
    if expected.is_some_and(|expected| expected != before) {
        return Err(Conflict::RoleDiffers(name.clone()).into());
    }
    let mut changes = Vec::new();
    if before.narrowed_to(role) {
        changes = raise(connection, sql::RAISE_ROLE_HOLDERS, name.as_str(), stamp.at)?;
        changes.extend(raise_users(connection, sql::RAISE_ROLE_USERS, name.as_str(), stamp.at)?);
    }
    changes.push(Changed::Catalog);
    let mut deed = Deed::on(RoleEntry::action(role), "role", name, (Some(before), role));
    execute(connection, sql::CLEAR_ROLE_PERMISSIONS, [name.as_str()])?;
    if let Some(role) = role {
        execute(connection, sql::UPDATE_ROLE, [name.as_str(), &role.description])?;
        put_role_permissions(connection, role)?;
    } else {
        deed = deed.held_by(&[
            ("clients", held(connection, sql::CLIENTS_WITH_ROLE, name.as_str())?),
            ("users", held(connection, sql::USERS_WITH_ROLE, name.as_str())?),
        ]);
        execute(connection, sql::DELETE_ROLE_HOLDERS, [name.as_str()])?;
        execute(connection, sql::DELETE_ROLE_USERS, [name.as_str()])?;
        execute(connection, sql::DELETE_ROLE, [name.as_str()])?;
    }
    record(connection, &deed, &changes, stamp)
}

fn put_role_permissions(connection: &Connection, role: &RoleEntry) -> Result<(), RegistryError> {
    load(connection)?.check_permissions(&role.permissions)?;
    for permission in &role.permissions {
        execute(
            connection,
            sql::INSERT_ROLE_PERMISSION,
            [role.name.as_str(), permission.as_str()],
        )?;
    }
    Ok(())
}

pub(super) fn create_api(
    connection: &Connection,
    api: &Api,
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let alg = api.signing_alg.map(Algorithm::as_str);
    let ttl = api.access_token_ttl.map(Ttl::seconds);
    let format = api.format.map(TokenFormat::as_str);
    let row = params![api.name, api.audience, alg, ttl, format, stamp.at.micros()];
    if execute(connection, sql::INSERT_API, row)? == 0 {
        return Err(Conflict::api_exists(api).into());
    }
    allow_ttl(connection, api.access_token_ttl)?;
    let deed = Deed::on("api.create", "api", &api.name, (None, Some(api)));
    record(connection, &deed, &[Changed::Catalog], stamp)
}

pub(super) fn change_api(
    connection: &Connection,
    expected: Option<&Api>,
    api: &Api,
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let known = apis(connection).map_err(|error| fault(&error))?;
    let Some(before) = known.iter().find(|known| known.name == api.name) else {
        return Err(Conflict::ApiUnknown(api.name.clone()).into());
    };
    if expected.is_some_and(|expected| expected != before) {
        return Err(Conflict::ApiDiffers(api.name.clone()).into());
    }
    let after = Api { audience: before.audience.clone(), ..api.clone() };
    let alg = api.signing_alg.map(Algorithm::as_str);
    let ttl = api.access_token_ttl.map(Ttl::seconds);
    let format = api.format.map(TokenFormat::as_str);
    execute(connection, sql::UPDATE_API, params![api.name, alg, ttl, format])?;
    allow_ttl(connection, api.access_token_ttl)?;
    let deed = Deed::on("api.update", "api", &api.name, (Some(before), Some(&after)));
    record(connection, &deed, &[Changed::Catalog], stamp)
}
