//! Writing approvals: a code is spent once, a refresh token once, and what is ended says so to the feed.

use grantd_core::{
    Approval, ApprovalId, ClientId, CodeChallenge, RefreshState, SecretHash, Timestamp, UserId,
};
use grantd_issuer::{
    Consent, MOST_APPROVALS, MOST_CODES, NewApproval, Presented, Redeem, RegistryError, Rotate,
    Stamp, StorageFault, audit::Deed, change_log::Changed,
};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::{
    approvals::consent,
    lane::fault,
    record::{execute, log, record},
    rows, statements as sql,
};

/// Keeps an approval and what is remembered of it; `false`: something is not as it was.
pub(super) fn approve(connection: &Connection, new: &NewApproval) -> Result<bool, StorageFault> {
    let NewApproval { approval, asked, .. } = new;
    if asked.is_none() {
        let known = consent(connection, approval.user, &approval.client);
        let known = known.map_err(|error| fault(&error))?;
        if !known.is_some_and(|known| known.covers(&approval.scope)) {
            return Ok(false);
        }
    }
    if !insert(connection, new)? {
        return Ok(false);
    }
    let row = params![approval.user.to_string(), approval.client.as_str(), MOST_CODES];
    execute(connection, sql::DISCARD_OLDEST_CODES, row)?;
    asked.as_ref().map_or(Ok(()), |stamp| remember(connection, approval, stamp))?;
    Ok(true)
}

fn insert(connection: &Connection, new: &NewApproval) -> Result<bool, StorageFault> {
    let (approval, terms) = (&new.approval, &new.approval.code);
    let row = params![
        approval.id.to_string(),
        approval.user.to_string(),
        approval.client.as_str(),
        approval.api,
        approval.scope,
        approval.given_at.micros(),
        new.code.as_bytes(),
        terms.redirect_uri,
        terms.challenge.as_ref().map(CodeChallenge::as_bytes),
        terms.ends_at.micros(),
        approval.ends_at.micros(),
        new.user_generation.cast_signed(),
        new.client_generation.cast_signed(),
    ];
    Ok(execute(connection, sql::INSERT_APPROVAL, row)? > 0)
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
    let spent = connection.prepare_cached(sql::SPEND_CODE).and_then(|mut statement| {
        let pair = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        statement.query_row(row, pair).optional()
    });
    let Some((user, client)) = spent.map_err(|error| fault(&error))? else {
        return end_reused(connection, id, redeem.at);
    };
    note_use(connection, id, redeem.at)?;
    let row = params![user, client, MOST_APPROVALS];
    end(connection, sql::END_OLDEST_APPROVALS, row, redeem.at)?;
    Ok(Presented::Good(u32::from(redeem.family.is_some())))
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
        return end_reused(connection, id, rotate.at);
    }
    let next = rotate.number.saturating_add(1);
    execute(connection, sql::KEEP_APPROVAL, params![id.to_string(), rotate.ends_at.micros()])?;
    if state.number == rotate.number {
        let family = rotate.family.as_bytes();
        let row = params![id.to_string(), next, rotate.at.micros(), family];
        execute(connection, sql::ROTATE_REFRESH, row)?;
        note_use(connection, id, rotate.at)?;
    }
    Ok(Presented::Good(next))
}

/// A permission that is gone is in no consent and in no approval; one that had nothing else ends.
pub(super) fn forget_permission(
    connection: &Connection,
    name: &str,
    now: Timestamp,
) -> Result<(), StorageFault> {
    end(connection, sql::END_APPROVALS_FOR_ONE_PERMISSION, [name], now)?;
    execute(connection, sql::TAKE_FROM_APPROVALS, [name])?;
    execute(connection, sql::TAKE_FROM_CONSENTS, [name]).map(drop)
}

/// Takes a consent back, with all approvals that it stood behind.
pub(super) fn disconnect(
    connection: &Connection,
    user: UserId,
    client: &ClientId,
    stamp: &Stamp,
) -> Result<bool, StorageFault> {
    let before = consent(connection, user, client).map_err(|error| fault(&error))?;
    let row = [user.to_string(), client.to_string()];
    let ended = end(connection, sql::END_APPROVALS_BETWEEN, row.clone(), stamp.at)?;
    execute(connection, sql::DELETE_CONSENT, row)?;
    if let Some(before) = &before {
        let deed = Deed::on("consent.withdraw", "client", client, (Some(before), None));
        record(connection, &deed, &[], stamp).map_err(RegistryError::into_fault)?;
    }
    Ok(!ended.is_empty() || before.is_some())
}

/// An approval that is deleted.
pub(super) struct Ended {
    id: ApprovalId,
    /// Whether a token may have come of it.
    spent: bool,
    user: UserId,
    client: ClientId,
}

/// Ends the approvals that the statement deletes, and says so to the feed where tokens came of them.
pub(super) fn end(
    connection: &Connection,
    statement: &str,
    meant: impl Params,
    now: Timestamp,
) -> Result<Vec<Ended>, StorageFault> {
    let ended = delete(connection, statement, meant)?;
    let told = ended.iter().filter(|one| one.spent).map(|one| Changed::Approval(one.id));
    log(connection, &told.collect::<Vec<_>>(), now)?;
    Ok(ended)
}

fn delete(
    connection: &Connection,
    statement: &str,
    meant: impl Params,
) -> Result<Vec<Ended>, StorageFault> {
    let ended = |row: &Row<'_>| {
        Ok(Ended {
            id: rows::parse(row, 0)?,
            spent: row.get(1)?,
            user: rows::parse(row, 2)?,
            client: rows::parse(row, 3)?,
        })
    };
    let all = connection
        .prepare_cached(statement)
        .and_then(|mut statement| statement.query_map(meant, ended)?.collect());
    all.map_err(|error| fault(&error))
}

/// What was presented before is in two hands: all that came of it dies, and operators are told.
fn end_reused(
    connection: &Connection,
    id: ApprovalId,
    at: Timestamp,
) -> Result<Presented, StorageFault> {
    let ended = delete(connection, sql::END_APPROVAL, [id.to_string()])?;
    let [Ended { user, client, .. }] = ended.as_slice() else { return Ok(Presented::Gone) };
    let stamp = Stamp::of_client(client, at);
    let deed = Deed::reused(id, *user, client);
    record(connection, &deed, &[Changed::Approval(id)], &stamp)
        .map_err(RegistryError::into_fault)?;
    Ok(Presented::Again)
}

fn remember(
    connection: &Connection,
    approval: &Approval,
    stamp: &Stamp,
) -> Result<(), StorageFault> {
    let before = consent(connection, approval.user, &approval.client);
    let before = before.map_err(|error| fault(&error))?;
    let after = Consent::after(before.as_ref(), approval, stamp.at);
    if before.as_ref() == Some(&after) {
        return Ok(());
    }
    let row = params![
        after.user.to_string(),
        after.client.as_str(),
        super::client_writes::scope_text(&after.permissions),
        after.given_at.micros(),
    ];
    execute(connection, sql::PUT_CONSENT, row)?;
    let deed = Deed::on("consent.give", "client", &after.client, (before.as_ref(), Some(&after)));
    record(connection, &deed, &[], stamp).map_err(RegistryError::into_fault)
}

fn note_use(connection: &Connection, id: ApprovalId, at: Timestamp) -> Result<(), StorageFault> {
    execute(connection, sql::CONSENT_USED, params![id.to_string(), at.micros()]).map(drop)
}
