//! Reading clients: whole for a decision, whole for an operator.

use std::sync::Arc;

use grantd_core::{Client, ClientApi, ClientState, Credential};
use grantd_issuer::{ClientFilter, Registration};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    catalog,
    questions::{self, Place},
    rows, statements as sql,
};
use crate::pattern::containing;

/// The client as decisions need it. One read transaction: no half of a change is ever seen.
pub(super) fn client(connection: &Connection, id: &str) -> rusqlite::Result<Option<Client>> {
    let snapshot = connection.unchecked_transaction()?;
    let Some((client, credentials)) = load(&snapshot, id)? else { return Ok(None) };
    let mut apis: Vec<ClientApi> = Vec::new();
    let mut statement = snapshot.prepare_cached(sql::CLIENT_APIS)?;
    let mut found = statement.query([id])?;
    while let Some(row) = found.next()? {
        rows::push_client_api(&mut apis, row)?;
    }
    let mut serves = Vec::new();
    if !client.serves.is_empty() {
        let known = catalog::apis(&snapshot)?.into_iter();
        serves.extend(known.filter(|api| client.serves.contains(&api.name)).map(Arc::new));
    }
    Ok(Some(client.to_client(credentials, apis, serves)))
}

/// The client as an operator sees it.
pub(super) fn registration(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Option<Registration>> {
    let snapshot = connection.unchecked_transaction()?;
    Ok(load(&snapshot, id)?.map(|(client, _)| client))
}

/// A page of the clients that are asked for, behind an id.
pub(super) fn registrations(
    connection: &Connection,
    filter: &ClientFilter,
    after: &str,
    limit: u32,
) -> rusqlite::Result<Vec<Registration>> {
    let snapshot = connection.unchecked_transaction()?;
    let ids = match &filter.search {
        None => ids(&snapshot, filter, (after, limit), (Place::Names, None))?,
        Some(text) => {
            let pattern = (containing(text), None);
            let mut named = ids(&snapshot, filter, (after, limit), (Place::Names, Some(pattern)))?;
            let range = beginning(text, after);
            named.extend(ids(&snapshot, filter, (after, limit), (Place::Ids, Some(range)))?);
            named.sort_unstable();
            named.dedup();
            named.truncate(limit as usize);
            named
        }
    };
    let mut page = Vec::with_capacity(ids.len());
    for id in ids {
        page.extend(load(&snapshot, &id)?.map(|(client, _)| client));
    }
    Ok(page)
}

/// The ids of clients that are asked for in one place, in their order.
fn ids(
    snapshot: &Connection,
    filter: &ClientFilter,
    (after, limit): (&str, u32),
    (place, found_by): (Place, Option<(String, Option<String>)>),
) -> rusqlite::Result<Vec<String>> {
    let (found_by, up_to) = found_by.unzip();
    let state = filter.state.map(ClientState::as_str);
    let (kind, id) = (&filter.owner_kind, &filter.owner_id);
    let parameters = params![after, limit, kind, id, state, found_by, up_to.flatten()];
    let mut statement = snapshot.prepare_cached(&questions::clients(filter, place))?;
    statement.query_map(parameters, |row| row.get(0))?.collect()
}

/// The ids that begin like this and are behind one: from the first text up to the second.
fn beginning(text: &str, after: &str) -> (String, Option<String>) {
    // Signs below and above all that an id may have (`ClientId`).
    let from = format!("{after}\u{1}").max(text.to_owned());
    (from, Some(format!("{text}\u{7f}")))
}

pub(super) fn load(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Option<(Registration, Vec<Credential>)>> {
    let mut statement = connection.prepare_cached(sql::CLIENT)?;
    let Some(mut client) = statement.query_row([id], rows::registration).optional()? else {
        return Ok(None);
    };
    let mut statement = connection.prepare_cached(sql::CREDENTIALS)?;
    let found = statement.query_map([id], rows::credential)?.collect::<Result<Vec<_>, _>>()?;
    let (credentials, summaries) = found.into_iter().unzip();
    client.credentials = summaries;
    client.permissions = names(connection, sql::CLIENT_PERMISSIONS, id)?;
    client.roles = names(connection, sql::CLIENT_ROLES, id)?;
    Ok(Some((client, credentials)))
}

/// One column of names.
pub(super) fn names<T: std::str::FromStr<Err: std::fmt::Display>>(
    connection: &Connection,
    statement: &str,
    of: &str,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(statement)?.query_map([of], |row| rows::parse(row, 0))?.collect()
}
