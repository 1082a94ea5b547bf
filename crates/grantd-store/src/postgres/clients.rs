//! Reading clients: whole for a decision, whole for an operator.

use std::sync::Arc;

use grantd_core::{Client, ClientId, ClientState};
use grantd_issuer::{ClientFilter, Registration, StorageFault, client_change::ClientRecord};

use super::{
    link::{Ask, Link},
    parameters::{wanted, with},
    rows::{self, value},
    statements as sql,
};
use crate::pattern::containing;

/// The client as decisions need it, of one moment, in one journey.
pub(super) async fn client(link: &Link, id: &str) -> Result<Option<Client>, StorageFault> {
    let id = wanted(id);
    let answers = link
        .together(&[
            (sql::REGISTRATIONS, with![vec![id]]),
            (sql::CLIENT_APIS, with![id]),
            (sql::SERVED_APIS, with![id]),
        ])
        .await?;
    let [client, apis, served] = &answers[..] else { return Ok(None) };
    let Some(client) = client.first() else { return Ok(None) };
    let (client, credentials) = rows::registration(client)?;
    let served = served.iter().map(|row| rows::api(row).map(Arc::new)).collect::<Result<_, _>>()?;
    Ok(Some(client.to_client(credentials, rows::client_apis(apis)?, served)))
}

/// A client with what its secrets are compared with.
pub(super) async fn record(ask: &impl Ask, id: &str) -> Result<Option<ClientRecord>, StorageFault> {
    let row = ask.row(sql::REGISTRATIONS, with![vec![wanted(id)]]).await?;
    let record = |row| {
        let (client, credentials) = rows::registration(&row)?;
        Ok(ClientRecord { client, credentials })
    };
    row.map(record).transpose()
}

/// A page of the clients that are asked for, behind an id. One that is deleted between its two
/// questions is shown as it is then.
pub(super) async fn page(
    link: &Link,
    filter: &ClientFilter,
    after: Option<&ClientId>,
    limit: u32,
) -> Result<Vec<Registration>, StorageFault> {
    let text = |text: &Option<String>| text.as_deref().map(wanted).map(ToOwned::to_owned);
    let row = with![
        after.map(ClientId::as_str).unwrap_or_default(),
        i64::from(limit),
        text(&filter.owner_kind),
        text(&filter.owner_id),
        filter.state.map(ClientState::as_str),
        // Nothing is called by a text with NUL, but everything by an empty one.
        filter.search.as_deref().map(|text| containing(text).replace('\0', "\u{1}")),
        filter.search.as_deref().map(|text| text.replace('\0', "\u{1}")),
    ];
    let ids = link.rows(sql::CLIENT_IDS, row).await?;
    let ids = ids.iter().map(|row| value::<&str>(row, "id")).collect::<Result<Vec<_>, _>>()?;
    let found = link.rows(sql::REGISTRATIONS, with![ids]).await?;
    found.iter().map(|row| Ok(rows::registration(row)?.0)).collect()
}
