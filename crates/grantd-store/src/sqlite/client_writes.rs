//! Writing clients: the whole record, its audit event and its entries in the change log.

use grantd_core::{
    Algorithm, ClientId, GrantType, Permission, Timestamp, TokenFormat, Ttl, UserId,
};
use grantd_issuer::{
    Conflict, Registration, RegistryError, Stamp,
    audit::Deed,
    change_log::Changed,
    client_change::{ClientChange, ClientRecord, Fate},
};
use rusqlite::{Connection, params};

use super::{
    approval_writes, catalog, clients,
    lane::fault,
    record::{allow_ttl, execute, question, record},
    statements as sql,
};

/// Adds a client.
pub(super) fn create(
    connection: &Connection,
    new: &ClientRecord,
    stamp: &Stamp,
) -> Result<Registration, RegistryError> {
    let mut new = new.clone();
    let client = &mut new.client;
    if load(connection, client.id.as_str())?.is_some() {
        return Err(Conflict::ClientExists(client.id.clone()).into());
    }
    if let Ok(user) = client.id.as_str().parse::<UserId>()
        && question::<i64>(connection, sql::IS_USER, [user.to_string()])?.is_some()
    {
        return Err(Conflict::ClientIdIsUsers(client.id.clone()).into());
    }
    catalog::load(connection)?.check(client)?;
    let dead: i64 =
        question(connection, sql::DEAD_BELOW, [client.id.as_str()])?.unwrap_or_default();
    client.generation = client.generation.max(dead.unsigned_abs());
    put(connection, &new)?;
    let client = new.client;
    let changed = Changed::Client { id: client.id.clone(), killed_below: None };
    record(connection, &Deed::on_client("client.create", None, &client), &[changed], stamp)?;
    Ok(client)
}

/// Changes a client as the change itself decides.
pub(super) fn change(
    connection: &Connection,
    id: &str,
    version: Option<u64>,
    change: &ClientChange,
    stamp: &Stamp,
) -> Result<Option<Registration>, RegistryError> {
    let Some(before) = load(connection, id)? else { return Ok(None) };
    if version.is_some_and(|version| version != before.client.version) {
        return Err(Conflict::VersionDiffers(before.client.id).into());
    }
    let mut after = before.clone();
    let killed = change.apply(&mut after, &catalog::load(connection)?, stamp.at)?;
    put(connection, &after)?;
    if killed.approvals == Fate::Ends {
        approval_writes::end(connection, sql::END_APPROVALS_OF_CLIENT, [id], stamp.at)?;
    }
    let deed = Deed::on_client(change.action(), Some(&before.client), &after.client);
    record(connection, &deed, &killed.changes(&after.client), stamp)?;
    Ok(Some(after.client))
}

/// Raises the generation of all whom the statement means, and says so to the change log.
pub(super) fn raise(
    connection: &Connection,
    statement: &str,
    of: &str,
    now: Timestamp,
) -> Result<Vec<Changed>, RegistryError> {
    let mut statement = connection.prepare_cached(statement).map_err(|error| fault(&error))?;
    let raised = statement.query_map(params![of, now.micros()], |row| {
        let id: ClientId = super::rows::parse(row, 0)?;
        let generation: i64 = row.get(1)?;
        Ok(Changed::Client { id, killed_below: Some(generation.unsigned_abs()) })
    });
    let raised = raised.and_then(Iterator::collect).map_err(|error| fault(&error))?;
    Ok(raised)
}

fn load(connection: &Connection, id: &str) -> Result<Option<ClientRecord>, RegistryError> {
    let found = clients::load(connection, id).map_err(|error| fault(&error))?;
    Ok(found.map(|(client, credentials)| ClientRecord { client, credentials }))
}

fn put(connection: &Connection, new: &ClientRecord) -> Result<(), RegistryError> {
    let client = &new.client;
    let id = client.id.as_str();
    let owner = client.owner.as_ref();
    let row = params![
        id,
        client.name,
        client.description,
        client.kind.as_str(),
        client.state.as_str(),
        client.grants.iter().map(GrantType::as_str).collect::<Vec<_>>().join(" "),
        client.redirect_uris.join("\n"),
        owner.map(|owner| &owner.kind),
        owner.map(|owner| &owner.id),
        client.default_scope.as_deref().map(scope_text),
        client.access_token_ttl.map(Ttl::seconds),
        client.signing_alg.map(Algorithm::as_str),
        client.generation.cast_signed(),
        client.version.cast_signed(),
        client.created_at.micros(),
        client.updated_at.micros(),
        client.format.map(TokenFormat::as_str),
        client.serves.join("\n"),
        client.pkce.as_str(),
        client.refresh_retry.map(Ttl::seconds),
    ];
    execute(connection, sql::PUT_CLIENT, row)?;
    allow_ttl(connection, client.access_token_ttl)?;
    execute(connection, sql::CLEAR_CLIENT_PERMISSIONS, [id])?;
    for permission in &client.permissions {
        execute(connection, sql::INSERT_CLIENT_PERMISSION, [id, permission.as_str()])?;
    }
    execute(connection, sql::CLEAR_CLIENT_ROLES, [id])?;
    for role in &client.roles {
        execute(connection, sql::INSERT_CLIENT_ROLE, [id, role.as_str()])?;
    }
    for (secret, summary) in new.credentials.iter().zip(&client.credentials) {
        let expires_at = secret.expires_at.map(Timestamp::micros);
        let made_at = summary.created_at.micros();
        let row = params![secret.id.to_string(), id, secret.hash.as_bytes(), made_at, expires_at];
        execute(connection, sql::PUT_CREDENTIAL, row)?;
    }
    Ok(())
}

/// A default scope as its column holds it.
pub(super) fn scope_text(names: &[Permission]) -> String {
    names.iter().map(Permission::as_str).collect::<Vec<_>>().join(" ")
}
