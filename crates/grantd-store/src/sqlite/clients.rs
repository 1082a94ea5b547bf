//! Reading clients: whole for a decision, whole for an operator.

use std::sync::Arc;

use grantd_core::{Client, ClientApi, ClientState, Credential};
use grantd_issuer::{ClientFilter, Registration};
use rusqlite::{Connection, OptionalExtension, params};

use super::{catalog, rows, statements as sql};

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
    let of_one_owner = filter.owner_id.is_some();
    let statement = if of_one_owner { sql::CLIENTS_OF_OWNER } else { sql::CLIENTS_AFTER };
    let mut statement = snapshot.prepare_cached(statement)?;
    let state = filter.state.map(ClientState::as_str);
    let pattern = filter.search.as_deref().map(containing);
    let parameters = params![after, limit, filter.owner_kind, filter.owner_id, state, pattern];
    let ids: Vec<String> =
        statement.query_map(parameters, |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut page = Vec::with_capacity(ids.len());
    for id in ids {
        page.extend(load(&snapshot, &id)?.map(|(client, _)| client));
    }
    Ok(page)
}

/// The LIKE pattern for texts that contain this one.
pub(super) fn containing(text: &str) -> String {
    // No name or id is longer, so what is in none of them stays so; SQLite refuses huge patterns.
    let text: String = text.chars().take(256).collect();
    let literal = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{literal}%")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_is_sorted_and_a_search_reads_an_index_instead_of_whole_clients() {
        let mut open = Connection::open_in_memory().unwrap();
        super::super::migrations::run(&mut open).unwrap();
        let indexes = [
            (sql::CLIENTS_AFTER, "USING COVERING INDEX clients_shown (id>?)"),
            (sql::CLIENTS_OF_OWNER, "INDEX clients_owner (owner_type=? AND owner_id=? AND id>?)"),
        ];
        for (statement, index) in indexes {
            let mut explain = open.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            let steps = explain.raw_query().mapped(|row| row.get::<_, String>(3));
            let plan: Vec<_> = steps.map(Result::unwrap).collect();
            assert!(plan.len() == 1 && plan[0].contains(index), "{plan:?}");
        }
    }
}
