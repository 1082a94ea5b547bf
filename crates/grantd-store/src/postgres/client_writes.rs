//! Writing clients: the whole record, its audit event and its entries in the change log.

use grantd_core::{
    Algorithm, ClientId, GrantType, Permission, RoleName, Timestamp, TokenFormat, UserId,
};
use grantd_issuer::{
    Conflict, Registration, RegistryError, Stamp,
    audit::Deed,
    change_log::Changed,
    client_change::{ClientChange, ClientRecord, Fate},
};

use super::{
    approval_writes, catalog, clients,
    link::Ask,
    parameters::{seconds, with},
    record::{allow_ttl, record},
    rows::{parse, unsigned},
    statements as sql,
    work::Work,
};

/// Adds a client.
pub(super) async fn create(
    work: &Work,
    new: &ClientRecord,
    stamp: &Stamp,
) -> Result<Registration, RegistryError> {
    let mut new = new.clone();
    let client = &mut new.client;
    if clients::record(work, client.id.as_str()).await?.is_some() {
        return Err(Conflict::ClientExists(client.id.clone()).into());
    }
    if let Ok(user) = client.id.as_str().parse::<UserId>()
        && work.row(sql::IS_USER, with![user.to_string()]).await?.is_some()
    {
        return Err(Conflict::ClientIdIsUsers(client.id.clone()).into());
    }
    catalog::load(work).await?.check(client)?;
    if let Some(row) = work.row(sql::DEAD_BELOW, with![client.id.as_str()]).await? {
        client.generation = client.generation.max(unsigned(&row, "generation")?);
    }
    put(work, &new).await?;
    let client = new.client;
    let changed = Changed::Client { id: client.id.clone(), killed_below: None };
    record(work, &Deed::on_client("client.create", None, &client), &[changed], stamp).await?;
    Ok(client)
}

/// Changes a client as the change itself decides.
pub(super) async fn change(
    work: &Work,
    (id, version): (&str, Option<u64>),
    change: &ClientChange,
    stamp: &Stamp,
) -> Result<Option<Registration>, RegistryError> {
    let Some(before) = clients::record(work, id).await? else { return Ok(None) };
    if version.is_some_and(|version| version != before.client.version) {
        return Err(Conflict::VersionDiffers(before.client.id).into());
    }
    let mut after = before.clone();
    let killed = change.apply(&mut after, &catalog::load(work).await?, stamp.at)?;
    put(work, &after).await?;
    if killed.approvals == Fate::Ends {
        approval_writes::end(work, sql::END_APPROVALS_OF_CLIENT, with![id], stamp.at).await?;
    }
    let deed = Deed::on_client(change.action(), Some(&before.client), &after.client);
    record(work, &deed, &killed.changes(&after.client), stamp).await?;
    Ok(Some(after.client))
}

/// Raises the generation of all whom the statement means, for the change log.
pub(super) async fn raise(
    work: &Work,
    statement: &str,
    of: &str,
    now: Timestamp,
) -> Result<Vec<Changed>, RegistryError> {
    let mut raised = Vec::new();
    for row in work.rows(statement, with![of, now.micros()]).await? {
        let id: ClientId = parse(&row, "id")?;
        raised.push(Changed::Client { id, killed_below: Some(unsigned(&row, "generation")?) });
    }
    Ok(raised)
}

async fn put(work: &Work, new: &ClientRecord) -> Result<(), RegistryError> {
    let client = &new.client;
    put_client(work, client).await?;
    allow_ttl(work, client.access_token_ttl).await?;
    let id = client.id.as_str();
    let permissions: Vec<_> = client.permissions.iter().map(Permission::as_str).collect();
    work.execute(sql::CLEAR_CLIENT_PERMISSIONS, with![id]).await?;
    work.execute(sql::INSERT_CLIENT_PERMISSIONS, with![id, permissions]).await?;
    let roles: Vec<_> = client.roles.iter().map(RoleName::as_str).collect();
    work.execute(sql::CLEAR_CLIENT_ROLES, with![id]).await?;
    work.execute(sql::INSERT_CLIENT_ROLES, with![id, roles]).await?;
    let secrets = &new.credentials;
    let ids: Vec<_> = secrets.iter().map(|secret| secret.id.to_string()).collect();
    let hashes: Vec<_> = secrets.iter().map(|secret| &secret.hash.as_bytes()[..]).collect();
    let made: Vec<_> = client.credentials.iter().map(|known| known.created_at.micros()).collect();
    let ends: Vec<_> =
        secrets.iter().map(|secret| secret.expires_at.map(Timestamp::micros)).collect();
    work.execute(sql::PUT_CREDENTIALS, with![id, ids, hashes, made, ends]).await?;
    Ok(())
}

async fn put_client(work: &Work, client: &Registration) -> Result<(), RegistryError> {
    let owner = client.owner.as_ref();
    let row = with![
        client.id.as_str(),
        client.name,
        client.description,
        client.kind.as_str(),
        client.state.as_str(),
        client.grants.iter().map(GrantType::as_str).collect::<Vec<_>>().join(" "),
        client.redirect_uris.join("\n"),
        owner.map(|owner| owner.kind.as_str()),
        owner.map(|owner| owner.id.as_str()),
        client.default_scope.as_deref().map(scope_text),
        client.access_token_ttl.map(seconds),
        client.signing_alg.map(Algorithm::as_str),
        client.generation.cast_signed(),
        client.version.cast_signed(),
        client.created_at.micros(),
        client.updated_at.micros(),
        client.format.map(TokenFormat::as_str),
        client.serves.join("\n"),
        client.pkce.as_str(),
        client.refresh_retry.map(seconds),
    ];
    work.execute(sql::PUT_CLIENT, row).await?;
    Ok(())
}

/// Names of permissions as a column holds them.
pub(super) fn scope_text(names: &[Permission]) -> String {
    names.iter().map(Permission::as_str).collect::<Vec<_>>().join(" ")
}
