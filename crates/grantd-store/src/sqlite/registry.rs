//! The commands' side of the port: every call one transaction, answered when it is on disk.

use async_trait::async_trait;
use grantd_core::{
    Algorithm, Api, ClientId, ClientState, Credential, GrantType, Permission, Timestamp, Ttl,
};
use grantd_issuer::{
    Conflict, PermissionEntry, Registration, Registry, RegistryError, RoleEntry, StorageFault,
};
use rusqlite::{Connection, Params, params};

use super::{Sqlite, clients, lane::fault, rows, statements as sql};

#[async_trait]
impl Registry for Sqlite {
    async fn create_client(
        &self,
        client: &Registration,
        secret: Option<&Credential>,
    ) -> Result<(), RegistryError> {
        let (client, secret) = (client.clone(), secret.cloned());
        self.writer
            .write(move |connection| insert_client(connection, &client, secret.as_ref()))
            .await
    }

    async fn registration(&self, id: &str) -> Result<Option<Registration>, StorageFault> {
        let id = id.to_owned();
        self.reader().read(move |connection| clients::registration(connection, &id)).await
    }

    async fn registrations(
        &self,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<Registration>, StorageFault> {
        let after = after.map(|id| id.as_str().to_owned()).unwrap_or_default();
        self.reader()
            .read(move |connection| clients::registrations(connection, &after, limit))
            .await
    }

    async fn set_client_state(
        &self,
        id: &str,
        state: ClientState,
        now: Timestamp,
    ) -> Result<bool, StorageFault> {
        let id = id.to_owned();
        let change = move |connection: &Connection| {
            Ok(execute(
                connection,
                sql::SET_CLIENT_STATE,
                params![id, state.as_str(), now.micros()],
            )? == 1)
        };
        self.writer.write(change).await.map_err(|error| match error {
            RegistryError::Storage(fault) => fault,
            RegistryError::Conflict(conflict) => StorageFault::plain(conflict.to_string()),
        })
    }

    async fn create_permission(
        &self,
        permission: &PermissionEntry,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        let permission = permission.clone();
        self.writer.write(move |connection| insert_permission(connection, &permission, now)).await
    }

    async fn permissions(&self) -> Result<Vec<PermissionEntry>, StorageFault> {
        let entry = |row: &rusqlite::Row<'_>| {
            Ok(PermissionEntry {
                name: rows::parse(row, 0)?,
                api: row.get(1)?,
                description: row.get(2)?,
            })
        };
        self.reader()
            .read(move |connection| {
                connection.prepare_cached(sql::PERMISSIONS)?.query_map([], entry)?.collect()
            })
            .await
    }

    async fn create_role(&self, role: &RoleEntry, now: Timestamp) -> Result<(), RegistryError> {
        let role = role.clone();
        self.writer.write(move |connection| insert_role(connection, &role, now)).await
    }

    async fn roles(&self) -> Result<Vec<RoleEntry>, StorageFault> {
        let question = |connection: &Connection| {
            let snapshot = connection.unchecked_transaction()?;
            let entry = |row: &rusqlite::Row<'_>| {
                let permissions =
                    clients::names(&snapshot, sql::ROLE_PERMISSIONS, row.get_ref(0)?.as_str()?)?;
                Ok(RoleEntry { name: rows::parse(row, 0)?, description: row.get(1)?, permissions })
            };
            snapshot.prepare_cached(sql::ROLES)?.query_map([], entry)?.collect()
        };
        self.reader().read(question).await
    }

    async fn create_api(&self, api: &Api, now: Timestamp) -> Result<(), RegistryError> {
        let api = api.clone();
        let change = move |connection: &Connection| {
            let alg = api.signing_alg.map(Algorithm::as_str);
            let ttl = api.access_token_ttl.map(Ttl::seconds);
            let row = params![api.name, api.audience, alg, ttl, now.micros()];
            if execute(connection, sql::INSERT_API, row)? == 0 {
                Err(Conflict::api_exists(&api).into())
            } else {
                Ok(())
            }
        };
        self.writer.write(change).await
    }

    async fn apis(&self) -> Result<Vec<Api>, StorageFault> {
        self.reader()
            .read(|connection| {
                connection.prepare_cached(sql::APIS)?.query_map([], rows::api)?.collect()
            })
            .await
    }
}

fn insert_client(
    connection: &Connection,
    client: &Registration,
    secret: Option<&Credential>,
) -> Result<(), RegistryError> {
    check_permissions(
        connection,
        client.permissions.iter().chain(client.default_scope.iter().flatten()),
    )?;
    for role in &client.roles {
        if !exists(connection, sql::ROLE_EXISTS, role.as_str())? {
            return Err(Conflict::RoleUnknown(role.clone()).into());
        }
    }
    let id = client.id.as_str();
    let row = params![
        id,
        client.name,
        client.description,
        client.kind.as_str(),
        client.state.as_str(),
        client.grants.iter().map(GrantType::as_str).collect::<Vec<_>>().join(" "),
        client.redirect_uris.join("\n"),
        client.owner.as_ref().map(|owner| &owner.kind),
        client.owner.as_ref().map(|owner| &owner.id),
        client.default_scope.as_ref().map(|names| names
            .iter()
            .map(Permission::as_str)
            .collect::<Vec<_>>()
            .join(" ")),
        client.access_token_ttl.map(Ttl::seconds),
        client.signing_alg.map(Algorithm::as_str),
        i64::try_from(client.generation).unwrap_or(i64::MAX),
        client.created_at.micros(),
        client.updated_at.micros(),
    ];
    if execute(connection, sql::INSERT_CLIENT, row)? == 0 {
        return Err(Conflict::ClientExists(client.id.clone()).into());
    }
    for permission in &client.permissions {
        execute(connection, sql::INSERT_CLIENT_PERMISSION, [id, permission.as_str()])?;
    }
    for role in &client.roles {
        execute(connection, sql::INSERT_CLIENT_ROLE, [id, role.as_str()])?;
    }
    if let Some(secret) = secret {
        let expires_at = secret.expires_at.map(Timestamp::micros);
        let row = params![
            secret.id.to_string(),
            id,
            secret.hash.as_bytes(),
            client.created_at.micros(),
            expires_at
        ];
        execute(connection, sql::INSERT_CREDENTIAL, row)?;
    }
    Ok(())
}

fn insert_permission(
    connection: &Connection,
    entry: &PermissionEntry,
    now: Timestamp,
) -> Result<(), RegistryError> {
    if !exists(connection, sql::API_EXISTS, &entry.api)? {
        return Err(Conflict::ApiUnknown(entry.api.clone()).into());
    }
    let row = params![entry.name.as_str(), entry.api, entry.description, now.micros()];
    if execute(connection, sql::INSERT_PERMISSION, row)? == 0 {
        return Err(Conflict::PermissionExists(entry.name.clone()).into());
    }
    Ok(())
}

fn insert_role(
    connection: &Connection,
    role: &RoleEntry,
    now: Timestamp,
) -> Result<(), RegistryError> {
    let name = role.name.as_str();
    if execute(connection, sql::INSERT_ROLE, params![name, role.description, now.micros()])? == 0 {
        return Err(Conflict::RoleExists(role.name.clone()).into());
    }
    check_permissions(connection, &role.permissions)?;
    for permission in &role.permissions {
        execute(connection, sql::INSERT_ROLE_PERMISSION, [name, permission.as_str()])?;
    }
    Ok(())
}

fn check_permissions<'a>(
    connection: &Connection,
    names: impl IntoIterator<Item = &'a Permission>,
) -> Result<(), RegistryError> {
    for name in names {
        if !exists(connection, sql::PERMISSION_EXISTS, name.as_str())? {
            return Err(Conflict::PermissionUnknown(name.clone()).into());
        }
    }
    Ok(())
}

fn exists(connection: &Connection, statement: &str, name: &str) -> Result<bool, StorageFault> {
    let mut statement = connection.prepare_cached(statement).map_err(|error| fault(&error))?;
    statement.query_row([name], |row| row.get(0)).map_err(|error| fault(&error))
}

fn execute(
    connection: &Connection,
    statement: &str,
    row: impl Params,
) -> Result<usize, StorageFault> {
    let mut statement = connection.prepare_cached(statement).map_err(|error| fault(&error))?;
    statement.execute(row).map_err(|error| fault(&error))
}
