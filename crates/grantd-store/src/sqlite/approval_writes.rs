//! Writing approvals: a code is spent once, a refresh token once, and what is ended says so to the feed.

use grantd_core::{Approval, ApprovalId, ClientId, RefreshState, SecretHash, Timestamp, UserId};
use grantd_issuer::{
    Consent, MOST_APPROVALS, Presented, Redeem, RegistryError, Rotate, Stamp, StorageFault,
    audit::Deed, change_log::Changed,
};
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::{
    approvals::consent,
    lane::fault,
    record::{execute, log, record},
    rows, statements as sql,
};

/// Keeps an approval, and that the user was asked.
pub(super) fn approve(
    connection: &Connection,
    approval: &Approval,
    code: &SecretHash,
    asked: Option<&Stamp>,
) -> Result<(), StorageFault> {
    let (user, client) = (approval.user.to_string(), approval.client.as_str());
    let terms = &approval.code;
    let row = params![
        approval.id.to_string(),
        user,
        client,
        approval.api,
        approval.scope,
        approval.given_at.micros(),
        code.as_bytes(),
        terms.redirect_uri,
        terms.challenge.as_ref().map(grantd_core::CodeChallenge::as_bytes),
        terms.ends_at.micros(),
        approval.ends_at.micros(),
    ];
    execute(connection, sql::INSERT_APPROVAL, row)?;
    let row = params![user, client, MOST_APPROVALS];
    end(connection, sql::END_OLDEST_APPROVALS, row, approval.given_at)?;
    asked.map_or(Ok(()), |stamp| remember(connection, approval, stamp))
}

/// Spends a code, or ends the approval of one that was spent before.
pub(super) fn redeem(
    connection: &Connection,
    id: ApprovalId,
    redeem: &Redeem,
) -> Result<Presented, StorageFault> {
    let row = params![
        id.to_string(),
        redeem.family.as_ref().map(SecretHash::as_bytes),
        redeem.family.map(|_| 1),
        redeem.at.micros(),
        redeem.ends_at.micros(),
    ];
    if execute(connection, sql::SPEND_CODE, row)? > 0 {
        note_use(connection, id, redeem.at)?;
        return Ok(Presented::Good(u32::from(redeem.family.is_some())));
    }
    end_again(connection, id, redeem.at)
}

/// Goes on to the next refresh token, or ends the approval of one that may not be presented.
pub(super) fn rotate(
    connection: &Connection,
    id: ApprovalId,
    rotate: &Rotate,
) -> Result<Presented, StorageFault> {
    let found = connection.prepare_cached(sql::REFRESH_STATE).and_then(|mut statement| {
        statement.query_row([id.to_string()], |row| rows::refresh_state(row, 0)).optional()
    });
    let state: Option<RefreshState> = found.map_err(|error| fault(&error))?.flatten();
    let Some(state) = state else { return Ok(Presented::Gone) };
    if !state.accepts(rotate.number, rotate.retry, rotate.at) {
        return end_again(connection, id, rotate.at);
    }
    let next = rotate.number.saturating_add(1);
    if state.number == rotate.number {
        let row = params![id.to_string(), next, rotate.at.micros(), rotate.ends_at.micros()];
        execute(connection, sql::ROTATE_REFRESH, row)?;
        note_use(connection, id, rotate.at)?;
    }
    Ok(Presented::Good(next))
}

/// Takes a consent back, with all approvals that it stood behind.
pub(super) fn disconnect(
    connection: &Connection,
    user: UserId,
    client: &ClientId,
    stamp: &Stamp,
) -> Result<bool, StorageFault> {
    let before = consent(connection, user, client).map_err(|error| fault(&error))?;
    let Some(before) = before else { return Ok(false) };
    let row = [user.to_string(), client.to_string()];
    end(connection, sql::END_APPROVALS_BETWEEN, row.clone(), stamp.at)?;
    execute(connection, sql::DELETE_CONSENT, row)?;
    let deed = Deed::on("consent.withdraw", "client", client, (Some(&before), None));
    record(connection, &deed, &[], stamp).map_err(plain)?;
    Ok(true)
}

/// Ends the approvals that the statement deletes; their tokens are dead.
pub(super) fn end(
    connection: &Connection,
    statement: &str,
    meant: impl Params,
    now: Timestamp,
) -> Result<(), StorageFault> {
    let ended: rusqlite::Result<Vec<_>> =
        connection.prepare_cached(statement).and_then(|mut statement| {
            let ids = statement.query_map(meant, |row| rows::parse(row, 0))?;
            ids.map(|id| id.map(Changed::Approval)).collect()
        });
    log(connection, &ended.map_err(|error| fault(&error))?, now)
}

fn end_again(
    connection: &Connection,
    id: ApprovalId,
    now: Timestamp,
) -> Result<Presented, StorageFault> {
    let id = id.to_string();
    let known = super::record::question::<i64>(connection, sql::HAS_APPROVAL, [&id])?;
    end(connection, sql::END_APPROVAL, [&id], now)?;
    Ok(if known.is_some() { Presented::Again } else { Presented::Gone })
}

fn remember(
    connection: &Connection,
    approval: &Approval,
    stamp: &Stamp,
) -> Result<(), StorageFault> {
    let before = consent(connection, approval.user, &approval.client);
    let before = before.map_err(|error| fault(&error))?;
    let after = Consent::after(before.as_ref(), approval, stamp.at);
    let row = params![
        after.user.to_string(),
        after.client.as_str(),
        super::client_writes::scope_text(&after.permissions),
        after.given_at.micros(),
    ];
    execute(connection, sql::PUT_CONSENT, row)?;
    let deed = Deed::on("consent.give", "client", &after.client, (before.as_ref(), Some(&after)));
    record(connection, &deed, &[], stamp).map_err(plain)
}

fn note_use(connection: &Connection, id: ApprovalId, at: Timestamp) -> Result<(), StorageFault> {
    execute(connection, sql::CONSENT_USED, params![id.to_string(), at.micros()]).map(drop)
}

/// Writing the audit log contradicts nothing.
fn plain(error: RegistryError) -> StorageFault {
    match error {
        RegistryError::Storage(fault) => fault,
        RegistryError::Conflict(conflict) => StorageFault::plain(conflict.to_string()),
    }
}
